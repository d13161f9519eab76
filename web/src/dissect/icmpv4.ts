import { bytesOf, hexadecimal, ipv4Address, type Layers, Reader } from './layer.js';

const types: Record<number, string> = {
  0: 'echo reply',
  3: 'destination unreachable',
  4: 'source quench',
  5: 'redirect',
  8: 'echo request',
  9: 'router advertisement',
  10: 'router solicitation',
  11: 'time exceeded',
  12: 'parameter problem',
  13: 'timestamp request',
  14: 'timestamp reply',
};

/** What codes mean, by type (RFC 792; RFC 1122 §3.2.2.1; RFC 1812 §5.2.7.1). */
const codes: Record<number, readonly string[]> = {
  3: [
    'network unreachable',
    'host unreachable',
    'protocol unreachable',
    'port unreachable',
    'fragmentation needed',
    'source route failed',
    'destination network unknown',
    'destination host unknown',
    'source host isolated',
    'network administratively prohibited',
    'host administratively prohibited',
    'network unreachable for this type of service',
    'host unreachable for this type of service',
    'communication administratively prohibited',
    'host precedence violation',
    'precedence cutoff',
  ],
  5: [
    'redirect for the network',
    'redirect for the host',
    'redirect for this type of service and network',
    'redirect for this type of service and host',
  ],
  11: ['time to live exceeded in transit', 'fragment reassembly time exceeded'],
};

/** Errors: they quote the packet that they are about (RFC 1122 §3.2.2). */
const errors = new Set([3, 4, 5, 11, 12]);

/** ICMP for IPv4 (RFC 792; the next-hop MTU RFC 1191 §4). */
export function icmpv4(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  const type = reader.field('Type', 1, (value) => typeText(value));
  const code = reader.field('Code', 1, (value) =>
    type in codes ? `${codes[type]?.[value] ?? 'unknown'} (${value})` : String(value),
  );
  reader.field('Checksum', 2, (value) => hexadecimal(value, 4));
  let summary: string;
  if (type === 0 || type === 8) {
    const identifier = reader.field('Identifier', 2);
    const sequence = reader.field('Sequence', 2);
    summary = `Echo ${type === 8 ? 'request' : 'reply'} Id=${identifier} Seq=${sequence}, ${bytesOf(reader.remaining)}`;
  } else {
    const reason = codes[type]?.[code] ?? (code === 0 ? typeText(type) : `${typeText(type)}, code ${code}`);
    const more = errors.has(type) ? `${particulars(reader, type, code)}${quoted(frame, reader.position, end)}` : '';
    summary = `${reason[0]?.toUpperCase()}${reason.slice(1)}${more}`;
  }
  if (reader.remaining > 0) {
    const length = reader.remaining;
    reader.take(length);
    reader.note('Data', bytesOf(length), length);
  }
  return [{ floor: 'internet', protocol: 'ICMP', summary, start, end, fields: reader.fields }];
}

/** The four bytes of an error before the quotation, where they say anything. */
function particulars(reader: Reader, type: number, code: number): string {
  if (type === 5) {
    const gateway = ipv4Address(reader.take(4));
    reader.note('Gateway', gateway, 4);
    return `, gateway ${gateway}`;
  }
  if (type === 12 && code === 0) {
    const pointer = reader.field('Pointer', 1);
    reader.take(3);
    reader.note('Unused', '', 3);
    return ` at byte ${pointer}`;
  }
  reader.take(2);
  reader.note('Unused', '', 2);
  const tooBig = type === 3 && code === 4;
  const mtu = reader.field(tooBig ? 'Next-hop MTU' : 'Unused', 2);
  return tooBig ? `, largest ${mtu}` : '';
}

function typeText(type: number): string {
  return types[type] ?? `type ${type}`;
}

/** Whom the packet inside an ICMP error was for. */
function quoted(frame: Uint8Array, start: number, end: number): string {
  return end - start >= 20 ? `: ${ipv4Address(frame.subarray(start + 16, start + 20))}` : '';
}
