import { bytesOf, hexadecimal, ipv4Address, type Layers, macAddress, Reader } from './layer.js';

/** ARP over Ethernet for IPv4 (RFC 826; probes and announcements RFC 5227 §1.1). */
export function arp(frame: Uint8Array, start: number): Layers {
  const reader = new Reader(frame, start, frame.length);
  reader.field('Hardware type', 2, (value) => (value === 1 ? 'Ethernet (1)' : String(value)));
  reader.field('Protocol type', 2, (value) => (value === 0x0800 ? 'IPv4 (0x0800)' : hexadecimal(value, 4)));
  reader.field('Hardware address', 1, bytesOf);
  reader.field('Protocol address', 1, bytesOf);
  const operation = reader.field('Operation', 2, (value) => ['', 'request (1)', 'reply (2)'][value] ?? String(value));
  const senderHardware = macAddress(reader.take(6));
  reader.note('Sender hardware', senderHardware, 6);
  const sender = ipv4Address(reader.take(4));
  reader.note('Sender', sender, 4);
  const targetHardware = macAddress(reader.take(6));
  reader.note('Target hardware', targetHardware, 6);
  const target = ipv4Address(reader.take(4));
  reader.note('Target', target, 4);
  return [
    {
      floor: 'link',
      protocol: 'ARP',
      summary: sentence(operation, sender, senderHardware, target),
      start,
      end: reader.position,
      fields: reader.fields,
    },
  ];
}

function sentence(operation: number, sender: string, senderHardware: string, target: string): string {
  if (sender === target) return `${sender} announces that it is at ${senderHardware}`;
  if (operation === 2) return `${sender} is at ${senderHardware}`;
  if (sender === '0.0.0.0') return `Does anybody use ${target}?`;
  return `Who has ${target}? Tell ${sender}`;
}
