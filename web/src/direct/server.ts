/** `TCPServerSocket`. */

import type { Network, TcpListenOptions, TcpSocket } from '../types.js';
import { WrappedValues } from '../wrapped.js';
import { isIpAddress, isUnspecifiedIpv6 } from './address.js';
import { noIpv6 } from './failure.js';
import { Lifecycle } from './lifecycle.js';
import { Accepted } from './tcp.js';
import type {
  TCPServerSocket as Contract,
  TCPServerSocketConstructor,
  TCPServerSocketOpenInfo,
  TCPServerSocketOptions,
  TCPSocket,
  TCPSocketConstructor,
} from './types.js';
import { dictionary, domString, enforced, needs, positive, present, UNSIGNED_LONG, UNSIGNED_SHORT } from './webidl.js';

const LARGEST_BACKLOG = 4_096;

interface Checked {
  localAddress: string;
  localPort: number | undefined;
  backlog: number | undefined;
  ipv6Only: boolean;
}

/** The class whose sockets are the network's; what they accept is a `socketClass`. */
export function tcpServerSocketClass(
  network: Pick<Network, 'listen'>,
  socketClass: TCPSocketConstructor,
): TCPServerSocketConstructor {
  /** The constructor looks for this one before anything else. */
  const accept = socketClass as unknown as new (accepted: Accepted) => TCPSocket;

  return class TCPServerSocket implements Contract {
    readonly #life: Lifecycle<TCPServerSocketOpenInfo>;

    constructor(localAddress: string, options: TCPServerSocketOptions = {}) {
      // biome-ignore lint/complexity/noArguments: an argument that is undefined is there all the same
      needs(arguments.length, 1, 'TCPServerSocket');
      const checked = read(localAddress, options);
      this.#life = Lifecycle.of(
        1,
        () => network.listen(listening(checked)),
        async (listener, owner) => {
          const end = await listener.opened;
          const { readable } = new WrappedValues(
            listener.readable,
            (socket: TcpSocket) => new accept(new Accepted(socket)),
            owner,
            (socket) => socket.abort(),
          );
          return { readable, ...end };
        },
      );
    }

    get opened(): Promise<TCPServerSocketOpenInfo> {
      return this.#life.opened;
    }
    get closed(): Promise<void> {
      return this.#life.closed;
    }
    close(): Promise<void> {
      return this.#life.close();
    }
    get [Symbol.toStringTag](): string {
      return 'TCPServerSocket';
    }
  };
}

/** The constructor's conversions, and its steps 2 to 5. */
function read(address: unknown, options: unknown): Checked {
  const localAddress = domString(address);
  const given = dictionary(options, 'TCPServerSocketOptions');
  const backlog = present(given.backlog, enforced('backlog', UNSIGNED_LONG));
  const ipv6Only = Boolean(given.ipv6Only);
  const localPort = present(given.localPort, enforced('localPort', UNSIGNED_SHORT));
  if (!isIpAddress(localAddress)) {
    throw new TypeError(`localAddress "${localAddress}" is not an IP address`);
  }
  positive('localPort', localPort);
  positive('backlog', backlog);
  if (ipv6Only && !isUnspecifiedIpv6(localAddress)) {
    throw new TypeError('ipv6Only goes with localAddress "::"');
  }
  return { localAddress, localPort, backlog, ipv6Only };
}

function listening({ localAddress, localPort, backlog, ipv6Only }: Checked): TcpListenOptions {
  if (ipv6Only) {
    throw noIpv6();
  }
  return {
    port: localPort ?? 0,
    ...(!isUnspecifiedIpv6(localAddress) && { address: localAddress }),
    ...(backlog !== undefined && { backlog: Math.min(backlog, LARGEST_BACKLOG) }),
  };
}
