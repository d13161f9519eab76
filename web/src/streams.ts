/** Bytes in and out of the Worker as web streams. */

import type { Channel, Receiver } from './channel.js';
import { invalid } from './errors.js';
import { type Bytes, LARGEST_PIECE } from './messages.js';

/**
 * Bytes that are on their way from the Worker or wait in a readable for its reader, and bytes on their way to the stack before a write
 * has to wait: what a fast path moves while the Worker and the page hear of each other.
 */
export const WINDOW = 2 * 1024 * 1024;

/** Credit that is worth a message. */
const CREDIT = WINDOW / 2;

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
  /** The reader takes so many bytes more. */
  credit(bytes: number): void;
  /** The reader has no more interest. */
  cancel(reason: unknown): void;
  /** It has ended: in order without an error. */
  ended(error?: unknown): void;
}

/** A readable byte stream of what is pushed; it gives credit for as much as it has room for. */
export class ByteReader implements Receiver {
  readonly readable: ReadableStream<Bytes>;
  readonly #source: Source;
  #controller!: ReadableByteStreamController;
  /** Bytes that were asked for and have not come. */
  #due = 0;
  #cancelled = false;
  #over = false;
  /** What follows when the reader has taken everything. */
  #last: (() => void) | null = null;

  constructor(source: Source) {
    this.#source = source;
    this.readable = new ReadableStream(
      {
        type: 'bytes',
        start: (controller: ReadableByteStreamController) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: (reason) => {
          this.#cancelled = true;
          this.#last = null;
          source.cancel(reason);
        },
      },
      { highWaterMark: WINDOW },
    );
  }

  push(piece: Bytes): void {
    this.#due -= piece.byteLength;
    if (!this.#over && !this.#cancelled) {
      this.#controller.enqueue(piece);
    }
  }

  end(): void {
    this.#end(() => {
      this.#controller.close();
      this.#controller.byobRequest?.respond(0);
    });
  }

  /** What came before the error is still for the reader, as it is with a kernel's sockets. */
  fail(error: unknown): void {
    this.#end(() => {
      this.#last = () => this.#controller.error(error);
      this.#pull();
    }, error);
  }

  /** An error at once, whatever waits for the reader. */
  abort(error: unknown): void {
    const act = () => this.#controller.error(error);
    if (this.#last) {
      this.#last = null;
      act();
    }
    this.#end(act, error);
  }

  #end(act: () => void, error?: unknown): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    if (!this.#cancelled) {
      act();
    }
    this.#source.ended(error);
  }

  #pull(): void {
    if (!this.#last) {
      this.#giveCredit();
    } else if (this.#controller.desiredSize === WINDOW) {
      this.#last();
      this.#last = null;
    }
  }

  /** Called whenever there is room: the stream's queue and what is due never exceed the window. */
  #giveCredit(): void {
    const room = (this.#controller.desiredSize ?? 0) - this.#due;
    if (room >= CREDIT) {
      this.#due += room;
      this.#source.credit(room);
    }
  }
}

/** Buffers that came back from the Worker and are filled again: new memory costs more than what is written to it. */
const spares: ArrayBuffer[] = [];
const MOST_SPARES = WINDOW / LARGEST_PIECE;

/** Calls under way that keep the Worker busy; what comes meanwhile gathers. */
const CALLS = 2;

/** Writes up to so much are copied into a buffer of their own size. */
const SMALL = 16 * 1024;

/**
 * Bytes on their way to the Worker. A write is done at once while less than a window is under way; writes that meet others under way
 * leave together.
 */
export class Outbox {
  readonly #send: (bytes: Bytes) => Promise<Bytes>;
  /** What leaves next, filled up to `#filled`. */
  #waiting: Bytes | null = null;
  #filled = 0;
  #inFlight = 0;
  #inFlightCalls = 0;
  #error: unknown;
  #failed = false;
  #wake: (() => void)[] = [];

  /** `send` resolves, once the stack has taken the bytes, to their buffer. */
  constructor(send: (bytes: Bytes) => Promise<Bytes>) {
    this.#send = send;
  }

  /** Takes a chunk; resolves when more may follow. */
  async write(chunk: unknown): Promise<void> {
    this.#check();
    let rest = view(chunk);
    while (rest.byteLength > 0) {
      rest = rest.subarray(this.#take(rest));
      this.#pump();
      while (this.#inFlight + this.#filled >= WINDOW) {
        await this.#progress();
      }
    }
  }

  /** Resolves when the stack has taken everything. */
  async drained(): Promise<void> {
    this.#check();
    while (this.#inFlight + this.#filled > 0) {
      await this.#progress();
    }
  }

  /** What is under way is lost. */
  fail(error: unknown): void {
    if (!this.#failed) {
      this.#failed = true;
      this.#error = error;
      this.#waiting = null;
      this.#filled = 0;
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

  /** Copies as much as the buffer that leaves next has room for; returns how much that was. */
  #take(bytes: Uint8Array): number {
    if (!this.#waiting) {
      const alone = this.#inFlightCalls < CALLS && bytes.byteLength <= SMALL;
      const buffer = alone ? new ArrayBuffer(bytes.byteLength) : (spares.pop() ?? new ArrayBuffer(LARGEST_PIECE));
      this.#waiting = new Uint8Array(buffer);
    }
    const taken = bytes.subarray(0, this.#waiting.byteLength - this.#filled);
    this.#waiting.set(taken, this.#filled);
    this.#filled += taken.byteLength;
    return taken.byteLength;
  }

  /** Sends what waits, if it is full or little is under way. */
  #pump(): void {
    const bytes = this.#waiting;
    if (!bytes || (this.#inFlightCalls >= CALLS && this.#filled < bytes.byteLength)) {
      return;
    }
    const length = this.#filled;
    this.#waiting = null;
    this.#filled = 0;
    this.#inFlight += length;
    this.#inFlightCalls += 1;
    this.#send(bytes.subarray(0, length)).then(
      ({ buffer }) => {
        if (buffer.byteLength === LARGEST_PIECE && spares.length < MOST_SPARES) {
          spares.push(buffer);
        }
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

/** Sends bytes with a call, giving their buffer away until they are taken. */
export function sender(channel: Channel, socket: number): (bytes: Bytes) => Promise<Bytes> {
  return (bytes) => channel.call('tcpWrite', [socket, bytes], [bytes.buffer]);
}
