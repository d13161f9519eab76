/**
 * `node:dgram` over the network in use: UDP over IPv4. There is no multicast yet, and a socket that is connected after it was bound is
 * closed and opened again on the same port.
 */

import type { Buffer } from 'buffer';
import type { SocketOptions } from './dgram/arguments.js';
import { type RemoteInfo, Socket } from './dgram/socket.js';

export type { BindOptions, SocketOptions } from './dgram/arguments.js';
export type { RemoteInfo };
export { Socket };

export function createSocket(
  options: SocketOptions | 'udp4' | 'udp6',
  listener?: (message: Buffer, remote: RemoteInfo) => void,
): Socket {
  return new Socket(options, listener);
}

export default { Socket, createSocket };
