/** What a program asks of TLS, looked at before it goes to the Worker. */

import { invalid } from '../errors.js';
import { LONGEST_TIMEOUT } from '../timeout.js';
import type { Authorities, TlsConnectOptions } from './types.js';

/** The same, with all that is not left to chance. */
export interface TlsRequest {
  servername: string;
  alpn: string[];
  ca: (string | Uint8Array)[];
  /** `null`: the usual time. */
  timeout: number | null;
}

/** RFC 7301 §3.1: a name's length is a byte. How many there may be is our own limit. */
const LONGEST_PROTOCOL = 255;
const MOST_PROTOCOLS = 64;

/** `host`: who was connected to, if that is known. Throws `EINVAL` for what cannot be. */
export function tlsRequest(options: TlsConnectOptions | true, host: string | null): TlsRequest {
  const { servername = host, alpn = [], ca = [], timeout = null } = options === true ? {} : options;
  if (typeof servername !== 'string' || servername === '') {
    throw invalid('TLS needs the name of the server: servername');
  }
  if (!Array.isArray(alpn) || alpn.length > MOST_PROTOCOLS || !alpn.every(isProtocol)) {
    throw invalid(`alpn is a list of at most ${MOST_PROTOCOLS} names of 1 to ${LONGEST_PROTOCOL} bytes`);
  }
  if (timeout !== null && !(timeout > 0 && timeout <= LONGEST_TIMEOUT)) {
    throw invalid(`${timeout} ms is no time for a handshake`);
  }
  return { servername, alpn: [...alpn], ca: authorities(ca), timeout };
}

/** One by one. */
function authorities(ca: Authorities): (string | Uint8Array)[] {
  const given = Array.isArray(ca) ? ca : [ca];
  if (!given.every((one) => typeof one === 'string' || one instanceof Uint8Array)) {
    throw invalid("a CA's certificate is PEM text, or the bytes of DER");
  }
  return [...given];
}

function isProtocol(name: unknown): boolean {
  if (typeof name !== 'string') {
    return false;
  }
  const { length } = new TextEncoder().encode(name);
  return length >= 1 && length <= LONGEST_PROTOCOL;
}
