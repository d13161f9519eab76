import { expect, test } from 'vitest';
import { dissect } from './index.js';

const fromHex = (text: string) => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
const ethernet = (type: string) => `02005e100001 024554000001 ${type}`;
const ipv4 = (protocol: string, payload: string, { first = '45', fragment = '4000' } = {}) => {
  const length = (20 + fromHex(payload).length).toString(16).padStart(4, '0');
  return `${ethernet('0800')} ${first}00 ${length} 1a2b ${fragment} 40 ${protocol} abcd 0a4d0064 0a4d0001 ${payload}`;
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
  expect(lines(ipv4('01', '0b00 abcd 00000000')).at(-1)).toBe('ICMP: Time to live exceeded in transit');
});

test('ICMP errors are told in the words of the RFCs, with whom they are about; other messages quote nobody', () => {
  const about = '4500003c 00010000 40060000 0a4d0064 c0a80101 04d20050 00000000';
  const told = (head: string) => lines(ipv4('01', `${head}${about}`)).at(-1);
  expect(told('0501 abcd 0a4d0009')).toBe('ICMP: Redirect for the host, gateway 10.77.0.9: 192.168.1.1');
  expect(told('0304 abcd 000005dc')).toBe('ICMP: Fragmentation needed, largest 1500: 192.168.1.1');
  expect(told('030d abcd 00000000')).toBe('ICMP: Communication administratively prohibited: 192.168.1.1');
  expect(told('0363 abcd 00000000')).toBe('ICMP: Destination unreachable, code 99: 192.168.1.1');
  expect(told('0b01 abcd 00000000')).toBe('ICMP: Fragment reassembly time exceeded: 192.168.1.1');
  expect(told('0c00 abcd 09000000')).toBe('ICMP: Parameter problem at byte 9: 192.168.1.1');
  expect(told('0900 abcd 03020708')).toBe('ICMP: Router advertisement');
});

test('a header that says what it cannot is malformed', () => {
  expect(lines(ipv4('11', 'c424 0035 0008 0000', { first: '40' })).slice(1)).toEqual([
    'Malformed: An IPv4 header of 0 bytes, of 20 at least',
  ]);
  expect(lines(ipv4('11', 'c424 0035 0008 0000', { first: '65' })).slice(1)).toEqual([
    'Malformed: Version 6 where IPv4 is said to be',
  ]);
  const short = ipv4('06', 'c424 0050 00000001 00000002 2010 faf0 0000 0000 6869');
  expect(lines(short).slice(2)).toEqual(['Malformed: A TCP header of 8 bytes, of 20 at least']);
});

test('a first fragment is told as one, without what goes on in the others', () => {
  const answer = ipv4('11', '0035 c424 0600 0000 1234 8180 0001 0001 0000 0000 03777777', { fragment: '2000' });
  expect(lines(answer).slice(1)).toEqual([
    'IPv4: 10.77.0.100 → 10.77.0.1, fragment of 0x1a2b at byte 0',
    'UDP: 53 → 50212, 1528 bytes, fragment of 0x1a2b',
  ]);
});

test('over TCP a whole message of DNS is read, and another part of one is data', () => {
  const segment = (payload: string) => lines(ipv4('06', `0035 c424 00000001 00000002 5018 faf0 0000 0000 ${payload}`)).slice(3);
  const asked = '1234 0100 0001 0000 0000 0000 03777777 00 0001 0001';
  expect(segment(`0015 ${asked}`)).toEqual(['DNS: A www?']);
  expect(segment(`0015 ${asked} 0015 ${asked}`)).toEqual(['DNS: A www?']);
  expect(segment(`05dc ${asked}`)).toEqual(['Data: 23 bytes']);
  expect(segment(`000000 ${'41'.repeat(40)}`)).toEqual(['Data: 43 bytes']);
});

test('a tag of a VLAN is looked through, two of them as well', () => {
  const tagged = (tags: string) => lines(`${ethernet(tags)} ${arp.slice(ethernet('').length)}`);
  expect(tagged('8100 6005').slice(1)).toEqual(['VLAN: VLAN 5, priority 3', 'ARP: Who has 10.77.0.100? Tell 10.77.0.1']);
  expect(tagged('88a8 0007 8100 0005').map((line) => line.split(':')[0])).toEqual(['Ethernet', 'VLAN', 'VLAN', 'ARP']);
  expect(tagged('8100 0001 8100 0001 8100 0001').at(-1)).toMatch(/that nobody here reads$/);
});

test('a length in place of a type is a length', () => {
  const bridges = dissect(fromHex(`${ethernet('0026')} 424203 ${'00'.repeat(35)} ${'00'.repeat(8)}`));
  expect(bridges.map(({ protocol, summary }) => `${protocol}: ${summary}`).slice(1)).toEqual([
    'LLC: Service 0x42 → 0x42, 35 bytes',
  ]);
  expect(bridges[0]?.fields.at(-1)).toMatchObject({ name: 'Length', value: '38 bytes' });
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
  const tagged = `${ethernet('88a8')} 0007 8100 0005 0806 ${arp.slice(ethernet('0806').length)}`;
  const redirect = ipv4('01', '0501 abcd 0a4d0009 4500003c 00010000 40060000 0a4d0064 c0a80101');
  for (const frame of [syn, get, query, arp, tagged, redirect].map(fromHex)) {
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
