/**
 * `node:net` over the network in use. What has no meaning here throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM: local sockets (`path`),
 * handles and file descriptors.
 */

import { isIP, isIPv4, isIPv6 } from './net/address.js';
import { type ConnectArguments, connectArguments } from './net/arguments.js';
import { Server, type ServerOptions } from './net/server.js';
import { Socket } from './net/socket.js';

export type { AddressInfo } from './net/address.js';
export type { ConnectOptions, ListenOptions, SocketOptions } from './net/arguments.js';
export type { ServerOptions };
export { isIP, isIPv4, isIPv6, Server, Socket, Socket as Stream };

/** A new socket, connecting. */
export function createConnection(...values: ConnectArguments): Socket {
  const [options] = connectArguments(values);
  return new Socket(options).connect(...values);
}

export { createConnection as connect };

export function createServer(
  options?: ServerOptions | ((socket: Socket) => void),
  listener?: (socket: Socket) => void,
): Server {
  return new Server(options, listener);
}

/** Addresses are tried one after the other, whatever is said here. */
export function getDefaultAutoSelectFamily(): boolean {
  return true;
}
export function setDefaultAutoSelectFamily(): void {}

export default {
  Socket,
  Stream: Socket,
  Server,
  connect: createConnection,
  createConnection,
  createServer,
  isIP,
  isIPv4,
  isIPv6,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
};
