import { expect, test } from 'vitest';
import { bytesOf } from '../http/characters.js';
import { acceptFor } from './handshake.js';
import { sha1 } from './sha1.js';

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

test('the examples of FIPS 180', () => {
  expect(hex(sha1(bytesOf('abc')))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  const longer = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';
  expect(hex(sha1(bytesOf(longer)))).toBe('84983e441c3bd26ebaae4aa1f95129e5e54670f1');
});

test('every length up to three blocks, as the platform has it', async () => {
  for (let length = 0; length < 192; length += 1) {
    const message = Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 255);
    const digest = await crypto.subtle.digest('SHA-1', message);
    expect(sha1(message)).toEqual(new Uint8Array(digest));
  }
});

test("the server's answer of RFC 6455 §1.3", () => {
  expect(acceptFor('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});
