/**
 * `ethertab/node`: Node's modules net, tls, dgram and dns over a network, for programs and packages that were written for Node.
 * Import it first: it also gives the page the globals that such programs take for granted.
 *
 * ```js
 * import { use } from 'ethertab/node';
 * import { Network } from 'ethertab';
 * use(await Network.open('ws://localhost:8080/tunnel'));
 * const { default: pg } = await import('pg');    // its bundler replaces node:net by ethertab/node/net (ethertab/node/aliases)
 * ```
 */

import './globals.js';

export * as dgram from './dgram.js';
export * as dns from './dns.js';
export * as net from './net.js';
export type { NodeNetwork } from './network.js';
export { use } from './network.js';
export * as tls from './tls.js';
