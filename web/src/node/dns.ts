/**
 * `node:dns` over the network in use, whose name servers are asked. There are IPv4 addresses alone so far: questions for other
 * records fail with ENOTIMP.
 */

import * as codes from './dns/codes.js';
import * as promises from './dns/promises.js';
import { addresses, type LookupAddress, type LookupOptions } from './dns/questions.js';
import { validCallback } from './errors.js';

export * from './dns/codes.js';
export { getDefaultResultOrder, getServers, setDefaultResultOrder, setServers } from './dns/promises.js';
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

/** Turns a function with a promise into one with a callback behind its arguments. */
function called<A extends unknown[], T>(
  ask: (...values: A) => Promise<T>,
): (...values: [...A, Callback] | [unknown, Callback]) => void {
  return (...values) => {
    const callback = validCallback(values.at(-1) as Callback);
    answer(ask(...(values.slice(0, -1) as A)), callback);
  };
}

export const resolve = called(promises.resolve);
export const resolve4 = called(promises.resolve4);
export const resolve6 = called(promises.resolve6);
export const resolveAny = called(promises.resolveAny);
export const resolveCaa = called(promises.resolveCaa);
export const resolveCname = called(promises.resolveCname);
export const resolveMx = called(promises.resolveMx);
export const resolveNaptr = called(promises.resolveNaptr);
export const resolveNs = called(promises.resolveNs);
export const resolvePtr = called(promises.resolvePtr);
export const resolveSoa = called(promises.resolveSoa);
export const resolveSrv = called(promises.resolveSrv);
export const resolveTxt = called(promises.resolveTxt);
export const reverse = called(promises.reverse);

const questions = {
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
};

/** The questions as methods, without settings of its own. */
export class Resolver {
  getServers = promises.getServers;
  setServers = promises.setServers;
  /** Questions under way go on: they are the network's. */
  cancel(): void {}

  constructor() {
    Object.assign(this, questions);
  }
}

export default {
  ...codes,
  ...questions,
  lookup,
  getServers: promises.getServers,
  setServers: promises.setServers,
  getDefaultResultOrder: promises.getDefaultResultOrder,
  setDefaultResultOrder: promises.setDefaultResultOrder,
  Resolver,
  promises,
};
