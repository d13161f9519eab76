import { expect, test } from 'vitest';
import { check } from './integrity.js';

const hello = new TextEncoder().encode('hello').buffer;
const SHA256 = 'sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=';
const SHA384 = 'sha384-WeF0h3dEjGnejD57/mP1XfULxwSfM7hi0ZGm5SGqGxjOx0S3uuM3gqB1x1Gf8RYB';

test.each([
  SHA256,
  `${SHA256}?any-option`,
  SHA256.replaceAll('+', '-').replace('=', ''),
  `sha256-AAAA ${SHA256}`,
  // The strongest kind counts alone.
  `sha256-AAAA ${await digest('SHA-512')}`,
  // What is not understood asks for nothing.
  'md5-XUFAKrxLKna5cZ2REBfFkg==',
  '',
])('%j is met', async (metadata) => {
  await expect(check(hello, metadata)).resolves.toBeUndefined();
});

test.each(['sha256-AAAA', `${SHA256} sha512-AAAA`, SHA384.replace('W', 'X')])('%j is not', async (metadata) => {
  await expect(check(hello, metadata)).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'EINTEGRITY' } });
});

async function digest(algorithm: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest(algorithm, hello));
  return `${algorithm.toLowerCase().replace('-', '')}-${btoa(String.fromCharCode(...hash))}`;
}
