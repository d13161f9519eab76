/**
 * The sockets of WinterTC's Sockets API (draft of June 2025), which Cloudflare Workers have as `cloudflare:sockets`: `net.sockets` is
 * such a binding object. `net.connect` is another thing, ethertab's own. For code that imports `connect` from a module there is the
 * entry point `ethertab/sockets`, by which a bundler can replace `cloudflare:sockets`.
 *
 * What the network does wrong is a {@link SocketError}: a `TypeError` whose message begins with "SocketError: ", and whose `cause` is
 * the {@link EthertabError} with its stable `code`.
 *
 * Where we differ from the draft:
 * - `startTls()` may be told the server's name, as Cloudflare's may.
 * - `startTls()` throws when the peer has finished, or the readable was cancelled, or the writable closed: TLS needs both directions.
 * - A connection that breaks errors the readable, where the draft cancels it: half an answer must not look like a whole one. For the
 *   same reason a reset rejects `closed`.
 * - The readable is a byte stream, and strings may be written.
 */

export interface SocketAddress {
  /** A name or an address. */
  hostname: string;
  port: number;
}

/** "name:port" or an object. */
export type AnySocketAddress = string | SocketAddress;

export type SecureTransportKind = 'off' | 'on' | 'starttls';

export interface SocketOptions {
  /** `off`, the default: plain text · `on`: TLS from the start · `starttls`: plain text, until `startTls()`. */
  secureTransport?: SecureTransportKind;
  /**
   * `false`, the default: when the peer has finished, and everything has been read, what was written is sent and the socket closes ·
   * `true`: the readable is closed then, and the writable goes on.
   */
  allowHalfOpen?: boolean;
  /** Who the server must prove to be, the host of the address by default; not with `secureTransport: 'off'`. */
  sni?: string;
  /** The protocols that TLS offers (ALPN); not with `secureTransport: 'off'`. */
  alpn?: readonly string[];
}

export interface StartTlsOptions {
  /** Who the server must prove to be: by default `sni`, or else the host of the address. */
  servername?: string;
  /** The same, by the name that Cloudflare gives it. */
  expectedServerHostname?: string;
}

/** Both ends, as "10.0.2.15:50212". */
export interface SocketInfo {
  remoteAddress: string | null;
  localAddress: string | null;
  /** The protocol that TLS agreed on. */
  alpn: string | null;
}

export interface Socket {
  /** What the peer sends. Cancelling it discards the rest; the other direction goes on. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What we send; what is written before the socket is open waits. Closing it sends our FIN, aborting it resets the connection. */
  readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
  /** Resolves once connected, with TLS once the handshake is over; rejects with a SocketError, or with the reason of a `close` that came first. */
  readonly opened: Promise<SocketInfo>;
  /** Resolves when the socket is closed, be it by `close()` or by the peer; rejects with what broke the connection. */
  readonly closed: Promise<void>;
  readonly secureTransport: SecureTransportKind;
  /** Whether `startTls()` has replaced it. */
  readonly upgraded: boolean;
  /**
   * Sends what was written before, cancels the readable, aborts the writable (locked or not), and closes the connection. With a
   * reason, or before it is open, nothing is waited for: the connection is reset. Returns {@link closed}. Harmless twice.
   */
  close(reason?: unknown): Promise<void>;
  /**
   * Sends what was written before, and speaks TLS from there on: on the socket that it returns, which is open when the handshake is
   * over. This one is closed: its readable ends, its writable fails (locked or not), and {@link closed} resolves. Throws a
   * SocketError on a socket that was not made with `secureTransport: 'starttls'`, or has been upgraded or closed.
   */
  startTls(options?: StartTlsOptions): Socket;
}

/** What a program written for the standard is given to connect with. */
export interface Sockets {
  /**
   * Connects. Returns at once; `socket.opened` tells how it went. Throws a SocketError for an address or options that cannot be.
   */
  connect(address: AnySocketAddress, options?: SocketOptions): Socket;
}
