/** Where the browser keeps what is remembered, or what stands in for it where the browser lets nothing be kept. */

export type Kept = Pick<Storage, 'getItem' | 'setItem'>;

/** Holds nothing, and throws what the browser threw when something is to be kept. */
class Nowhere implements Kept {
  readonly #reason: unknown;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  getItem(): null {
    return null;
  }

  setItem(): void {
    throw this.#reason;
  }
}

/** Never throws: with cookies blocked, even to look at `localStorage` does. */
export function browserStorage(): Kept {
  try {
    return localStorage;
  } catch (error) {
    return new Nowhere(error);
  }
}
