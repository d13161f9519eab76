import { ascii, bytesOf, hexadecimal, ipv4Address, type Layers, macAddress, Reader } from './layer.js';

const messages = ['', 'Discover', 'Offer', 'Request', 'Decline', 'Ack', 'Nak', 'Release', 'Inform'];
const magic = 0x63825363;

const optionNames: Record<number, string> = {
  1: 'Subnet mask',
  3: 'Router',
  6: 'DNS servers',
  12: 'Host name',
  15: 'Domain',
  26: 'MTU',
  28: 'Broadcast',
  50: 'Requested address',
  51: 'Lease time',
  53: 'Message',
  54: 'Server',
  55: 'Wanted options',
  56: 'Reason',
  57: 'Largest message',
  58: 'Renewal time',
  59: 'Rebinding time',
  61: 'Client identifier',
};

/** DHCP (RFC 2131 §2; options RFC 2132). */
export function dhcp(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  reader.field('Operation', 1, (value) => (value === 1 ? 'request (1)' : 'reply (2)'));
  reader.number(1);
  const hardwareLength = reader.number(1);
  reader.number(1);
  reader.note('Hardware, hops', `${bytesOf(hardwareLength)}`, 3);
  reader.field('Transaction', 4, (value) => hexadecimal(value, 8));
  reader.field('Seconds', 2);
  reader.field('Flags', 2, (value) => ((value & 0x8000) !== 0 ? 'answer by broadcast' : 'none'));
  const client = address(reader, 'Client address');
  const yours = address(reader, 'Your address');
  address(reader, 'Next server');
  address(reader, 'Relay agent');
  const hardware = macAddress(reader.take(Math.min(hardwareLength, 16)));
  reader.note('Client hardware', hardware, Math.min(hardwareLength, 16));
  reader.take(16 - Math.min(hardwareLength, 16) + 64 + 128);
  const told = reader.remaining >= 4 && reader.number(4) === magic ? options(reader) : {};
  const summary = sentence(told, client, yours);
  return [{ floor: 'application', protocol: 'DHCP', summary, start, end, fields: reader.fields }];
}

function address(reader: Reader, name: string): string {
  const text = ipv4Address(reader.take(4));
  if (text !== '0.0.0.0') reader.note(name, text, 4);
  return text;
}

function options(reader: Reader): Record<number, string> {
  const told: Record<number, string> = {};
  while (reader.remaining > 0) {
    const code = reader.number(1);
    if (code === 255) break;
    if (code === 0) continue;
    const length = reader.number(1);
    const value = optionText(code, reader.take(length));
    told[code] = value;
    reader.note(optionNames[code] ?? `Option ${code}`, value, length + 2);
  }
  return told;
}

function optionText(code: number, body: Uint8Array): string {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if ([1, 3, 6, 28, 50, 54].includes(code)) {
    const list: string[] = [];
    for (let at = 0; at + 4 <= body.length; at += 4) list.push(ipv4Address(body.subarray(at, at + 4)));
    return list.join(', ');
  }
  if ([51, 58, 59].includes(code) && body.length === 4) return `${view.getUint32(0)} s`;
  if ([26, 57].includes(code) && body.length === 2) return bytesOf(view.getUint16(0));
  if (code === 53) return messages[body[0] ?? 0] ?? String(body[0]);
  if (code === 55) return Array.from(body, (wanted) => optionNames[wanted] ?? String(wanted)).join(', ');
  if ([12, 15, 56].includes(code)) return ascii(body);
  if (code === 61 && body.length === 7) return macAddress(body.subarray(1));
  return Array.from(body, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function sentence(told: Record<number, string>, client: string, yours: string): string {
  const message = told[53] ?? 'BOOTP';
  switch (message) {
    case 'Discover':
      return told[50] ? `Discover: may I have ${told[50]}?` : 'Discover: who can give me an address?';
    case 'Offer':
      return `Offer: ${yours} from ${told[54] ?? 'unknown'}`;
    case 'Request':
      return `Request: ${told[50] ?? client}`;
    case 'Ack':
      return `Ack: ${yours === '0.0.0.0' ? client : yours}${told[51] ? ` for ${told[51]}` : ''}`;
    case 'Nak':
      return `Nak: ${told[56] ?? 'not this address'}`;
    default:
      return told[50] || client !== '0.0.0.0' ? `${message}: ${told[50] ?? client}` : message;
  }
}
