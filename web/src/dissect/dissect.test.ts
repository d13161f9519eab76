import { expect, test } from 'vitest';
import { dissect } from './index.js';

const fromHex = (text: string) => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
const ethernet = (type: string) => `02005e100001 024554000001 ${type}`;
const ipv4 = (protocol: string, payload: string) => {
  const length = (20 + fromHex(payload).length).toString(16).padStart(4, '0');
  return `${ethernet('0800')} 4500 ${length} 1a2b 4000 40 ${protocol} abcd 0a4d0064 0a4d0001 ${payload}`;
};
const text = (words: string) =>
  Array.from(new TextEncoder().encode(words), (byte) => byte.toString(16).padStart(2, '0')).join('');

const syn = ipv4('06', 'c424 0050 00000001 00000000 b002 faf0 0000 0000 020405b4 04020103 03070000');
const get = ipv4('06', `c424 0050 00000002 00000005 5018 faf0 0000 0000 ${text('GET /a HTTP/1.1\r\nHost: x\r\n\r\n')}`);
const query = ipv4(
  '11',
  `c424 0035 0029 0000 1234 0100 0001 0000 0000 0000 03777777 07${text('example')} 03${text('com')} 00 0001 0001`,
);
const arp = `${ethernet('0806')} 0001 0800 06 04 0001 024554000001 0a4d0001 000000000000 0a4d0064`;

const lines = (hex: string) => dissect(fromHex(hex)).map(({ protocol, summary }) => `${protocol}: ${summary}`);

test('a SYN tells its options', () => {
  expect(lines(syn)).toEqual([
    'Ethernet: 02:45:54:00:00:01 → 02:00:5e:10:00:01',
    'IPv4: 10.77.0.100 → 10.77.0.1, TCP, 52 bytes',
    'TCP: 50212 → 80 [SYN] Seq=1 Win=64240 Len=0 MSS=1460 SACK_PERM WS=128',
  ]);
});

test('a request is shown by its first line and its fields', () => {
  const top = dissect(fromHex(get)).at(-1);
  expect(top?.summary).toBe('GET /a HTTP/1.1');
  expect(top?.fields.map(({ name, value }) => `${name}=${value}`)).toEqual(['Start line=GET /a HTTP/1.1', 'Host=x']);
});

test('a question to DNS is a question', () => {
  expect(lines(query).at(-1)).toBe('DNS: A www.example.com?');
});

test('a ping is told by its numbers, an error by what it is about', () => {
  const ping = ipv4('01', '0800 abcd 04d2 0007 6162');
  expect(lines(ping).at(-1)).toBe('ICMP: Echo request Id=1234 Seq=7, 2 bytes');
  expect(lines(ipv4('01', '0000 abcd 04d2 0007')).at(-1)).toBe('ICMP: Echo reply Id=1234 Seq=7, 0 bytes');
  expect(lines(ipv4('01', '0b00 abcd 00000000')).at(-1)).toMatch(/^ICMP: Time exceeded/);
});

test('ARP speaks in sentences', () => {
  expect(lines(arp).at(-1)).toBe('ARP: Who has 10.77.0.100? Tell 10.77.0.1');
});

test('a message cut short hides no layer below it', () => {
  const cut = fromHex(query).subarray(0, 60);
  expect(dissect(cut).map(({ protocol }) => protocol)).toEqual(['Ethernet', 'IPv4', 'UDP', 'Malformed']);
});

test('every field lies inside the layer that it belongs to', () => {
  for (const frame of [syn, get, query, arp]) {
    for (const layer of dissect(fromHex(frame))) {
      for (const { start, end } of layer.fields) {
        expect(start).toBeGreaterThanOrEqual(layer.start);
        expect(end).toBeLessThanOrEqual(layer.end);
      }
    }
  }
});

test('no frame is too short or too odd: any cut and any changed byte gives layers', () => {
  for (const frame of [syn, get, query, arp].map(fromHex)) {
    for (let length = 0; length <= frame.length; length += 1) {
      expect(dissect(frame.subarray(0, length)).length).toBeGreaterThan(0);
    }
    for (let at = 0; at < frame.length; at += 1) {
      for (const value of [0, 1, 0x7f, 0xc0, 0xff]) {
        const changed = frame.slice();
        changed[at] = value;
        expect(dissect(changed).length).toBeGreaterThan(0);
      }
    }
  }
});
