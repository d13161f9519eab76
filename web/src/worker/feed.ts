/** Pushes what a stream receives to the page, as far as the page's credit goes. */

import { type PlainError, toPlain } from '../errors.js';
import { type Bytes, LARGEST_PIECE } from '../messages.js';

/** Where pieces go; none are the end: in order, or by an error. */
export type Sink = (pieces: Bytes[], error: PlainError | null) => void;

export function byteLength(pieces: Bytes[]): number {
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
}

export class Feed {
  readonly #read: (limit: number) => Promise<Bytes[] | undefined>;
  readonly #sink: Sink;
  #credit = 0;
  #discarding = false;
  /** Also after the end: then there is nothing more to read. */
  #reading = false;
  /** What was asked for last and has not been pushed. */
  #asked: Promise<Bytes[] | undefined> | null = null;
  #left = false;

  /** `read` waits for bytes and takes at most so many; nothing is the end. */
  constructor(read: (limit: number) => Promise<Bytes[] | undefined>, sink: Sink) {
    this.#read = read;
    this.#sink = sink;
  }

  /** The page takes so many bytes more. */
  credit(bytes: number): void {
    this.#credit += bytes;
    if (!this.#reading) {
      this.#reading = true;
      void this.#run();
    }
  }

  /** The page wants nothing more but the end. */
  discard(): void {
    this.#discarding = true;
    this.credit(Number.POSITIVE_INFINITY);
  }

  /** Pushes nothing more. What was asked for and has not come is the first that whoever reads on gets. */
  leave(): Promise<Bytes[] | undefined> | null {
    this.#left = true;
    return this.#asked;
  }

  async #run(): Promise<void> {
    try {
      while (this.#credit > 0 && !this.#left) {
        this.#asked = this.#read(Math.min(this.#credit, LARGEST_PIECE));
        const pieces = await this.#asked;
        if (this.#left) {
          return;
        }
        this.#asked = null;
        if (!pieces) {
          this.#sink([], null);
          return;
        }
        this.#credit -= byteLength(pieces);
        if (!this.#discarding) {
          this.#sink(pieces, null);
        }
      }
      this.#reading = false;
    } catch (error) {
      if (!this.#left) {
        this.#sink([], toPlain(error));
      }
    }
  }
}
