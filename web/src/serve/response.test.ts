/** `net.serve`: responses, what becomes of connections, and the server as a whole. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Deferred, FakeNetwork, turn } from '../../test/fake-network.js';
import { type Client, eventually, get, HELLO, hello, post, Served } from '../../test/http-client.js';
import { EthertabError } from '../errors.js';
import { serve } from './server.js';
import type { ServeHandler, ServeInformation, ServeOptions } from './types.js';

const encoder = new TextEncoder();

let served: Served;

afterEach(() => served?.server.close().catch(() => {}));

/** A client of a new server. */
function asked(handler: ServeHandler, options?: ServeOptions): Client {
  served = new Served(handler, options);
  return served.client();
}

describe('a response', () => {
  const body = (...pieces: string[]) =>
    new ReadableStream({
      async pull(controller) {
        await turn();
        const piece = pieces.shift();
        piece === undefined ? controller.close() : controller.enqueue(encoder.encode(piece));
      },
    });

  test.each<[string, ServeHandler, string]>([
    ['a text', hello, HELLO],
    ['nothing', () => new Response(), 'HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 0\r\n\r\n'],
    [
      'a stream, in chunks',
      () => new Response(body('one', '', 'three')),
      'HTTP/1.1 200 OK\r\ndate: now\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n',
    ],
    [
      'a stream whose length it says',
      () => new Response(body('one', 'two'), { headers: { 'content-length': '6' } }),
      'HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 6\r\n\r\nonetwo',
    ],
    ['204', () => new Response(null, { status: 204 }), 'HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n'],
    [
      '304, with the length that it would have',
      () => new Response(null, { status: 304, headers: { 'content-length': '5', etag: '"x"' } }),
      'HTTP/1.1 304 Not Modified\r\netag: "x"\r\ndate: now\r\ncontent-length: 5\r\n\r\n',
    ],
    ['205', () => new Response(null, { status: 205 }), 'HTTP/1.1 205 \r\ndate: now\r\ncontent-length: 0\r\n\r\n'],
    [
      'a status and headers of its own',
      () =>
        new Response(null, {
          status: 418,
          statusText: "I'm a teapot",
          headers: [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['X-Latin', 'caf\xe9'],
            ['Transfer-Encoding', 'gzip'],
            ['Connection', 'upgrade'],
          ],
        }),
      "HTTP/1.1 418 I'm a teapot\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-latin: caf\xe9\r\ndate: now\r\ncontent-length: 0\r\n\r\n",
    ],
    [
      'headers besides its own',
      (_: Request, { responseHeaders }: ServeInformation) => {
        responseHeaders.append('Set-Cookie', 'a=1; HttpOnly');
        responseHeaders.append('Set-Cookie', 'b=2');
        responseHeaders.set('Connection', 'upgrade');
        return new Response('hello', { headers: { 'x-own': '1' } });
      },
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nx-own: 1\r\nset-cookie: a=1; HttpOnly\r\nset-cookie: b=2\r\ndate: now\r\ncontent-length: 5\r\n\r\nhello',
    ],
  ])('of %s', async (_, respond, wanted) => {
    const peer = asked(respond);
    peer.says(get());
    // A fake socket's text is read as UTF-8, in which a lone byte above 0x7f is none.
    const sent = wanted.replace('\xe9', '\ufffd');
    expect(await peer.hears((text) => text.replace(/date: .*/, 'date: now').length >= sent.length)).toBe(sent);
    peer.says(get());
    await peer.hears();
  });

  test('to HEAD has no body', async () => {
    const cancelled = vi.fn();
    const peer = asked((request) =>
      new URL(request.url).pathname === '/'
        ? new Response(new ReadableStream({ cancel: cancelled }), { headers: { 'content-length': '9' } })
        : hello(),
    );
    peer.says('HEAD / HTTP/1.1\r\nHost: tab\r\n\r\n').says(get('/x'));
    const answer = await peer.hears((text) => text.includes('hello'));
    expect(answer).toBe(`HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 9\r\n\r\n${HELLO}`);
    expect(cancelled).toHaveBeenCalled();
  });

  test('begins before its body does', async () => {
    const peer = asked(() => new Response(new ReadableStream()));
    peer.says(get());
    expect(await peer.hears()).toMatch(/transfer-encoding: chunked\r\n\r\n$/);
  });

  test('to HTTP/1.0 ends with the connection, if its length is not known', async () => {
    const peer = asked(() => new Response(body('one', 'two')));
    peer.says('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(await peer.over()).toBe('HTTP/1.1 200 OK\r\ndate: now\r\nconnection: close\r\n\r\nonetwo');
  });

  test('waits while the client does not take it', async () => {
    const pulled = vi.fn();
    let left = 1_000;
    const peer = asked(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled();
              left -= 1;
              left ? controller.enqueue(new Uint8Array(1_000)) : controller.close();
            },
          }),
        ),
    );
    const released = new Deferred<void>();
    peer.stuck = released.promise;
    peer.says(get());
    await peer.hears();
    await turn();
    expect(pulled.mock.calls.length).toBeLessThan(300);
    released.resolve();
    await peer.hears((text) => text.endsWith('0\r\n\r\n'));
    expect(pulled).toHaveBeenCalledTimes(1_000);
  });

  test.each<[string, ServeHandler, RegExp]>([
    [
      'that the handler throws',
      (_: Request, { responseHeaders }: ServeInformation) => {
        responseHeaders.append('set-cookie', 'a=1');
        return Promise.reject(new Error('oh'));
      },
      /oh/,
    ],
    ['that it does not return', () => undefined as unknown as Response, /returns a Response/],
    ['that is an error', () => Response.error(), /cannot be sent/],
    ['whose length is none', () => new Response('x', { headers: { 'content-length': 'x' } }), /no content-length/],
    ['that is longer than it says', () => new Response('xx', { headers: { 'content-length': '1' } }), /longer/],
    ['that is shorter than it says', () => new Response('x', { headers: { 'content-length': '2' } }), /shorter/],
    [
      'that was read before',
      async () => {
        const response = new Response('x');
        await response.text();
        return response;
      },
      /used already/,
    ],
  ])('%s is 500, and the connection goes on', async (_, handler, message) => {
    const peer = asked(handler);
    peer.says(get());
    const said = await peer.hears();
    expect(said).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
    expect(said).not.toContain('set-cookie');
    expect(String(served.reported)).toMatch(message);
    peer.says(get());
    await peer.hears();
  });

  test('in place of the failed one comes from onError', async () => {
    const peer = asked(() => Promise.reject(new Error('oh')), {
      onError: (error) => new Response(String(error), { status: 503 }),
    });
    peer.says(get());
    expect(await peer.hears()).toMatch(/^HTTP\/1\.1 503 .*Error: oh$/s);
  });

  test.each<[string, () => Response]>([
    [
      'fails',
      () => new Response(new ReadableStream({ pull: (controller) => turn().then(() => controller.error(new Error('oh'))) })),
    ],
    ['is too short', () => new Response(body('x'), { headers: { 'content-length': '2' } })],
    ['is not of bytes', () => new Response(new ReadableStream({ pull: (c) => turn().then(() => c.enqueue('text')) }))],
  ])('whose body %s when it has begun resets the connection', async (_, respond) => {
    const peer = asked(respond);
    peer.says(get());
    await eventually(() => expect(peer.aborted).not.toBe(null));
    expect(peer.text).not.toMatch(/0\r\n\r\n$/);
    expect(served.reported).toHaveLength(1);
  });

  test('that is broken off by the client cancels its body and aborts the request', async () => {
    const cancelled = vi.fn();
    let signal: AbortSignal | undefined;
    let completed: Promise<void> | undefined;
    const peer = asked((request, information) => {
      ({ signal } = request);
      ({ completed } = information);
      return new Response(new ReadableStream({ cancel: cancelled }));
    });
    peer.says(get());
    await peer.hears();
    expect(signal?.aborted).toBe(false);
    peer.break(new EthertabError('ECONNRESET', 'reset by peer'));
    await eventually(() => expect(cancelled).toHaveBeenCalled());
    expect(signal?.aborted).toBe(true);
    await expect(completed).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a connection', () => {
  test('answers what comes at once in its order', async () => {
    const peer = asked(async (request) => {
      const { pathname } = new URL(request.url);
      await new Promise((resolve) => setTimeout(resolve, pathname === '/slow' ? 20 : 0));
      return new Response(pathname);
    });
    peer.says(
      get('/slow') + get('/quick') + post(['Content-Length: 3'], 'abc') + get('/last', 'Connection: close') + get('/late'),
    );
    const bodies = [...(await peer.over()).matchAll(/\r\n\r\n(\/[a-z]*)/g)].map(([, body]) => body);
    expect(bodies).toEqual(['/slow', '/quick', '/', '/last']);
  });

  test.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: x, Close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
  ])('of %s with "%s" goes on: %s', async (version, fields, goesOn) => {
    const peer = asked(hello);
    peer.says(`GET / ${version}\r\nHost: tab\r\n${fields}\r\n`);
    const answer = await peer.hears((text) => text.endsWith('hello'));
    expect(answer.includes('connection: close')).toBe(!goesOn);
    expect(answer.includes('connection: keep-alive')).toBe(goesOn && version === 'HTTP/1.0');
    if (goesOn) {
      peer.says(get());
      expect(await peer.hears()).toBe(HELLO);
    } else {
      await peer.over();
    }
  });

  test('is answered though the client has finished its half', async () => {
    const peer = asked(hello);
    peer.says(get()).end();
    expect(await peer.over()).toBe(HELLO);
    expect(peer.aborted).toBe(null);
  });

  test('that is idle for too long is closed without a word', async () => {
    const peer = asked(hello, { idleTimeout: 20 });
    peer.says(get());
    expect(await peer.over()).toBe(HELLO);
  });

  test('whose client is too slow with a head is told so', async () => {
    const peer = asked(hello, { headTimeout: 20 });
    peer.says('GET / HTTP/1.1\r\n');
    expect(await peer.over()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test('whose client is too slow with a body is told so', async () => {
    const peer = asked(async (request) => new Response(await request.text()), { idleTimeout: 20 });
    peer.says(post(['Content-Length: 5'], 'h'));
    expect(await peer.over()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(served.reported).toEqual([]);
  });

  test('whose client does not take the response is reset', async () => {
    const peer = asked(() => new Response('x'.repeat(1_000)), { idleTimeout: 20 });
    peer.stuck = new Promise(() => {});
    peer.says(get());
    await eventually(() => expect(peer.aborted).toMatchObject({ reason: { code: 'ETIMEDOUT' } }));
  });
});

describe('a server', () => {
  test('listens on port 80, or where it is told', async () => {
    served = new Served(hello);
    expect(served.listener.options).toEqual({ port: 80, noDelay: true });
    await served.server.close();
    const listened = vi.fn();
    served = new Served(hello, { port: 0, hostname: '10.77.0.9', onListen: listened });
    expect(served.listener.options).toEqual({ port: 0, address: '10.77.0.9', noDelay: true });
    const address = { transport: 'tcp', hostname: '10.77.0.9', port: 8_080 };
    expect(await served.server.opened).toEqual(address);
    expect(served.server.addr).toEqual(address);
    expect(listened).toHaveBeenCalledWith(address);
  });

  test('that cannot listen says why', async () => {
    const network = new FakeNetwork();
    const server = serve(network, hello);
    const error = new EthertabError('EADDRINUSE', 'the port is taken');
    network.listeners.at(-1)?.break(error);
    await expect(server.opened).rejects.toBe(error);
    await expect(server.finished).rejects.toBe(error);
  });

  test('needs a handler, and limits above nothing', () => {
    const network = new FakeNetwork();
    expect(() => serve(network, {})).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => serve(network, { largestHead: 0 }, hello)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(network.listeners).toEqual([]);
  });

  test('that is shut down answers what is under way and closes what is idle', async () => {
    const response = new Deferred<Response>();
    const handler = vi.fn(() => response.promise);
    served = new Served(handler);
    const [idle, busy] = [served.client(), served.client()];
    busy.says(get());
    await eventually(() => expect(handler).toHaveBeenCalled());
    let finished = false;
    const over = served.server.shutdown().then(() => {
      finished = true;
    });
    await idle.over();
    expect(finished).toBe(false);
    response.resolve(new Response('at last'));
    expect(await busy.over()).toContain('connection: close');
    await over;
    expect(served.listener.closes).toBeGreaterThan(0);
  });

  test('that is shut down while a body is under way serves nothing behind it', async () => {
    const last = new Deferred<void>();
    const body = new ReadableStream({
      async pull(controller) {
        await last.promise;
        controller.close();
      },
    });
    const handler = vi.fn(() => new Response(body));
    served = new Served(handler);
    const client = served.client();
    client.says(get());
    await client.hears();
    const over = served.server.shutdown();
    last.resolve();
    client.says(get());
    await client.over();
    await over;
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('that is closed resets everything and tells the handlers', async () => {
    let signal: AbortSignal | undefined;
    const controller = new AbortController();
    served = new Served(
      (request) => {
        ({ signal } = request);
        return new Promise<Response>((_, reject) =>
          request.signal.addEventListener('abort', () => reject(new Error('aborted'))),
        );
      },
      { signal: controller.signal },
    );
    const [idle, busy] = [served.client(), served.client()];
    busy.says(get());
    await eventually(() => expect(signal).toBeDefined());
    controller.abort();
    await served.server.finished;
    expect(idle.aborted).not.toBe(null);
    expect(busy.aborted).not.toBe(null);
    expect(signal?.aborted).toBe(true);
    expect(served.reported).toEqual([]);
  });

  test('leaves connections beyond its limit in the backlog', async () => {
    served = new Served(hello, { mostConnections: 1 });
    const [first, second] = [served.client(), served.client()];
    second.says(get());
    first.says(get());
    await first.hears();
    await turn();
    expect(second.text).toBe('');
    first.end();
    expect(await second.hears()).toBe(HELLO);
  });
});
