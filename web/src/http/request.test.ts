import { expect, test } from 'vitest';
import { bytesOf, characters } from './characters.js';
import { chunk, LAST_CHUNK, requestHead } from './request.js';

const plain = { method: 'GET', target: '/', headers: [] };

test('a head says where its body ends', () => {
  const head = {
    method: 'POST',
    target: '/form?x=1',
    headers: [['host', 'example.com'] as [string, string], ['x-name', 'caf\xe9'] as [string, string]],
  };
  expect(characters(requestHead(head, 1_234))).toBe(
    'POST /form?x=1 HTTP/1.1\r\nhost: example.com\r\nx-name: caf\xe9\r\ncontent-length: 1234\r\n\r\n',
  );
  expect(characters(requestHead(plain, 'chunked'))).toBe('GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n');
  expect(characters(requestHead(plain, null))).toBe('GET / HTTP/1.1\r\n\r\n');
  expect(characters(requestHead(plain, 0))).toBe('GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n');
});

test('nothing can be smuggled into a head', () => {
  for (const method of ['', 'GET /', 'GE\r\nT', 'G\xe9T']) {
    expect(() => requestHead({ ...plain, method }, null)).toThrow('method');
  }
  for (const target of ['', '/a b', '/\r\nx: y', '/\xe9', '/\n']) {
    expect(() => requestHead({ ...plain, target }, null)).toThrow('target');
  }
  const fields: [string, string][] = [
    ['', 'x'],
    ['a b', 'x'],
    ['a:', 'x'],
    ['a\n', 'x'],
    ['a', 'x\r\ny: z'],
    ['a', 'x\n'],
    ['a', 'x\0'],
    ['a', '€'],
    ['Content-Length', '5'],
    ['transfer-encoding', 'chunked'],
  ];
  for (const field of fields) {
    expect(() => requestHead({ ...plain, headers: [field] }, null)).toThrow('header');
  }
});

test('chunks carry their size in hexadecimal, and none is empty but the last', () => {
  expect(characters(chunk(bytesOf('x'.repeat(26))))).toBe(`1a\r\n${'x'.repeat(26)}\r\n`);
  expect(chunk(new Uint8Array(0)).byteLength).toBe(0);
  expect(characters(LAST_CHUNK)).toBe('0\r\n\r\n');
});
