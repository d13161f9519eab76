/** What `node:tls` is asked for, in the terms of the network's TLS; what it cannot do is refused, not passed over. */

import type { Authorities, TlsConnectOptions } from '../../tls/types.js';
import { argumentError, unsupported } from '../errors.js';
import type { ConnectOptions } from '../net/arguments.js';
import type { Socket } from '../net/socket.js';
import { checkServerIdentity } from './identity.js';

type Text = string | Uint8Array;

export interface SecureContextOptions {
  /** PEM text, or the bytes of it or of a certificate (DER). Trusted besides Mozilla's list, not in its place. */
  ca?: Text | Text[] | undefined;
  cert?: unknown;
  key?: unknown;
  pfx?: unknown;
  crl?: unknown;
  minVersion?: string | undefined;
  maxVersion?: string | undefined;
  ciphers?: string | undefined;
  [other: string]: unknown;
}

/** `tls.createSecureContext()` keeps what it was given. */
export interface SecureContext {
  readonly context: SecureContextOptions;
}

export interface TlsSocketOptions extends SecureContextOptions {
  host?: string | undefined;
  servername?: string | undefined;
  ALPNProtocols?: readonly Text[] | Uint8Array | undefined;
  /** `false` is refused: certificates are always verified. */
  rejectUnauthorized?: boolean | undefined;
  /** One of a program's own is refused: the network compares names itself, by the same rules. */
  checkServerIdentity?: unknown;
  secureContext?: SecureContext | undefined;
  isServer?: boolean | undefined;
}

export interface TlsConnectionOptions extends TlsSocketOptions, Omit<ConnectOptions, 'host'> {
  /** A connection of `node:net` that goes on as a secure one. */
  socket?: Socket | undefined;
}

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** `host`: who was connected to. */
export function tlsOptions(options: TlsSocketOptions, host: string | undefined): TlsConnectOptions {
  const given = { ...options.secureContext?.context, ...options };
  if (given.isServer) {
    throw unsupported('TLS as a server');
  }
  if (given.rejectUnauthorized === false) {
    throw unsupported('rejectUnauthorized: false (name the CA in `ca` instead)');
  }
  if (given.checkServerIdentity !== undefined && given.checkServerIdentity !== checkServerIdentity) {
    throw unsupported('a checkServerIdentity of your own');
  }
  for (const name of ['cert', 'key', 'pfx', 'crl'] as const) {
    if (given[name] !== undefined && given[name] !== null) {
      throw unsupported(`the TLS option "${name}"`);
    }
  }
  checkVersions(given);
  const servername = given.servername || given.host || host;
  const alpn = given.ALPNProtocols && protocols(given.ALPNProtocols);
  return {
    ...(servername ? { servername } : {}),
    ...(alpn?.length ? { alpn } : {}),
    ...(given.ca ? { ca: authorities(given.ca) } : {}),
  };
}

/** The network speaks 1.2 and 1.3, and takes the better: a program may not ask for less, nor for one of them alone. */
function checkVersions({ minVersion, maxVersion }: SecureContextOptions): void {
  for (const version of [minVersion, maxVersion]) {
    if (version !== undefined && !VERSIONS.includes(version)) {
      throw argumentError('ERR_TLS_INVALID_PROTOCOL_VERSION', `"${version}" is not a valid TLS protocol version`);
    }
  }
  if (minVersion === 'TLSv1.3' || (maxVersion !== undefined && maxVersion !== 'TLSv1.3')) {
    throw unsupported('a choice of TLS versions (1.2 and 1.3 are spoken)');
  }
}

/** Node takes the bytes of PEM text as well. */
function authorities(ca: Text | Text[]): Authorities {
  const DER = 0x30;
  const one = (each: Text) => (typeof each === 'string' || each[0] === DER ? each : new TextDecoder().decode(each));
  return Array.isArray(ca) ? ca.map(one) : one(ca);
}

/** A list, or as it goes over the wire: each with its length before it. */
function protocols(given: readonly Text[] | Uint8Array): string[] {
  const text = (each: Text) => (typeof each === 'string' ? each : new TextDecoder().decode(each));
  if (!(given instanceof Uint8Array)) {
    return given.map(text);
  }
  const found: string[] = [];
  for (let at = 0; at < given.length; ) {
    const end = at + 1 + (given[at] ?? 0);
    found.push(text(given.subarray(at + 1, end)));
    at = end;
  }
  return found;
}
