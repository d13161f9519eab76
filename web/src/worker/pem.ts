import { invalid } from '../errors.js';
import { bytesOf } from '../http/characters.js';

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/**
 * The certificates, each as DER, in PEM text (RFC 7468: any number, whatever else stands between them), its bytes, or the bytes of
 * one certificate. Throws `EINVAL` for anything else.
 */
export function certificates(given: string | Uint8Array): Uint8Array[] {
  // DER of a certificate is a SEQUENCE; no text begins with its tag's byte, "0", and a length above 127.
  if (typeof given !== 'string' && given[0] === 0x30 && (given[1] ?? 0) >= 0x80) {
    return [given];
  }
  const text = typeof given === 'string' ? given : new TextDecoder().decode(given);
  const [, ...parts] = text.split(BEGIN);
  try {
    if (parts.length > 0 && parts.every((part) => part.includes(END))) {
      return parts.map((part) => bytesOf(atob(part.slice(0, part.indexOf(END)))));
    }
  } catch {
    // Not Base64.
  }
  throw invalid("a CA's certificate cannot be read, neither as PEM nor as DER");
}
