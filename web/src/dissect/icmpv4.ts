import { bytesOf, hexadecimal, ipv4Address, type Layers, Reader } from './layer.js';

const unreachable = [
  'network unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'fragmentation needed',
];

/** ICMP for IPv4 (RFC 792; the next-hop MTU RFC 1191 §4). */
export function icmpv4(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  const type = reader.field('Type', 1, (value) => typeText(value));
  const code = reader.field('Code', 1, (value) =>
    type === 3 ? `${unreachable[value] ?? 'unknown'} (${value})` : String(value),
  );
  reader.field('Checksum', 2, (value) => hexadecimal(value, 4));
  let summary: string;
  if (type === 0 || type === 8) {
    const identifier = reader.field('Identifier', 2);
    const sequence = reader.field('Sequence', 2);
    summary = `Echo ${type === 8 ? 'request' : 'reply'} Id=${identifier} Seq=${sequence}, ${bytesOf(reader.remaining)}`;
  } else {
    reader.number(2);
    reader.note('Unused', '', 2);
    const mtu = reader.field(type === 3 && code === 4 ? 'Next-hop MTU' : 'Unused', 2);
    const reason = type === 3 ? (unreachable[code] ?? `unreachable, code ${code}`) : typeText(type);
    const limit = type === 3 && code === 4 ? `, largest ${mtu}` : '';
    summary = `${reason[0]?.toUpperCase()}${reason.slice(1)}${limit}${quoted(frame, reader.position, end)}`;
  }
  if (reader.remaining > 0) {
    const length = reader.remaining;
    reader.take(length);
    reader.note('Data', bytesOf(length), length);
  }
  return [{ floor: 'internet', protocol: 'ICMP', summary, start, end, fields: reader.fields }];
}

function typeText(type: number): string {
  const names: Record<number, string> = {
    0: 'echo reply',
    3: 'destination unreachable',
    5: 'redirect',
    8: 'echo request',
    11: 'time exceeded',
    12: 'parameter problem',
  };
  return names[type] ?? `type ${type}`;
}

/** Whom the packet inside an ICMP error was for. */
function quoted(frame: Uint8Array, start: number, end: number): string {
  return end - start >= 20 ? `: ${ipv4Address(frame.subarray(start + 16, start + 20))}` : '';
}
