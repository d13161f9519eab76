/** HTTP exchanges in the Worker: connections that are used again, and bodies in both directions. */

import { fromPlain, type PlainError } from '../errors.js';
import type { Network, TcpStream } from '../generated/ethertab.js';
import type { Bytes, FromWorker, HttpHead, HttpRequest, Id } from '../messages.js';
import { HttpConnection, type HttpExchange } from './exchange.js';
import { byteLength, Feed, type Sink } from './feed.js';
import type { Duplex, Tls } from './tls.js';

/** How long a connection waits for another request; less than servers usually allow. */
const IDLE = 4_000;
/** Idle connections to one server. */
const IDLE_MOST = 8;
/** An answer that nobody wants is read to its end if it is no longer than this. */
const DISCARD_MOST = 64 * 1024;

type Ends = Pick<Duplex, 'close' | 'abort'>;

interface Line {
  key: string;
  stream: Ends;
  http: HttpConnection;
  /** Whether it has carried a request before. */
  used: boolean;
}

interface Exchange {
  line: Line | null;
  /** The connection whose TLS handshake is under way. */
  securing: Ends | null;
  response: HttpExchange | null;
  aborted: boolean;
  feed: Feed;
  /** Who waits for a piece of the request's body. */
  wanted: { resolve(piece: Bytes | null): void; reject(error: unknown): void } | null;
}

export class Http {
  readonly #network: Network;
  readonly #tls: () => Promise<Tls>;
  readonly #tell: (message: FromWorker) => void;
  readonly #sink: (from: Id) => Sink;
  readonly #exchanges = new Map<Id, Exchange>();
  readonly #idle = new Map<string, { line: Line; timer: ReturnType<typeof setTimeout> }[]>();

  /** `tls` loads what makes connections secure; `sink`: where an answer's body goes. */
  constructor(network: Network, tls: () => Promise<Tls>, tell: (message: FromWorker) => void, sink: (from: Id) => Sink) {
    this.#network = network;
    this.#tls = tls;
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
      for (;;) {
        const line = await this.#line(exchange, request);
        const fresh = !line.used;
        line.used = true;
        try {
          const head = { method, target, headers };
          exchange.response = await line.http.request(head, body === 'pieces' ? pieces : body, bodyLength);
          return exchange.response.head;
        } catch (error) {
          line.stream.abort();
          exchange.line = null;
          // A connection that had been waiting may have been closed by the server just then (RFC 9112 §9.3.1): the request may
          // go again if it can do no harm twice and its body is still whole.
          if (fresh || asked || exchange.aborted || !['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].includes(method)) {
            throw error;
          }
        }
      }
    } catch (error) {
      this.#exchanges.delete(id);
      throw error;
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
      (exchange.line?.stream ?? exchange.securing)?.abort();
      exchange.wanted?.resolve(null);
    }
  }

  /** A connection for a request: one that waits, or a new one. */
  async #line(exchange: Exchange, { secure, hostname, port, connectTimeout }: HttpRequest): Promise<Line> {
    const key = `${secure ? 'https' : 'http'}://${hostname}:${port}`;
    for (let waiting = this.#idle.get(key)?.pop(); waiting; waiting = this.#idle.get(key)?.pop()) {
      clearTimeout(waiting.timer);
      if (waiting.line.http.isReady()) {
        exchange.line = waiting.line;
        return waiting.line;
      }
      waiting.line.stream.close();
    }
    await this.#network.configured();
    const stream = await this.#network.connect(hostname, port, { noDelay: true, timeout: connectTimeout });
    if (exchange.aborted) {
      stream.abort();
      throw fromPlain({ code: 'ECONNABORTED', message: 'the request was aborted' });
    }
    const line = secure
      ? await this.#secure(exchange, key, stream, hostname, connectTimeout)
      : { key, stream, http: new HttpConnection(stream), used: false };
    exchange.line = line;
    return line;
  }

  async #secure(exchange: Exchange, key: string, below: TcpStream, host: string, timeout: number | null): Promise<Line> {
    exchange.securing = below;
    const stream = await (await this.#tls()).secure(below, host, ['http/1.1'], timeout);
    exchange.securing = null;
    return { key, stream, http: new HttpConnection(stream), used: false };
  }

  /** The answer is read: the connection waits for another request, if the server keeps it open. */
  #rest({ line, wanted }: Exchange): void {
    wanted?.resolve(null);
    if (!line) {
      return;
    }
    const idle = this.#idle.get(line.key) ?? [];
    this.#idle.set(line.key, idle);
    if (idle.length >= IDLE_MOST || !line.http.isReady()) {
      line.stream.close();
      return;
    }
    const timer = setTimeout(() => {
      const at = idle.findIndex((waiting) => waiting.line === line);
      if (at >= 0) {
        idle.splice(at, 1);
      }
      line.stream.close();
    }, IDLE);
    idle.push({ line, timer });
  }
}
