import { describe, expect, test } from 'vitest';
import { EthertabError } from '../errors.js';
import { bytesOf, characters, joined } from '../http/characters.js';
import type { Bytes } from '../messages.js';
import { HttpConnection, type HttpExchange, type Line } from './exchange.js';

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A connection whose server says what the test has it say. */
class Server implements Line {
  heard = '';
  aborted = false;
  #said: (Bytes[] | undefined)[] = [];
  #waiting: { resolve(said: Bytes[] | undefined): void; reject(error: unknown): void } | null = null;

  /** In one piece each; nothing is the end. */
  say(...pieces: string[]): void {
    const said = pieces.length > 0 ? pieces.map(bytesOf) : undefined;
    if (this.#waiting) {
      this.#waiting.resolve(said);
      this.#waiting = null;
    } else {
      this.#said.push(said);
    }
  }
  read(): Promise<Bytes[] | undefined> {
    if (this.#said.length > 0) {
      return Promise.resolve(this.#said.shift());
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
  async write(bytes: Bytes): Promise<void> {
    if (this.aborted) {
      throw new EthertabError('ECONNABORTED', 'connection aborted');
    }
    this.heard += characters(bytes);
  }
  abort(): void {
    this.aborted = true;
    this.#waiting?.reject(new EthertabError('ECONNABORTED', 'connection aborted'));
  }
}

const get = { method: 'GET', target: '/', headers: [] };
const post = { method: 'POST', target: '/', headers: [] };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function request(connection: HttpConnection, ...begin: Parameters<HttpConnection['begin']>): Promise<HttpExchange> {
  const exchange = connection.begin(...begin);
  await exchange.receiveHead();
  return exchange;
}

async function text(exchange: HttpExchange): Promise<string> {
  const body: Bytes[] = [];
  for (let pieces = await exchange.read(); pieces; pieces = await exchange.read()) {
    for (const piece of pieces) {
      expect(piece.byteLength).toBe(piece.buffer.byteLength);
    }
    body.push(...pieces);
  }
  return characters(joined(...body));
}

function pieces(...texts: string[]): () => Promise<Bytes | null> {
  return async () => {
    const next = texts.shift();
    return next === undefined ? null : bytesOf(next);
  };
}

describe('a connection', () => {
  test('carries one request after the other', async () => {
    const server = new Server();
    const http = new HttpConnection(server);
    for (const body of ['', 'x', 'x'.repeat(100_000)]) {
      server.say(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 50_000)}`);
      if (body.length > 50_000) {
        server.say(body.slice(50_000, 60_000), body.slice(60_000));
      }
      const exchange = await request(http, get, null, null);
      expect(exchange.head.status).toBe(200);
      expect(await text(exchange)).toBe(body);
      expect(http.isReady()).toBe(true);
    }
    expect(server.heard).toBe('GET / HTTP/1.1\r\n\r\n'.repeat(3));
  });

  test('passes a body on in the pieces that came', async () => {
    const server = new Server();
    server.say('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n');
    server.say('abc', 'def');
    const exchange = await request(new HttpConnection(server), get, null, null);
    expect((await exchange.read())?.map(characters)).toEqual(['abc', 'def']);
  });

  test('does not carry another when the server closed it, said more, or was told half', async () => {
    const server = new Server();
    const http = new HttpConnection(server);
    server.say(OK);
    await text(await request(http, get, null, null));
    await turn();
    expect(http.isReady()).toBe(true);
    server.say();
    await turn();
    expect(http.isReady()).toBe(false);

    for (const more of [[`${OK}more`], [OK, 'more']]) {
      const server = new Server();
      const http = new HttpConnection(server);
      server.say(...more);
      await text(await request(http, get, null, null));
      expect(http.isReady()).toBe(false);
    }

    const early = new Server();
    const other = new HttpConnection(early);
    let ask = (_: Bytes) => {};
    const asked = new Promise<Bytes>((resolve) => {
      ask = resolve;
    });
    early.say('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
    expect(await text(await request(other, post, () => asked, null))).toBe('');
    expect(other.isReady()).toBe(false);
    ask(bytesOf('late'));
    await turn();
    expect(early.heard).not.toContain('late');
  });

  test('says what went wrong', async () => {
    const server = new Server();
    server.say('SSH-2.0-OpenSSH\r\n\r\n');
    await expect(request(new HttpConnection(server), get, null, null)).rejects.toMatchObject({ code: 'EHTTP' });
    await expect(request(new HttpConnection(server), { ...get, target: '/ x' }, null, null)).rejects.toMatchObject({
      code: 'EINVAL',
    });
    expect(server.heard).not.toContain('/ x');

    const slow = new Server();
    slow.say('HTTP/1.1 200 OK\r\n\r\nline');
    const exchange = await request(new HttpConnection(slow), get, null, null);
    expect((await exchange.read())?.map(characters)).toEqual(['line']);
    const next = exchange.read();
    slow.abort();
    await expect(next).rejects.toMatchObject({ code: 'ECONNABORTED' });
  });
});

describe("a request's body", () => {
  test('is sent whole, together with the head', async () => {
    const server = new Server();
    server.say(OK);
    await text(await request(new HttpConnection(server), post, bytesOf('as a whole'), null));
    expect(server.heard).toBe('POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nas a whole');
  });

  test.each([
    [null, 'transfer-encoding: chunked\r\n\r\n2\r\nin\r\n7\r\n pieces\r\n0\r\n\r\n'],
    [9, 'content-length: 9\r\n\r\nin pieces'],
  ])('is sent in pieces, of %s bytes in all', async (length, wire) => {
    const server = new Server();
    const http = new HttpConnection(server);
    const exchange = request(http, post, pieces('in', '', ' pieces'), length);
    await turn();
    expect(server.heard).toBe(`POST / HTTP/1.1\r\n${wire}`);
    server.say(OK);
    await text(await exchange);
    expect(http.isReady()).toBe(true);
  });

  test.each([
    [10, 'shorter'],
    [8, 'longer'],
  ])('must not look whole to the server when it is not of %i bytes', async (length, what) => {
    const server = new Server();
    const http = new HttpConnection(server);
    await expect(request(http, post, pieces('in', ' pieces'), length)).rejects.toThrow(what);
    expect([server.aborted, http.isReady()]).toEqual([true, false]);
  });

  test('whose source fails makes the request fail with that', async () => {
    const reason = new Error('the source');
    const server = new Server();
    await expect(request(new HttpConnection(server), post, () => Promise.reject(reason), null)).rejects.toBe(reason);
    expect(server.aborted).toBe(true);
  });
});
