/** `connect()` of the Sockets API, on a network. */

import { destination } from '../tcp.js';
import { tlsRequest } from '../tls/options.js';
import type { TlsConnectOptions } from '../tls/types.js';
import type { Network } from '../types.js';
import { SocketError, socketError } from './error.js';
import { Socket } from './socket.js';
import type { AnySocketAddress, Socket as Contract, SecureTransportKind, SocketOptions } from './types.js';

export function connect(
  network: Pick<Network, 'connect'>,
  address: AnySocketAddress,
  options?: SocketOptions | null,
): Contract {
  const given = options ?? {};
  const secure = secureTransport(given.secureTransport);
  if (secure === 'off' && (isGiven(given.sni) || isGiven(given.alpn))) {
    throw new SocketError("sni and alpn go with secureTransport 'on' or 'starttls'");
  }
  const to = read(address);
  const tls = tlsOptions(given);
  try {
    if (secure === 'starttls') {
      // What cannot be is to be heard of now, not when a connection depends on it.
      tlsRequest(tls, destination(to).hostname);
    }
    const socket = network.connect(to, secure === 'on' ? { tls } : {});
    return new Socket(socket, { secure, tls, allowHalfOpen: Boolean(given.allowHalfOpen) });
  } catch (error) {
    throw socketError(error);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function secureTransport(value: unknown): SecureTransportKind {
  switch (value) {
    case undefined:
      return 'off';
    case 'off':
    case 'on':
    case 'starttls':
      return value;
    default:
      throw new SocketError(`secureTransport is 'off', 'on' or 'starttls', not "${String(value)}"`);
  }
}

function tlsOptions({ sni, alpn }: SocketOptions): TlsConnectOptions {
  return {
    ...(isGiven(sni) && { servername: String(sni) }),
    ...(isGiven(alpn) && { alpn: Array.from(alpn as Iterable<unknown>, String) }),
  };
}

function read(address: AnySocketAddress): Parameters<Network['connect']>[0] {
  if (typeof address === 'string') {
    return address as `${string}:${number}`;
  }
  if (typeof address !== 'object' || address === null || !address.hostname || !isGiven(address.port)) {
    throw new SocketError('an address is "name:port", or has hostname and port');
  }
  return { hostname: String(address.hostname), port: Number(address.port) };
}
