/**
 * SHA-1 (FIPS 180-4 §6.1.2), which the handshake of WebSocket asks for: not to keep a secret, but to show that the server understood.
 * The platform's own is there in secure contexts alone.
 */

import type { Bytes } from '../messages.js';

export function sha1(message: Bytes): Bytes {
  const length = message.byteLength;
  const blocks = new DataView(new ArrayBuffer(((length + 72) >> 6) << 6));
  new Uint8Array(blocks.buffer).set(message);
  blocks.setUint8(length, 0x80);
  blocks.setUint32(blocks.byteLength - 4, length * 8);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0] as [number, number, number, number, number];
  const words = new Int32Array(80);
  for (let block = 0; block < blocks.byteLength; block += 64) {
    let [a, b, c, d, e] = state;
    for (let t = 0; t < 80; t += 1) {
      const word = (back: number) => words[t - back] as number;
      words[t] = t < 16 ? blocks.getInt32(block + 4 * t) : rotated(word(3) ^ word(8) ^ word(14) ^ word(16), 1);
      const [mix, constant] = round(t, b, c, d);
      const next = rotated(a, 5) + mix + e + constant + word(0);
      [a, b, c, d, e] = [next | 0, a, rotated(b, 30), c, d];
    }
    for (const [index, value] of [a, b, c, d, e].entries()) {
      state[index] = ((state[index] as number) + value) | 0;
    }
  }
  const digest = new DataView(new ArrayBuffer(20));
  for (const [index, word] of state.entries()) {
    digest.setInt32(4 * index, word);
  }
  return new Uint8Array(digest.buffer);
}

function round(t: number, b: number, c: number, d: number): [mix: number, constant: number] {
  if (t < 20) {
    return [(b & c) | (~b & d), 0x5a827999];
  }
  if (t >= 40 && t < 60) {
    return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  }
  return [b ^ c ^ d, t < 40 ? 0x6ed9eba1 : 0xca62c1d6];
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
