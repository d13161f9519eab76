/** Key exchange by X25519 (RFC 8731), by the browser's own cryptography: the library's are the NIST curves alone. */
import { type KeyExchange, KeyExchangeAlgorithm } from '@microsoft/dev-tunnels-ssh/algorithms/sshAlgorithms.js';
import { Buffer } from 'buffer';
import { joined, wireString, wireUnsigned } from '../wire.js';

export class Curve25519 extends KeyExchangeAlgorithm {
  constructor(name: 'curve25519-sha256' | 'curve25519-sha256@libssh.org') {
    super(name, 256, 'SHA2-256', 32);
  }

  override createKeyExchange(): KeyExchange {
    return new X25519Exchange();
  }
}

export class X25519Exchange implements KeyExchange {
  readonly digestLength = 32;
  #privateKey: CryptoKey | undefined;
  /** What the exchange hash ends with, as the library writes it and as RFC 8731 §3.1 says. */
  #ending: { written: Uint8Array; meant: Uint8Array } | undefined;
  #ours: Uint8Array = new Uint8Array();

  async startKeyExchange(): Promise<Buffer> {
    const pair = (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])) as CryptoKeyPair;
    this.#privateKey = pair.privateKey;
    this.#ours = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    return Buffer.from(this.#ours);
  }

  /** The shared secret, as the bytes of an `mpint`. Fails for a public key of small order, whose secret is zero (RFC 8731 §3). */
  async decryptKeyExchange(exchangeValue: Buffer): Promise<Buffer> {
    if (this.#privateKey === undefined) throw new Error('The key exchange was not started.');
    const theirs = new Uint8Array(exchangeValue);
    const publicKey = await crypto.subtle.importKey('raw', theirs, 'X25519', false, []);
    const secret = wireUnsigned(
      new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: publicKey }, this.#privateKey, 256)),
    );
    this.#ending = {
      written: joined(wireUnsigned(this.#ours), wireUnsigned(theirs), secret),
      meant: joined(wireString(this.#ours), wireString(theirs), secret),
    };
    return Buffer.from(secret.subarray(4));
  }

  /**
   * The hash of the exchange, and those that keys are derived by. The library writes both public keys into the former as numbers;
   * they are strings of 32 bytes, and differ from numbers when their first bit is set or their first byte zero.
   */
  async sign(data: Buffer): Promise<Buffer> {
    let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(data);
    const ending = this.#ending;
    if (ending !== undefined && endsWith(bytes, ending.written)) {
      bytes = joined(bytes.subarray(0, bytes.length - ending.written.length), ending.meant);
    }
    return Buffer.from(await crypto.subtle.digest('SHA-256', bytes));
  }

  dispose(): void {
    this.#privateKey = undefined;
  }
}

function endsWith(bytes: Uint8Array, ending: Uint8Array): boolean {
  const start = bytes.length - ending.length;
  return start >= 0 && ending.every((byte, index) => bytes[start + index] === byte);
}
