/** An HTTP server that does what its cases say, byte by byte: most of it is what no server should do. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** What lets a page of another origin see everything, in the browser's own fetch. */
const shared = [
  'Access-Control-Allow-Origin: *',
  'Access-Control-Expose-Headers: *',
  'Access-Control-Allow-Methods: *',
  'Access-Control-Allow-Headers: *, Authorization',
];

/** Header fields of a request that a case may look at; the rest is each client's own. */
const seen = ['authorization', 'content-language', 'content-type', 'x-own'];

/**
 * Serves `http://HOST:PORT/TOKEN/CASE/STEP` by `cases[CASE](exchange)`. What was asked is kept by TOKEN, which is whatever keeps
 * those who ask apart.
 */
export class BadServer {
  #cases;
  #servers = [];
  #sockets = new Set();
  #log = new Map();

  /** Listens on each of the ports: two of them are two origins. */
  static async start(cases, ports) {
    const server = new BadServer();
    server.#cases = cases;
    server.#servers = ports.map((port) =>
      createServer({ allowHalfOpen: true }, (socket) => server.#serve(socket)).listen(port),
    );
    await Promise.all(server.#servers.map((listener) => once(listener, 'listening')));
    return server;
  }

  /** The requests of a token, in the order of their coming: `{ method, step, fields, body }`. */
  asked(token) {
    return this.#log.get(token) ?? [];
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((listener) => new Promise((done) => listener.close(done))));
  }

  async #serve(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const reader = new Reader(socket);
    try {
      for (let count = 1; !socket.destroyed && socket.writable; count += 1) {
        const request = await reader.request();
        if (request === null) break;
        await this.#answer(new Exchange(socket, reader, request, count));
      }
    } catch {
      // Whoever asked has gone.
    }
    socket.end();
  }

  async #answer(exchange) {
    const { request } = exchange;
    // Asked by browsers before what a form could not send.
    if (request.method === 'OPTIONS' && 'access-control-request-method' in request.headers) {
      exchange.head('204 No Content');
      return;
    }
    const [, token, name, step = ''] = request.target.split('?')[0].split('/');
    const record = { method: request.method, step };
    record.fields = Object.fromEntries(
      seen.filter((field) => field in request.headers).map((field) => [field, request.headers[field]]),
    );
    // The boundary of a form is anybody's.
    if (record.fields['content-type']?.startsWith('multipart/')) record.fields['content-type'] = 'multipart/form-data';
    this.#log.set(token, [...this.asked(token), record]);
    exchange.step = step;
    exchange.token = token;
    exchange.asked = this.asked(token).length;
    exchange.record = record;
    await (this.#cases[name] ?? ((other) => other.plain('404 Not Found', '')))(exchange);
  }
}

/** One request, and the means to answer it in any way. */
class Exchange {
  constructor(socket, reader, request, count) {
    this.socket = socket;
    this.request = request;
    /** Which one this is on its connection, from 1. */
    this.count = count;
    this.#reader = reader;
  }
  #reader;

  /** The whole body. What came is kept in the log. */
  async body() {
    const body = Buffer.concat(await this.#reader.body(this.request));
    const [, boundary] = /boundary=(.*)/.exec(this.request.headers['content-type']) ?? [];
    if (boundary) this.record.body = body.toString().replaceAll(boundary, 'BOUNDARY');
    else
      this.record.body =
        body.length > 100 ? `${body.length} bytes, ${createHash('sha256').update(body).digest('hex')}` : body.toString();
    return body;
  }

  write(...parts) {
    for (const part of parts) this.socket.write(part);
  }

  /** Status line and fields, up to the empty line. */
  head(status, ...fields) {
    this.write(`${[`HTTP/1.1 ${status}`, ...shared, ...fields].join('\r\n')}\r\n\r\n`);
  }

  /** An answer as it should be. */
  plain(status, body, ...fields) {
    this.head(status, `Content-Length: ${Buffer.byteLength(body)}`, ...fields);
    if (this.request.method !== 'HEAD') this.write(body);
  }

  /** What `act` writes and then `more`, in one piece. */
  together(act, more) {
    this.socket.cork();
    act();
    this.write(more);
    this.socket.uncork();
  }

  end() {
    this.socket.end();
  }

  /** Reads to the end what the other side still sends: a reset would take the answer with it (RFC 9112 §9.6). */
  drain() {
    return this.#reader.drain();
  }

  /** Breaks the connection once what was written has left. */
  async reset() {
    await this.written();
    this.socket.resetAndDestroy();
  }

  /** Resolves when the kernel has all of it. */
  written() {
    return new Promise((done) => this.socket.write('', done));
  }
}

/** Reads requests of a connection, one after the other. */
class Reader {
  #socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => undefined;

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      // Nobody has to ask for more than this at once.
      if (this.#bytes.length > 65_536) socket.pause();
      this.#wake();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  async request() {
    const head = await this.#upTo('\r\n\r\n');
    if (head === null) return null;
    const [line, ...fields] = head.toString('latin1').split('\r\n');
    const [method, target] = line.split(' ');
    const headers = Object.fromEntries(
      fields.filter(Boolean).map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    return { method, target, headers };
  }

  async body({ headers }) {
    if ('content-length' in headers) return [await this.#take(Number(headers['content-length']))];
    const pieces = [];
    if (headers['transfer-encoding'] === 'chunked') {
      for (;;) {
        const size = Number.parseInt((await this.#upTo('\r\n')) ?? this.#gone(), 16);
        pieces.push(await this.#take(size));
        await this.#take(2);
        if (size === 0) break;
      }
    }
    return pieces;
  }

  async drain() {
    while (!this.#ended) {
      this.#bytes = Buffer.alloc(0);
      await this.#more();
    }
  }

  async #upTo(mark) {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at >= 0) return this.#cut(at + mark.length);
      if (this.#ended) return null;
      await this.#more();
    }
  }

  async #take(length) {
    const pieces = [];
    for (let left = length; left > 0; ) {
      if (this.#bytes.length === 0) {
        if (this.#ended) this.#gone();
        await this.#more();
      }
      const piece = this.#cut(Math.min(left, this.#bytes.length));
      left -= piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  #cut(length) {
    const piece = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return piece;
  }

  #more() {
    this.#socket.resume();
    return new Promise((wake) => {
      this.#wake = wake;
    });
  }

  #gone() {
    throw new Error('the connection has ended');
  }
}
