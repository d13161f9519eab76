/** Responses as servers write them, and as nobody should. */

import { describe, expect, test } from 'vitest';
import type { Bytes } from '../messages.js';
import { bytesOf, characters, joined } from './characters.js';
import { chunk, LAST_CHUNK } from './request.js';
import { owned, ResponseReader } from './response.js';

/** Reads a response handed in so many bytes at a time; then the connection ends. */
function read(wire: string, method = 'GET', step = wire.length) {
  const reader = new ResponseReader(method);
  const body: Bytes[] = [];
  for (let at = 0; at < wire.length && !reader.isComplete; at += step) {
    reader.receive(bytesOf(wire.slice(at, at + step)), body);
  }
  if (!reader.isComplete) {
    reader.endOfStream();
  }
  return { head: reader.head, body: characters(joined(...body)), keepsAlive: reader.keepsAlive };
}

const INCOMPLETE = 'before its answer was complete';
const LENGTH = 'where its body ends';

describe('a response', () => {
  test('ends where its length says', () => {
    const { head, ...rest } = read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  two \r\n\r\nhello and more');
    expect(rest).toEqual({ body: 'hello', keepsAlive: true });
    expect(head).toEqual({
      status: 200,
      statusText: 'OK',
      headers: [
        ['content-length', '5'],
        ['x-a', '1'],
        ['x-a', 'two'],
      ],
    });
  });

  test('gives back what follows it', () => {
    const reader = new ResponseReader('GET');
    const rest = reader.receive(bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK'), []);
    expect(characters(rest)).toBe('HTTP/1.1 200 OK');
  });

  test('in chunks ends with the last of them', () => {
    const wire =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;ext="x"\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\nmore';
    for (const step of [1, 2, 3, 7, 1_000]) {
      expect(read(wire, 'GET', step)).toMatchObject({ body: 'hello, chunked!', keepsAlive: true });
    }
    expect(read('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toMatchObject({
      body: '',
      keepsAlive: true,
    });
  });

  test('may have fields behind its chunks', () => {
    const reader = new ResponseReader('GET');
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n';
    reader.receive(bytesOf(`${chunked}0\r\nX-Sum: 5\r\nx-sum:\r\n 6\r\n\r\n`), []);
    expect(reader.trailers).toEqual([
      ['x-sum', '5'],
      ['x-sum', '6'],
    ]);
    expect(() => read(`${chunked}0\r\nno colon\r\n\r\n`)).toThrow('malformed header');
  });

  test('without a length ends with the connection', () => {
    expect(read('HTTP/1.1 200 OK\r\n\r\nall of it')).toMatchObject({ body: 'all of it', keepsAlive: false });
    expect(read('HTTP/1.0 404\r\n\r\n')).toMatchObject({ body: '', keepsAlive: false, head: { statusText: '' } });
  });

  test('has no body in some cases, whatever it says', () => {
    const wire = 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n';
    expect(read(wire, 'HEAD', 7)).toMatchObject({ body: '', keepsAlive: true });
    for (const status of ['204 No Content', '304 Not Modified']) {
      const wire = `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      expect(read(wire)).toMatchObject({ body: '', keepsAlive: true });
    }
  });

  test('may come behind interim ones, but not behind any number of them', () => {
    const wire =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok';
    for (const step of [1, 3, 1_000]) {
      expect(read(wire, 'PUT', step)).toMatchObject({ body: 'ok', head: { status: 201, headers: [['content-length', '2']] } });
    }
    expect(() => read('HTTP/1.1 100 Continue\r\n\r\n'.repeat(40))).toThrow('do not end');
  });

  test('leaves the connection open only when both sides say so', () => {
    const keeps = (head: string) => read(`${head}\r\nContent-Length: 0\r\n\r\n`).keepsAlive;
    expect(keeps('HTTP/1.1 200 OK')).toBe(true);
    expect(keeps('HTTP/1.1 200 OK\r\nConnection: x, Close')).toBe(false);
    expect(keeps('HTTP/1.0 200 OK')).toBe(false);
    expect(keeps('HTTP/1.0 200 OK\r\nConnection: Keep-Alive')).toBe(true);
  });

  test.each([
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5, 6',
    'Content-Length: -5',
    'Content-Length: +5',
    'Content-Length: 5x',
    'Content-Length: 5\xa0',
    'Content-Length: ',
    'Content-Length: 99999999999999999999',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, chunked',
  ])('whose lengths contradict each other is refused: %j', (fields) => {
    expect(() => read(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`)).toThrow(LENGTH);
  });

  test('may say its length twice; chunks win over it, and then nothing may follow (RFC 9112 §6.3)', () => {
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 5, 05\r\n\r\nhello').body).toBe('hello');
    const both = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    expect(read(both)).toMatchObject({ body: 'hello', keepsAlive: false });
  });

  test('may have folded lines, bare line feeds, and an empty line before it', () => {
    const { head } = read('\r\n\nHTTP/1.1 200 OK\nA: one\n\t two\nContent-Length: 0\n\n');
    expect(head?.headers[0]).toEqual(['a', 'one two']);
  });

  test.each(['SSH-2.0-OpenSSH', 'HTTP/2 200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 200 O\0K'])(
    'that does not begin as HTTP/1 does is refused: %j',
    (line) => {
      expect(() => read(`${line}\r\n\r\n`)).toThrow('does not begin');
    },
  );

  test.each(['no colon', 'a b: c', 'a : b', ': x', 'a: b\0c', ' folded first', 'a: b\rc'])(
    'with a field that is none is refused: %j',
    (field) => {
      expect(() => read(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`)).toThrow('malformed header');
    },
  );

  test.each(['x\r\n', '\r\n', '-1\r\n', '0x5\r\n', '5 5\r\n', '5\r\nhelloX\r\n', 'fffffffffffffffff\r\n'])(
    'with a chunk that is none is refused: %j',
    (chunks) => {
      expect(() => read(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)).toThrow('malformed chunk');
    },
  );

  test.each([
    '',
    'HTTP/1.1 200 OK\r\nA: b\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n',
  ])('that breaks off is an error: %j', (wire) => {
    expect(() => read(wire)).toThrow(INCOMPLETE);
  });

  test('has a head and size lines that are bounded', () => {
    expect(() => read(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(300_000)}`, 'GET', 1_000)).toThrow('too long');
    expect(() => read(`HTTP/1.1 200 OK\r\n${'A: x\r\n'.repeat(60_000)}`)).toThrow('too long');
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(() => read(`${chunked}5;${'x'.repeat(5_000)}`, 'GET', 1_000)).toThrow('too long');
    expect(() => read(`${chunked}0\r\n${'A: x\r\n'.repeat(60_000)}`)).toThrow('too long');
    // Each chunk's line for itself.
    expect(read(`${chunked}${'1;xxxxxxxxxx\r\nx\r\n'.repeat(1_000)}0\r\n\r\n`).body).toBe('x'.repeat(1_000));
  });

  test('is the same however its bytes are cut', () => {
    const sent = Uint8Array.from({ length: 300 }, (_, index) => index);
    const chunks = [0, 50, 51, 260].map((from, index, all) => chunk(sent.slice(from, all[index + 1])));
    const wire = `HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n${characters(joined(...chunks, LAST_CHUNK))}`;
    for (let step = 1; step < 40; step += 1) {
      expect(read(wire, 'GET', step)).toMatchObject({ body: characters(sent), keepsAlive: true });
    }
  });

  test('of any bytes is read or refused, and nothing else', () => {
    // A linear congruential generator: the same bytes in each run.
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const starts = [
      '',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ];
    const likely = '\r\n\r\n: ;0123456789abcdef\t\0\xff';
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Array.from({ length: random(60) }, () => likely[random(likely.length)]).join('');
      try {
        read(`${starts[random(starts.length)]}${bytes}`, 'GET', 1 + random(20));
      } catch (error) {
        expect(error).toMatchObject({ code: 'EHTTP' });
      }
    }
  });
});

describe('the bytes of a body', () => {
  test('are passed on as they are if they fill their buffer, and copied if not', () => {
    const whole = bytesOf('whole');
    expect(owned([whole])[0]).toBe(whole);
    expect(owned([])).toEqual([]);
    const [part] = owned([whole.subarray(1)]);
    expect([part?.buffer.byteLength, characters(part as Bytes)]).toEqual([4, 'hole']);
    const [both, ...more] = owned([whole.subarray(0, 1), whole.subarray(2)]);
    expect([characters(both as Bytes), more.length]).toEqual(['wole', 0]);
  });
});
