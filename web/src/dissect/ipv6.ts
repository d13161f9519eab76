import { attempt, bytesOf, ipv6Address, type Layers, Reader } from './layer.js';
import { tcp } from './tcp.js';
import { udp } from './udp.js';

const nextHeaders: Record<number, string> = { 0: 'hop-by-hop options', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' };

/** The fixed IPv6 header (RFC 8200 §3). Hosts on the TAP send such packets by themselves. */
export function ipv6(frame: Uint8Array, start: number): Layers {
  const reader = new Reader(frame, start, frame.length);
  reader.field('Version, class, flow', 4, (value) => `6, flow ${(value & 0xfffff).toString(16)}`);
  const length = reader.field('Payload length', 2, bytesOf);
  const next = reader.field('Next header', 1, (value) => `${nextHeaders[value] ?? 'unknown'} (${value})`);
  reader.field('Hop limit', 1);
  const source = ipv6Address(reader.take(16));
  reader.note('Source', source, 16);
  const destination = ipv6Address(reader.take(16));
  reader.note('Destination', destination, 16);
  const payload = reader.position;
  const end = Math.min(frame.length, payload + length);
  const layers: Layers = [
    {
      floor: 'internet',
      protocol: 'IPv6',
      summary: `${source} → ${destination}, ${nextHeaders[next] ?? `header ${next}`}`,
      between: [source, destination],
      start,
      end: payload,
      fields: reader.fields,
    },
  ];
  if (next === 6) layers.push(...attempt('transport', payload, end, () => tcp(frame, payload, end)));
  if (next === 17) layers.push(...attempt('transport', payload, end, () => udp(frame, payload, end)));
  return layers;
}
