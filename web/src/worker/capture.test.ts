import { expect, test } from 'vitest';
import type { Bytes } from '../messages.js';
import { inWords, summarize } from './capture.js';

const fromHex = (text: string): Bytes => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
const ethernet = 'ffffffffffff 024554000001';
const udp = (ports: string, payload: string) =>
  fromHex(`${ethernet} 0800 4500 0020 1a2b 4000 4011 abcd 0a4d0064 0a4d0001 ${ports} 000c 0000 ${payload}`);

test('a packet is named by the highest protocol that can be read, between addresses with ports', () => {
  expect(inWords(udp('c424 0007', '01020304'))).toEqual({
    protocol: 'UDP',
    source: '10.77.0.100:50212',
    destination: '10.77.0.1:7',
    summary: '50212 → 7, 4 bytes',
    layers: [
      'Ethernet 02:45:54:00:00:01 → everyone (ff:ff:ff:ff:ff:ff)',
      'IPv4 10.77.0.100 → 10.77.0.1, UDP, 32 bytes',
      'UDP 50212 → 7, 4 bytes',
      'Data 4 bytes',
    ],
  });
});

test('without IP it goes between hardware addresses', () => {
  const arp = fromHex(`${ethernet} 0806 0001 0800 06 04 0001 024554000001 0a4d0001 000000000000 0a4d0064`);
  expect(inWords(arp)).toMatchObject({
    protocol: 'ARP',
    source: '02:45:54:00:00:01',
    destination: 'ff:ff:ff:ff:ff:ff',
    summary: 'Who has 10.77.0.100? Tell 10.77.0.1',
  });
});

test('what is cut off is named by what carries it, and said to be cut off', () => {
  const dns = inWords(udp('c424 0035', '01020304'));
  expect([dns.protocol, dns.summary]).toEqual(['UDP', '4 bytes that end inside a header']);
  expect(inWords(fromHex('ffff'))).toMatchObject({
    protocol: 'Ethernet',
    source: '',
    summary: '2 bytes that end inside a header',
  });
});

test('as many bytes are handed on as are wanted, in a buffer of their own, and the length is that of the frame', () => {
  const bytes = udp('c424 0007', '01020304');
  const { length, bytes: kept, at, missed } = summarize({ at: 5, direction: 'in', missed: 3, bytes }, 2, 20);
  expect([length, kept.byteLength, kept.buffer.byteLength, at, missed]).toEqual([46, 20, 20, 7, 3]);
  expect(summarize({ at: 5, direction: 'in', missed: 0, bytes }, 0, 0).bytes.byteLength).toBe(0);
});
