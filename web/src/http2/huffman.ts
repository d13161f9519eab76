/** The Huffman code of HPACK (RFC 7541 §5.2, Appendix B). */

import type { Bytes } from '../messages.js';

/** The length of each octet's code, and at last of EOS's, in base 36. The code is canonical: the lengths say all of it. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const EOS = 256;
const LONGEST = 30;

/** Each symbol's code and its bits. */
const codes: { code: number; bits: number }[] = [];
/** Symbols in the order of their codes, and for each length the first code and where its symbol stands in that order. */
const symbols: number[] = [];
const firsts: { code: number; at: number; count: number }[] = [];

for (let bits = 0, code = 0; bits <= LONGEST; bits += 1, code *= 2) {
  const first = { code, at: symbols.length, count: 0 };
  firsts[bits] = first;
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    if (Number.parseInt(LENGTHS.charAt(symbol), 36) === bits) {
      codes[symbol] = { code, bits };
      symbols.push(symbol);
      code += 1;
      first.count += 1;
    }
  }
}

/** How many bytes `huffman` makes of it. */
export function huffmanLength(text: Bytes): number {
  return Math.ceil(text.reduce((sum, octet) => sum + (codes[octet]?.bits ?? 0), 0) / 8);
}

export function huffman(text: Bytes): Bytes {
  const bytes = new Uint8Array(huffmanLength(text));
  let at = 0;
  let free = 8;
  for (const octet of text) {
    let { code, bits } = codes[octet] ?? { code: 0, bits: 0 };
    while (bits > 0) {
      const now = Math.min(bits, free);
      bits -= now;
      free -= now;
      bytes[at] = (bytes[at] ?? 0) | (Math.floor(code / 2 ** bits) << free);
      code %= 2 ** bits;
      if (free === 0) {
        at += 1;
        free = 8;
      }
    }
  }
  // The first bits of EOS, which are ones.
  if (free < 8) {
    bytes[at] = (bytes[at] ?? 0) | ((1 << free) - 1);
  }
  return bytes;
}

/** `null`: what no encoder makes. */
export function fromHuffman(bytes: Bytes): Bytes | null {
  // No code is shorter than 5 bits.
  const text = new Uint8Array(Math.floor((bytes.byteLength * 8) / 5));
  let length = 0;
  let code = 0;
  let bits = 0;
  for (const octet of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      code = code * 2 + (octet & mask ? 1 : 0);
      bits += 1;
      const first = firsts[bits];
      if (!first) {
        return null;
      }
      const index = code - first.code;
      if (index < first.count) {
        const symbol = symbols[first.at + index] ?? EOS;
        if (symbol === EOS) {
          return null;
        }
        text[length] = symbol;
        length += 1;
        code = 0;
        bits = 0;
      }
    }
  }
  // What is left is padding: less than an octet, all ones.
  return bits < 8 && code === 2 ** bits - 1 ? text.slice(0, length) : null;
}
