/**
 * WICG Direct Sockets (draft of 24 February 2026), on a {@link Network}: `net.TCPSocket`, `net.UDPSocket`, `net.TCPServerSocket`.
 *
 * The constructors check their options as the specification says, in its order, and throw a `TypeError`. What the network does wrong
 * is a `DOMException` named `NetworkError`, whose `cause` is the {@link EthertabError} with its stable `code`.
 *
 * Where the specification speaks of the browser's policy, or of what is not here yet:
 * - There is no permissions policy, and no port is kept from a program: the address is the tab's own, not the user's machine's.
 * - Multicast counts as not permitted: its options throw a `NotAllowedError`, and there is no `multicastController`.
 * - Addresses are IPv4. An IPv6 address, `dnsQueryType: 'ipv6'` for a name, and `ipv6Only: true` pass the checks, then fail with
 *   `NetworkError`; `localAddress: '::'` means all of our IPv4 addresses.
 */

export type SocketDnsQueryType = 'ipv4' | 'ipv6';

/** What can be sent: a Uint8Array, say. */
export type SocketData = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

// ── TCPSocket ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `new net.TCPSocket(remoteAddress, remotePort, options)`. */
export interface TCPSocketConstructor {
  /** Connects to a name or an address. Throws a `TypeError` for options that cannot be. */
  new (remoteAddress: string, remotePort: number, options?: TCPSocketOptions): TCPSocket;
  readonly prototype: TCPSocket;
}

export interface TCPSocketOptions {
  /** Bytes that may be written before the peer acknowledged them; above 0. Held to 4 KiB … 32 MiB, as an operating system would. */
  sendBufferSize?: number;
  /** Bytes that may arrive before the program reads; above 0. Held to 4 KiB … 32 MiB. */
  receiveBufferSize?: number;
  /** Turns Nagle's algorithm off. `false` by default. */
  noDelay?: boolean;
  /** Turns keep-alive on, and says after how many milliseconds of silence it probes; at least 1,000. */
  keepAliveDelay?: number;
  /** Which record of a name is asked for. */
  dnsQueryType?: SocketDnsQueryType;
}

export interface TCPSocketOpenInfo {
  /**
   * What the peer sends: a byte stream (BYOB readers work). The peer's FIN closes it; a reset errors it with `NetworkError`.
   * Cancelling it discards the rest; the other direction goes on.
   */
  readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * What we send: buffers, nothing else (a string is a `TypeError`). Closing it sends our FIN after what was written, and so
   * does aborting it after what has already left the stream; the readable goes on.
   */
  writable: WritableStream<SocketData>;
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
}

export interface TCPSocket {
  /** Resolves once connected; rejects with `NetworkError`. */
  readonly opened: Promise<TCPSocketOpenInfo>;
  /** Resolves when both streams have ended, be it by `close()`; rejects with what broke the connection. */
  readonly closed: Promise<void>;
  /**
   * Cancels the readable and aborts the writable: await `writer.close()` before, and everything written is delivered. Rejects
   * with `InvalidStateError` while one of them is locked, and unless {@link opened} has resolved. Returns {@link closed}.
   */
  close(): Promise<void>;
}

// ── UDPSocket ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `new net.UDPSocket(options)`. */
export interface UDPSocketConstructor {
  /** Opens a socket, connected (`remoteAddress` and `remotePort`) or bound (`localAddress`). Throws a `TypeError` for neither. */
  new (options?: UDPSocketOptions): UDPSocket;
  readonly prototype: UDPSocket;
}

export interface UDPSocketOptions {
  /** Connected mode: the only peer, a name or an address. */
  remoteAddress?: string;
  remotePort?: number;
  /** Bound mode: one of our addresses; '0.0.0.0' and '::' are all of them. */
  localAddress?: string;
  /** Bound mode: above 0; without one, some port is picked. */
  localPort?: number;
  /** Above 0, and otherwise not looked at: the queues have a size of their own. */
  sendBufferSize?: number;
  receiveBufferSize?: number;
  /** Connected mode: which record of the peer's name is asked for. */
  dnsQueryType?: SocketDnsQueryType;
  /** Bound mode, with `localAddress: '::'`. */
  ipv6Only?: boolean;
  /** Not permitted here: `NotAllowedError`. */
  multicastTimeToLive?: number;
  multicastLoopback?: boolean;
  multicastAllowAddressSharing?: boolean;
}

/** A datagram. */
export interface UDPMessage {
  /** Received: a Uint8Array. */
  data: SocketData;
  /** Bound mode: who sent it, or whom it is for. In connected mode never set, and not to be set. */
  remoteAddress?: string;
  remotePort?: number;
  /** Bound mode, when sending to a name. */
  dnsQueryType?: SocketDnsQueryType;
}

/** A datagram that arrived. */
export interface UDPReceived extends UDPMessage {
  data: Uint8Array<ArrayBuffer>;
}

export interface UDPSocketOpenInfo {
  /** Datagrams as they come. One that arrives while nobody reads waits, up to a bound; then newer ones are dropped. */
  readable: ReadableStream<UDPReceived>;
  /** A write resolves when the stack took the datagram. */
  writable: WritableStream<UDPMessage>;
  /** The peer; in connected mode alone. */
  remoteAddress?: string;
  remotePort?: number;
  localAddress: string;
  localPort: number;
}

export interface UDPSocket {
  readonly opened: Promise<UDPSocketOpenInfo>;
  readonly closed: Promise<void>;
  /** As {@link TCPSocket.close}. */
  close(): Promise<void>;
}

// ── TCPServerSocket ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** `new net.TCPServerSocket(localAddress, options)`. */
export interface TCPServerSocketConstructor {
  /** Listens on one of our addresses; '0.0.0.0' and '::' are all of them. Throws a `TypeError` for what is no IP address. */
  new (localAddress: string, options?: TCPServerSocketOptions): TCPServerSocket;
  readonly prototype: TCPServerSocket;
}

export interface TCPServerSocketOptions {
  /** Above 0; without one, some port is picked. */
  localPort?: number;
  /** Connections that wait to be accepted; above 0, held to 4,096. 128 by default. */
  backlog?: number;
  /** With `localAddress: '::'`. */
  ipv6Only?: boolean;
}

export interface TCPServerSocketOpenInfo {
  /** The connections as they come; `opened` of each has its streams. */
  readable: ReadableStream<TCPSocket>;
  localAddress: string;
  localPort: number;
}

export interface TCPServerSocket {
  readonly opened: Promise<TCPServerSocketOpenInfo>;
  readonly closed: Promise<void>;
  /** Stops listening; accepted connections go on. Rejects with `InvalidStateError` as {@link TCPSocket.close}. */
  close(): Promise<void>;
}

/** The three classes. */
export interface DirectSockets {
  readonly TCPSocket: TCPSocketConstructor;
  readonly UDPSocket: UDPSocketConstructor;
  readonly TCPServerSocket: TCPServerSocketConstructor;
}
