/**
 * The whole contract of ethertab: what a page can ask for and what it gets back. What standards say of sockets has a file of its
 * own for each: `direct/types.ts` is WICG Direct Sockets, `winter/types.ts` WinterTC's Sockets API. TLS is in
 * `tls/types.ts`, TCP and UDP in `transport-types.ts`, the HTTP server in `serve/types.ts`, WebSockets in `websocket/types.ts`, cookies in `cookies/types.ts`.
 *
 * Units: bytes, milliseconds, and `performance.now()`'s time line for moments. Addresses are strings ("10.0.2.15"); a host is a
 * name or such an address. Whatever fails, fails with an {@link EthertabError} (or, from `fetch`, a `TypeError` with one as
 * its `cause`) whose `code` is stable. The standards' sockets fail as their standards say, with that error as the `cause`.
 */

import type { CookieJar } from './cookies/types.js';
import type { DirectSockets } from './direct/types.js';
import type { Serve } from './serve/types.js';
import type { NetworkStatistics } from './statistics.js';
import type { TlsOptions } from './tls/types.js';
import type {
  TcpAddress,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TcpSocket,
  UdpOptions,
  UdpSocket,
} from './transport-types.js';
import type { WebSocketConstructor } from './websocket/types.js';
import type { Sockets } from './winter/types.js';

export type * from './transport-types.js';

// ── The network ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `Network.open(url)` or `new Network(url)`. */
export interface NetworkConstructor {
  /**
   * Opens a network over the relay at `url` (`ws://…/tunnel`) and waits until it has an address. Rejects, and closes the
   * network again, when the relay cannot be reached or there is no address within `options.timeout`.
   */
  open(url: string | URL, options?: NetworkOptions): Promise<Network>;
  /**
   * Starts a network and returns at once; it goes on trying until it is closed. For programs that show how it gets on
   * (`status`, `'statuschange'`). Sockets may be opened right away: they wait for the address.
   */
  new (url: string | URL, options?: NetworkOptions): Network;
}

export interface NetworkOptions {
  /** How long {@link NetworkConstructor.open} may take; 15,000 by default, `Infinity` for ever. */
  timeout?: number;
  /** Aborting it while `open` is under way gives up; afterwards it closes the network. */
  signal?: AbortSignal;
  /** Our hardware address ("02:00:5e:10:00:01"); without one, a random one is picked and kept while the network lives. */
  hardwareAddress?: string;
  /** The name told to the DHCP server; at most 63 bytes. */
  hostname?: string;
  /** A fixed address instead of DHCP. */
  address?: StaticAddress;
  /** Largest IP packet in a frame: 576 to 65,535. Must not exceed the relay's. 1,500 by default. */
  mtu?: number;
  /** Speak the tunnel's plain form alone: one frame a message, nothing negotiated. For other relays, and for measuring. */
  plain?: boolean;
  /** Where cookies are kept, for `fetch` and `WebSocket`: `true` for a jar of its own in memory. Without it, nowhere. */
  cookies?: true | CookieJar;
  /** Whom secure connections trust. */
  tls?: TlsOptions;
  /** Content codings that `fetch` undoes besides its own, by their names in HTTP. */
  decoders?: Decoders;
  /** Defaults for every TCP connection. Both buffers begin with 2 MiB and grow with the path, up to 64 MiB; a size said here is fixed. */
  tcp?: { receiveBufferSize?: number; sendBufferSize?: number };
  /**
   * The name asked for to see whether DNS answers. Any answer will do, "no such name" included. `null`: this rung of the
   * ladder is skipped. `gateway.ethertab` by default.
   */
  probeName?: string | null;
  /** Supplies the Worker (for bundlers that do not know `new Worker(new URL(…, import.meta.url))`). */
  worker?: () => Worker;
}

export interface StaticAddress {
  address: string;
  /** Bits of the network prefix: 0 to 32. */
  prefixLength: number;
  gateway?: string;
  nameServers?: string[];
}

/**
 * A host of its own on the Ethernet behind the relay. For programs written for WICG Direct Sockets it has that standard's classes
 * (`new net.TCPSocket('www.example.com', 80)`); {@link Network.install} makes them global.
 */
export interface Network extends EventTarget, DirectSockets {
  /** The relay's URL. */
  readonly url: string;
  /** Resolves once there is an address; rejects if the network is closed before. */
  readonly opened: Promise<NetworkInformation>;
  /** Resolves when the network has been closed by {@link Network.close}; rejects if its Worker died. */
  readonly closed: Promise<void>;
  /** How things stand now. A new, frozen object after each `'statuschange'`. */
  readonly status: NetworkStatus;
  /** `connect()` by WinterTC's Sockets API, as Cloudflare Workers have it. {@link Network.connect} is our own. */
  readonly sockets: Sockets;
  /** The browser's class `WebSocket`, whose connections are this network's. */
  readonly WebSocket: WebSocketConstructor;

  /** Connects. Returns at once; `socket.opened` tells how it went. What is written before is sent when it is open. */
  connect(address: TcpAddress | `${string}:${number}`, options?: TcpConnectOptions): TcpSocket;
  /** Listens for connections. Returns at once; `listener.opened` tells the port. */
  listen(options: TcpListenOptions): TcpListener;
  /** Opens a UDP socket: bound to a port, or with `remoteAddress` and `remotePort` connected to one peer. */
  udp(options?: UdpOptions): UdpSocket;
  /**
   * Defines `TCPSocket`, `UDPSocket` and `TCPServerSocket` on an object, `globalThis` by default, as a browser that has Direct
   * Sockets would. What was there before comes back when the function that it returns is called.
   */
  install(target?: object): () => void;
  /** All IPv4 addresses of a name. */
  resolve(name: string, options?: { signal?: AbortSignal }): Promise<string[]>;
  /** Sends one ICMP echo request and waits for its reply. */
  ping(host: string, options?: PingOptions): Promise<PingReply>;
  /**
   * Like the browser's `fetch`, over our own TCP: no CORS, no forbidden headers. `https:` is spoken in the Worker, by a module
   * that the first such request loads; the relay sees ciphertext.
   */
  fetch(input: string | URL | Request, init?: FetchInit): Promise<FetchResponse>;
  /** Serves HTTP: `handler` answers each request. Returns at once; `server.opened` tells the port. */
  serve: Serve;
  /**
   * Every frame that passes from now on, until the stream is cancelled. A reader that is too slow misses the oldest: the
   * next summary says how many in `missed`. Several captures may run at once.
   */
  capture(options?: CaptureOptions): ReadableStream<PacketSummary>;
  /** What passed, and what was dropped and why, since the network was opened. */
  counters(): Promise<NetworkCounters>;
  /** The counters, and every open connection, listener and UDP socket as it stands. */
  stats(): Promise<NetworkStatistics>;
  /** Looks at the ladder again: asks the gateway and DNS once more. */
  check(): Promise<NetworkStatus>;
  /** Gives the lease back, resets all connections, and ends the Worker. */
  close(): Promise<void>;

  addEventListener<K extends keyof NetworkEventMap>(
    type: K,
    listener: ((this: Network, event: NetworkEventMap[K]) => unknown) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof NetworkEventMap>(
    type: K,
    listener: ((this: Network, event: NetworkEventMap[K]) => unknown) | null,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

export interface NetworkEventMap {
  /** `event.detail` is the new status, which `network.status` shows as well. */
  statuschange: CustomEvent<NetworkStatus>;
}

/** Who and where we are. */
export interface NetworkInformation {
  hardwareAddress: string;
  address: string;
  prefixLength: number;
  gateway: string | null;
  nameServers: string[];
  /** The search domain, if the lease named one. */
  domain: string | null;
  mtu: number;
  /** The DHCP server and the lease's life in milliseconds; `null` with a fixed address. */
  lease: { server: string; duration: number } | null;
}

// ── The ladder ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The rungs, lowest first: the relay's WebSocket is open · there is an address (DHCP) · the gateway answers a ping · a name
 * server answers a question.
 */
export type LadderStepName = 'relay' | 'lease' | 'gateway' | 'names';

/** `waiting`: a lower rung comes first · `pending`: being tried · `skipped`: there is nothing to try (no gateway, say). */
export type LadderState = 'waiting' | 'pending' | 'ok' | 'failed' | 'skipped';

export interface LadderStep {
  readonly name: LadderStepName;
  readonly state: LadderState;
  /** What was found, when `ok` or `skipped`, and what is being tried, when `pending`: "10.0.2.15/24 from 10.0.2.1". */
  readonly detail: string;
  /** What is wrong, in a sentence; '' unless `failed`. */
  readonly reason: string;
  /** What the user can do about it, in a sentence or two; '' unless `failed`. */
  readonly remedy: string;
  /** When it became what it is. */
  readonly since: number;
}

export interface NetworkStatus {
  /**
   * `connecting`: never had an address yet · `online`: relay and address are there · `reconnecting`: had them, and the
   * relay or the address is gone for now (connections are kept) · `closed`.
   */
  readonly state: 'connecting' | 'online' | 'reconnecting' | 'closed';
  /** The four rungs in order. A step that failed is tried again, and then `ok` follows. */
  readonly steps: readonly LadderStep[];
  readonly information: NetworkInformation | null;
  /** How often the relay was lost and found again. */
  readonly reconnects: number;
}

// ── Ping ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface PingOptions {
  /** Bytes of payload: 0 to 65,507; 56 by default. */
  size?: number;
  /** How long to wait; 2,000 by default. */
  timeout?: number;
  /** TTL: 1 to 255. */
  hopLimit?: number;
  signal?: AbortSignal;
}

export interface PingReply {
  /** Who answered. */
  address: string;
  /** As finely as the platform's clock counts: Firefox rounds to a millisecond, so that 0 is possible. */
  roundTripMs: number;
  /** The TTL that the reply arrived with. */
  hopLimit: number;
  size: number;
}

// ── Fetch ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The browser's `RequestInit`. Looked at are `method`, `headers`, `body` with `duplex`, `redirect`, `signal`, `integrity` and
 * `credentials: 'omit'` (no cookies of the network's). Accepted,
 * and without meaning where there is neither an origin nor a cache, are `mode`, `cache`, `referrer`, `referrerPolicy`,
 * `keepalive` and `priority`: nothing is cached, and no origin or referrer is told. `headers` may hold what browsers forbid (Host,
 * Cookie, Origin, User-Agent …); a Cookie among them goes in place of the network's.
 *
 * A `redirect` of "manual" gives the answer itself, with its status and its Location, where browsers hide both.
 *
 * A Request's body of up to 1 MiB is read before anything is sent, for nobody can tell whether it comes from a stream; to send what
 * is not there yet, give a stream as `body`.
 */
export interface FetchInit extends Omit<RequestInit, 'headers' | 'body' | 'duplex'> {
  headers?: HeadersInit;
  body?: BodyInit | null;
  /** Needed with a stream as `body`. */
  duplex?: 'half';
  /** How long connecting may take. */
  connectTimeout?: number;
  /** `false`: what content-encoding names is left as it came. */
  decompress?: boolean;
}

/** The browser's `Response`, with every header (Set-Cookie too) and any status from 200 to 999. */
export interface FetchResponse extends Response {
  /** The fields behind a body in chunks (RFC 9110 §6.5), once it has been read to its end; empty if there are none. */
  readonly trailers: Promise<Headers>;
}

/** Undoes a content coding: coded bytes go in, and what they stand for comes out. A `TransformStream` or a `DecompressionStream`, say. */
export type Decoder = ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;

/**
 * Makes a decoder for each answer. A coding named here is asked for (Accept-Encoding) and undone by it, even one that ethertab knows:
 * gzip and deflate by the platform, zstd by the platform or a decoder that is loaded when it is needed, br where the platform has
 * it. (A decoder for br takes more than ethertab may: `{ br: async () => new (await import('…')).BrotliDecoder() }`.)
 */
export type Decoders = Record<string, () => Decoder | Promise<Decoder>>;

// ── Capture ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CaptureOptions {
  /** Whether summaries carry the frame itself. `true` by default. */
  bytes?: boolean;
  /** Bytes of each frame kept in `bytes`; all by default. */
  snapLength?: number;
}

export interface PacketSummary {
  /** When it passed. */
  at: number;
  direction: 'in' | 'out';
  /** Bytes of the frame. */
  length: number;
  /** The highest protocol recognised: "ARP", "TCP", "UDP", "ICMP", "DHCP", "DNS" … */
  protocol: string;
  /** Addresses (IP, or hardware where there is no IP), with ports where there are some: "10.0.2.15:50212". */
  source: string;
  destination: string;
  /** One readable line, without addresses: "50212 → 80 [ACK] Seq=1 Ack=1 Win=64240 Len=0". */
  summary: string;
  /** One line a layer, lowest first: "Ethernet 02:… → 02:…", "IPv4 10.0.2.15 → 10.0.2.2, TCP, 40 bytes" … */
  layers: string[];
  /** The frame, or its first `snapLength` bytes; empty with `bytes: false`. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Frames not reported since the summary before. */
  missed: number;
}

// ── Counters ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NetworkCounters {
  framesReceived: number;
  bytesReceived: number;
  framesTransmitted: number;
  bytesTransmitted: number;
  /** IP packets that came up from the link, and that went down to it. */
  packetsReceived: number;
  packetsTransmitted: number;
  /** TCP segments and UDP datagrams, those to ourselves included. */
  segmentsReceived: number;
  segmentsTransmitted: number;
  tcpTimeoutRetransmits: number;
  tcpFastRetransmits: number;
  tcpResetsSent: number;
  tcpChallengeAcks: number;
  /** Dropped by the stack, by reason (kebab-case); only reasons that happened. */
  drops: Record<string, number>;
  /** The WebSocket below. */
  link: {
    /** Frames that arrived while the queue to the stack was full. */
    receiveQueueDrops: number;
    /** Messages that were no frame: text, or a length that no frame has. */
    invalidMessages: number;
    /** Frames that the stack sent while the WebSocket was closing. */
    sendDrops: number;
    /** Bytes handed to the WebSocket that have not left yet. */
    bufferedBytes: number;
    reconnects: number;
  };
  /** Bytes of WebAssembly memory. It never shrinks: flat means no leak. */
  memoryBytes: number;
}

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Stable names of what can go wrong; POSIX's where there is one. */
export type ErrorCode =
  | 'ECONNREFUSED' // nobody listens there
  | 'ECONNRESET' // the peer reset the connection
  | 'ECONNABORTED' // we aborted it
  | 'ETIMEDOUT' // nobody answered in time
  | 'EHOSTUNREACH' // the network says that the host cannot be reached
  | 'ENETUNREACH' // no address yet, or no route
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EMSGSIZE'
  | 'EINVAL' // an option or address that cannot be
  | 'EMFILE' // too many sockets, or names being looked up
  | 'EPIPE' // written after the end
  | 'ENOTFOUND' // no such name
  | 'EAI_AGAIN' // no name server answered
  | 'ENETDOWN' // the network was closed
  | 'ERELAY' // the relay cannot be reached
  | 'ENOLEASE' // no address within the time
  | 'EWORKER' // the Worker could not be started, or died
  | 'EHTTP' // the server did not speak HTTP as it should
  | 'EWEBSOCKET' // the server did not speak WebSocket as it should, or did not want to
  | 'EREDIRECT' // more than 20 redirects, or redirect: 'error'
  | 'EINTEGRITY' // a body is not the one that `integrity` asks for
  | 'EPROTO' // a scheme that is not supported
  | 'ETLSEXPIRED' // the server's certificate has expired
  | 'ETLSNOTYETVALID' // … is not valid yet
  | 'ETLSHOST' // … is another host's
  | 'ETLSISSUER' // … was issued by nobody who is trusted
  | 'ETLSCERTIFICATE' // something else is wrong with it, or the server does not prove that it holds its key
  | 'ETLSVERSION' // the server speaks neither TLS 1.2 nor 1.3
  | 'ETLSHANDSHAKE' // both speak TLS and found nothing in common, or the server refused with an alert
  | 'ETLSPROTOCOL' // what came is no TLS, or was altered on its way
  | 'ETLSTRUNCATED'; // the connection ended before the server said that it would
