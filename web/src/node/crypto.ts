/** In place of `node:crypto`: what the browser's Web Crypto gives. Hashes that must be done at once need a package (`crypto-browserify`). */

import { Buffer } from 'buffer';
import { unsupported } from './errors.js';

export const webcrypto = globalThis.crypto;
export const subtle = webcrypto.subtle;

export function getRandomValues<T extends ArrayBufferView<ArrayBuffer>>(array: T): T {
  return webcrypto.getRandomValues(array);
}

export function randomBytes(size: number): Buffer {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(size)).buffer);
}

export function randomUUID(): string {
  return webcrypto.randomUUID();
}

export function createHash(): never {
  throw unsupported('crypto.createHash()');
}

export function createHmac(): never {
  throw unsupported('crypto.createHmac()');
}

export default { webcrypto, subtle, getRandomValues, randomBytes, randomUUID, createHash, createHmac };
