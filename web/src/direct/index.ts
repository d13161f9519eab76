/** WICG Direct Sockets over a network's own sockets. `types.ts` is the contract. */

import type { Network } from '../types.js';
import { tcpServerSocketClass } from './server.js';
import { tcpSocketClass } from './tcp.js';
import type { DirectSockets } from './types.js';
import { udpSocketClass } from './udp.js';

/** The three classes for a network. */
export function directSockets(network: Pick<Network, 'connect' | 'listen' | 'udp'>): DirectSockets {
  const TCPSocket = tcpSocketClass(network);
  return {
    TCPSocket,
    UDPSocket: udpSocketClass(network),
    TCPServerSocket: tcpServerSocketClass(network, TCPSocket),
  };
}

/** Puts the classes on a global object, as a browser would have them there; calling the result puts back what was there before. */
export function install({ TCPSocket, UDPSocket, TCPServerSocket }: DirectSockets, target: object): () => void {
  const classes = { TCPSocket, UDPSocket, TCPServerSocket };
  const before = Object.keys(classes).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const);
  for (const [name, value] of Object.entries(classes)) {
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) {
        Object.defineProperty(target, name, descriptor);
      } else {
        Reflect.deleteProperty(target, name);
      }
    }
  };
}
