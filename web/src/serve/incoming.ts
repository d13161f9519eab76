/** A request as the handler holds it, and its body on the connection. */

import { EthertabError } from '../errors.js';
import { parseFields } from '../http/fields.js';
import { type ByteSource, EndedEarly, TooLong } from '../http/source.js';
import type { Bytes } from '../messages.js';
import { type Framing, Refusal } from './request-head.js';

/** Bytes of a body that are read at once. */
const PIECE = 256 * 1024;
/** A chunk's size and its extensions, at most (RFC 9112 §7.1.1). */
const LONGEST_CHUNK_LINE = 4 * 1024;
/** Trailers, at most; they are not given to anybody. */
const LONGEST_TRAILERS = 16 * 1024;

/** A request's body, read from the connection as somebody wants it. */
export class IncomingBody {
  /** `null`: the request has none. */
  readonly stream: ReadableStream<Bytes> | null;
  /** What made reading fail. */
  failure: unknown;

  readonly #source: ByteSource;
  readonly #chunked: boolean;
  readonly #limit: number;
  readonly #onWanted: () => Promise<void>;
  #controller: ReadableByteStreamController | null = null;
  /** Bytes left of the body, or of the chunk that is being read. */
  #left: number;
  #length = 0;
  #complete: boolean;
  #detached = false;
  #reading: Promise<unknown> = Promise.resolve();

  /** `limit`: bytes that it may have; `onWanted` is called before the first byte is waited for. */
  constructor(source: ByteSource, framing: Framing, limit: number, onWanted: () => Promise<void>) {
    this.#source = source;
    this.#chunked = framing === 'chunked';
    this.#limit = limit;
    this.#onWanted = onWanted;
    this.#left = framing === 'chunked' ? 0 : framing;
    this.#complete = framing === 0;
    this.stream = this.#complete ? null : this.#open();
  }

  /** Whether it has been read to its end. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Whether what is left is known to be longer than so many bytes. */
  exceeds(length: number): boolean {
    return !this.#complete && this.#left > length;
  }

  /** Takes it away from the handler, and passes over what is left if that is no longer than `most` bytes; whether the end was reached. */
  async drain(most: number): Promise<boolean> {
    if (!this.#detached && !this.#complete) {
      this.#detached = true;
      this.#controller?.error(new EthertabError('ECONNABORTED', 'the response is complete, and the request over with it'));
    }
    await this.#reading.catch(() => {});
    for (let length = 0; !this.#complete && this.failure === undefined; ) {
      const piece = await this.#next().catch(() => null);
      length += piece?.byteLength ?? 0;
      if (length > most) {
        return false;
      }
    }
    return this.#complete;
  }

  #open(): ReadableStream<Bytes> {
    return new ReadableStream(
      {
        type: 'bytes',
        start: (controller: ReadableByteStreamController) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#reading = this.#pull();
          return this.#reading as Promise<void>;
        },
        cancel: () => {
          this.#detached = true;
        },
      },
      // Nothing is read ahead: the socket does that.
      { highWaterMark: 0 },
    );
  }

  async #pull(): Promise<void> {
    await this.#onWanted();
    const piece = await this.#next();
    if (this.#detached) {
      return;
    }
    if (piece) {
      this.#controller?.enqueue(piece);
    } else {
      this.#controller?.close();
      this.#controller?.byobRequest?.respond(0);
    }
  }

  /** The next bytes; `null`: the end. */
  async #next(): Promise<Bytes | null> {
    if (this.#complete) {
      return null;
    }
    try {
      if (this.#chunked && this.#left === 0) {
        await this.#nextChunk();
      }
      if (this.#left === 0) {
        this.#complete = true;
        return null;
      }
      const piece = await this.#source.some(Math.min(this.#left, PIECE));
      if (!piece) {
        throw new EndedEarly();
      }
      this.#left -= piece.byteLength;
      this.#length += piece.byteLength;
      if (this.#chunked && this.#left === 0) {
        await this.#line('');
      }
      this.#complete = !this.#chunked && this.#left === 0;
      return piece;
    } catch (error) {
      this.failure = refusal(error);
      throw this.failure;
    }
  }

  /** RFC 9112 §7.1: a chunk's size; of the last chunk, the trailers too. */
  async #nextChunk(): Promise<void> {
    const [size = ''] = (await this.#source.line(LONGEST_CHUNK_LINE)).split(/[\t ]*;/, 1);
    if (!/^[0-9A-Fa-f]{1,13}$/.test(size)) {
      throw new Refusal(400, 'malformed chunk');
    }
    this.#left = Number.parseInt(size, 16);
    if (this.#length + this.#left > this.#limit) {
      throw new Refusal(413, 'the body is too large');
    }
    if (this.#left === 0) {
      await this.#trailers();
    }
  }

  async #trailers(): Promise<void> {
    for (let left = LONGEST_TRAILERS; ; ) {
      const line = await this.#source.line(left);
      left -= line.length + 2;
      if (line === '') {
        return;
      }
      if (!parseFields([line])) {
        throw new Refusal(400, 'malformed trailer');
      }
    }
  }

  async #line(expected: string): Promise<void> {
    if ((await this.#source.line(LONGEST_CHUNK_LINE)) !== expected) {
      throw new Refusal(400, 'malformed chunk');
    }
  }
}

/** What reading failed with, as the answer that says so, if there is one to be given. */
export function refusal(error: unknown): unknown {
  if (error instanceof Refusal || error instanceof EndedEarly || !(error instanceof EthertabError)) {
    return error;
  }
  if (error.code === 'ETIMEDOUT') {
    return new Refusal(408, 'the request took too long');
  }
  if (error instanceof TooLong) {
    return new Refusal(431, 'a part of the request is too long');
  }
  return error.code === 'EHTTP' ? new Refusal(400, error.message) : error;
}

/** A request with all of its fields, and with its body, which the platform would take neither of. */
export class IncomingRequest extends Request {
  readonly #headers: Headers;
  /** The platform knows how to read a body; a Response takes a stream in every browser, and for every method. */
  readonly #content: Response;

  constructor(url: string, init: { method: string; headers: Headers; content: Response; signal: AbortSignal }) {
    super(url, { method: init.method, signal: init.signal });
    this.#headers = init.headers;
    this.#content = init.content;
  }

  override get headers(): Headers {
    return this.#headers;
  }
  override get body(): ReadableStream<Bytes> | null {
    return this.#content.body as ReadableStream<Bytes> | null;
  }
  override get bodyUsed(): boolean {
    return this.#content.bodyUsed;
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    return this.#content.arrayBuffer();
  }
  override blob(): Promise<Blob> {
    return this.#content.blob();
  }
  override bytes(): Promise<Bytes> {
    return this.arrayBuffer().then((buffer) => new Uint8Array(buffer));
  }
  override formData(): Promise<FormData> {
    return this.#content.formData();
  }
  // biome-ignore lint/suspicious/noExplicitAny: as the platform types it
  override json(): Promise<any> {
    return this.#content.json();
  }
  override text(): Promise<string> {
    return this.#content.text();
  }
  override clone(): IncomingRequest {
    const { url, method, signal } = this;
    return new IncomingRequest(url, { method, headers: new Headers(this.#headers), content: this.#content.clone(), signal });
  }
}

/** Makes the request that the handler gets. */
export function incomingRequest(
  head: { method: string; url: string; fields: [string, string][] },
  body: ReadableStream<Bytes> | null,
  signal: AbortSignal,
): IncomingRequest {
  const headers = new Headers(head.fields);
  const type = headers.get('content-type');
  const content = new Response(body, type === null ? {} : { headers: { 'content-type': type } });
  return new IncomingRequest(head.url, { method: head.method, headers, content, signal });
}
