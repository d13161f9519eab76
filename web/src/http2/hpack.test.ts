import { describe, expect, test } from 'vitest';
import { bytesOf, characters } from '../http/characters.js';
import type { Field } from '../http/fields.js';
import type { Bytes } from '../messages.js';
import { Decoder, Encoder, HpackError } from './hpack.js';
import { fromHuffman, huffman } from './huffman.js';

const hex = (text: string): Bytes => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (octet) => Number.parseInt(octet, 16));
const toHex = (bytes: Bytes) => Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('');

describe('the Huffman code', () => {
  test.each([
    ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
    ['no-cache', 'a8eb10649cbf'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ])("of RFC 7541's examples: %s", (text, code) => {
    expect(toHex(huffman(bytesOf(text)))).toBe(code);
    expect(characters(fromHuffman(hex(code)) ?? hex(''))).toBe(text);
  });

  test('has a word for each octet', () => {
    const all = Uint8Array.from({ length: 256 }, (_, octet) => octet);
    expect(fromHuffman(huffman(all))).toEqual(all);
    for (const octet of all) {
      expect(fromHuffman(huffman(Uint8Array.of(octet, octet)))).toEqual(Uint8Array.of(octet, octet));
    }
  });

  test.each([
    ['padding of a whole octet', 'f1e3c2e5f23a6ba0ab90f4ffff'],
    ['padding that is not of ones', '00'],
    ['EOS', 'ffffffff'],
  ])('with %s is none', (_, code) => {
    expect(fromHuffman(hex(code))).toBeNull();
  });
});

describe('a decoder', () => {
  test("understands RFC 7541's requests (Appendix C.4), one after the other", () => {
    const decoder = new Decoder(10_000);
    const first: Field[] = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ];
    expect(decoder.decode(hex('828684418cf1e3c2e5f23a6ba0ab90f4ff'))).toEqual(first);
    expect(decoder.decode(hex('828684be5886a8eb10649cbf'))).toEqual([...first, ['cache-control', 'no-cache']]);
    expect(decoder.decode(hex('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'))).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ]);
  });

  test('forgets the oldest where its table is small (Appendix C.5 has it at 256 bytes)', () => {
    const decoder = new Decoder(10_000);
    const sized = `3fe101${'4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d'}`;
    expect(decoder.decode(hex(sized))?.length).toBe(4);
    expect(decoder.decode(hex('4803333037c1c0bf'))).toEqual([
      [':status', '307'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      ['location', 'https://www.example.com'],
    ]);
    // What was the oldest entry is gone.
    expect(() => decoder.decode(hex('c2'))).toThrow(HpackError);
  });

  test.each([
    ['an index of nothing', '80'],
    ['an index beyond the tables', 'be'],
    ['a block that breaks off in a number', 'ff'],
    ['a block that breaks off in a text', '4005616263'],
    ['a number that never ends', 'ffffffffffffffffff7f'],
    ['a table larger than agreed', '3fe21f'],
    ['a table size behind a field', '8220'],
    ['text that is no Huffman code', '408100000161'],
  ])('refuses %s', (_, block) => {
    expect(() => new Decoder(10_000).decode(hex(block))).toThrow(HpackError);
  });

  test('goes on after fields that were too many', () => {
    const [encoder, decoder] = [new Encoder(), new Decoder(200)];
    expect(decoder.decode(encoder.encode(Array.from({ length: 10 }, (_, n): Field => [`x-${n}`, 'value'])))).toBeNull();
    expect(decoder.decode(encoder.encode([['x-9', 'value']]))).toEqual([['x-9', 'value']]);
  });

  test('of any bytes gives fields or refuses them, and nothing else', () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 5_000; round += 1) {
      const block = Uint8Array.from({ length: random(40) }, () => random(256));
      try {
        new Decoder(1_000).decode(block);
      } catch (error) {
        expect(error).toBeInstanceOf(HpackError);
      }
    }
  });
});

describe('an encoder', () => {
  const fields: Field[] = [
    [':method', 'GET'],
    [':path', '/some/where?else'],
    ['user-agent', 'ethertab'],
    ['authorization', 'Bearer secret'],
    ['x-latin', 'caf\xe9'],
  ];

  test('says again in a byte what it said before, but not what is secret', () => {
    const [encoder, decoder] = [new Encoder(), new Decoder(10_000)];
    const first = encoder.encode(fields);
    const again = encoder.encode(fields);
    expect(decoder.decode(first)).toEqual(fields);
    expect(decoder.decode(again)).toEqual(fields);
    expect(again.byteLength).toBeLessThan(first.byteLength - 10);
    // Never indexed (RFC 7541 §6.2.3): with the static table's name.
    const secret = new Encoder().encode([['authorization', 'x']]);
    expect(secret[0]).toBe(0x1f);
  });

  test('keeps to a smaller table, and says so first', () => {
    const [encoder, decoder] = [new Encoder(), new Decoder(10_000)];
    decoder.decode(encoder.encode(fields));
    encoder.limit(0);
    encoder.limit(100_000);
    const block = encoder.encode(fields);
    // Down to nothing, then up to what both know (RFC 7541 §4.2).
    expect(toHex(block.slice(0, 4))).toBe('203fe11f');
    expect(decoder.decode(block)).toEqual(fields);
    encoder.limit(0);
    expect(decoder.decode(encoder.encode(fields))).toEqual(fields);
    expect(decoder.decode(encoder.encode(fields))).toEqual(fields);
  });
});
