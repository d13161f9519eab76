/** `TCPSocket`. */

import { EthertabError, quiet } from '../errors.js';
import type { Network, TcpConnectOptions, TcpSocket } from '../types.js';
import { type Owner, WrappedBytes, WrappedWriter } from '../wrapped.js';
import { reachable } from './failure.js';
import { Lifecycle } from './lifecycle.js';
import type {
  TCPSocket as Contract,
  SocketData,
  SocketDnsQueryType,
  TCPSocketConstructor,
  TCPSocketOpenInfo,
  TCPSocketOptions,
} from './types.js';
import {
  bufferSource,
  dictionary,
  dnsQueryType,
  domString,
  enforced,
  needs,
  positive,
  present,
  UNSIGNED_LONG,
  unsignedShort,
} from './webidl.js';

const LEAST_BUFFER = 4 * 1024;
const LARGEST_BUFFER = 32 * 1024 * 1024;

/** What a listener accepted, on its way into a TCPSocket. Handed to the constructor, which nobody else can do. */
export class Accepted {
  readonly socket: TcpSocket;

  constructor(socket: TcpSocket) {
    this.socket = socket;
  }
}

/** The class whose sockets are the network's. */
export function tcpSocketClass(network: Pick<Network, 'connect'>): TCPSocketConstructor {
  return class TCPSocket implements Contract {
    readonly #life: Lifecycle<TCPSocketOpenInfo>;

    constructor(remoteAddress: string, remotePort: number, options: TCPSocketOptions = {}) {
      const accepted: unknown = remoteAddress;
      if (accepted instanceof Accepted) {
        this.#life = alive(() => accepted.socket);
        return;
      }
      // biome-ignore lint/complexity/noArguments: an argument that is undefined is there all the same
      needs(arguments.length, 2, 'TCPSocket');
      const hostname = domString(remoteAddress);
      const port = unsignedShort(remotePort);
      const { family, ...rest } = read(options);
      this.#life = alive(() => {
        if (port === 0) {
          throw new EthertabError('EADDRNOTAVAIL', 'nobody can be reached at port 0');
        }
        return network.connect({ hostname: reachable(hostname, family), port }, rest);
      });
    }

    get opened(): Promise<TCPSocketOpenInfo> {
      return this.#life.opened;
    }
    get closed(): Promise<void> {
      return this.#life.closed;
    }
    close(): Promise<void> {
      return this.#life.close();
    }
    get [Symbol.toStringTag](): string {
      return 'TCPSocket';
    }
  };
}

/** The constructor's conversions, and its steps 2 to 4. */
function read(options: unknown): TcpConnectOptions & { family: SocketDnsQueryType | undefined } {
  const given = dictionary(options, 'TCPSocketOptions');
  const long = (name: string) => present(given[name], enforced(name, UNSIGNED_LONG));
  const family = present(given.dnsQueryType, dnsQueryType);
  const keepAliveDelay = long('keepAliveDelay');
  const noDelay = Boolean(given.noDelay);
  const receiveBufferSize = long('receiveBufferSize');
  const sendBufferSize = long('sendBufferSize');
  if (keepAliveDelay !== undefined && keepAliveDelay < 1_000) {
    throw new TypeError('keepAliveDelay is below 1,000 ms');
  }
  positive('sendBufferSize', sendBufferSize);
  positive('receiveBufferSize', receiveBufferSize);
  return {
    family,
    noDelay,
    ...(keepAliveDelay !== undefined && { keepAliveDelay }),
    ...(receiveBufferSize !== undefined && { receiveBufferSize: held(receiveBufferSize) }),
    ...(sendBufferSize !== undefined && { sendBufferSize: held(sendBufferSize) }),
  };
}

function held(size: number): number {
  return Math.min(Math.max(size, LEAST_BUFFER), LARGEST_BUFFER);
}

function alive(connect: () => TcpSocket): Lifecycle<TCPSocketOpenInfo> {
  return Lifecycle.of(2, connect, async (socket, owner) => {
    const { tls: _, ...ends } = await socket.opened;
    return { readable: new WrappedBytes(socket.readable, owner).readable, writable: writable(socket, owner), ...ends };
  });
}

function writable(socket: TcpSocket, owner: Owner): WritableStream<SocketData> {
  const writer = socket.writable.getWriter();
  const wrapped = new WrappedWriter<SocketData>(
    {
      write: async (chunk) => writer.write(bufferSource(chunk)),
      close: () => writer.close(),
      // The sending half is shut down, after what the stack has taken.
      abort: () => void quiet(writer.close()),
    },
    owner,
  );
  writer.closed.catch((error: unknown) => wrapped.fail(error));
  return wrapped.writable;
}
