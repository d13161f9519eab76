/** A private key as the library signs with it. */
import { type KeyPair, SshAlgorithms } from '@microsoft/dev-tunnels-ssh/algorithms/sshAlgorithms.js';
import { BigInt as Mpint } from '@microsoft/dev-tunnels-ssh/io/bigInt.js';
import { Buffer } from 'buffer';
import type { PrivateKey } from '../private-key.js';
import { Ed25519KeyPair } from './ed25519.js';

const { publicKey } = SshAlgorithms;

export async function keyPair(key: PrivateKey): Promise<KeyPair> {
  if (key.type === 'ssh-ed25519') {
    const pair = new Ed25519KeyPair();
    await pair.setPrivateKey(key.seed, key.publicKey);
    return pair;
  }
  if (key.type === 'ssh-rsa') return rsaPair(key);
  const algorithm = {
    'ecdsa-sha2-nistp256': publicKey.ecdsaSha2Nistp256,
    'ecdsa-sha2-nistp384': publicKey.ecdsaSha2Nistp384,
    'ecdsa-sha2-nistp521': publicKey.ecdsaSha2Nistp521,
  }[key.type];
  // The point is uncompressed (SEC 1 §2.3.3): 4, and both coordinates.
  const half = (key.point.length - 1) / 2;
  const parameters = {
    curve: { name: key.type.slice('ecdsa-sha2-'.length) },
    x: mpint(key.point.subarray(1, 1 + half)),
    y: mpint(key.point.subarray(1 + half)),
    d: mpint(key.scalar),
  };
  const pair = algorithm.createKeyPair();
  await pair.importParameters(parameters);
  return pair;
}

async function rsaPair({ rsa, blob }: Extract<PrivateKey, { type: 'ssh-rsa' }>): Promise<KeyPair> {
  const [d, p, q] = [integer(rsa.d), integer(rsa.p), integer(rsa.q)];
  const parameters = {
    modulus: mpint(rsa.n),
    exponent: mpint(rsa.e),
    d: mpint(rsa.d),
    p: mpint(rsa.p),
    q: mpint(rsa.q),
    dp: mpint(bytesOf(d % (p - 1n))),
    dq: mpint(bytesOf(d % (q - 1n))),
    qi: mpint(rsa.inverse),
  };
  const pair = publicKey.rsaWithSha512.createKeyPair();
  await pair.importParameters(parameters);
  // The key's own type is ssh-rsa whatever it signs with (RFC 8332 §3); the library would write the signature's name there.
  pair.getPublicKeyBytes = async () => Buffer.from(blob);
  return pair;
}

function mpint(bytes: Uint8Array): Mpint {
  return Mpint.fromBytes(Buffer.from(bytes), { unsigned: true });
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function bytesOf(value: bigint): Uint8Array {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
}
