/** ethertab: an Ethernet card for a browser tab. This file only re-exports; `types.ts` is the whole contract. */
export type * from './types.js';
