/** HTTP exchanges in the Worker: connections that are used again, and bodies in both directions. */

import { EthertabError, fromPlain, type PlainError, quiet } from '../errors.js';
import type { Network } from '../generated/ethertab.js';
import type { Bytes, FromWorker, HttpHead, HttpRequest, Id } from '../messages.js';
import { type Exchange as Carried, MOST_AT_ONCE, Unprocessed } from './exchange.js';
import { byteLength, Feed, type Sink } from './feed.js';
import { type Claim, type Line, Lines, serverKey } from './lines.js';
import { Slots } from './slots.js';
import type { Tls } from './tls.js';

/** An answer that nobody wants is read to its end if it is no longer than this, in bytes and in milliseconds. */
const DISCARD_MOST = 64 * 1024;
const DISCARD_TIME = 2_000;
/** Requests under way in all, and those that may wait for their turn. */
const MOST_TOGETHER = 256;
const MOST_WAITING = 10_000;
/** RFC 9110 §9.2.2. */
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

/** A request is sent so often at most where the server says that it did not look at it. */
const TRIES = 10;

interface Exchange extends Claim {
  /** The server whose slot it holds. */
  slot: string | null;
  leave: () => void;
  line: Line | null;
  response: Carried | null;
  feed: Feed;
  /** Who waits for a piece of the request's body. */
  wanted: { resolve(piece: Bytes | null): void; reject(error: unknown): void } | null;
}

export class Http {
  readonly #lines: Lines;
  readonly #tell: (message: FromWorker) => void;
  readonly #sink: (from: Id) => Sink;
  readonly #exchanges = new Map<Id, Exchange>();
  readonly #slots = new Slots(MOST_AT_ONCE, MOST_TOGETHER, MOST_WAITING);

  /** `tls` loads what makes connections secure; `sink`: where an answer's body goes. */
  constructor(network: Network, tls: () => Promise<Tls>, tell: (message: FromWorker) => void, sink: (from: Id) => Sink) {
    this.#lines = new Lines(network, tls);
    this.#tell = tell;
    this.#sink = sink;
  }

  async request(id: Id, request: HttpRequest): Promise<HttpHead> {
    const exchange = this.#exchange(id);
    const key = serverKey(request);
    const { method, target, headers, body, bodyLength } = request;
    let asked = false;
    const pieces = () => {
      if (this.#exchanges.get(id) !== exchange) {
        // Who would answer is gone.
        return Promise.resolve(null);
      }
      asked = true;
      return new Promise<Bytes | null>((resolve, reject) => {
        exchange.wanted = { resolve, reject };
        this.#tell({ type: 'httpWanted', exchange: id });
      });
    };
    try {
      await this.#slots.take(key, exchange.gone);
      exchange.slot = key;
      for (let tries = 1; ; tries += 1) {
        let fresh = true;
        try {
          await this.#lines.take(exchange, request, (line) => {
            fresh = !line.used;
            line.used = true;
            exchange.line = line;
            exchange.response = line.http.begin({ method, target, headers }, body === 'pieces' ? pieces : body, bodyLength);
          });
          await exchange.response?.receiveHead();
          return (exchange.response as Carried).head;
        } catch (error) {
          const again = !asked && !exchange.aborted && tries < TRIES && this.#mayGoAgain(exchange, method, fresh, error);
          this.#leave(exchange);
          if (!again) {
            throw error;
          }
        }
      }
    } catch (error) {
      this.#over(id, exchange);
      throw error;
    }
  }

  #exchange(id: Id): Exchange {
    let leave = () => {};
    const gone = quiet(
      new Promise<never>((_, reject) => {
        leave = () => reject(new EthertabError('ECONNABORTED', 'the request was aborted'));
      }),
    );
    const feed = new Feed(() => this.#read(id), this.#sink(id));
    const begun = { slot: null, line: null, securing: null, response: null, aborted: false, gone, leave, feed, wanted: null };
    this.#exchanges.set(id, begun);
    return begun;
  }

  /** It holds nothing any more. */
  #over(id: Id, exchange: Exchange): void {
    this.#exchanges.delete(id);
    if (exchange.slot !== null) {
      this.#slots.give(exchange.slot);
      exchange.slot = null;
    }
  }

  /** Whether a request that failed did no harm, if its body is still whole. */
  #mayGoAgain({ line, response }: Exchange, method: string, fresh: boolean, error: unknown): boolean {
    if (error instanceof Unprocessed) {
      if (line && error.http11) {
        this.#lines.avoidHttp2(line);
      }
      return true;
    }
    // A connection that had been waiting may have been closed by the server just then (RFC 9112 §9.3.1), if nothing was heard.
    return line !== null && response !== null && !fresh && !response.heard && IDEMPOTENT.includes(method);
  }

  /** The exchange failed. */
  #leave(exchange: Exchange): void {
    const { line, response } = exchange;
    exchange.line = null;
    exchange.response = null;
    if (response) {
      response.abort();
    } else if (line) {
      // Nothing was sent.
      this.#lines.give(line);
    }
  }

  piece(id: Id, piece: Bytes | null | PlainError): void {
    const exchange = this.#exchanges.get(id);
    const wanted = exchange?.wanted;
    if (exchange && wanted) {
      exchange.wanted = null;
      if (piece === null || piece instanceof Uint8Array) {
        wanted.resolve(piece);
      } else {
        wanted.reject(fromPlain(piece));
      }
    }
  }

  credit(id: Id, bytes: number): void {
    this.#exchanges.get(id)?.feed.credit(bytes);
  }

  async #read(id: Id): Promise<Bytes[] | undefined> {
    const exchange = this.#exchanges.get(id);
    if (!exchange?.response) {
      return;
    }
    try {
      const pieces = await exchange.response.read();
      if (!pieces && this.#exchanges.has(id)) {
        const { trailers } = exchange.response;
        if (trailers.length > 0) {
          this.#tell({ type: 'httpTrailers', exchange: id, fields: trailers });
        }
        this.#rest(exchange);
        this.#over(id, exchange);
      }
      return pieces;
    } catch (error) {
      this.abort(id);
      throw error;
    }
  }

  async discard(id: Id): Promise<void> {
    const timer = setTimeout(() => this.abort(id), DISCARD_TIME);
    let length = 0;
    try {
      for (let pieces = await this.#read(id); pieces; pieces = await this.#read(id)) {
        length += byteLength(pieces);
        if (length > DISCARD_MOST) {
          this.abort(id);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  abort(id: Id): void {
    const exchange = this.#exchanges.get(id);
    if (exchange) {
      exchange.aborted = true;
      exchange.leave();
      (exchange.response ?? exchange.securing)?.abort();
      exchange.wanted?.resolve(null);
      this.#over(id, exchange);
    }
  }

  /** The answer is read. */
  #rest({ line, wanted }: Exchange): void {
    wanted?.resolve(null);
    if (line) {
      this.#lines.give(line);
    }
  }
}
