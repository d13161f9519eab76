/** How high a packet climbs in the house, and which protocols it meets on the way. */

import type { Floor } from '../../src/dissect/index.js';
import type { PacketSummary } from '../../src/types.js';

/** The floors, from the cable upwards. */
export const floors: readonly Floor[] = ['link', 'internet', 'transport', 'application'];

export interface Climb {
  /** Floors that it touches: 1 (link alone) to 4. */
  height: number;
  protocols: string[];
}

const etherTypes: Record<number, string> = { 2048: 'IPv4', 34525: 'IPv6', 2054: 'ARP' };
const webPorts = new Set([80, 8000, 8080]);

/** Reads just enough of the headers; what is cut short counts as far as it goes. */
export function climb({ bytes, protocol }: PacketSummary): Climb {
  const network = etherTypes[half(bytes, 12)];
  if (network === undefined || network === 'ARP') return { height: 1, protocols: network ? [network] : [] };
  const six = network === 'IPv6';
  const next = bytes[six ? 20 : 23];
  const start = 14 + (six ? 40 : ((bytes[14] ?? 0) & 15) * 4);
  const laterFragment = !six && (half(bytes, 20) & 0x1fff) !== 0;
  if (next === 1 || next === 58) return { height: 2, protocols: [network, 'ICMP'] };
  if (laterFragment || (next !== 6 && next !== 17)) return { height: 2, protocols: [network] };
  const transport = next === 6 ? 'TCP' : 'UDP';
  const header = next === 6 ? ((bytes[start + 12] ?? 0) >> 4) * 4 : 8;
  const length = six ? 54 + half(bytes, 18) : 14 + half(bytes, 16);
  const protocols = [network, transport];
  if (length <= start + header) return { height: 3, protocols };
  if (['DHCP', 'DNS', 'HTTP'].includes(protocol)) protocols.push(protocol);
  else if (transport === 'TCP' && (webPorts.has(half(bytes, start)) || webPorts.has(half(bytes, start + 2))))
    protocols.push('HTTP');
  else protocols.push('other');
  return { height: 4, protocols };
}

function half(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
