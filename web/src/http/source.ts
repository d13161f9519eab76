/** The bytes of a connection, as whoever reads a protocol asks for them: so many, up to the end of a line or of a head, or what is there. */

import { EthertabError } from '../errors.js';
import type { Bytes } from '../messages.js';
import { characters, joined } from './characters.js';

const LF = 10;
const CR = 13;

/** The connection ended in the middle of something. */
export class EndedEarly extends EthertabError {
  constructor() {
    super('EHTTP', 'the connection ended before what was begun was complete');
  }
}

/** A line or a head is longer than it may be. */
export class TooLong extends EthertabError {
  /** Whether a line of it was complete at least. */
  readonly hasLine: boolean;

  constructor(limit: number, hasLine: boolean) {
    super('EHTTP', `longer than ${limit} bytes`);
    this.hasLine = hasLine;
  }
}

export class ByteSource {
  /** How long, in milliseconds, each wait for bytes may take before it fails with ETIMEDOUT. */
  patience = Number.POSITIVE_INFINITY;

  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #rest: Bytes = new Uint8Array(0);

  constructor(readable: ReadableStream<Bytes>) {
    this.#reader = readable.getReader();
  }

  /** Waits until there is something to be read; `false`: the connection has ended. */
  async ready(): Promise<boolean> {
    return this.#rest.byteLength > 0 || this.#fill();
  }

  /** What is there, at most `limit` bytes, in a buffer of its own; `null`: the end. */
  async some(limit: number): Promise<Bytes | null> {
    if (!(await this.ready())) {
      return null;
    }
    const taken = this.#take(Math.min(limit, this.#rest.byteLength));
    return taken.byteLength === taken.buffer.byteLength ? taken : taken.slice();
  }

  /** So many bytes; they may share a buffer with what follows. */
  async exactly(length: number): Promise<Bytes> {
    while (this.#rest.byteLength === 0 && length > 0) {
      await this.#more();
    }
    if (this.#rest.byteLength >= length) {
      return this.#take(length);
    }
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#rest.byteLength === 0) {
        await this.#more();
      }
      const piece = this.#take(Math.min(length - filled, this.#rest.byteLength));
      bytes.set(piece, filled);
      filled += piece.byteLength;
    }
    return bytes;
  }

  /** A line without its end (CRLF; RFC 9112 §2.2), one character a byte; at most `limit` bytes with it. */
  line(limit: number): Promise<string> {
    return this.#until(limit, (bytes, at) => (bytes[at] === LF ? at + 1 : 0)).then((text) => {
      if (!text.endsWith('\r\n')) {
        throw new EthertabError('EHTTP', 'a line ends without a carriage return');
      }
      return text.slice(0, -2);
    });
  }

  /** A start line and fields (RFC 9112 §2.1) up to and with the empty line behind them, one character a byte. */
  head(limit: number): Promise<string> {
    return this.#until(limit, (bytes, at) => {
      if (bytes[at] !== LF) {
        return 0;
      }
      const next = bytes[at + 1] === CR ? at + 2 : at + 1;
      return bytes[next] === LF ? next + 1 : 0;
    });
  }

  /** Passes over the empty lines that a client may have sent before a request (RFC 9112 §2.2); `false`: only the end is left. */
  async skipLineEnds(most: number): Promise<boolean> {
    for (let skipped = 0; await this.ready(); skipped += 1) {
      const [first] = this.#rest;
      if ((first !== CR && first !== LF) || skipped === most) {
        return true;
      }
      this.#take(1);
    }
    return false;
  }

  /** Gives back what was taken last and not needed. */
  putBack(bytes: Bytes): void {
    this.#rest = this.#rest.byteLength > 0 ? joined(bytes, this.#rest) : bytes;
  }

  /** Takes what `end`, asked at each position, says is complete: it returns where that ends, or 0. */
  async #until(limit: number, end: (bytes: Bytes, at: number) => number): Promise<string> {
    for (let at = 0; ; ) {
      // What decides may be three bytes long and not all there yet.
      for (at = Math.max(0, at - 3); at < this.#rest.byteLength; at += 1) {
        const length = end(this.#rest, at);
        if (length > limit) {
          throw new TooLong(limit, this.#rest.includes(LF));
        }
        if (length > 0) {
          return characters(this.#take(length));
        }
      }
      if (this.#rest.byteLength >= limit) {
        throw new TooLong(limit, this.#rest.includes(LF));
      }
      await this.#more();
    }
  }

  #take(length: number): Bytes {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    if (!(await this.#fill())) {
      throw new EndedEarly();
    }
  }

  async #fill(): Promise<boolean> {
    const { value, done } = await within(this.patience, this.#reader.read());
    if (done) {
      return false;
    }
    this.#rest = this.#rest.byteLength > 0 ? joined(this.#rest, value) : value;
    return true;
  }
}

/** Fails with ETIMEDOUT if `promise` takes longer than so many milliseconds. */
export async function within<T>(limit: number, promise: Promise<T>): Promise<T> {
  if (!Number.isFinite(limit)) {
    return promise;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EthertabError('ETIMEDOUT', `nothing came within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
