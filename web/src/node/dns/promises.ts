/** `node:dns/promises` over the network in use. */

import { unsupported } from '../errors.js';
import { network } from '../network.js';
import { addresses, type LookupAddress, type LookupOptions, type RecordWithTtl, records, withTtl } from './questions.js';

export * from './codes.js';
export type { LookupAddress, LookupOptions, RecordWithTtl };

export async function lookup(hostname: string, options: LookupOptions & { all: true }): Promise<LookupAddress[]>;
export async function lookup(hostname: string, options?: LookupOptions | number): Promise<LookupAddress>;
export async function lookup(hostname: string, options: LookupOptions | number = {}): Promise<LookupAddress | LookupAddress[]> {
  const found = await addresses(hostname, options);
  return typeof options === 'object' && options.all ? found : (found[0] as LookupAddress);
}

export async function resolve(hostname: string, rrtype = 'A'): Promise<string[]> {
  return records(hostname, rrtype);
}

export async function resolve4(hostname: string, options?: { ttl?: boolean }): Promise<(string | RecordWithTtl)[]> {
  return withTtl(await records(hostname), options?.ttl);
}

const ofType =
  (type: string) =>
  (hostname: string): Promise<string[]> =>
    records(hostname, type);

/** Fails: with ENODATA, or with ENOTIMP where there is no resolver for such records yet. */
export const resolve6 = ofType('AAAA');
export const resolveAny = ofType('ANY');
export const resolveCaa = ofType('CAA');
export const resolveCname = ofType('CNAME');
export const resolveMx = ofType('MX');
export const resolveNaptr = ofType('NAPTR');
export const resolveNs = ofType('NS');
export const resolvePtr = ofType('PTR');
export const resolveSoa = ofType('SOA');
export const resolveSrv = ofType('SRV');
export const resolveTxt = ofType('TXT');
export const reverse = ofType('PTR');

/** The name servers that the network has from its lease. */
export function getServers(): string[] {
  return [...(network().status?.information?.nameServers ?? [])];
}

/** The network's name servers come with its lease or its options. */
export function setServers(): never {
  throw unsupported('setServers()');
}

export function getDefaultResultOrder(): 'ipv4first' {
  return 'ipv4first';
}

/** There are IPv4 addresses alone, in the order of the answer. */
export function setDefaultResultOrder(): void {}

/** The questions as methods, without settings of its own. */
export class Resolver {
  resolve = resolve;
  resolve4 = resolve4;
  resolve6 = resolve6;
  resolveAny = resolveAny;
  resolveCaa = resolveCaa;
  resolveCname = resolveCname;
  resolveMx = resolveMx;
  resolveNaptr = resolveNaptr;
  resolveNs = resolveNs;
  resolvePtr = resolvePtr;
  resolveSoa = resolveSoa;
  resolveSrv = resolveSrv;
  resolveTxt = resolveTxt;
  reverse = reverse;
  getServers = getServers;
  setServers = setServers;
  /** Questions under way go on: they are the network's. */
  cancel(): void {}
}

export default {
  lookup,
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
  getServers,
  setServers,
  getDefaultResultOrder,
  setDefaultResultOrder,
  Resolver,
};
