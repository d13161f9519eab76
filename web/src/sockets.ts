/**
 * `ethertab/sockets`: the Sockets API as a module, for code that imports it by name. Let the bundler replace `cloudflare:sockets` by
 * this, and say which network it goes through.
 */

import type { Network } from './types.js';
import { connect as connectOn } from './winter/connect.js';
import { SocketError } from './winter/error.js';
import type { AnySocketAddress, Socket, SocketOptions } from './winter/types.js';

export type * from './winter/types.js';
export { SocketError };

let current: Pick<Network, 'connect'> | null = null;

/** Says which network {@link connect} goes through from now on; `null`: none. */
export function setNetwork(network: Pick<Network, 'connect'> | null): void {
  current = network;
}

/** Connects, as `net.sockets.connect` does, on the network that was set. */
export function connect(address: AnySocketAddress, options?: SocketOptions): Socket {
  if (!current) {
    throw new SocketError('there is no network: call setNetwork() first');
  }
  return connectOn(current, address, options);
}
