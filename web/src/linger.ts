/** The end of connections that nobody holds any more. */

import type { TcpSocket } from './types.js';

/** Milliseconds. */
const LINGER = 10_000;

/** What was written may still leave for a while; a peer that takes nothing more must not keep the connection for ever, which is reset. */
export function linger(tcp: Pick<TcpSocket, 'closed' | 'abort'>): void {
  const timer = setTimeout(() => tcp.abort(), LINGER);
  // Node.js need not live for it.
  (timer as { unref?(): void }).unref?.();
  tcp.closed.catch(() => {}).finally(() => clearTimeout(timer));
}
