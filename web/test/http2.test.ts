/** HTTP/2 beside another implementation of it: Node's server. */

import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EthertabError } from '../src/errors.js';
import { characters, joined } from '../src/http/characters.js';
import { Http2Connection, type Line } from '../src/http2/connection.js';
import type { Http2Exchange } from '../src/http2/exchange.js';
import { ErrorCode } from '../src/http2/frames.js';
import type { Bytes } from '../src/messages.js';
import { Unprocessed } from '../src/worker/exchange.js';

const get = (target = '/') => ({ method: 'GET', target, headers: [['Host', 'example.com']] as [string, string][] });
const post = (target = '/') => ({ ...get(target), method: 'POST' });

async function request(connection: Http2Connection, ...begin: Parameters<Http2Connection['begin']>): Promise<Http2Exchange> {
  const exchange = connection.begin(...begin);
  await exchange.receiveHead();
  return exchange;
}

async function body(exchange: Http2Exchange): Promise<Bytes> {
  const all: Bytes[] = [];
  for (let pieces = await exchange.read(); pieces; pieces = await exchange.read()) {
    all.push(...pieces);
  }
  return joined(...all);
}

const text = async (exchange: Http2Exchange) => characters(await body(exchange));

/** Both ends of a stream of bytes: ours, and one for Node's server. */
function pair(): { line: Line; far: Duplex } {
  const inbox: (Bytes | undefined)[] = [];
  let wake = () => {};
  const far = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      inbox.push(Uint8Array.from(chunk));
      wake();
      done();
    },
    final(done) {
      inbox.push(undefined);
      wake();
      done();
    },
  });
  far.on('close', () => {
    inbox.push(undefined);
    wake();
  });
  const line: Line = {
    async read() {
      while (inbox.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const piece = inbox.shift();
      return piece && [piece];
    },
    async write(bytes) {
      if (far.destroyed) {
        throw new EthertabError('EPIPE', 'ended');
      }
      far.push(bytes.slice());
    },
    close: () => far.push(null),
    abort: () => far.destroy(),
  };
  return { line, far };
}

describe("HTTP/2 with Node's server", () => {
  const servers: Http2Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  function serve(
    answer: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
    options = {},
    session: (session: ServerHttp2Session) => void = () => {},
  ): Http2Connection {
    const server = createServer(options);
    servers.push(server);
    server.on('session', session);
    server.on('sessionError', () => {});
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      answer(stream as ServerHttp2Stream, headers);
    });
    const { line, far } = pair();
    server.emit('connection', far);
    return new Http2Connection(line, 'http');
  }

  test('a request is answered', async () => {
    const connection = serve((stream, headers) => {
      stream.respond({ ':status': 201, 'x-path': String(headers[':path']), 'set-cookie': ['a=1', 'b=2'] });
      stream.end(`${headers[':method']} ${headers[':scheme']} ${headers[':authority']} ${headers['x-name']}`);
    });
    const exchange = await request(
      connection,
      {
        ...get('/p?q'),
        headers: [
          ['Host', 'example.com:1'],
          ['X-Name', 'value'],
          ['Connection', 'close'],
        ],
      },
      null,
      null,
    );
    expect(exchange.head.status).toBe(201);
    expect(exchange.head.headers.filter(([name]) => name === 'set-cookie' || name === 'x-path')).toEqual([
      ['x-path', '/p?q'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    expect(await text(exchange)).toBe('GET http example.com:1 value');
    expect(connection.active).toBe(0);
    connection.close();
  });

  test('many are answered at once, each with its own', async () => {
    const connection = serve((stream, headers) => {
      stream.respond({ ':status': 200 });
      setImmediate(() => stream.end(`${headers[':path']}`.repeat(5_000)));
    });
    const texts = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => text(await request(connection, get(`/${n}`), null, null))),
    );
    expect(texts).toEqual(Array.from({ length: 60 }, (_, n) => `/${n}`.repeat(5_000)));
    connection.close();
  });

  test('bodies far longer than all windows pass both ways', async () => {
    const connection = serve((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const sent = Uint8Array.from({ length: 3_000_000 }, (_, n) => (n * 7) >> 3);
    const whole = await request(connection, post(), sent, null);
    expect(Buffer.compare(await body(whole), sent)).toBe(0);
    let at = 0;
    const next = async () => {
      const piece = sent.slice(at, at + 100_000);
      at += piece.byteLength;
      return piece.byteLength > 0 ? piece : null;
    };
    const pieces = await request(connection, post(), next, sent.byteLength);
    expect(Buffer.compare(await body(pieces), sent)).toBe(0);
    connection.close();
  }, 60_000);

  test('an answer that nobody reads waits at its window, and keeps no other waiting', async () => {
    let stuck: ServerHttp2Stream | undefined;
    const connection = serve(
      (stream, headers) => {
        stream.respond({ ':status': 200 });
        if (headers[':path'] === '/large') {
          stuck = stream;
          stream.end(Buffer.alloc(20_000_000));
        } else {
          stream.end('small');
        }
      },
      { maxSessionMemory: 100 },
    );
    const large = await request(connection, get('/large'), null, null);
    await vi.waitFor(() => expect(stuck?.state.localWindowSize).toBeDefined());
    expect(await text(await request(connection, get('/small'), null, null))).toBe('small');
    expect((await body(large)).byteLength).toBe(20_000_000);
    connection.close();
  }, 60_000);

  test('an aborted one is reset, and the connection goes on', async () => {
    const closed = vi.fn();
    const connection = serve((stream, headers) => {
      stream.on('close', () => closed(stream.rstCode));
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/ok') stream.end('ok');
      else stream.write('begun');
    });
    const endless = await request(connection, get('/endless'), null, null);
    endless.abort();
    await expect(endless.read()).rejects.toMatchObject({ code: 'ECONNABORTED' });
    expect(await text(await request(connection, get('/ok'), null, null))).toBe('ok');
    expect(closed).toHaveBeenCalledWith(ErrorCode.Cancel);
    connection.close();
  });

  test('interim answers are passed over, trailers kept, and no body comes where there is none', async () => {
    const connection = serve((stream, headers) => {
      if (headers[':method'] === 'HEAD') {
        stream.respond({ ':status': 200, 'content-length': '500' }, { endStream: true });
        return;
      }
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'sum' }));
      stream.end('body');
    });
    const exchange = await request(connection, get(), null, null);
    expect(await text(exchange)).toBe('body');
    expect(exchange.trailers).toEqual([['x-check', 'sum']]);
    const head = await request(connection, { ...get(), method: 'HEAD' }, null, null);
    expect(await text(head)).toBe('');
    connection.close();
  });

  test('a server that goes away lets those finish that it took, and takes no more', async () => {
    let session: ServerHttp2Session | undefined;
    const connection = serve(
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('first, ');
        session?.goaway();
        setImmediate(() => stream.end('last'));
      },
      {},
      (opened) => {
        session = opened;
      },
    );
    const exchange = await request(connection, get(), null, null);
    expect(await text(exchange)).toBe('first, last');
    expect(connection.isReady()).toBe(false);
    expect(() => connection.begin(get(), null, null)).toThrow(Unprocessed);
  });

  test('headers longer than a frame go in several', async () => {
    const connection = serve(
      (stream, headers) => {
        stream.respond({ ':status': 200, 'x-long': String(headers['x-long']) });
        stream.end();
      },
      { maxHeaderListPairs: 200, maxSendHeaderBlockLength: 200_000, settings: { maxHeaderListSize: 200_000 } },
    );
    const long = '\\'.repeat(40_000);
    const exchange = await request(connection, { ...get(), headers: [...get().headers, ['x-long', long]] }, null, null);
    expect(exchange.head.headers.find(([name]) => name === 'x-long')?.[1]).toBe(long);
    connection.close();
  });
});
