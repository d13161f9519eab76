/** Addresses as text: `net.isIP()` and its kin. */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** 4, 6, or 0 for what is no address. */
export function isIP(input: unknown): 0 | 4 | 6 {
  const text = String(input);
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0;
}

/** Four numbers with dots between them, none with a leading zero. */
export function isIPv4(input: unknown): boolean {
  return IPV4.test(String(input));
}

/** The text forms of RFC 4291 §2.2, with the zone of RFC 4007 §11 if there is one. */
export function isIPv6(input: unknown): boolean {
  const text = String(input);
  const [, bare = '', zone] = /^([^%]*)(%.*)?$/.exec(text) ?? [];
  if (zone !== undefined && !/^%[0-9a-zA-Z.\-:]+$/.test(zone)) {
    return false;
  }
  const halves = bare.split('::');
  if (halves.length > 2) {
    return false;
  }
  const lengths = halves.map((half, at) => groups(half, at === halves.length - 1));
  if (lengths.some((length) => length < 0)) {
    return false;
  }
  const length = lengths.reduce((sum, each) => sum + each, 0);
  return halves.length === 2 ? length <= 7 : length === 8;
}

/** How many groups of 16 bits a part without "::" holds; -1 if it is none. Only the last part may end in an IPv4 address. */
function groups(part: string, last: boolean): number {
  if (part === '') {
    return 0;
  }
  const pieces = part.split(':');
  const tail = pieces.at(-1) ?? '';
  const embedded = last && isIPv4(tail);
  const plain = embedded ? pieces.slice(0, -1) : pieces;
  return plain.every((piece) => /^[0-9a-fA-F]{1,4}$/.test(piece)) ? plain.length + (embedded ? 2 : 0) : -1;
}

/** "IPv4" or "IPv6", as Node names an address's family. */
export function family(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

export interface AddressInfo {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}
