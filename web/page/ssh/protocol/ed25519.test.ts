import { Buffer } from 'node:buffer';
import { generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { joined, wireString } from '../wire.js';
import { Ed25519, Ed25519KeyPair } from './ed25519.js';

const raw = (jwk: JsonWebKey, name: 'x' | 'd') => new Uint8Array(Buffer.from(jwk[name] ?? '', 'base64url'));

describe('signatures by Ed25519', () => {
  it('are what others verify, and verify themselves', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const jwk = privateKey.export({ format: 'jwk' });
    const pair = new Ed25519KeyPair();
    await pair.setPrivateKey(raw(jwk, 'd'), raw(jwk, 'x'));
    const data = Buffer.from('what is signed');
    const algorithm = new Ed25519();
    const signature = await algorithm.createSigner(pair).sign(data);
    expect(verify(null, data, publicKey, signature)).toBe(true);
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
