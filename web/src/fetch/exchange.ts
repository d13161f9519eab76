/** One request and its answer, as the page has them: the Worker speaks HTTP. */

import { Pieces } from '../body.js';
import type { Channel } from '../channel.js';
import { abortReason, EthertabError, type PlainError, quiet } from '../errors.js';
import type { Bytes, HttpHead, Id } from '../messages.js';
import { ByteReader } from '../streams.js';
import { failed } from './failure.js';
import { type Asked, fieldsToSend } from './request.js';

/** The exchanges that the Worker may ask, and tell, something. */
export type Exchanges = Map<Id, Exchange>;

export class Exchange {
  /** What came behind a body in chunks, once it has been read. */
  readonly trailers: Promise<Headers>;
  /** What the answer's body failed with. */
  broken: { error: unknown } | null = null;

  readonly #channel: Channel;
  readonly #exchanges: Exchanges;
  readonly #id: Id;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => {
    const reason = abortReason(this.#signal as AbortSignal);
    this.abort(reason);
    this.#aborted?.(reason);
  };
  #aborted: ((reason: unknown) => void) | null = null;
  #pieces: Pieces | null = null;
  readonly #trailers = new Headers();
  #settleTrailers!: { resolve(trailers: Headers): void; reject(error: unknown): void };

  constructor(channel: Channel, exchanges: Exchanges, signal: AbortSignal | undefined) {
    this.#channel = channel;
    this.#exchanges = exchanges;
    this.#id = channel.newId();
    this.#signal = signal;
    this.trailers = quiet(
      new Promise((resolve, reject) => {
        this.#settleTrailers = { resolve, reject };
      }),
    );
  }

  /** Sends a request; resolves to the head of the answer. */
  async send(asked: Asked, acceptEncoding: string, connectTimeout: number | null): Promise<HttpHead> {
    const signal = this.#signal;
    if (signal?.aborted) {
      throw abortReason(signal);
    }
    const { url, method, body } = asked;
    this.#pieces = body?.stream ? new Pieces(body.stream()) : null;
    this.#exchanges.set(this.#id, this);
    signal?.addEventListener('abort', this.#onAbort);
    const secure = url.protocol === 'https:';
    const request = {
      secure,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port || (secure ? 443 : 80)),
      method,
      target: url.pathname + url.search,
      headers: fieldsToSend(asked, acceptEncoding),
      body: this.#pieces ? ('pieces' as const) : whole(asked),
      bodyLength: body?.length ?? null,
      connectTimeout,
    };
    try {
      return await Promise.race([this.#channel.call('httpRequest', [this.#id, request]), this.#abortion()]);
    } catch (error) {
      this.#over(error);
      throw signal?.aborted
        ? error
        : failed(this.#pieces?.failure ? this.#pieces.failure.thrown : error, `${method} ${url.href}`);
    }
  }

  /** The next piece of the request's body; `null`: the end. */
  async next(): Promise<Bytes | null | PlainError> {
    return this.#pieces ? this.#pieces.next() : null;
  }

  /** Takes what comes behind the body. */
  takeTrailers(fields: [string, string][]): void {
    for (const [name, value] of fields) {
      this.#trailers.append(name, value);
    }
  }

  /** The answer's body. */
  body(): ReadableStream<Bytes> {
    const reader = new ByteReader({
      credit: (bytes) => this.#channel.tell('httpCredit', [this.#id, bytes]),
      cancel: (reason) => this.abort(reason),
      ended: (error) => this.#over(error),
    });
    this.#aborted = (reason) => {
      this.break(reason);
      reader.abort(reason);
    };
    this.#channel.receive(this.#id, {
      push: (piece) => reader.push(piece),
      end: () => reader.end(),
      fail: (error) => {
        const reason = failed(error, 'the answer broke off');
        this.break(reason);
        reader.fail(reason);
      },
    });
    return reader.readable;
  }

  /** Nobody wants the body, or there is none: the connection may serve another request. */
  discard(): void {
    this.#channel.tell('httpDiscard', [this.#id]);
    this.#over();
  }

  /** The body turned out to be none, though it came well. */
  break(error: unknown): void {
    this.broken ??= { error };
  }

  abort(reason: unknown): void {
    this.#channel.tell('httpAbort', [this.#id]);
    this.#over(reason ?? new EthertabError('ECONNABORTED', 'the answer was not read to its end'));
  }

  #abortion(): Promise<never> {
    return new Promise((_, reject) => {
      this.#aborted = reject;
    });
  }

  #over(error?: unknown): void {
    this.#channel.forget(this.#id);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#pieces?.cancel(error ?? new EthertabError('ECONNABORTED', 'the request is over'));
    this.#exchanges.delete(this.#id);
    if (error === undefined) {
      this.#settleTrailers.resolve(this.#trailers);
    } else {
      this.#settleTrailers.reject(error);
    }
  }
}

/** A body that is at hand. Where one is usual, none is said to be empty. */
function whole({ method, body }: Asked): Bytes | null {
  return body?.whole ?? (method === 'POST' || method === 'PUT' || method === 'PATCH' ? new Uint8Array(0) : null);
}
