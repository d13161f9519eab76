/** The latest of many things that have bytes, bounded in number and in bytes. */

/** What is kept at most. The bytes count because a frame can hold 64 KiB. */
export const capacity = 4000;
export const mostBytes = 16 * 1024 * 1024;
/** So much of that is left when it was full: the list need not move for every packet. */
const left = 0.9;

export class Latest<T> {
  readonly all: T[] = [];
  readonly #size: (item: T) => number;
  #bytes = 0;

  /** `size`: how many bytes an item has. */
  constructor(size: (item: T) => number) {
    this.#size = size;
  }

  add(item: T): void {
    this.all.push(item);
    this.#bytes += this.#size(item);
  }

  /** Gives the oldest up if there are too many; answers them. */
  trim(): T[] {
    if (this.all.length <= capacity && this.#bytes <= mostBytes) return [];
    let gone = 0;
    for (const item of this.all) {
      if (this.all.length - gone <= capacity * left && this.#bytes <= mostBytes * left) break;
      this.#bytes -= this.#size(item);
      gone += 1;
    }
    return this.all.splice(0, gone);
  }
}
