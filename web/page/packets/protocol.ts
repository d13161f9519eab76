/** Which floor a packet's highest protocol lives on. */
import type { Floor } from '../../src/dissect/index.js';

const floors: Record<string, Floor> = {
  ARP: 'link',
  Ethernet: 'link',
  LLDP: 'link',
  ICMP: 'internet',
  ICMPv4: 'internet',
  ICMPv6: 'internet',
  IPv4: 'internet',
  IPv6: 'internet',
  IGMP: 'internet',
  TCP: 'transport',
  UDP: 'transport',
  DHCP: 'application',
  DNS: 'application',
  HTTP: 'application',
};

export function floorOf(protocol: string): Floor {
  return floors[protocol] ?? 'link';
}
