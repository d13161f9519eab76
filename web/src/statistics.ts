/** `net.stats()`: what passed, and who is talking to whom. */

import type { NetworkCounters, TcpInformation, TcpOpened } from './types.js';

export interface LocalEnd {
  readonly localAddress: string;
  readonly localPort: number;
}

/** One TCP connection: both ends, and its vital signs. */
export type TcpStatistics = Omit<TcpOpened, 'tls'> & TcpInformation;

/** One UDP socket: the remote end is `null` unless it is connected to a peer. */
export interface UdpStatistics extends LocalEnd {
  readonly remoteAddress: string | null;
  readonly remotePort: number | null;
}

export interface NetworkStatistics {
  counters: NetworkCounters;
  /**
   * Every connection in the stack: those of sockets and those of `fetch`, those still connecting, and those that are closed and whose
   * last bytes are on their way. What TIME-WAIT remembers is no connection any more.
   */
  tcp: TcpStatistics[];
  listeners: LocalEnd[];
  udp: UdpStatistics[];
}
