import { expect, test } from 'vitest';
import { Sha256 } from './sha256.js';

const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7 + 3) & 255);

async function expected(message: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

test('every length around a block has the digest that the platform computes', async () => {
  for (let length = 0; length <= 200; length += 1) {
    const message = bytes(length);
    const hash = new Sha256();
    hash.update(message);
    expect(hash.digest(), `${length} bytes`).toBe(await expected(message));
  }
});

test('the pieces in which a message comes do not matter', async () => {
  const message = bytes(10_000);
  for (const piece of [1, 3, 63, 64, 65, 1460, 9999]) {
    const hash = new Sha256();
    for (let at = 0; at < message.length; at += piece) hash.update(message.subarray(at, at + piece));
    expect(hash.digest(), `pieces of ${piece}`).toBe(await expected(message));
  }
});
