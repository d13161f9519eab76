/** `node:dns/promises` over the network in use. */

import * as codes from './codes.js';
import { addresses, type LookupAddress, type LookupOptions, questions, settings } from './questions.js';

export * from './codes.js';
export type { RecordWithTtl } from './questions.js';
export type { LookupAddress, LookupOptions };

export async function lookup(hostname: string, options: LookupOptions & { all: true }): Promise<LookupAddress[]>;
export async function lookup(hostname: string, options?: LookupOptions | number): Promise<LookupAddress>;
export async function lookup(hostname: string, options: LookupOptions | number = {}): Promise<LookupAddress | LookupAddress[]> {
  const found = await addresses(hostname, options);
  return typeof options === 'object' && options.all ? found : (found[0] as LookupAddress);
}

export const {
  resolve,
  resolve4,
  resolve6,
  resolveAny,
  resolveCaa,
  resolveCname,
  resolveMx,
  resolveNaptr,
  resolveNs,
  resolvePtr,
  resolveSoa,
  resolveSrv,
  resolveTxt,
  reverse,
} = questions;
export const { getServers, setServers, getDefaultResultOrder, setDefaultResultOrder } = settings;

type Questions = typeof questions;

/** The questions as methods, without settings of its own. */
export interface Resolver extends Questions {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns them
export class Resolver {
  getServers: typeof getServers = getServers;
  setServers: typeof setServers = setServers;

  constructor() {
    Object.assign(this, questions);
  }

  /** Questions under way go on: they are the network's. */
  cancel(): void {}
}

export default { ...codes, ...questions, ...settings, lookup, Resolver };
