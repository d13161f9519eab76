/** The four floors of the TCP/IP model, from the cable upwards. */
export type Floor = 'link' | 'internet' | 'transport' | 'application';

/** One field of a header and the bytes of the frame that hold it. */
export interface Field {
  name: string;
  value: string;
  start: number;
  end: number;
}

/** One protocol's part of a frame. */
export interface Layer {
  floor: Floor;
  /** The protocol's name, as people say it. */
  protocol: string;
  /** One readable line about this layer. */
  summary: string;
  /** From where to where: addresses, or ports. */
  between?: readonly [source: string, destination: string];
  start: number;
  end: number;
  fields: Field[];
}

/** What a protocol's dissector found: its own layer and whatever it carries. */
export type Layers = Layer[];

/**
 * Reads big-endian numbers from a frame and notes each as a field. Reading past the end throws [`Truncated`], which
 * the dissector of the whole frame turns into a layer that says so.
 */
export class Reader {
  readonly fields: Field[] = [];
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (end > bytes.length || position > end) throw new Truncated();
  }

  get remaining(): number {
    return this.end - this.position;
  }

  number(width: 1 | 2 | 4): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  take(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Notes the last `width` bytes as a field. */
  note(name: string, value: string, width: number): void {
    this.fields.push({ name, value, start: this.position - width, end: this.position });
  }

  /** Reads a number and notes it as a field. */
  field(name: string, width: 1 | 2 | 4, show: (value: number) => string = String): number {
    const value = this.number(width);
    this.note(name, show(value), width);
    return value;
  }

  private skip(length: number): number {
    const at = this.position;
    if (at + length > this.end) throw new Truncated();
    this.position = at + length;
    return at;
  }
}

/** The frame ends before the header does. */
export class Truncated extends Error {}

/** The header says what it cannot; the message is the line about it. */
export class Malformed extends Error {}

/** What `read` finds; a header that is cut short or wrong becomes a layer of `floor` that says so, and those below it stay. */
export function attempt(floor: Floor, start: number, end: number, read: () => Layers): Layers {
  try {
    return read();
  } catch (error) {
    const wrong = error instanceof Malformed;
    if (!wrong && !(error instanceof Truncated) && !(error instanceof RangeError)) throw error;
    const summary = wrong ? error.message : `${bytesOf(Math.max(0, end - start))} that end inside a header`;
    return [{ floor, protocol: 'Malformed', summary, start, end: Math.max(start, end), fields: [] }];
  }
}

export function hexadecimal(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function macAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

export function ipv4Address(bytes: Uint8Array): string {
  return bytes.join('.');
}

/** RFC 5952: the longest run of zero groups becomes `::`. */
export function ipv6Address(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

/** A size with its unit: `1 byte`, `20 bytes`. */
export function bytesOf(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}

/** The names of the bits that are set, the first name standing for the highest bit given. */
export function flagNames(value: number, names: readonly (readonly [number, string])[]): string {
  const set = names.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
  return set.length > 0 ? set.join(' ') : 'none';
}

const printable = /[^\x20-\x7e]/g;

/** Bytes as ASCII, everything unprintable as a dot. */
export function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 512)).replace(printable, '.');
}
