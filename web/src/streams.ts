/** Bytes in and out of the Worker as web streams. */

import type { Channel } from './channel.js';
import { invalid } from './errors.js';
import type { Bytes } from './messages.js';

/** Bytes that one call moves at most. */
export const LARGEST_PIECE = 256 * 1024;

/** Bytes that wait in a readable for its reader, and bytes on their way to the stack before a write has to wait. */
const WINDOW = 256 * 1024;

const encoder = new TextEncoder();

/** What the program handed in, as bytes that are still its own. */
function view(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') {
    return encoder.encode(chunk);
  }
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof ArrayBuffer) {
    return new Uint8Array(chunk);
  }
  throw invalid('only Uint8Array, ArrayBuffer and string can be sent');
}

/** A copy, which may be given away. */
export function copyBytes(chunk: unknown): Bytes {
  return new Uint8Array(view(chunk));
}

export interface Source {
  /** The next bytes; `null` at the end. */
  read(limit: number): Promise<Bytes | null>;
  /** The reader has no more interest. */
  cancel(reason: unknown): void;
  /** It has ended: in order without an error. */
  ended(error?: unknown): void;
}

/** A readable byte stream that its owner can end as well. */
export class ByteReader {
  readonly readable: ReadableStream<Bytes>;
  #controller!: ReadableByteStreamController;
  #over = false;

  constructor(source: Source) {
    this.readable = new ReadableStream(
      {
        type: 'bytes',
        start: (controller: ReadableByteStreamController) => {
          this.#controller = controller;
        },
        pull: async (controller: ReadableByteStreamController) => {
          try {
            const limit = controller.byobRequest?.view?.byteLength ?? LARGEST_PIECE;
            const bytes = await source.read(Math.min(limit, LARGEST_PIECE));
            if (this.#over) {
              return;
            }
            if (bytes) {
              controller.enqueue(bytes);
            } else {
              this.end();
              source.ended();
            }
          } catch (error) {
            if (!this.#over) {
              this.fail(error);
              source.ended(error);
            }
          }
        },
        cancel: (reason) => {
          this.#over = true;
          source.cancel(reason);
        },
      },
      { highWaterMark: WINDOW },
    );
  }

  /** Ends the stream in order. */
  end(): void {
    if (!this.#over) {
      this.#over = true;
      this.#controller.close();
      this.#controller.byobRequest?.respond(0);
    }
  }

  fail(error: unknown): void {
    if (!this.#over) {
      this.#over = true;
      this.#controller.error(error);
    }
  }
}

/**
 * Bytes on their way to the Worker. A write is done at once while less than a window is under way; small writes that meet
 * others under way leave together.
 */
export class Outbox {
  readonly #send: (bytes: Bytes) => Promise<void>;
  #waiting: Bytes[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  #inFlightCalls = 0;
  #error: unknown;
  #failed = false;
  #wake: (() => void)[] = [];

  constructor(send: (bytes: Bytes) => Promise<void>) {
    this.#send = send;
  }

  /** Takes a chunk; resolves when more may follow. */
  async write(chunk: unknown): Promise<void> {
    this.#check();
    const bytes = view(chunk);
    for (let at = 0; at < bytes.byteLength; at += LARGEST_PIECE) {
      const piece = new Uint8Array(bytes.subarray(at, at + LARGEST_PIECE));
      this.#waiting.push(piece);
      this.#waitingBytes += piece.byteLength;
      this.#pump();
      while (this.#inFlight + this.#waitingBytes >= WINDOW) {
        await this.#progress();
      }
    }
  }

  /** Resolves when the stack has taken everything. */
  async drained(): Promise<void> {
    this.#check();
    while (this.#inFlight + this.#waitingBytes > 0) {
      await this.#progress();
    }
  }

  /** What is under way is lost. */
  fail(error: unknown): void {
    if (!this.#failed) {
      this.#failed = true;
      this.#error = error;
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    this.#woken();
  }

  #check(): void {
    if (this.#failed) {
      throw this.#error;
    }
  }

  async #progress(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.#check();
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) {
      wake();
    }
  }

  #pump(): void {
    // Two calls under way keep the Worker busy; what comes meanwhile gathers.
    while (this.#inFlightCalls < 2 && this.#waiting.length > 0) {
      const piece = this.#gather();
      const length = piece.byteLength;
      this.#inFlight += length;
      this.#inFlightCalls += 1;
      this.#send(piece).then(
        () => {
          this.#inFlight -= length;
          this.#inFlightCalls -= 1;
          this.#pump();
          this.#woken();
        },
        (error: unknown) => {
          this.#inFlight = 0;
          this.fail(error);
        },
      );
    }
  }

  #gather(): Bytes {
    const first = this.#waiting[0] as Bytes;
    let count = 1;
    let length = first.byteLength;
    while (count < this.#waiting.length && length + (this.#waiting[count] as Bytes).byteLength <= LARGEST_PIECE) {
      length += (this.#waiting[count] as Bytes).byteLength;
      count += 1;
    }
    const pieces = this.#waiting.splice(0, count);
    this.#waitingBytes -= length;
    if (count === 1) {
      return first;
    }
    const together = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      together.set(piece, at);
      at += piece.byteLength;
    }
    return together;
  }
}

/** Sends bytes with a call, giving their buffer away. */
export function sender(channel: Channel, socket: number): (bytes: Bytes) => Promise<void> {
  return (bytes) => channel.call('tcpWrite', [socket, bytes], [bytes.buffer]);
}
