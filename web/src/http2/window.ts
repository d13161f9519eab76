/** Flow control (RFC 9113 §5.2): what may still be sent, or still be received. */

/** No window may grow beyond (RFC 9113 §6.9.1). */
export const LARGEST_WINDOW = 2 ** 31 - 1;
/** Windows before anybody says anything else (RFC 9113 §6.9.2). */
export const FIRST_WINDOW = 65_535;

/** What we let the peer send: room for so many bytes that the program has not taken. */
export class ReceiveWindow {
  readonly #size: number;
  /** What the peer may still send. */
  #left: number;
  /** What was taken and not yet said. */
  #taken = 0;

  /** `left`: what the peer already knows of. */
  constructor(size: number, left = size) {
    this.#size = size;
    this.#left = left;
    this.#taken = size - left;
  }

  /** So many bytes arrived; `false`: they were not allowed. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** The program took so many bytes. Gives by how much the window is to be opened, 0 where it is not worth a frame yet. */
  take(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < this.#size / 2) {
      return 0;
    }
    const opened = this.#taken;
    this.#left += opened;
    this.#taken = 0;
    return opened;
  }
}

/** What the peer lets us send. */
export class SendWindow {
  /** Below zero after the peer made it smaller. */
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  /** `false`: larger than any window may be. */
  open(bytes: number): boolean {
    this.left += bytes;
    return this.left <= LARGEST_WINDOW;
  }
}
