import { arp } from './arp.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import { attempt, hexadecimal, type Layers, macAddress, Reader } from './layer.js';

const etherTypes: Record<number, string> = {
  2048: 'IPv4',
  2054: 'ARP',
  34525: 'IPv6',
  33024: 'VLAN',
  35020: 'LLDP',
};

/** Ethernet II: destination, source, type (IEEE 802.3 §3). */
export function ethernet(frame: Uint8Array): Layers {
  const reader = new Reader(frame, 0, frame.length);
  const destination = macAddress(reader.take(6));
  reader.note('Destination', destinationText(destination), 6);
  const source = macAddress(reader.take(6));
  reader.note('Source', source, 6);
  const type = reader.field('Type', 2, (value) => `${etherTypes[value] ?? 'unknown'} (${hexadecimal(value, 4)})`);
  const start = reader.position;
  return [
    {
      floor: 'link',
      protocol: 'Ethernet',
      summary: `${source} → ${destinationText(destination)}`,
      between: [source, destination],
      start: 0,
      end: start,
      fields: reader.fields,
    },
    ...attempt(type === 0x0806 ? 'link' : 'internet', start, frame.length, () => carried(type, frame, start)),
  ];
}

function carried(type: number, frame: Uint8Array, start: number): Layers {
  switch (type) {
    case 0x0800:
      return ipv4(frame, start);
    case 0x0806:
      return arp(frame, start);
    case 0x86dd:
      return ipv6(frame, start);
    default:
      return [
        {
          floor: 'link',
          protocol: etherTypes[type] ?? hexadecimal(type, 4),
          summary: `${frame.length - start} bytes that nobody here reads`,
          start,
          end: frame.length,
          fields: [],
        },
      ];
  }
}

function destinationText(address: string): string {
  return address === 'ff:ff:ff:ff:ff:ff' ? 'everyone (ff:ff:ff:ff:ff:ff)' : address;
}
