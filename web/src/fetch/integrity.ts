/** Subresource Integrity: whether a body is the one that was meant. */

import { failure } from './failure.js';

/** From the weakest to the strongest. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];

/** Fails unless the bytes have one of the hashes of the strongest kind that `metadata` names ("sha384-… sha384-…"). */
export async function check(bytes: ArrayBuffer, metadata: string): Promise<void> {
  const hashes = metadata
    .split(/[\t\n\f\r ]+/)
    .map((item) => /^(sha(?:256|384|512))-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/.exec(item))
    .flatMap((match) => (match ? [{ algorithm: match[1] as string, hash: canonical(match[2] as string) }] : []));
  const strongest = Math.max(...hashes.map(({ algorithm }) => ALGORITHMS.indexOf(algorithm)));
  const algorithm = ALGORITHMS[strongest];
  if (!algorithm) {
    // Nothing that is understood was asked for: as the standard has it, that is no demand.
    return;
  }
  if (!globalThis.crypto?.subtle) {
    throw failure('EINVAL', 'integrity cannot be checked here: a page needs https: for that');
  }
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm.replace('sha', 'SHA-'), bytes));
  const actual = canonical(btoa(String.fromCharCode(...digest)));
  if (!hashes.some((wanted) => wanted.algorithm === algorithm && wanted.hash === actual)) {
    throw failure('EINTEGRITY', `the answer is not what integrity asks for: its ${algorithm} is ${actual}`);
  }
}

/** Base64 without what may be written in two ways. */
function canonical(base64: string): string {
  return base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
}
