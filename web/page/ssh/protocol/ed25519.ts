/** Signatures by Ed25519 (RFC 8709), by the browser's own cryptography: the library knows ECDSA and RSA alone. */
import { type KeyPair, PublicKeyAlgorithm } from '@microsoft/dev-tunnels-ssh/algorithms/sshAlgorithms.js';
import { Buffer } from 'buffer';
import { joined, toBase64Url, WireReader, wireString } from '../wire.js';

const name = 'ssh-ed25519';

export class Ed25519 extends PublicKeyAlgorithm {
  constructor() {
    super(name, name, 'SHA2-512');
  }

  override createKeyPair(): Ed25519KeyPair {
    return new Ed25519KeyPair();
  }

  override async generateKeyPair(): Promise<KeyPair> {
    throw new Error('Keys are made by ssh-keygen.');
  }

  override createSigner(pair: KeyPair) {
    return new Ed25519Signer(own(pair));
  }

  override createVerifier(pair: KeyPair) {
    return new Ed25519Signer(own(pair));
  }
}

export class Ed25519KeyPair implements KeyPair {
  readonly keyAlgorithmName = name;
  comment: string | null = null;
  publicKey: Uint8Array<ArrayBuffer> | undefined;
  #verifying: CryptoKey | undefined;
  #signing: CryptoKey | undefined;

  get hasPublicKey(): boolean {
    return this.publicKey !== undefined;
  }

  get hasPrivateKey(): boolean {
    return this.#signing !== undefined;
  }

  async setPublicKeyBytes(bytes: Buffer): Promise<void> {
    const reader = new WireReader(bytes);
    if (reader.text() !== name) throw new Error('The key is of another type than was agreed on.');
    const publicKey = reader.string();
    this.#verifying = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
    this.publicKey = publicKey;
  }

  async getPublicKeyBytes(): Promise<Buffer | null> {
    return this.publicKey ? Buffer.from(joined(wireString(name), wireString(this.publicKey))) : null;
  }

  /** `seed` and `publicKey` are 32 bytes each. */
  async setPrivateKey(seed: Uint8Array, publicKey: Uint8Array): Promise<void> {
    await this.setPublicKeyBytes(Buffer.from(joined(wireString(name), wireString(publicKey))));
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: toBase64Url(seed), x: toBase64Url(publicKey) };
    this.#signing = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
  }

  async sign(data: Buffer): Promise<Buffer> {
    if (this.#signing === undefined) throw new Error('This key has no private half.');
    return Buffer.from(await crypto.subtle.sign('Ed25519', this.#signing, new Uint8Array(data)));
  }

  async verify(data: Buffer, signature: Buffer): Promise<boolean> {
    if (this.#verifying === undefined) throw new Error('This key has no public half.');
    return crypto.subtle.verify('Ed25519', this.#verifying, new Uint8Array(signature), new Uint8Array(data));
  }

  async generate(): Promise<void> {
    throw new Error('Keys are made by ssh-keygen.');
  }

  async importParameters(): Promise<void> {
    throw new Error('Ed25519 keys have no parameters.');
  }

  async exportParameters(): Promise<never> {
    throw new Error('Ed25519 keys have no parameters.');
  }

  dispose(): void {
    this.#signing = undefined;
  }
}

class Ed25519Signer {
  readonly digestLength = 64;
  readonly #pair: Ed25519KeyPair;

  constructor(pair: Ed25519KeyPair) {
    this.#pair = pair;
  }

  sign(data: Buffer): Promise<Buffer> {
    return this.#pair.sign(data);
  }

  verify(data: Buffer, signature: Buffer): Promise<boolean> {
    return this.#pair.verify(data, signature);
  }

  dispose(): void {}
}

function own(pair: KeyPair): Ed25519KeyPair {
  if (!(pair instanceof Ed25519KeyPair)) throw new TypeError('This is no Ed25519 key.');
  return pair;
}
