/** Frames, with the examples of RFC 6455 §5.7. */
import { expect, test } from 'vitest';
import { bytesOf, joined } from '../http/characters.js';
import { ByteSource } from '../http/source.js';
import type { Bytes } from '../messages.js';
import { BINARY, closePayload, frameHead, masked, PING, PONG, readClose, readFrameHead, TEXT } from './frames.js';

const MASK = new Uint8Array([0x37, 0xfa, 0x21, 0x3d]);

const framed = (opcode: number, payload: Bytes) => joined(frameHead(opcode, payload.byteLength, MASK), masked(payload, MASK));

/** A connection on which the bytes come one by one. */
function source(...bytes: number[]): ByteSource {
  return new ByteSource(
    new ReadableStream<Bytes>({
      pull(controller) {
        const next = bytes.shift();
        next === undefined ? controller.close() : controller.enqueue(new Uint8Array([next]));
      },
    }),
  );
}

async function read(...bytes: number[]) {
  const from = source(...bytes);
  const head = await readFrameHead(from, 2 ** 40);
  return { ...head, payload: head.length < 1_000 ? await from.exactly(head.length) : null };
}

test('a text that is masked', () => {
  const wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
  expect([...framed(TEXT, bytesOf('Hello'))]).toEqual(wire);
});

test('a pong that is masked', () => {
  const wire = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
  expect([...framed(PONG, bytesOf('Hello'))]).toEqual(wire);
});

test.each([
  [0, [0x82, 0x80]],
  [125, [0x82, 0xfd]],
  [126, [0x82, 0xfe, 0x00, 0x7e]],
  [256, [0x82, 0xfe, 0x01, 0x00]],
  [65_535, [0x82, 0xfe, 0xff, 0xff]],
  [65_536, [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]],
  [2 ** 32 + 1, [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 1]],
])('a length of %i takes as few bytes as it can', (length, head) => {
  expect([...frameHead(BINARY, length, MASK)]).toEqual([...head, ...MASK]);
});

test('a text, whole and in fragments, and a ping', async () => {
  const hello = [0x48, 0x65, 0x6c, 0x6c, 0x6f];
  expect(await read(0x81, 0x05, ...hello)).toEqual({ final: true, opcode: 1, length: 5, payload: bytesOf('Hello') });
  expect(await read(0x01, 0x03, 0x48, 0x65, 0x6c)).toEqual({ final: false, opcode: 1, length: 3, payload: bytesOf('Hel') });
  expect(await read(0x80, 0x02, 0x6c, 0x6f)).toEqual({ final: true, opcode: 0, length: 2, payload: bytesOf('lo') });
  expect(await read(0x89, 0x05, ...hello)).toEqual({ final: true, opcode: PING, length: 5, payload: bytesOf('Hello') });
});

test('256 bytes and 64 KiB of a binary message', async () => {
  const bytes = Array.from({ length: 256 }, (_, index) => index);
  expect((await read(0x82, 0x7e, 0x01, 0x00, ...bytes)).payload).toEqual(new Uint8Array(bytes));
  expect(await read(0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0)).toMatchObject({ length: 65_536 });
});

test.each<[string, number[]]>([
  ['a reserved bit', [0xc1, 0x00]],
  ['an unknown opcode', [0x83, 0x00]],
  ['an unknown control opcode', [0x8b, 0x00]],
  ['a masked frame', [0x81, 0x80, 0, 0, 0, 0]],
  ['a fragmented ping', [0x09, 0x00]],
  ['a ping that is too long', [0x89, 0x7e, 0x00, 0x7e]],
  ['a length that 7 bits could say', [0x82, 0x7e, 0x00, 0x7d]],
  ['a length that 16 bits could say', [0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff]],
  ['a length with its highest bit', [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0]],
])('%s is a violation', async (_, bytes) => {
  await expect(read(...bytes)).rejects.toMatchObject({ code: 'EWEBSOCKET', status: 1002 });
});

test('what is larger than allowed is refused before it is read', async () => {
  await expect(readFrameHead(source(0x82, 0x7e, 0x01, 0x00), 255)).rejects.toMatchObject({ status: 1009 });
  expect(await readFrameHead(source(0x82, 0x7e, 0x01, 0x00), 256)).toMatchObject({ length: 256 });
});

test('a Close frame has a code that may be sent, and a reason in UTF-8', () => {
  const close = (code: number, reason = '') => readClose(closePayload(code, new TextEncoder().encode(reason)));
  for (const code of [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999]) {
    expect(close(code, 'därum')).toEqual({ code, reason: 'därum' });
  }
  expect(readClose(new Uint8Array(0))).toEqual({ code: 1005, reason: '' });
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]) {
    expect(() => close(code)).toThrow(expect.objectContaining({ status: 1002 }));
  }
  expect(() => readClose(new Uint8Array([3]))).toThrow(expect.objectContaining({ status: 1002 }));
  expect(() => readClose(new Uint8Array([3, 0xe8, 0xff]))).toThrow(expect.objectContaining({ status: 1007 }));
});
