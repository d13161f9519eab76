/** ethertab: an Ethernet card for a browser tab. This file only re-exports; `types.ts` is the contract, with one beside it for each standard. */
export type * from './cookies/types.js';
export type * from './direct/types.js';
export { EthertabError } from './errors.js';
export { Network } from './network.js';
export type * from './serve/types.js';
export type * from './statistics.js';
export type * from './tls/types.js';
export type * from './types.js';
export type * from './websocket/types.js';
export { SocketError } from './winter/error.js';
export type * from './winter/types.js';
