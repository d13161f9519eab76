import { arp } from './arp.js';
import { ipv4 } from './ipv4.js';
import { ipv6 } from './ipv6.js';
import { attempt, bytesOf, hexadecimal, type Layers, macAddress, Reader } from './layer.js';

const etherTypes: Record<number, string> = {
  2048: 'IPv4',
  2054: 'ARP',
  34525: 'IPv6',
  33024: 'VLAN',
  34984: 'VLAN',
  35020: 'LLDP',
};
/** From here on it is a type; below it is the length of what follows (IEEE 802.3 §3.2.6). */
const leastType = 0x0600;
/** Tags that are looked through: that of a provider, and that of its customer. */
const mostTags = 2;

/** Ethernet: destination, source, type or length (IEEE 802.3 §3). */
export function ethernet(frame: Uint8Array): Layers {
  const reader = new Reader(frame, 0, frame.length);
  const destination = macAddress(reader.take(6));
  reader.note('Destination', destinationText(destination), 6);
  const source = macAddress(reader.take(6));
  reader.note('Source', source, 6);
  const type = typeOrLength(reader);
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
    ...above(type, frame, start, mostTags),
  ];
}

function typeOrLength(reader: Reader): number {
  const value = reader.number(2);
  if (value < leastType) reader.note('Length', bytesOf(value), 2);
  else reader.note('Type', `${etherTypes[value] ?? 'unknown'} (${hexadecimal(value, 4)})`, 2);
  return value;
}

function above(type: number, frame: Uint8Array, start: number, tags: number): Layers {
  const floor = type === 0x0800 || type === 0x86dd ? 'internet' : 'link';
  return attempt(floor, start, frame.length, () => carried(type, frame, start, tags));
}

function carried(type: number, frame: Uint8Array, start: number, tags: number): Layers {
  if (type < leastType) return linkControl(frame, start, start + type);
  if (etherTypes[type] === 'VLAN' && tags > 0) return vlan(frame, start, tags - 1);
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

/** The tag of a virtual network, before what would be there without it (IEEE 802.1Q §9). */
function vlan(frame: Uint8Array, start: number, tags: number): Layers {
  const reader = new Reader(frame, start, frame.length);
  const tag = reader.number(2);
  reader.note('Priority', String(tag >> 13), 2);
  reader.note('VLAN', String(tag & 0xfff), 2);
  const type = typeOrLength(reader);
  const end = reader.position;
  const summary = `VLAN ${tag & 0xfff}, priority ${tag >> 13}`;
  return [{ floor: 'link', protocol: 'VLAN', summary, start, end, fields: reader.fields }, ...above(type, frame, end, tags)];
}

/** Logical link control, where a length stands in place of a type (IEEE 802.2 §3): bridges speak so among themselves. */
function linkControl(frame: Uint8Array, start: number, end: number): Layers {
  const reader = new Reader(frame, start, end);
  const destination = reader.field('Destination service', 1, (value) => hexadecimal(value, 2));
  const source = reader.field('Source service', 1, (value) => hexadecimal(value, 2));
  reader.field('Control', 1, (value) => hexadecimal(value, 2));
  const summary = `Service ${hexadecimal(source, 2)} → ${hexadecimal(destination, 2)}, ${bytesOf(reader.remaining)}`;
  return [{ floor: 'link', protocol: 'LLC', summary, start, end, fields: reader.fields }];
}

function destinationText(address: string): string {
  return address === 'ff:ff:ff:ff:ff:ff' ? 'everyone (ff:ff:ff:ff:ff:ff)' : address;
}
