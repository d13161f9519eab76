/** Header compression for HTTP/2 (HPACK, RFC 7541). Text is one character a byte, as everywhere in HTTP here. */

import { bytesOf, characters } from '../http/characters.js';
import type { Field } from '../http/fields.js';
import type { Bytes } from '../messages.js';
import { fromHuffman, huffman, huffmanLength } from './huffman.js';
import { STATIC } from './static.js';

/** What a table holds at most unless a setting says otherwise (RFC 9113 §6.5.2). */
export const DEFAULT_TABLE = 4_096;

/** How a literal begins: its first bits, and how many bits are left for the index (RFC 7541 §6). */
const INDEXED = { bits: 0x80, prefix: 7 };
const LITERAL_ADDED = { bits: 0x40, prefix: 6 };
const TABLE_SIZE = { bits: 0x20, prefix: 5 };
const LITERAL_NEVER = { bits: 0x10, prefix: 4 };
const LITERAL = { bits: 0x00, prefix: 4 };

/** Compressed headers are wrong: the connection cannot go on (RFC 9113 §4.3). */
export class HpackError extends Error {}

/** The entries that both ends remember, the newest first (RFC 7541 §2.3.2, §4). */
class DynamicTable {
  readonly #entries: Field[] = [];
  #size = 0;
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** By the index of both tables together, which begins with 1. */
  at(index: number): readonly [string, string] | undefined {
    return index <= STATIC.length ? STATIC[index - 1] : this.#entries[index - STATIC.length - 1];
  }

  /** The index of an equal entry, or else of one with the same name; 0: none. */
  find(name: string, value: string): { index: number; whole: boolean } {
    let index = 0;
    for (const [at, entry] of [...STATIC, ...this.#entries].entries()) {
      if (entry[0] === name) {
        if (entry[1] === value) {
          return { index: at + 1, whole: true };
        }
        index ||= at + 1;
      }
    }
    return { index, whole: false };
  }

  add(field: Field): void {
    this.#entries.unshift(field);
    this.#size += entrySize(field);
    this.#evict();
  }

  limit(bytes: number): void {
    this.#limit = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#entries.pop();
      this.#size -= oldest ? entrySize(oldest) : this.#size;
    }
  }
}

/** What an entry counts for (RFC 7541 §4.1). */
export function entrySize([name, value]: Field): number {
  return name.length + value.length + 32;
}

export class Encoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE);
  #limit = DEFAULT_TABLE;
  /** The smallest limit since it was last told, if it changed. */
  #lowest: number | null = null;

  /** The peer remembers so many bytes; more than the default are not used. */
  limit(bytes: number): void {
    this.#limit = Math.min(bytes, DEFAULT_TABLE);
    this.#lowest = Math.min(this.#lowest ?? this.#limit, this.#limit);
    this.#table.limit(this.#limit);
  }

  encode(fields: Field[]): Bytes {
    const out: number[] = [];
    if (this.#lowest !== null) {
      // RFC 7541 §4.2: the smallest first, since the peer evicted as much.
      for (const bytes of new Set([this.#lowest, this.#limit])) {
        integer(out, TABLE_SIZE, bytes);
      }
      this.#lowest = null;
    }
    for (const field of fields) {
      this.#field(out, field);
    }
    return Uint8Array.from(out);
  }

  #field(out: number[], [name, value]: Field): void {
    const { index, whole } = this.#table.find(name, value);
    if (whole) {
      integer(out, INDEXED, index);
      return;
    }
    const form = literal(name, value);
    integer(out, form, index);
    if (index === 0) {
      text(out, name);
    }
    text(out, value);
    if (form === LITERAL_ADDED) {
      this.#table.add([name, value]);
    }
  }
}

/** Secrets are never remembered, also not by whoever passes them on (RFC 7541 §7.1.3); what will hardly come again is not either. */
function literal(name: string, value: string): typeof LITERAL {
  if (['authorization', 'proxy-authorization', 'cookie'].includes(name)) {
    return LITERAL_NEVER;
  }
  return [':path', 'content-length', 'range', 'if-range', 'etag'].includes(name) || value.length > 1_024
    ? LITERAL
    : LITERAL_ADDED;
}

/** RFC 7541 §5.1. */
function integer(out: number[], { bits, prefix }: typeof LITERAL, value: number): void {
  const most = 2 ** prefix - 1;
  if (value < most) {
    out.push(bits | value);
    return;
  }
  out.push(bits | most);
  let rest = value - most;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    out.push((rest % 0x80) | 0x80);
  }
  out.push(rest);
}

/** RFC 7541 §5.2, in the shorter of both forms. */
function text(out: number[], value: string): void {
  const plain = bytesOf(value);
  const shorter = huffmanLength(plain) < plain.byteLength;
  const bytes = shorter ? huffman(plain) : plain;
  integer(out, { bits: shorter ? 0x80 : 0, prefix: 7 }, bytes.byteLength);
  for (const byte of bytes) {
    out.push(byte);
  }
}

export class Decoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE);
  readonly #largest: number;

  /** `largest`: bytes that the fields of one block may have, counted as entries are. */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Decodes a whole block; `null`: more fields than may be, though the table is as it should be. Fails with `HpackError`. */
  decode(block: Bytes): Field[] | null {
    const input = new Input(block);
    const fields: Field[] = [];
    let size = 0;
    while (!input.isEmpty) {
      const first = input.peek();
      if ((first & 0xe0) === TABLE_SIZE.bits) {
        const limit = input.integer(TABLE_SIZE.prefix);
        // Only before the first field (RFC 7541 §4.2).
        if (limit > DEFAULT_TABLE || size > 0) {
          throw new HpackError('a table size that was not agreed on');
        }
        this.#table.limit(limit);
        continue;
      }
      const field = this.#field(input, first);
      size += entrySize(field);
      if (size <= this.#largest) {
        fields.push(field);
      }
    }
    return size <= this.#largest ? fields : null;
  }

  #field(input: Input, first: number): Field {
    if (first & INDEXED.bits) {
      return [...this.#entry(input.integer(INDEXED.prefix))];
    }
    const added = (first & LITERAL_ADDED.bits) !== 0;
    const index = input.integer(added ? LITERAL_ADDED.prefix : LITERAL.prefix);
    const name = index === 0 ? input.text() : this.#entry(index)[0];
    const field: Field = [name, input.text()];
    if (added) {
      this.#table.add(field);
    }
    return field;
  }

  #entry(index: number): readonly [string, string] {
    const entry = this.#table.at(index);
    if (!entry) {
      throw new HpackError('an index that names nothing');
    }
    return entry;
  }
}

/** What is left of a block. */
class Input {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) {
      throw new HpackError('a block that breaks off');
    }
    return byte;
  }

  integer(prefix: number): number {
    const most = 2 ** prefix - 1;
    let value = this.#next() & most;
    if (value < most) {
      return value;
    }
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#next();
      value += (byte & 0x7f) * factor;
      if (value > 0x7fff_ffff || factor > 2 ** 28) {
        throw new HpackError('a number beyond all bounds');
      }
      if (byte < 0x80) {
        return value;
      }
    }
  }

  text(): string {
    const coded = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.byteLength < length) {
      throw new HpackError('a block that breaks off');
    }
    const plain = coded ? fromHuffman(bytes) : bytes;
    if (!plain) {
      throw new HpackError('text that is no Huffman code');
    }
    return characters(plain);
  }

  #next(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}
