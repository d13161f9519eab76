/** IP addresses as text. */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** The address as RFC 5952 writes it, or `null`. */
function ipv6(text: string): string | null {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) {
    return null;
  }
  try {
    // A URL's parser knows all the ways there are to write one.
    return new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}

export function isIpv6(text: string): boolean {
  return ipv6(text) !== null;
}

export function isIpAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** `::`, however it is written. */
export function isUnspecifiedIpv6(text: string): boolean {
  return ipv6(text) === '::';
}
