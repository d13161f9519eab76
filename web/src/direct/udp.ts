/** `UDPSocket`. */

import { EthertabError } from '../errors.js';
import type { Network, UdpMessage, UdpOptions, UdpOutgoing, UdpSocket } from '../types.js';
import { type Owner, WrappedValues, WrappedWriter } from '../wrapped.js';
import { isIpAddress, isUnspecifiedIpv6 } from './address.js';
import { noIpv6, reachable } from './failure.js';
import { Lifecycle } from './lifecycle.js';
import type {
  UDPSocket as Contract,
  SocketDnsQueryType,
  UDPMessage,
  UDPReceived,
  UDPSocketConstructor,
  UDPSocketOpenInfo,
  UDPSocketOptions,
} from './types.js';
import {
  bufferSource,
  dictionary,
  dnsQueryType,
  domString,
  enforced,
  positive,
  present,
  UNSIGNED_LONG,
  UNSIGNED_SHORT,
  unsignedShort,
} from './webidl.js';

/** Where it is connected or bound. */
type Mode =
  | { connected: true; remoteAddress: string; remotePort: number; family: SocketDnsQueryType | undefined }
  | { connected: false; localAddress: string; localPort: number | undefined; ipv6Only: boolean };

/** The class whose sockets are the network's. */
export function udpSocketClass(network: Pick<Network, 'udp'>): UDPSocketConstructor {
  return class UDPSocket implements Contract {
    readonly #life: Lifecycle<UDPSocketOpenInfo>;

    constructor(options: UDPSocketOptions = {}) {
      const mode = read(options);
      this.#life = alive(() => network.udp(opening(mode)), mode.connected);
    }

    get opened(): Promise<UDPSocketOpenInfo> {
      return this.#life.opened;
    }
    get closed(): Promise<void> {
      return this.#life.closed;
    }
    close(): Promise<void> {
      return this.#life.close();
    }
    get [Symbol.toStringTag](): string {
      return 'UDPSocket';
    }
  };
}

/** The constructor's conversions, and its steps 2 to 9. */
function read(options: unknown): Mode {
  const given = dictionary(options, 'UDPSocketOptions');
  const long = (name: string) => present(given[name], enforced(name, UNSIGNED_LONG));
  const port = (name: string) => present(given[name], enforced(name, UNSIGNED_SHORT));
  const family = present(given.dnsQueryType, dnsQueryType);
  const ipv6Only = present(given.ipv6Only, Boolean);
  const localAddress = present(given.localAddress, domString);
  const localPort = port('localPort');
  const shared = present(given.multicastAllowAddressSharing, Boolean);
  const loopback = present(given.multicastLoopback, Boolean);
  const timeToLive = present(given.multicastTimeToLive, enforced('multicastTimeToLive', 0xff));
  const receiveBufferSize = long('receiveBufferSize');
  const remoteAddress = present(given.remoteAddress, domString);
  const remotePort = port('remotePort');
  const sendBufferSize = long('sendBufferSize');

  if (shared !== undefined || loopback !== undefined || timeToLive !== undefined) {
    throw new DOMException('multicast is not permitted', 'NotAllowedError');
  }
  if ((remoteAddress === undefined) !== (remotePort === undefined)) {
    throw new TypeError('remoteAddress and remotePort come together');
  }
  const connected = remoteAddress !== undefined && remotePort !== undefined;
  if (localPort === 0) {
    throw new TypeError('localPort is 0; without one, some port is picked');
  }
  if (localPort !== undefined && localAddress === undefined) {
    throw new TypeError('localPort needs localAddress');
  }
  if (localAddress !== undefined) {
    if (connected) {
      throw new TypeError('a socket is connected (remoteAddress) or bound (localAddress), not both');
    }
    if (!isIpAddress(localAddress)) {
      throw new TypeError(`localAddress "${localAddress}" is not an IP address`);
    }
  } else if (!connected) {
    throw new TypeError('neither remoteAddress nor localAddress is given');
  }
  if (family !== undefined && !connected) {
    throw new TypeError('dnsQueryType goes with remoteAddress');
  }
  if (ipv6Only !== undefined && (localAddress === undefined || !isUnspecifiedIpv6(localAddress))) {
    throw new TypeError('ipv6Only goes with localAddress "::"');
  }
  positive('sendBufferSize', sendBufferSize);
  positive('receiveBufferSize', receiveBufferSize);
  return connected
    ? { connected, remoteAddress, remotePort, family }
    : { connected: false, localAddress: localAddress ?? '::', localPort, ipv6Only: ipv6Only === true };
}

function opening(mode: Mode): UdpOptions {
  if (mode.connected) {
    return { remoteAddress: reachable(mode.remoteAddress, mode.family), remotePort: mode.remotePort };
  }
  return {
    ...local(mode.localAddress, mode.ipv6Only),
    ...(mode.localPort !== undefined && { localPort: mode.localPort }),
  };
}

/** `::` is everything that there is: our IPv4 addresses. */
function local(address: string, ipv6Only: boolean): { localAddress?: string } {
  if (!isUnspecifiedIpv6(address)) {
    return { localAddress: address };
  }
  if (ipv6Only) {
    throw noIpv6();
  }
  return {};
}

function alive(open: () => UdpSocket, connected: boolean): Lifecycle<UDPSocketOpenInfo> {
  return Lifecycle.of(2, open, async (socket, owner) => {
    const { remoteAddress, remotePort, ...local } = await socket.opened;
    const peer = connected && remoteAddress !== null && remotePort !== null ? { remoteAddress, remotePort } : {};
    const turn = connected ? ({ data }: UdpMessage): UDPReceived => ({ data }) : (message: UdpMessage) => message;
    const readable = new WrappedValues(socket.readable, turn, owner).readable;
    return { readable, writable: writable(socket, connected, owner), ...local, ...peer };
  });
}

function writable(socket: UdpSocket, connected: boolean, owner: Owner): WritableStream<UDPMessage> {
  const nothing = async () => {};
  const wrapped = new WrappedWriter<UDPMessage>(
    { write: async (message) => socket.send(outgoing(message, connected)), close: nothing, abort: nothing },
    owner,
  );
  socket.closed.then(
    () => wrapped.fail(new EthertabError('EPIPE', 'the socket is closed')),
    (error: unknown) => wrapped.fail(error),
  );
  return wrapped.writable;
}

/** The write algorithm's checks. */
function outgoing(message: unknown, connected: boolean): UdpOutgoing {
  const given = dictionary(message, 'UDPMessage');
  const data = bufferSource(given.data);
  const family = present(given.dnsQueryType, dnsQueryType);
  const remoteAddress = present(given.remoteAddress, domString);
  const remotePort = present(given.remotePort, unsignedShort);
  if (connected) {
    if (remoteAddress !== undefined || remotePort !== undefined || family !== undefined) {
      throw new TypeError('a connected socket sends to its peer: the message must not name an address');
    }
    return { data };
  }
  if (remoteAddress === undefined || remotePort === undefined) {
    throw new TypeError('the message must name remoteAddress and remotePort');
  }
  return { data, remoteAddress: reachable(remoteAddress, family), remotePort };
}
