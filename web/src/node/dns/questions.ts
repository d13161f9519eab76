/** The questions of `node:dns`, as promises, and its settings: both of its faces ask here. */

import { argumentError, codeOf, SystemError, unsupported } from '../errors.js';
import { isIP } from '../net/address.js';
import { network } from '../network.js';

export interface LookupOptions {
  family?: number | 'IPv4' | 'IPv6' | undefined;
  all?: boolean | undefined;
  hints?: number | undefined;
  order?: 'ipv4first' | 'ipv6first' | 'verbatim' | undefined;
  verbatim?: boolean | undefined;
}

export interface LookupAddress {
  address: string;
  family: 4 | 6;
}

export interface RecordWithTtl {
  address: string;
  /** Seconds. What the network remembers is not told: always 0. */
  ttl: number;
}

/** RFC 6761 §6.3: never asked of a name server. */
const LOOPBACK = '127.0.0.1';

/** The addresses of a name as `getaddrinfo(3)` would give them: an address is its own, and there is always one. */
export async function addresses(hostname: string, options: LookupOptions | number = {}): Promise<LookupAddress[]> {
  const wanted = family(typeof options === 'object' ? options.family : options);
  const literal = isIP(hostname);
  if (literal) {
    return [{ address: hostname, family: literal }];
  }
  const found = (await ipv4(hostname)).map((address): LookupAddress => ({ address, family: 4 }));
  if (wanted === 6 || found.length === 0) {
    throw notFound(hostname);
  }
  return found;

  async function ipv4(name: string): Promise<string[]> {
    try {
      return isLocal(name) ? [LOOPBACK] : await network().resolve(name);
    } catch (error) {
      throw codeOf(error) === 'EINVAL' ? notFound(name) : new SystemError('getaddrinfo', error, { hostname: name });
    }
  }
}

function notFound(hostname: string): SystemError {
  return new SystemError('getaddrinfo', Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), { hostname });
}

function isLocal(name: string): boolean {
  return /^(?:.*\.)?localhost\.?$/i.test(name);
}

function family(value: LookupOptions['family']): 0 | 4 | 6 {
  switch (value) {
    case undefined:
    case 0:
      return 0;
    case 4:
    case 'IPv4':
      return 4;
    case 6:
    case 'IPv6':
      return 6;
    default:
      throw argumentError('ERR_INVALID_ARG_VALUE', `The property 'options.family' must be one of: 0, 4, 6. Received ${value}`);
  }
}

/** The records of a name. */
async function records(hostname: string, type = 'A'): Promise<string[]> {
  const syscall = `query${type[0]}${type.slice(1).toLowerCase()}`;
  const fail = (code: string, cause?: unknown) =>
    Object.assign(new Error(`${syscall} ${code} ${hostname}`, { cause }), { code, errno: undefined, syscall, hostname });
  if (type === 'AAAA') {
    throw fail('ENODATA');
  }
  if (type !== 'A') {
    throw fail('ENOTIMP');
  }
  try {
    return await network().resolve(hostname);
  } catch (error) {
    const code = codeOf(error);
    throw fail(code === 'EAI_AGAIN' ? 'ETIMEOUT' : code === 'EINVAL' ? 'EBADNAME' : code, error);
  }
}

const ofType =
  (type: string) =>
  (hostname: string): Promise<string[]> =>
    records(hostname, type);

/** By the names under which both faces have them. Records that there is no resolver for yet fail with ENOTIMP. */
export const questions = {
  resolve: records,
  async resolve4(hostname: string, options?: { ttl?: boolean }): Promise<(string | RecordWithTtl)[]> {
    const found = await records(hostname);
    return options?.ttl ? found.map((address) => ({ address, ttl: 0 })) : found;
  },
  resolve6: ofType('AAAA'),
  resolveAny: ofType('ANY'),
  resolveCaa: ofType('CAA'),
  resolveCname: ofType('CNAME'),
  resolveMx: ofType('MX'),
  resolveNaptr: ofType('NAPTR'),
  resolveNs: ofType('NS'),
  resolvePtr: ofType('PTR'),
  resolveSoa: ofType('SOA'),
  resolveSrv: ofType('SRV'),
  resolveTxt: ofType('TXT'),
  reverse: ofType('PTR'),
};

export const settings = {
  /** The name servers that the network has from its lease. */
  getServers: (): string[] => [...(network().status?.information?.nameServers ?? [])],
  /** The network's name servers come with its lease or its options. */
  setServers(): never {
    throw unsupported('setServers()');
  },
  /** There are IPv4 addresses alone, in the order of the answer. */
  getDefaultResultOrder: (): 'ipv4first' => 'ipv4first',
  setDefaultResultOrder(): void {},
};
