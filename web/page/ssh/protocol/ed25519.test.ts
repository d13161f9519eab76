import { Buffer } from 'buffer';
import { describe, expect, it } from 'vitest';
import { fromBase64, joined, wireString } from '../wire.js';
import { Ed25519, Ed25519KeyPair } from './ed25519.js';

const bytesOf = (base64Url = '') => fromBase64(base64Url.replaceAll('-', '+').replaceAll('_', '/'));

describe('signatures by Ed25519', () => {
  it('are what others verify, and verify themselves', async () => {
    const { publicKey, privateKey } = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    const { d, x } = await crypto.subtle.exportKey('jwk', privateKey);
    const pair = new Ed25519KeyPair();
    await pair.setPrivateKey(bytesOf(d), bytesOf(x));
    const data = Buffer.from('what is signed');
    const algorithm = new Ed25519();
    const signature = await algorithm.createSigner(pair).sign(data);
    expect(await crypto.subtle.verify('Ed25519', publicKey, new Uint8Array(signature), new Uint8Array(data))).toBe(true);
    expect(await algorithm.createVerifier(pair).verify(data, signature)).toBe(true);
    expect(await algorithm.createVerifier(pair).verify(Buffer.from('another'), signature)).toBe(false);
  });

  it('come with a public key as RFC 8709 §4 has it', async () => {
    const blob = Buffer.from(joined(wireString('ssh-ed25519'), wireString(new Uint8Array(32).fill(9))));
    const pair = new Ed25519KeyPair();
    await pair.setPublicKeyBytes(blob);
    expect(await pair.getPublicKeyBytes()).toEqual(blob);
    const rsa = Buffer.from(joined(wireString('ssh-rsa'), wireString(new Uint8Array(32))));
    await expect(pair.setPublicKeyBytes(rsa)).rejects.toThrow('another type');
  });
});
