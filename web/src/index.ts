/** ethertab: an Ethernet card for a browser tab. This file only re-exports; `types.ts` is the whole contract. */
export { EthertabError } from './errors.js';
export { Network } from './network.js';
export type * from './types.js';
