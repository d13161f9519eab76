import { dhcp } from './dhcp.js';
import { dns } from './dns.js';
import { attempt, bytesOf, hexadecimal, type Layers, Reader } from './layer.js';

/** UDP (RFC 768). */
export function udp(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  const source = reader.field('Source port', 2);
  const destination = reader.field('Destination port', 2);
  const length = reader.field('Length', 2, bytesOf);
  reader.field('Checksum', 2, (value) => hexadecimal(value, 4));
  const payload = reader.position;
  const until = Math.min(end, start + length);
  const layers: Layers = [
    {
      floor: 'transport',
      protocol: 'UDP',
      summary: `${source} → ${destination}, ${bytesOf(Math.max(0, length - 8))}`,
      between: [String(source), String(destination)],
      start,
      end: payload,
      fields: reader.fields,
    },
  ];
  if (until <= payload) return layers;
  const ports = [source, destination];
  if (ports.includes(67) || ports.includes(68))
    layers.push(...attempt('application', payload, until, () => dhcp(frame, payload, until)));
  else if (ports.includes(53)) layers.push(...attempt('application', payload, until, () => dns(frame, payload, until)));
  else layers.push(datagram(payload, until));
  return layers;
}

function datagram(start: number, end: number): Layers[number] {
  return { floor: 'application', protocol: 'Data', summary: bytesOf(end - start), start, end, fields: [] };
}
