/** One HTTP/1.1 exchange after the other over a stream of bytes: TCP, or TLS over it. */

import { EthertabError } from '../errors.js';
import { joined } from '../http/characters.js';
import type { Field } from '../http/fields.js';
import { type BodyLength, chunk, LAST_CHUNK, type RequestHead, requestHead } from '../http/request.js';
import { owned, ResponseReader } from '../http/response.js';
import { type Bytes, type HttpHead, LARGEST_PIECE } from '../messages.js';
import type { Duplex } from './tls.js';

export type Line = Pick<Duplex, 'read' | 'write' | 'abort'>;

/** The body of a request: none, known as a whole, or asked for piece by piece, `null` at the end. */
export type Upload = Bytes | null | (() => Promise<Bytes | null>);

/** Requests under way to one server at most. */
export const MOST_AT_ONCE = 32;

/** A request under way, in whichever version of HTTP. */
export interface Exchange {
  /** Of no meaning before `receiveHead` resolved. */
  readonly head: HttpHead;
  /** Something of an answer has come. */
  readonly heard: boolean;
  /** What stood behind the body, once it is read to its end. */
  readonly trailers: Field[];
  /** Resolves once the head of the answer is there. */
  receiveHead(): Promise<void>;
  /** Bytes of the body, in buffers that may be given away; `undefined`: the end. */
  read(): Promise<Bytes[] | undefined>;
  abort(): void;
}

/** The server did not look at the request: it may be sent again, whatever it is (RFC 9113 §8.7). */
export class Unprocessed extends EthertabError {
  /** It wants HTTP/1.1 for it. */
  readonly http11: boolean;

  constructor(http11 = false) {
    super('ECONNRESET', http11 ? 'the server wants HTTP/1.1 for this' : 'the server did not take the request');
    this.http11 = http11;
  }
}

/** What carries them. */
export interface Carrier {
  begin(head: RequestHead, body: Upload, length: number | null): Exchange;
  /** Whether it may carry another one. */
  isReady(): boolean;
}

/** What HTTP/1.1 is spoken over. */
export class HttpConnection implements Carrier {
  readonly #line: Line;
  #last: HttpExchange | null = null;
  /** A read that was begun while nothing was expected. */
  #ahead: Promise<Bytes[] | undefined> | null = null;
  /** Whether the server has neither closed the connection that waits nor said anything on it. */
  #quiet = true;

  constructor(line: Line) {
    this.#line = line;
  }

  /** Begins to send a request (`length`: the bytes of a body that comes in pieces, if they are known); `receiveHead` waits for its answer. */
  begin(head: RequestHead, body: Upload, length: number | null): HttpExchange {
    const exchange = new HttpExchange(this, this.#line, head.method);
    const bytes = requestHead(head, bodyLength(body, length));
    this.#last = exchange;
    // Sending and receiving go on at once: a server may answer, and end, before it has heard everything.
    void exchange.send(bytes, body, length);
    return exchange;
  }

  /** Whether it may carry another request. */
  isReady(): boolean {
    return this.#quiet && (this.#last?.keepsAlive ?? true);
  }

  read(): Promise<Bytes[] | undefined> {
    const read = this.#ahead ?? this.#line.read(LARGEST_PIECE);
    this.#ahead = null;
    this.#quiet = true;
    return read;
  }

  /** The answer is complete: from now on the server should be silent. */
  watch(): void {
    const ahead = this.#line.read(LARGEST_PIECE);
    const heard = () => {
      // Unless a request was sent before, and waits for it.
      this.#quiet &&= this.#ahead !== ahead;
    };
    this.#ahead = ahead;
    ahead.then(heard, heard);
  }
}

/** A request and its answer. */
export class HttpExchange implements Exchange {
  readonly #connection: HttpConnection;
  readonly #line: Line;
  readonly #reader: ResponseReader;
  /** Bytes of the body that came together with the head. */
  #early: Bytes[] = [];
  /** What went wrong with the body. */
  #broken: { error: unknown } | null = null;
  /** Bytes of an answer have come. */
  heard = false;
  /** The whole request is written. */
  #sent = false;
  /** The server said more than its answer. */
  #surplus = false;
  /** What the source of the request's body failed with. */
  #uploadFailure: { thrown: unknown } | null = null;

  constructor(connection: HttpConnection, line: Line, method: string) {
    this.#connection = connection;
    this.#line = line;
    this.#reader = new ResponseReader(method);
  }

  get head(): HttpHead {
    return this.#reader.head ?? { status: 0, statusText: '', headers: [] };
  }

  /** What stood behind the body. */
  get trailers(): Field[] {
    return this.#reader.trailers;
  }

  get keepsAlive(): boolean {
    return this.#sent && this.#reader.keepsAlive && !this.#surplus && this.#early.length === 0;
  }

  /** A failure to write ends the sending. The answer may be there nevertheless; if not, the reader learns of it. */
  async send(head: Bytes, body: Upload, length: number | null): Promise<void> {
    try {
      if (typeof body === 'function') {
        await this.#line.write(head);
        await this.#sendPieces(body, length);
      } else {
        await this.#line.write(body ? joined(head, body) : head);
        this.#sent = true;
      }
    } catch {}
  }

  async #sendPieces(next: () => Promise<Bytes | null>, length: number | null): Promise<void> {
    for (let left = length ?? Number.POSITIVE_INFINITY; ; ) {
      let piece: Bytes | null;
      try {
        piece = await next();
        left -= piece?.byteLength ?? 0;
        if (left < 0 || (piece === null && length !== null && left > 0)) {
          throw new EthertabError('EINVAL', `the body is ${left < 0 ? 'longer' : 'shorter'} than its length`);
        }
      } catch (thrown) {
        this.#uploadFailure = { thrown };
        // The server must not take what came so far for the whole.
        this.#line.abort();
        return;
      }
      if (this.#reader.isComplete) {
        // Nobody wants the rest any more.
        return;
      }
      const framed = length === null ? (piece ? chunk(piece) : LAST_CHUNK) : piece;
      if (framed && framed.byteLength > 0) {
        await this.#line.write(framed);
      }
      if (piece === null) {
        this.#sent = true;
        return;
      }
    }
  }

  /** Resolves once the head of the answer is there. */
  async receiveHead(): Promise<void> {
    while (!this.#reader.head) {
      await this.#receive(this.#early);
    }
  }

  /** Bytes of the body, in buffers that may be given away; `undefined`: the end. */
  async read(): Promise<Bytes[] | undefined> {
    const body = this.#early;
    this.#early = [];
    while (body.length === 0) {
      if (this.#broken) {
        throw this.#broken.error;
      }
      if (this.#reader.isComplete) {
        return;
      }
      await this.#receive(body);
    }
    return body;
  }

  /** Gives the exchange up, and the connection with it. */
  abort(): void {
    this.#line.abort();
  }

  /** Reads once, and puts what there was of the body into `body`. */
  async #receive(body: Bytes[]): Promise<void> {
    try {
      const pieces = await this.#connection.read();
      if (!pieces) {
        this.#reader.endOfStream();
        return;
      }
      this.heard = true;
      for (const piece of pieces) {
        const parts: Bytes[] = [];
        try {
          const rest = this.#reader.receive(piece, parts);
          this.#surplus ||= rest.byteLength > 0;
        } finally {
          body.push(...owned(parts));
        }
      }
      if (this.#reader.keepsAlive) {
        this.#connection.watch();
      }
    } catch (error) {
      const reason = this.#uploadFailure ? this.#uploadFailure.thrown : error;
      if (!this.#reader.head) {
        throw reason;
      }
      // Who reads the body hears of it behind what came before.
      this.#broken = { error: reason };
    }
  }
}

/** How the end of a request's body is told. */
function bodyLength(body: Upload, length: number | null): BodyLength {
  if (typeof body === 'function') {
    return length ?? 'chunked';
  }
  return body?.byteLength ?? null;
}
