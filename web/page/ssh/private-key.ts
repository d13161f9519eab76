/**
 * Private keys as `ssh-keygen` writes them ("BEGIN OPENSSH PRIVATE KEY", OpenSSH's PROTOCOL.key): Ed25519, ECDSA and RSA, with
 * or without a passphrase.
 */
import { fromBase64, MalformedError, WireReader } from './wire.js';

/** Numbers are bytes, most significant first. */
export type PrivateKey = { readonly comment: string; readonly blob: Uint8Array<ArrayBuffer> } & (
  | { readonly type: 'ssh-ed25519'; readonly publicKey: Uint8Array; readonly seed: Uint8Array }
  | { readonly type: EcdsaType; readonly point: Uint8Array; readonly scalar: Uint8Array }
  | { readonly type: 'ssh-rsa'; readonly rsa: Record<'n' | 'e' | 'd' | 'p' | 'q' | 'inverse', Uint8Array> }
);

type EcdsaType = `ecdsa-sha2-nistp${256 | 384 | 521}`;

/** Why a key cannot be used. */
export class PrivateKeyError extends Error {
  /** `passphrase`: it takes one, and none was given · `wrong`: not this one · `form`: it is not such a key, or of a foreign kind. */
  readonly reason: 'passphrase' | 'wrong' | 'form';

  constructor(reason: 'passphrase' | 'wrong' | 'form', message: string) {
    super(message);
    this.name = 'PrivateKeyError';
    this.reason = reason;
  }
}

const frame = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----([\s\S]*?)-----END \1-----/;
const magic = 'openssh-key-v1\0';

/** Key lengths in bytes. The others that OpenSSH knows are not written unless asked for. */
const ciphers: Record<string, number> = { 'aes256-ctr': 32, 'aes128-ctr': 16 };

/** More rounds than anybody waits for. */
const mostRounds = 1000;

/** Throws a {@link PrivateKeyError}. The first key alone is read. */
export async function readPrivateKey(text: string, passphrase: string): Promise<PrivateKey> {
  try {
    return await read(text, passphrase);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new PrivateKeyError('form', `The private key is damaged: ${error.message}.`);
  }
}

async function read(text: string, passphrase: string): Promise<PrivateKey> {
  const [, kind, base64 = ''] = frame.exec(text) ?? [];
  if (kind === undefined) {
    const isPublic = /^\s*(ssh-|ecdsa-)/.test(text);
    throw new PrivateKeyError(
      'form',
      isPublic ? 'This is the public half of a key: the private one is in the file without .pub.' : 'This is no private key.',
    );
  }
  if (kind !== 'OPENSSH PRIVATE KEY') {
    throw new PrivateKeyError('form', 'This key is in an older form: ssh-keygen -p -f FILE writes it in OpenSSH’s own.');
  }
  const reader = new WireReader(fromBase64(base64));
  if (new TextDecoder().decode(reader.bytes(magic.length)) !== magic) throw new MalformedError('it has no such header');
  const cipher = reader.text();
  const derivation = reader.text();
  const options = new WireReader(reader.string());
  if (reader.uint32() < 1) throw new MalformedError('there is none in it');
  const blob = reader.string();
  const secret = reader.string();
  if (cipher === 'none') return privatePart(secret, blob, 'form');
  if (passphrase === '') throw new PrivateKeyError('passphrase', 'This key is locked: it takes its passphrase.');
  return privatePart(await decrypt(secret, passphrase, cipher, derivation, options), blob, 'wrong');
}

async function decrypt(
  secret: Uint8Array<ArrayBuffer>,
  passphrase: string,
  cipher: string,
  derivation: string,
  options: WireReader,
): Promise<Uint8Array<ArrayBuffer>> {
  const keyLength = ciphers[cipher];
  if (keyLength === undefined || derivation !== 'bcrypt') {
    throw new PrivateKeyError('form', `This key is locked by ${cipher}, which is not known here.`);
  }
  const salt = options.string();
  const rounds = options.uint32();
  if (rounds < 1 || rounds > mostRounds) throw new MalformedError(`${rounds} rounds are out of bounds`);
  const { default: bcrypt } = await import('bcrypt-pbkdf');
  const bytes = new TextEncoder().encode(passphrase);
  const derived = new Uint8Array(keyLength + 16);
  if (bcrypt.pbkdf(bytes, bytes.length, salt, salt.length, derived, derived.length, rounds) !== 0) {
    throw new MalformedError('its salt is missing');
  }
  const key = await crypto.subtle.importKey('raw', derived.slice(0, keyLength), 'AES-CTR', false, ['decrypt']);
  const counter = derived.slice(keyLength);
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: 128 }, key, secret));
}

/** `otherwise`: what it means when the two check numbers differ. */
function privatePart(secret: Uint8Array, blob: Uint8Array<ArrayBuffer>, otherwise: 'wrong' | 'form'): PrivateKey {
  const reader = new WireReader(secret);
  const [first, second] = [reader.uint32(), reader.uint32()];
  if (first !== second) {
    throw new PrivateKeyError(
      otherwise,
      otherwise === 'wrong' ? 'This is not the passphrase of the key.' : 'The private key is damaged.',
    );
  }
  const type = reader.text();
  switch (type) {
    case 'ssh-ed25519': {
      const publicKey = reader.string();
      // The seed, and the public key once more.
      const seed = reader.string().slice(0, 32);
      if (publicKey.length !== 32 || seed.length !== 32) throw new MalformedError('its length is wrong');
      return { type, publicKey, seed, comment: reader.text(), blob };
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      reader.text();
      return { type, point: reader.string(), scalar: reader.unsigned(), comment: reader.text(), blob };
    }
    case 'ssh-rsa': {
      // In this order in the file.
      const [n, e, d] = [reader.unsigned(), reader.unsigned(), reader.unsigned()];
      const [inverse, p, q] = [reader.unsigned(), reader.unsigned(), reader.unsigned()];
      return { type, rsa: { n, e, d, p, q, inverse }, comment: reader.text(), blob };
    }
    default:
      throw new PrivateKeyError('form', `Keys of the type ${type} are not known here.`);
  }
}
