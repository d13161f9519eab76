/**
 * `node:dns` over the network in use, whose name servers are asked. There are IPv4 addresses alone so far: questions for other
 * records fail with ENOTIMP.
 */

import * as codes from './dns/codes.js';
import * as promises from './dns/promises.js';
import { addresses, questions as asked, type LookupAddress, type LookupOptions, settings } from './dns/questions.js';
import { validCallback } from './errors.js';

export * from './dns/codes.js';
export type { LookupAddress, LookupOptions };
export { promises };

// biome-ignore lint/suspicious/noExplicitAny: what a callback gets depends on what was asked
type Callback = (error: Error | null, ...answer: any[]) => void;

/** Calls back, out of the promise's reach: what a callback throws is nobody's rejection. */
function answer<T>(asked: Promise<T>, callback: Callback, spread: (value: T) => unknown[] = (value) => [value]): void {
  asked.then(
    (value) => queueMicrotask(() => callback(null, ...spread(value))),
    (error) => queueMicrotask(() => callback(error)),
  );
}

/** `lookup(hostname, [options,] callback)`: the callback gets `(error, address, family)`, or with `all` `(error, addresses)`. */
export function lookup(hostname: string, ...rest: [Callback] | [LookupOptions | number | null | undefined, Callback]): void {
  const callback = validCallback(rest.at(-1) as Callback);
  const options = (rest.length > 1 ? rest[0] : undefined) as LookupOptions | number | null | undefined;
  const all = typeof options === 'object' && options?.all;
  if (!hostname) {
    queueMicrotask(() => (all ? callback(null, []) : callback(null, null, 4)));
    return;
  }
  answer(addresses(hostname, options ?? {}), callback, (found) => {
    const [first] = found as [LookupAddress];
    return all ? [found] : [first.address, first.family];
  });
}

type Questions = { [Name in keyof typeof asked]: (...values: [...unknown[], Callback]) => void };

/** Each question, with a callback behind its arguments instead of a promise. */
const questions = Object.fromEntries(
  Object.entries(asked).map(([name, ask]) => [
    name,
    (...values: unknown[]) => {
      const callback = validCallback(values.at(-1) as Callback);
      answer((ask as (...values: unknown[]) => Promise<unknown>)(...values.slice(0, -1)), callback);
    },
  ]),
) as unknown as Questions;

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

export default { ...codes, ...questions, ...settings, lookup, Resolver, promises };
