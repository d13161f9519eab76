/** What a server proves who it is with: its public host key (RFC 4253 §6.6). */
import { toBase64, WireReader } from './wire.js';

export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  /** The key as it goes over the wire; begins with its type. */
  readonly blob: Uint8Array<ArrayBuffer>;
}

/** Throws a {@link MalformedError} if the bytes do not begin with a type. */
export function hostKey(blob: Uint8Array): HostKey {
  return { type: new WireReader(blob).text(), blob: new Uint8Array(blob) };
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. */
export async function fingerprint({ blob }: HostKey): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return `SHA256:${toBase64(digest).replaceAll('=', '')}`;
}

/** What people call the kind of key, as OpenSSH does: `ED25519`. */
export function kindOf(type: string): string {
  if (type.startsWith('ecdsa-')) return 'ECDSA';
  return type.replace(/^ssh-/, '').toUpperCase();
}
