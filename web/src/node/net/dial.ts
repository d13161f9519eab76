/** From a host to an open connection: its addresses, and one after the other until one answers. */

import type { TcpOpened, TcpSocket } from '../../types.js';
import { addresses, type LookupAddress } from '../dns/questions.js';
import { argumentError, SystemError } from '../errors.js';
import { network } from '../network.js';
import { isIP } from './address.js';
import type { ConnectOptions } from './arguments.js';

/** What 'lookup' tells: `(error, address, family)`. */
type Tell = (error: unknown, address: string | undefined, family: number | undefined) => void;

/** The addresses of a host, each of them told; an address is its own, of which there is nothing to tell. */
export async function lookup(options: ConnectOptions, host: string, tell: Tell): Promise<LookupAddress[]> {
  const literal = isIP(host);
  if (literal) {
    return [{ address: host, family: literal }];
  }
  try {
    const found = await (options.lookup ? lookupBy(options, host) : addresses(host, options.family ?? 0));
    for (const { address, family } of found) {
      tell(null, address, family);
    }
    return found;
  } catch (error) {
    tell(error, undefined, undefined);
    throw error;
  }
}

/** Asks a program's own `lookup`, which answers with one address or all. */
function lookupBy(options: ConnectOptions, host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    const { family = 0, hints = 0 } = options;
    options.lookup?.(host, { family, hints, all: true }, (error, found) => {
      if (error) {
        reject(error);
        return;
      }
      const list = Array.isArray(found) ? found : [{ address: found, family: isIP(found) } as LookupAddress];
      const wrong = list.find(({ address }) => !isIP(address));
      if (wrong || list.length === 0) {
        reject(argumentError('ERR_INVALID_IP_ADDRESS', `Invalid IP address: ${wrong?.address}`));
      } else {
        resolve(list);
      }
    });
  });
}

/**
 * Connects to the first address that lets us. `trying` hears of each attempt, and says whether to go on. Rejects with what was
 * wrong with the address, or with all of them.
 */
export async function dial(
  found: LookupAddress[],
  port: number,
  { localPort, tcp: sizes }: ConnectOptions,
  trying: (tcp: TcpSocket) => boolean,
): Promise<[TcpSocket, TcpOpened] | null> {
  const failures: SystemError[] = [];
  for (const { address } of found) {
    const tcp = network().connect({ hostname: address, port }, { ...sizes, ...(localPort === undefined ? {} : { localPort }) });
    if (!trying(tcp)) {
      tcp.abort();
      return null;
    }
    try {
      return [tcp, await tcp.opened];
    } catch (error) {
      failures.push(new SystemError('connect', error, { address, port }));
    }
  }
  const [first] = failures;
  throw failures.length > 1 ? Object.assign(new AggregateError(failures), { code: first?.code }) : first;
}
