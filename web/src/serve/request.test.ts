/** `net.serve`: what of requests is taken, what is refused, and how their bodies are read. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Deferred, ENDS, turn } from '../../test/fake-network.js';
import { type Client, eventually, get, HELLO, hello, OK, post, Served } from '../../test/http-client.js';
import type { ServeHandler, ServeOptions } from './types.js';

let served: Served;

afterEach(() => served?.server.close().catch(() => {}));

/** A client of a new server. */
function asked(handler: ServeHandler, options?: ServeOptions): Client {
  served = new Served(handler, options);
  return served.client();
}

describe('a request', () => {
  test('comes to the handler as a Request, with who asks', async () => {
    let seen: unknown;
    const peer = asked((request, { remoteAddress, remotePort, remoteAddr }) => {
      const { method, url, body } = request;
      seen = { method, url, body, headers: [...request.headers], remoteAddress, remotePort, remoteAddr };
      expect(request).toBeInstanceOf(Request);
      return hello();
    });
    peer.says(get('/path?x=1', 'Cookie:  a=1 ', 'X-Twice: one', 'x-twice: two', 'X-Latin: caf\xe9'));
    expect(await peer.hears()).toBe(HELLO);
    expect(seen).toEqual({
      method: 'GET',
      url: 'http://tab/path?x=1',
      body: null,
      headers: [
        ['cookie', 'a=1'],
        ['host', 'tab'],
        ['x-latin', 'caf\xe9'],
        ['x-twice', 'one, two'],
      ],
      remoteAddress: ENDS.remoteAddress,
      remotePort: ENDS.remotePort,
      remoteAddr: { transport: 'tcp', hostname: ENDS.remoteAddress, port: ENDS.remotePort },
    });
  });

  test('may come byte by byte, after empty lines', async () => {
    const peer = asked(async (request) => new Response(await request.text()));
    for (const byte of `\r\n\r\n${post(['Transfer-Encoding: chunked'], '2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n')}`) {
      peer.says(byte);
      await turn();
    }
    expect(await peer.hears()).toBe(HELLO);
  });

  test.each([
    ['the origin form', 'GET /a/../b?c HTTP/1.1\r\nHost: tab:81', 'http://tab:81/b?c'],
    ['the absolute form, which outweighs Host', 'GET http://other:8080/x HTTP/1.1\r\nHost: tab', 'http://other:8080/x'],
    ['the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: tab', 'http://tab/'],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:', 'http://10.77.0.9/'],
    ['HTTP/1.0 without a Host', 'GET / HTTP/1.0', 'http://10.77.0.9/'],
    ['a minor version that is not known', 'GET / HTTP/1.7\r\nHost: tab', 'http://tab/'],
    ['a path that looks like an authority', 'GET //evil/x HTTP/1.1\r\nHost: tab', 'http://tab//evil/x'],
  ])('in %s', async (_, head, url) => {
    const peer = asked((request) => new Response(request.url));
    peer.says(`${head}\r\n\r\n`);
    expect((await peer.hears()).split('\r\n\r\n')[1]).toBe(url);
  });

  test.each<[number, string, string]>([
    [400, 'no Host', 'GET / HTTP/1.1\r\n\r\n'],
    [400, 'two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    [400, 'user information in Host', 'GET / HTTP/1.1\r\nHost: me@tab\r\n\r\n'],
    [400, 'a path in Host', 'GET / HTTP/1.1\r\nHost: tab/x\r\n\r\n'],
    [400, 'a port that is none', 'GET / HTTP/1.1\r\nHost: tab:99999\r\n\r\n'],
    [400, 'no target', 'GET HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'a target that is none', 'GET path HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'an asterisk for GET', 'GET * HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'user information in the target', 'GET http://me@tab/ HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'two spaces', 'GET  / HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'a space too many', 'GET / x HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'a method that is none', 'G[T / HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'characters beyond ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [400, 'no version', 'GET /\r\n\r\n'],
    [400, 'a version in small letters', 'GET / http/1.1\r\nHost: tab\r\n\r\n'],
    [505, 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [501, 'CONNECT', 'CONNECT tab:80 HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [501, 'TRACE', 'TRACE / HTTP/1.1\r\nHost: tab\r\n\r\n'],
    [417, 'an expectation', 'GET / HTTP/1.1\r\nHost: tab\r\nExpect: more\r\n\r\n'],
    [400, 'a header without a colon', 'GET / HTTP/1.1\r\nHost: tab\r\nnothing\r\n\r\n'],
    [400, 'a space before the colon', 'GET / HTTP/1.1\r\nHost: tab\r\nContent-Length : 5\r\n\r\nhello'],
    [400, 'a folded line', 'GET / HTTP/1.1\r\nHost: tab\r\nX: 1\r\n 2\r\n\r\n'],
    [400, 'a line before the first header', 'GET / HTTP/1.1\r\n X: 1\r\nHost: tab\r\n\r\n'],
    [400, 'lines without CR', 'GET / HTTP/1.1\nHost: tab\n\n'],
    [400, 'one line without CR', 'GET / HTTP/1.1\r\nHost: tab\nX: 1\r\n\r\n'],
    [400, 'a lone CR', 'GET / HTTP/1.1\r\nHost: tab\r\nX: a\rb\r\n\r\n'],
    [400, 'NUL', 'GET / HTTP/1.1\r\nHost: tab\r\nX: a\0b\r\n\r\n'],
    [400, 'both lengths', post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
    [400, 'two lengths', post(['Content-Length: 5', 'Content-Length: 6'], 'hello!')],
    [400, 'the same length twice', post(['Content-Length: 5', 'Content-Length: 5'], 'hello')],
    [400, 'a list of lengths', post(['Content-Length: 5, 5'], 'hello')],
    [400, 'a length with a sign', post(['Content-Length: +5'], 'hello')],
    [400, 'an empty length', post(['Content-Length:'], 'hello')],
    [400, 'a length in hexadecimal', post(['Content-Length: 0x5'], 'hello')],
    [400, 'a length beyond all measure', post(['Content-Length: 99999999999999999999'], '')],
    [400, 'chunked twice', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
    [400, 'something behind chunked', post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n')],
    [400, 'a coding that is not chunked', post(['Transfer-Encoding: xchunked'], '0\r\n\r\n')],
    [400, 'no coding', post(['Transfer-Encoding:'], '0\r\n\r\n')],
    [400, 'chunked behind a control character', post(['Transfer-Encoding: \x0bchunked'], '0\r\n\r\n')],
    [400, 'chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [501, 'a coding that is not known', post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')],
    [414, 'a target without end', `GET /${'x'.repeat(16_384)}`],
    [431, 'headers without end', `GET / HTTP/1.1\r\nHost: tab\r\nX: ${'x'.repeat(16_384)}`],
    [413, 'a body that is longer than it may be', post(['Content-Length: 1001'], '')],
  ])('is refused with %i for %s, and the connection closed', async (status, _, text) => {
    const handler = vi.fn(hello);
    const peer = asked(handler, { largestBody: 1_000 });
    peer.says(text).says(get('/second'));
    const answer = await peer.over();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(answer).toContain('\r\nconnection: close\r\n');
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(handler).not.toHaveBeenCalled();
    expect(served.reported).toEqual([]);
  });
});

describe('the body of a request', () => {
  test.each(['POST', 'GET'])('is read by its length, with %s', async (method) => {
    const peer = asked(async (request) => Response.json([request.method, await request.json()]));
    peer.says(`${method} / HTTP/1.1\r\nHost: tab\r\nContent-Length: 7\r\n\r\n{"a":1}`);
    expect(await peer.hears()).toMatch(/\["(POST|GET)",\{"a":1\}\]$/);
  });

  test('can be had in each form', async () => {
    const form = '--b\r\nContent-Disposition: form-data; name="n"\r\n\r\nv\r\n--b--\r\n';
    const peer = asked(async (request) => {
      const copy = request.clone();
      const value = (await request.formData()).get('n');
      const blob = await copy.clone().blob();
      const bytes = await copy.bytes();
      return Response.json([value, blob.size, blob.type, bytes.length, request.bodyUsed, copy.headers.get('host')]);
    });
    peer.says(post([`Content-Length: ${form.length}`, 'Content-Type: multipart/form-data; boundary=b'], form));
    const [, seen = ''] = (await peer.hears()).split('\r\n\r\n');
    const type = expect.stringMatching(/^multipart\/form-data; ?boundary=b$/);
    expect(JSON.parse(seen)).toEqual(['v', form.length, type, form.length, true, 'tab']);
  });

  test('is not read before somebody wants it', async () => {
    const wanted = new Deferred<void>();
    const peer = asked(async (request) => {
      await wanted.promise;
      return new Response(await request.text());
    });
    peer.says(post(['Content-Length: 5', 'Expect: 100-continue'], ''));
    await turn();
    await turn();
    expect(peer.text).toBe('');
    wanted.resolve();
    expect(await peer.hears()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    peer.says('hello');
    expect(await peer.hears()).toBe(HELLO);
    peer.says(get());
    await peer.hears();
  });

  test('that a client keeps back until it is told to go on, and nobody wants, closes the connection', async () => {
    const peer = asked(hello);
    peer.says(post(['Content-Length: 5', 'Expect: 100-continue'], ''));
    expect(await peer.over()).toBe(`${OK('content-length: 5', 'connection: close')}\r\n\r\nhello`);
  });

  test('flows through a handler in both directions at once', async () => {
    const peer = asked((request) => new Response(request.body));
    peer.says(post(['Transfer-Encoding: chunked'], '5\r\nfirst\r\n'));
    expect(await peer.hears((text) => text.includes('first'))).toMatch(/transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n$/);
    peer.says('6\r\nsecond\r\n');
    expect(await peer.hears()).toBe('6\r\nsecond\r\n');
    peer.says('0\r\n\r\n');
    expect(await peer.hears()).toBe('0\r\n\r\n');
    peer.says(get());
    expect(await peer.hears()).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('that the handler left is passed over', async () => {
    const peer = asked(hello);
    peer.says(post(['Content-Length: 100000'], 'x'.repeat(60_000)));
    expect(await peer.hears()).toBe(HELLO);
    peer
      .says('x'.repeat(40_000))
      .says(post(['Transfer-Encoding: chunked'], '1\r\nx\r\n0\r\n\r\n'))
      .says(get());
    expect(await peer.hears((text) => text.length >= 2 * HELLO.length)).toBe(HELLO + HELLO);
  });

  test('that the handler left closes the connection, if it is long', async () => {
    const peer = asked(hello);
    peer.says(post(['Content-Length: 1000000'], 'x'));
    expect(await peer.hears()).toContain('connection: close');
    expect(peer.closes).toBe(0);
    // What still comes is read, for a reset could destroy the response.
    for (let sent = 0; sent < 500_000; sent += 50_000) {
      peer.says('x'.repeat(50_000));
    }
    peer.end();
    await eventually(() => expect(peer.closes).toBe(1));
    expect(peer.aborted).toBe(null);
  });

  test.each<[number, string, string]>([
    [400, 'a chunk size that is none', 'x\r\n'],
    [400, 'a chunk size with a sign', '-1\r\n'],
    [400, 'a chunk size with a prefix', '0x5\r\nhello\r\n0\r\n\r\n'],
    [400, 'a chunk size beyond all measure', 'fffffffffffffffff\r\n'],
    [400, 'no chunk size', '\r\n'],
    [400, 'a chunk that is longer than its size', '2\r\nhello\r\n0\r\n\r\n'],
    [400, 'chunk lines without CR', '5\nhello\n0\n\n'],
    [400, 'a trailer that is none', '0\r\nx\r\n\r\n'],
    [431, 'a chunk extension without end', `1;${'x'.repeat(5_000)}`],
    [413, 'chunks that are longer than they may be', '1f4\r\n'.padEnd(505, 'x').concat('\r\n1f5\r\n')],
  ])('is refused with %i for %s, and what follows is not taken for a request', async (status, _, body) => {
    const handler = vi.fn(async (request: Request) => new Response(await request.text()));
    const peer = asked(handler, { largestBody: 1_000 });
    peer.says(post(['Transfer-Encoding: chunked'], body)).says(get('/second'));
    expect(await peer.over()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(handler).toHaveBeenCalledTimes(1);
    expect(served.reported).toEqual([]);
  });

  test('that breaks off fails the handler, and nobody is blamed for it', async () => {
    let failure: unknown;
    const peer = asked(async (request) => {
      await request.text().catch((error) => {
        failure = error;
      });
      return hello();
    });
    peer.says(post(['Content-Length: 10'], 'half')).end();
    expect(await peer.hears()).toContain('connection: close');
    expect(failure).toBeInstanceOf(Error);
  });
});
