import { describe, expect, it } from 'vitest';
import { PrivateKeyError, readPrivateKey } from './private-key.js';
import { fromBase64, joined, toBase64, WireReader, wireString } from './wire.js';

// By `ssh-keygen -t ed25519`, for these tests alone; the second with the passphrase below.
const plain =
  'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACA6Tkmx9FcZMVgPiaoLIDNGak79Y0/z' +
  'B+uU+YELTJxJfgAAAJBCLrhnQi64ZwAAAAtzc2gtZWQyNTUxOQAAACA6Tkmx9FcZMVgPiaoLIDNGak79Y0/zB+uU+YELTJxJfgAAAECZwIjIndw/' +
  'XjPVoWdeA/ApPjtQ7x44D8HfOEU92sjSmDpOSbH0VxkxWA+JqgsgM0ZqTv1jT/MH65T5gQtMnEl+AAAADGVkMjU1MTlAdGVzdAE=';
const locked =
  'b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABA/ZEfyxKo2Tk2ML4qAfiGHAAAAEAAAAAEAAAAzAAAAC3NzaC1l' +
  'ZDI1NTE5AAAAIInVEJ4KvqT+rMMkqgcebSuvATYAS83IuZyZ/ifrqdezAAAAkDbLQs87dFjapTpbgF9zBmkXfhk42Wjc7P8I1f8RQ24O06wI1MjA' +
  'zaCzPnIXmDboX8rK2MaVWrL5vFDte0nYSLkel9bC79A0NVU+JBeaCCa7m5+DMfFAMStnn+suUC5kttX5/bcni6IFwXKo21ePbhv/RH9VjZb0eB2q' +
  'voN7rGps3RZwd34GFdQ2/GFnHyc0bQ==';
const passphrase = 'correct horse';

const frame = (base64: string, kind = 'OPENSSH') =>
  `-----BEGIN ${kind} PRIVATE KEY-----\n${base64}\n-----END ${kind} PRIVATE KEY-----\n`;
const reasonOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'none',
    (error: unknown) => (error instanceof PrivateKeyError ? error.reason : error),
  );

describe('a private key', () => {
  it('is read as ssh-keygen wrote it', async () => {
    const key = await readPrivateKey(frame(plain), '');
    expect(key).toMatchObject({ type: 'ssh-ed25519', comment: 'ed25519@test' });
    expect(new WireReader(key.blob).text()).toBe('ssh-ed25519');
    if (key.type !== 'ssh-ed25519') throw new Error('another type');
    expect(key.blob.slice(-32)).toEqual(key.publicKey);
    expect(key.seed.length).toBe(32);
  });

  it('is found among other text and other ends of line', async () => {
    const text = `my key:\r\n${frame(plain).replaceAll('\n', '\r\n')}that was it`;
    expect((await readPrivateKey(text, '')).type).toBe('ssh-ed25519');
  });

  it('is unlocked by its passphrase', async () => {
    expect(await readPrivateKey(frame(locked), passphrase)).toMatchObject({ type: 'ssh-ed25519', comment: 'enc@test' });
  });

  it('asks for its passphrase, and says when it is another', async () => {
    expect(await reasonOf(readPrivateKey(frame(locked), ''))).toBe('passphrase');
    expect(await reasonOf(readPrivateKey(frame(locked), 'battery staple'))).toBe('wrong');
  });

  it('is told apart from what is none', async () => {
    await expect(readPrivateKey('hello', '')).rejects.toThrow('no private key');
    await expect(readPrivateKey('ssh-ed25519 AAAA me@here', '')).rejects.toThrow('public half');
    await expect(readPrivateKey(frame(plain, 'RSA'), '')).rejects.toThrow('ssh-keygen -p');
    await expect(readPrivateKey(frame('@@@'), '')).rejects.toThrow('not base64');
  });

  it('that is cut short anywhere is refused, without a panic', async () => {
    const bytes = fromBase64(plain);
    for (let length = 0; length < bytes.length - 16; length += 1) {
      expect(await reasonOf(readPrivateKey(frame(toBase64(bytes.slice(0, length))), ''))).toBe('form');
    }
  });

  it('that would take for ever to unlock is refused', async () => {
    const options = joined(wireString(new Uint8Array(16)), new Uint8Array([255, 255, 255, 255]));
    const head = new TextEncoder().encode('openssh-key-v1\0');
    const parts = [wireString('aes256-ctr'), wireString('bcrypt'), wireString(options), new Uint8Array([0, 0, 0, 1])];
    const file = joined(head, ...parts, wireString('x'), wireString(new Uint8Array(64)));
    await expect(readPrivateKey(frame(toBase64(file)), passphrase)).rejects.toThrow('out of bounds');
  });
});
