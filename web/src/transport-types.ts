/** The contract of TCP and UDP, beside the standards' sockets: streams, listeners, datagrams. Units as in `types.ts`. */

import type { LocalEnd } from './statistics.js';
import type { TlsConnectOptions, TlsInformation } from './tls/types.js';

// ── TCP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface TcpAddress {
  /** A name or an address. */
  hostname: string;
  port: number;
}

export interface TcpOptions {
  /** Turns Nagle's algorithm off: small writes leave at once. */
  noDelay?: boolean;
  /** Idle time after which keep-alive probes start; at least 1,000. */
  keepAliveDelay?: number;
  /** Bytes that may arrive before the program reads: fixed then, instead of growing with the path. */
  receiveBufferSize?: number;
  /** Bytes that may be written before the peer acknowledged them: fixed then, instead of growing with the path. */
  sendBufferSize?: number;
}

export interface TcpConnectOptions extends TcpOptions {
  localPort?: number;
  /** How long connecting may take. Without it, about three minutes. */
  timeout?: number;
  /** Speaks TLS from the start: then the socket is open when the handshake is over. `true`: as by default. */
  tls?: boolean | TlsConnectOptions;
  /** Aborting it resets the connection, before or after it is open. */
  signal?: AbortSignal;
}

export interface TcpOpened {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** What TLS agreed on; `null`: the connection is plain. */
  readonly tls: Readonly<TlsInformation> | null;
}

export interface TcpSocket {
  /**
   * What the peer sends: a byte stream (BYOB readers work). The peer's FIN closes it, a reset errors it behind what had come; with TLS the peer's
   * close_notify closes it, and a FIN without one is an error (`ETLSTRUNCATED`). Reading slowly slows the peer down; cancelling
   * it discards the rest.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * What we send. Writes wait while the send buffer is full; closing sends our FIN (with TLS after a close_notify) behind what was
   * written, and the readable goes on; aborting resets the connection.
   */
  readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
  /** Resolves once connected, with TLS once its handshake is over; rejects with why not. */
  readonly opened: Promise<TcpOpened>;
  /** Resolves when both directions have ended in order; rejects with what broke the connection. */
  readonly closed: Promise<void>;
  /** The addresses; '' and 0 until {@link opened}. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** What TLS agreed on; `null` until {@link opened}, and on a plain connection. */
  readonly tls: Readonly<TlsInformation> | null;
  /**
   * Makes a plain connection secure (STARTTLS): sends what was written, and hands the connection to a new socket, which is open
   * when the handshake is over. This one's streams end and its {@link closed} resolves. What had arrived and was not read is taken
   * for TLS: plain text that somebody slipped in fails the handshake. Throws `EINVAL` while a stream is locked, on a connection that
   * is secure already, and for options that cannot be; `EPIPE` when the connection, or one of its directions, has ended.
   */
  startTls(options?: TlsConnectOptions): TcpSocket;
  /** Closes in order: what was written is delivered, unread data is dropped. Returns {@link closed}. Harmless twice. */
  close(): Promise<void>;
  /** Resets the connection at once. */
  abort(reason?: unknown): void;
  /** Vital signs of TCP, below TLS if there is any. */
  info(): Promise<TcpInformation>;
  setNoDelay(noDelay: boolean): void;
  /** `null` turns keep-alive off. */
  setKeepAlive(delay: number | null): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TcpInformation {
  /** The state's name in RFC 9293 §3.3.2. */
  state: string;
  /** Smoothed round trip, `null` until measured. */
  roundTripMs: number | null;
  retransmissionTimeoutMs: number;
  congestionWindow: number;
  /** `null`: not yet known. */
  slowStartThreshold: number | null;
  inFlight: number;
  sendWindow: number;
  receiveWindow: number;
  sendQueued: number;
  receiveQueued: number;
  maximumSegment: number;
  retransmits: number;
  bytesSent: number;
  bytesReceived: number;
}

export interface TcpListenOptions extends TcpOptions {
  /** 0 picks one. */
  port: number;
  /** One of our addresses; all of them by default. */
  address?: string;
  /** Connections that wait to be accepted: 1 to 4,096; 128 by default. */
  backlog?: number;
  signal?: AbortSignal;
}

export interface TcpListener extends AsyncIterable<TcpSocket> {
  /** Resolves once listening; rejects if the port is taken. */
  readonly opened: Promise<LocalEnd>;
  /** Resolves when it has been closed. */
  readonly closed: Promise<void>;
  /** The connections as they come, each already open. Iterating the listener itself reads this stream. */
  readonly readable: ReadableStream<TcpSocket>;
  readonly localAddress: string;
  readonly localPort: number;
  /** Stops listening. Accepted connections go on. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

// ── UDP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface UdpOptions {
  /** One of our addresses; all of them by default. */
  localAddress?: string;
  /** 0, the default, picks one. */
  localPort?: number;
  /** With `remotePort`: only this peer is heard, and messages need no address. A name or an address. */
  remoteAddress?: string;
  remotePort?: number;
  /** Aborting it ends the socket at once, before or after it is open: `closed` rejects with the reason. */
  signal?: AbortSignal;
}

export interface UdpMessage {
  data: Uint8Array<ArrayBuffer>;
  remoteAddress: string;
  remotePort: number;
}

/** A message to send: a connected socket's must not name an address, another's must. */
export interface UdpOutgoing {
  data: Uint8Array | ArrayBuffer | string;
  remoteAddress?: string;
  remotePort?: number;
}

export interface UdpSocket {
  /** Datagrams as they come. One that arrives while nobody reads waits, up to a bound; then newer ones are dropped. */
  readonly readable: ReadableStream<UdpMessage>;
  readonly writable: WritableStream<UdpOutgoing>;
  readonly opened: Promise<{
    readonly localAddress: string;
    readonly localPort: number;
    readonly remoteAddress: string | null;
    readonly remotePort: number | null;
  }>;
  readonly closed: Promise<void>;
  readonly localAddress: string;
  readonly localPort: number;
  /** Sends one datagram; the same as writing it to `writable`. */
  send(message: UdpOutgoing): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
