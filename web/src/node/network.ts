/** The network that Node's modules go through. */

import type { Network } from '../types.js';
import { argumentError } from './errors.js';

/** What Node's modules need of a network. */
export type NodeNetwork = Pick<Network, 'connect' | 'listen' | 'udp' | 'resolve'> & Partial<Pick<Network, 'status'>>;

let current: NodeNetwork | null = null;

/** Says which network Node's modules go through from now on; `null`: none. What is open stays on the network it was opened on. */
export function use(network: NodeNetwork | null): void {
  current = network;
}

/** The network in use. */
export function network(): NodeNetwork {
  if (!current) {
    throw argumentError('ERR_NO_NETWORK', "there is no network: call use() of 'ethertab/node' first", Error);
  }
  return current;
}
