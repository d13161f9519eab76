/** The errors of Direct Sockets. */

import { EthertabError } from '../errors.js';
import { isIpv4 } from './address.js';
import type { SocketDnsQueryType } from './types.js';

const known = new WeakMap<EthertabError, DOMException>();

/** What the network did wrong, as the standard names it. The same error stays the same; a TypeError is the program's own. */
export function networkError(error: unknown): unknown {
  if (!(error instanceof EthertabError)) {
    return error;
  }
  let exception = known.get(error);
  if (!exception) {
    exception = new DOMException(error.message, 'NetworkError');
    // Not every browser's DOMException takes a cause.
    Object.defineProperty(exception, 'cause', { value: error, writable: true, configurable: true });
    known.set(error, exception);
  }
  return exception;
}

export function invalidState(message: string): DOMException {
  return new DOMException(message, 'InvalidStateError');
}

/** Throws for a name that is to be looked up as an IPv6 address: there is nothing to reach it by. */
export function reachable(host: string, family: SocketDnsQueryType | undefined): string {
  if (family === 'ipv6' && !isIpv4(host)) {
    throw noIpv6();
  }
  return host;
}

export function noIpv6(): EthertabError {
  return new EthertabError('ENETUNREACH', 'the network has IPv4 alone');
}
