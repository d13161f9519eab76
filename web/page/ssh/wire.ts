/** The data types of SSH (RFC 4251 §5): reading them from bytes, and writing them. */

/** What ends too early or is not what it says. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

export class WireReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // A copy, which is none of the library's buffers: those mean another thing by slice().
    this.#bytes = new Uint8Array(bytes);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.left) throw new MalformedError('it ends too early');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  uint32(): number {
    const bytes = this.bytes(4);
    return new DataView(bytes.buffer).getUint32(0);
  }

  /** Length and bytes. */
  string(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.uint32());
  }

  text(): string {
    return new TextDecoder().decode(this.string());
  }

  /** A number that is not negative: its bytes, most significant first, without leading zeros. */
  unsigned(): Uint8Array<ArrayBuffer> {
    const bytes = this.string();
    const start = bytes.findIndex((byte) => byte !== 0);
    if (((bytes[0] ?? 0) & 0x80) !== 0) throw new MalformedError('a number is negative');
    return start < 0 ? new Uint8Array() : bytes.slice(start);
  }
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The type `string`: length and bytes. */
export function wireString(value: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return joined(length, bytes);
}

/** The type `mpint` of a number that is not negative: no needless zeros, and one before a first bit that is set. */
export function wireUnsigned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = bytes.findIndex((byte) => byte !== 0);
  if (start < 0) return wireString(new Uint8Array());
  const significant = bytes.subarray(start);
  return wireString(((significant[0] ?? 0) & 0x80) === 0 ? significant : joined(new Uint8Array(1), significant));
}

/** The bytes of base64, whatever white space is in it. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (character) => character.charCodeAt(0));
  } catch {
    throw new MalformedError('it is not base64');
  }
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** Base64 as JSON Web Keys have it (RFC 7515 §2). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
