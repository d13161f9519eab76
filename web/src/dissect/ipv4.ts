import { icmpv4 } from './icmpv4.js';
import { attempt, bytesOf, flagNames, hexadecimal, ipv4Address, type Layers, Malformed, Reader, Truncated } from './layer.js';
import { tcp } from './tcp.js';
import { udp } from './udp.js';

const protocols: Record<number, string> = { 1: 'ICMP', 2: 'IGMP', 6: 'TCP', 17: 'UDP' };

/** IPv4 (RFC 791 §3.1). */
export function ipv4(frame: Uint8Array, start: number): Layers {
  const first = frame[start];
  if (first === undefined) throw new Truncated();
  const headerLength = (first & 15) * 4;
  if (first >> 4 !== 4) throw new Malformed(`Version ${first >> 4} where IPv4 is said to be`);
  if (headerLength < 20) throw new Malformed(`An IPv4 header of ${bytesOf(headerLength)}, of 20 at least`);
  const reader = new Reader(frame, start, frame.length);
  reader.field('Version, header', 1, () => `4, ${headerLength} bytes`);
  reader.field('Traffic class', 1, (value) => hexadecimal(value, 2));
  const length = reader.field('Total length', 2, bytesOf);
  const identification = reader.field('Identification', 2, (value) => hexadecimal(value, 4));
  const fragment = reader.field('Fragment', 2, fragmentText);
  reader.field('Time to live', 1);
  const protocol = reader.field('Protocol', 1, (value) => `${protocols[value] ?? 'unknown'} (${value})`);
  reader.field('Checksum', 2, (value) => hexadecimal(value, 4));
  const source = ipv4Address(reader.take(4));
  reader.note('Source', source, 4);
  const destination = ipv4Address(reader.take(4));
  reader.note('Destination', destination, 4);
  if (headerLength > 20) {
    reader.take(headerLength - 20);
    reader.note('Options', bytesOf(headerLength - 20), headerLength - 20);
  }
  const payload = start + headerLength;
  const end = Math.min(frame.length, start + length);
  const offset = (fragment & 0x1fff) * 8;
  const fragmented = offset > 0 || (fragment & 0x2000) !== 0;
  const layers: Layers = [
    {
      floor: 'internet',
      protocol: 'IPv4',
      summary: fragmented
        ? `${source} → ${destination}, fragment of ${hexadecimal(identification, 4)} at byte ${offset}`
        : `${source} → ${destination}, ${protocols[protocol] ?? `protocol ${protocol}`}, ${length} bytes`,
      between: [source, destination],
      start,
      end: payload,
      fields: reader.fields,
    },
  ];
  if (offset > 0 || payload > end) return layers;
  const above = carried(protocol, frame, payload, end);
  if (!fragmented) return [...layers, ...above];
  // What is above may go on in another fragment: its header is told, and nothing that would look cut off.
  const [header] = above;
  if (header === undefined || header.protocol === 'Malformed') return layers;
  return [...layers, { ...header, summary: `${header.summary}, fragment of ${hexadecimal(identification, 4)}` }];
}

function carried(protocol: number, frame: Uint8Array, start: number, end: number): Layers {
  if (protocol === 1) return attempt('internet', start, end, () => icmpv4(frame, start, end));
  if (protocol === 6) return attempt('transport', start, end, () => tcp(frame, start, end));
  if (protocol === 17) return attempt('transport', start, end, () => udp(frame, start, end));
  return [];
}

function fragmentText(value: number): string {
  const flags = flagNames(value, [
    [0x4000, "don't fragment"],
    [0x2000, 'more follow'],
  ]);
  return `${flags}, offset ${(value & 0x1fff) * 8}`;
}
