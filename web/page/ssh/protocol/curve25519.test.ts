import { Buffer } from 'buffer';
import { describe, expect, it } from 'vitest';
import { joined, wireString, wireUnsigned } from '../wire.js';
import { X25519Exchange } from './curve25519.js';

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => Buffer.from(await crypto.subtle.digest('SHA-256', bytes));

/** A peer whose public key satisfies a condition. */
async function peer(wanted: (publicKey: Uint8Array) => boolean) {
  for (;;) {
    const pair = (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    if (wanted(publicKey)) return { publicKey, privateKey: pair.privateKey };
  }
}

const shapes: Record<string, (publicKey: Uint8Array) => boolean> = {
  'begins with a bit that is set': ([first = 0]) => first >= 128,
  'begins with a zero': ([first = 0]) => first === 0,
  'looks like a number': ([first = 0]) => first > 0 && first < 128,
};

describe('key exchange by X25519', () => {
  for (const [name, shape] of Object.entries(shapes)) {
    it(`hashes both public keys as strings when the peer’s ${name}`, async () => {
      const exchange = new X25519Exchange();
      const ours = new Uint8Array(await exchange.startKeyExchange());
      const { publicKey, privateKey } = await peer(shape);
      const secret = await exchange.decryptKeyExchange(Buffer.from(publicKey));
      const ourKey = await crypto.subtle.importKey('raw', ours, 'X25519', false, []);
      const expected = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: ourKey }, privateKey, 256));
      expect(wireString(secret)).toEqual(wireUnsigned(expected));

      const before = new TextEncoder().encode('all that comes before');
      // What the library writes, and what RFC 8731 §3.1 says.
      const written = joined(before, wireUnsigned(ours), wireUnsigned(publicKey), wireUnsigned(expected));
      const meant = joined(before, wireString(ours), wireString(publicKey), wireUnsigned(expected));
      expect(await exchange.sign(Buffer.from(written))).toEqual(await sha256(meant));
      // The hashes that keys come from are left as they are.
      const other = new TextEncoder().encode('something else');
      expect(await exchange.sign(Buffer.from(other))).toEqual(await sha256(other));
    });
  }

  it('refuses a public key of small order', async () => {
    const exchange = new X25519Exchange();
    await exchange.startKeyExchange();
    await expect(exchange.decryptKeyExchange(Buffer.alloc(32))).rejects.toThrow();
  });
});
