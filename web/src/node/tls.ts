/**
 * `node:tls` over the network in use, which speaks TLS 1.2 and 1.3 and verifies by Mozilla's list of CAs and those in `ca`.
 *
 * What it cannot do throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM: `rejectUnauthorized: false`, certificates of clients, servers, a choice
 * of versions. `ciphers`, `ecdhCurve`, `session` and their kin change nothing; what the peer's certificate says is not told. As in Node, a
 * server that finishes without saying so by TLS has finished: whether something was cut off is for the protocol above to know.
 */

import { unsupported } from './errors.js';
import { connectArguments } from './net/arguments.js';
import { Socket } from './net/socket.js';
import { checkServerIdentity } from './tls/identity.js';
import { type SecureContext, type SecureContextOptions, type TlsConnectionOptions, tlsOptions } from './tls/options.js';
import { TLSSocket } from './tls/socket.js';

export type { PeerCertificate } from './tls/identity.js';
export type { TlsSocketOptions } from './tls/options.js';
export type { SecureContext, SecureContextOptions, TlsConnectionOptions };
export { checkServerIdentity, TLSSocket };

export const DEFAULT_MIN_VERSION = 'TLSv1.2';
export const DEFAULT_MAX_VERSION = 'TLSv1.3';

type Listener = () => void;

type ConnectArguments =
  | [options: TlsConnectionOptions, listener?: Listener]
  | [port: number | string, listener?: Listener]
  | [port: number | string, options: TlsConnectionOptions, listener?: Listener]
  | [port: number | string, host: string | undefined, listener?: Listener]
  | [port: number | string, host: string | undefined, options: TlsConnectionOptions, listener?: Listener];

/** Connects, or goes on with `options.socket`; 'secureConnect', for which the listener waits, tells that the handshake is over. */
export function connect(...values: ConnectArguments): TLSSocket {
  const [first, listener] = connectArguments(values);
  const more = values.slice(1).find((value) => typeof value === 'object') as TlsConnectionOptions | undefined;
  const options = { ...first, ...more } as TlsConnectionOptions;
  // Before anything is connected.
  tlsOptions(options, options.host);
  const plain = options.socket ?? new Socket(options).connect(options);
  const socket = new TLSSocket(plain, options);
  if (listener) {
    socket.once('secureConnect', listener);
  }
  if (options.timeout) {
    socket.setTimeout(options.timeout);
  }
  return socket;
}

export function createSecureContext(options: SecureContextOptions = {}): SecureContext {
  return { context: options };
}

export function createServer(): never {
  throw unsupported('tls.createServer()');
}

export default {
  DEFAULT_MIN_VERSION,
  DEFAULT_MAX_VERSION,
  TLSSocket,
  checkServerIdentity,
  connect,
  createSecureContext,
  createServer,
};
