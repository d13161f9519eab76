import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Pieces } from './body.js';
import type { Channel, Receiver } from './channel.js';
import type { RequestCookies } from './cookies/requests.js';
import { EthertabError } from './errors.js';
import type { Exchanges } from './fetch/exchange.js';
import { fetch } from './fetch.js';
import type { Bytes, HttpHead, HttpRequest } from './messages.js';
import type { FetchInit } from './types.js';

interface Answer {
  status?: number;
  headers?: [string, string][];
  body?: (Bytes | Error)[];
}

const encoder = new TextEncoder();
const text = (string: string): Bytes => encoder.encode(string);

/** A Worker that answers each request with the next answer, and remembers what it was asked. */
class Server {
  requests: HttpRequest[] = [];
  aborted: number[] = [];
  discarded: number[] = [];
  answers: Answer[] = [];
  readonly #bodies = new Map<number, (Bytes | Error)[]>();
  readonly #receivers = new Map<number, Receiver>();
  #id = 0;

  newId(): number {
    this.#id += 1;
    return this.#id;
  }

  async call(name: string, args: unknown[]): Promise<unknown> {
    const id = args[0] as number;
    switch (name) {
      case 'httpRequest': {
        this.requests.push(args[1] as HttpRequest);
        const answer = this.answers.shift();
        if (!answer) {
          return new Promise(() => {});
        }
        this.#bodies.set(id, [...(answer.body ?? [])]);
        return { status: answer.status ?? 200, statusText: 'Said', headers: answer.headers ?? [] } satisfies HttpHead;
      }
      default:
        throw new Error(`unexpected ${name}`);
    }
  }

  tell(name: string, [id, bytes]: [number, number?]): void {
    if (name === 'httpCredit') {
      // Messages take a turn.
      setTimeout(() => this.#push(id, bytes ?? 0));
    } else {
      (name === 'httpAbort' ? this.aborted : this.discarded).push(id);
    }
  }

  receive(id: number, receiver: Receiver): void {
    this.#receivers.set(id, receiver);
  }

  forget(id: number): void {
    this.#receivers.delete(id);
  }

  /** Pushes pieces as far as the credit goes, and the end behind the last. */
  #push(id: number, credit: number): void {
    for (let left = credit; left > 0; ) {
      const next = this.#bodies.get(id)?.shift();
      if (next instanceof Uint8Array) {
        left -= next.byteLength;
        this.#receivers.get(id)?.push(next);
      } else if (next) {
        left = 0;
        this.#receivers.get(id)?.fail(next);
      } else {
        left = 0;
        this.#receivers.get(id)?.end();
      }
    }
  }
}

let server: Server;
let exchanges: Exchanges;

beforeEach(() => {
  server = new Server();
  exchanges = new Map();
});

function ask(input: string | URL | Request, init?: FetchInit, ...answers: Answer[]): Promise<Response> {
  server.answers.push(...answers);
  return fetch({ channel: server as unknown as Channel, exchanges, decoders: {}, cookies: null }, input, init);
}

function sent(name: string, request = 0): string | undefined {
  return server.requests[request]?.headers.find(([field]) => field === name)?.[1];
}

async function cause(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TypeError);
  return ((error as TypeError).cause as EthertabError).code;
}

describe('what is sent', () => {
  test('a plain GET names its host and what it takes', async () => {
    await ask('http://example.com:8080/a?b=c#d', {}, {});
    const [request] = server.requests;
    expect(request).toMatchObject({ hostname: 'example.com', port: 8080, method: 'GET', target: '/a?b=c', body: null });
    expect(sent('host')).toBe('example.com:8080');
    expect(sent('accept-encoding')).toBe('gzip, deflate, zstd');
  });

  test('headers that browsers forbid are the program’s here', async () => {
    const headers = { Host: 'other.example', Cookie: 'a=b', Origin: 'http://x.example', 'User-Agent': 'mine' };
    await ask('http://example.com/', { headers }, {});
    expect(sent('host')).toBe('other.example');
    expect(sent('cookie')).toBe('a=b');
    expect(sent('user-agent')).toBe('mine');
  });

  test('how the message is framed is not', async () => {
    const headers = { 'Content-Length': '99', 'Transfer-Encoding': 'chunked', Connection: 'close' };
    await ask('http://example.com/', { method: 'POST', headers, body: 'four' }, {});
    expect(sent('content-length')).toBeUndefined();
    expect(sent('transfer-encoding')).toBeUndefined();
    expect(sent('connection')).toBeUndefined();
    expect(server.requests[0]?.body).toEqual(text('four'));
  });

  test.each([
    ['a string', 'text', 'text/plain;charset=UTF-8'],
    ['URLSearchParams', new URLSearchParams({ a: 'b c' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a typed Blob', new Blob(['x'], { type: 'image/png' }), 'image/png'],
    ['bytes', new Uint8Array([1, 2]), undefined],
  ])('the type of %s goes with it', async (_, body, type) => {
    await ask('http://example.com/', { method: 'POST', body }, {});
    expect(sent('content-type')).toBe(type);
  });

  test('a form is written with its boundary', async () => {
    const form = new FormData();
    form.set('field', 'value');
    await ask('http://example.com/', { method: 'POST', body: form }, {});
    const boundary = sent('content-type')?.match(/^multipart\/form-data; boundary=(.+)$/)?.[1];
    expect(new TextDecoder().decode(server.requests[0]?.body as Bytes)).toContain(`--${boundary}`);
  });

  test('a stream goes out in pieces, and is stopped when the answer is there first', async () => {
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(text('piece')),
      cancel: () => {
        cancelled = true;
      },
    });
    const response = await ask('http://example.com/', { method: 'POST', body, duplex: 'half' }, { status: 413 });
    expect(server.requests[0]).toMatchObject({ body: 'pieces', bodyLength: null });
    expect(await exchanges.values().next().value?.next()).toEqual(text('piece'));
    await response.arrayBuffer();
    expect(exchanges.size).toBe(0);
    expect(cancelled).toBe(true);
  });

  test('a stream that nobody wants any more has no end', async () => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(text('piece')) });
    const pieces = new Pieces(body);
    await pieces.next();
    const next = pieces.next();
    pieces.cancel(new Error('enough'));
    expect(await next).toMatchObject({ code: 'ECONNABORTED' });
  });

  test.each<[string, boolean]>([
    ['omit', false],
    ['same-origin', true],
  ])('the credentials of a Request count: %s', async (credentials, asksTheJar) => {
    const added = vi.fn(async () => null);
    const cookies = { added, keep: async () => {} } as unknown as RequestCookies;
    server.answers.push({});
    const context = { channel: server as unknown as Channel, exchanges, decoders: {}, cookies };
    await fetch(context, new Request('http://example.com/', { credentials: credentials as RequestCredentials }));
    expect(added).toHaveBeenCalledTimes(asksTheJar ? 1 : 0);
  });

  test('a Request is read as it is', async () => {
    const request = new Request('http://example.com/form', { method: 'put', body: 'x', headers: { 'x-own': '1' } });
    await ask(request, { headers: { 'x-own': '2' } }, {});
    expect(server.requests[0]).toMatchObject({ method: 'PUT', target: '/form', body: text('x') });
    expect(sent('x-own')).toBe('2');
  });

  test('a name and a password in the URL become a header', async () => {
    await ask('http://me:p%C3%A4ss@example.com/', {}, {});
    expect(sent('authorization')).toBe(`Basic ${btoa('me:p\u00c3\u00a4ss')}`);
  });

  test.each([
    ['wss://example.com/', {}, 'EPROTO'],
    ['ftp://example.com/', {}, 'EPROTO'],
    ['http://', {}, 'EINVAL'],
    ['http://example.com/', { method: 'TRACE' }, 'EINVAL'],
    ['http://example.com/', { method: 'GE T' }, 'EINVAL'],
    ['http://example.com/', { method: 'GET', body: 'x' }, 'EINVAL'],
  ])('%s with %o fails with a cause', async (url, init, code) => {
    expect(await cause(ask(url, init, {}))).toBe(code);
    expect(server.requests).toEqual([]);
  });
});

describe('what comes back', () => {
  test('status, headers and body are there, every Set-Cookie too', async () => {
    const headers: [string, string][] = [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-name', 'one'],
      ['x-name', 'two'],
    ];
    const response = await ask('http://example.com/path#part', {}, { status: 201, headers, body: [text('he'), text('llo')] });
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.statusText, response.ok]).toEqual([201, 'Said', true]);
    expect([response.url, response.redirected, response.type]).toEqual(['http://example.com/path', false, 'basic']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-name')).toBe('one, two');
    const copy = response.clone();
    expect(copy.url).toBe(response.url);
    expect(copy.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await Promise.all([response.text(), copy.text()])).toEqual(['hello', 'hello']);
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('%s with %i has no body', async (method, status) => {
    const response = await ask('http://example.com/', { method }, { status });
    expect(response.body).toBeNull();
    expect(server.discarded).toHaveLength(1);
  });

  test.each(['gzip', 'deflate'] as const)('%s is undone', async (coding) => {
    const packed = new Response(new Blob(['again and '.repeat(500)]).stream().pipeThrough(new CompressionStream(coding)));
    const bytes = new Uint8Array(await packed.arrayBuffer());
    const answer: Answer = { headers: [['content-encoding', coding]], body: [bytes.slice(0, 9), bytes.slice(9)] };
    expect(await (await ask('http://example.com/', {}, answer)).text()).toBe('again and '.repeat(500));
    const raw = await ask('http://example.com/', { decompress: false }, { ...answer, body: [bytes.slice()] });
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(bytes);
  });

  test('a body that breaks off fails the reading, with a cause', async () => {
    const reset = new EthertabError('ECONNRESET', 'connection reset by peer');
    const response = await ask('http://example.com/', {}, { body: [text('half'), reset] });
    expect(await cause(response.text())).toBe('ECONNRESET');
  });

  test('a body that nobody wants any more is cut off', async () => {
    const response = await ask('http://example.com/', {}, { body: Array.from({ length: 50 }, () => new Uint8Array(99_999)) });
    await response.body?.cancel();
    expect(server.aborted).toHaveLength(1);
  });
});

describe('abort', () => {
  test('while the cookies of an answer are kept', async () => {
    const controller = new AbortController();
    const keep = async () => controller.abort(new Error('enough'));
    const cookies = { added: async () => null, keep } as unknown as RequestCookies;
    server.answers.push({ body: [text('answer')] });
    const context = { channel: server as unknown as Channel, exchanges, decoders: {}, cookies };
    await expect(fetch(context, 'http://example.com/', { signal: controller.signal })).rejects.toThrow('enough');
    expect(server.aborted).toContain(1);
    expect(exchanges.size).toBe(0);
  });

  test('before, nothing is sent', async () => {
    await expect(ask('http://example.com/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.requests).toEqual([]);
  });

  test('while waiting for the answer', async () => {
    const controller = new AbortController();
    const answer = ask('http://example.com/', { signal: controller.signal });
    setTimeout(() => controller.abort());
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.aborted).toHaveLength(1);
  });

  test('while reading the body, with the reason that was given', async () => {
    const controller = new AbortController();
    const body = Array.from({ length: 50 }, () => new Uint8Array(99_999));
    const response = await ask('http://example.com/', { signal: controller.signal }, { body });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort(new Error('enough'));
    await expect(reader?.read()).rejects.toThrow('enough');
    expect(server.aborted).toHaveLength(1);
  });
});

describe('redirects', () => {
  const to = (location: string, status = 302): Answer => ({ status, headers: [['location', location]] });

  test('are followed, and the fragment goes along', async () => {
    const response = await ask('http://example.com/a/b?c#part', {}, to('../d'), to('http://other.example/e?f'), {});
    expect(server.requests.map(({ hostname, target }) => hostname + target)).toEqual([
      'example.com/a/b?c',
      'example.com/d',
      'other.example/e?f',
    ]);
    expect(sent('host', 2)).toBe('other.example');
    expect([response.url, response.redirected]).toEqual(['http://other.example/e?f', true]);
    expect(server.discarded).toHaveLength(2);
  });

  test.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [301, 'PUT', 'PUT'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
  ])('%i turns %s into %s', async (status, method, then) => {
    const body = method === 'HEAD' ? null : 'body';
    await ask('http://example.com/', { method, body }, to('/next', status), {});
    expect(server.requests[1]?.method).toBe(then);
    expect(server.requests[1]?.body).toEqual(then === 'GET' || body === null ? null : text('body'));
    expect(sent('content-type', 1) !== undefined).toBe(then !== 'GET' && body !== null);
  });

  test('to another origin lose what was meant for the first', async () => {
    const headers = { Authorization: 'secret', Cookie: 'a=b', 'X-Own': 'stays' };
    await ask('http://example.com/', { headers }, to('/same'), to('http://example.com:81/other'), {});
    expect(sent('authorization', 1)).toBe('secret');
    expect([sent('authorization', 2), sent('cookie', 2), sent('x-own', 2)]).toEqual([undefined, undefined, 'stays']);
  });

  test('are handed out with "manual" and fail with "error"', async () => {
    const response = await ask('http://example.com/', { redirect: 'manual' }, to('/next'));
    expect([response.status, response.headers.get('location')]).toEqual([302, '/next']);
    expect(await cause(ask('http://example.com/', { redirect: 'error' }, to('/next')))).toBe('EREDIRECT');
  });

  test('to what is secure say so, and ask another port', async () => {
    await ask('http://example.com/', {}, to('https://example.com/'), to('https://example.com:8443/'), {});
    expect(server.requests.map(({ secure, port }) => [secure, port])).toEqual([
      [false, 80],
      [true, 443],
      [true, 8443],
    ]);
  });

  test('end after twenty', async () => {
    const chain = (length: number) => Array.from({ length }, (_, at) => to(`/${at}`));
    await expect(ask('http://example.com/', {}, ...chain(20), {})).resolves.toMatchObject({ redirected: true });
    expect(await cause(ask('http://example.com/', {}, ...chain(21), {}))).toBe('EREDIRECT');
  });

  test('to another scheme fail; without a place to go they are the answer', async () => {
    expect(await cause(ask('http://example.com/', {}, to('ftp://example.com/')))).toBe('EPROTO');
    expect((await ask('http://example.com/', {}, { status: 302 })).status).toBe(302);
  });

  test('that want a stream once more fail', async () => {
    const body = new Blob(['x']).stream();
    expect(await cause(ask('http://example.com/', { method: 'POST', body, duplex: 'half' }, to('/next', 307)))).toBe(
      'EREDIRECT',
    );
  });
});
