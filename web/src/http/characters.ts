/** Text as HTTP/1 carries it: one character a byte, none beyond U+00FF. */

import type { Bytes } from '../messages.js';

/** Fetch's "isomorphic decode". */
export function characters(bytes: Bytes): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

/** Fetch's "isomorphic encode". */
export function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Several pieces as one, in a buffer of its own. */
export function joined(...pieces: Bytes[]): Bytes {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
