/** HTTP exchanges in the Worker: connections that are used again, and bodies in both directions. */

import { fromPlain, type PlainError } from '../errors.js';
import type { Network } from '../generated/ethertab.js';
import type { Bytes, FromWorker, HttpHead, HttpRequest, Id } from '../messages.js';
import { type Exchange as Carried, Unprocessed } from './exchange.js';
import { byteLength, Feed, type Sink } from './feed.js';
import { type Claim, type Line, Lines } from './lines.js';
import type { Tls } from './tls.js';

/** An answer that nobody wants is read to its end if it is no longer than this. */
const DISCARD_MOST = 64 * 1024;

/** A request is sent so often at most where the server says that it did not look at it. */
const TRIES = 10;

interface Exchange extends Claim {
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

  /** `tls` loads what makes connections secure; `sink`: where an answer's body goes. */
  constructor(network: Network, tls: () => Promise<Tls>, tell: (message: FromWorker) => void, sink: (from: Id) => Sink) {
    this.#lines = new Lines(network, tls);
    this.#tell = tell;
    this.#sink = sink;
  }

  async request(id: Id, request: HttpRequest): Promise<HttpHead> {
    const feed = new Feed(() => this.#read(id), this.#sink(id));
    const exchange: Exchange = { line: null, securing: null, response: null, aborted: false, feed, wanted: null };
    this.#exchanges.set(id, exchange);
    const { method, target, headers, body, bodyLength } = request;
    let asked = false;
    const pieces = () => {
      asked = true;
      return new Promise<Bytes | null>((resolve, reject) => {
        exchange.wanted = { resolve, reject };
        this.#tell({ type: 'httpWanted', exchange: id });
      });
    };
    try {
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
      this.#exchanges.delete(id);
      throw error;
    }
  }

  /** Whether a request that failed did no harm, if its body is still whole. */
  #mayGoAgain({ line }: Exchange, method: string, fresh: boolean, error: unknown): boolean {
    if (error instanceof Unprocessed) {
      if (line && error.http11) {
        this.#lines.avoidHttp2(line);
      }
      return true;
    }
    // A connection that had been waiting may have been closed by the server just then (RFC 9112 §9.3.1).
    return line !== null && !fresh && ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].includes(method);
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
      if (!pieces) {
        this.#exchanges.delete(id);
        this.#rest(exchange);
      }
      return pieces;
    } catch (error) {
      this.abort(id);
      throw error;
    }
  }

  async discard(id: Id): Promise<void> {
    let length = 0;
    for (let pieces = await this.#read(id); pieces; pieces = await this.#read(id)) {
      length += byteLength(pieces);
      if (length > DISCARD_MOST) {
        this.abort(id);
        return;
      }
    }
  }

  abort(id: Id): void {
    const exchange = this.#exchanges.get(id);
    if (exchange) {
      this.#exchanges.delete(id);
      exchange.aborted = true;
      (exchange.response ?? exchange.securing)?.abort();
      exchange.wanted?.resolve(null);
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
