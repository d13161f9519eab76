/**
 * What page and Worker say to each other: the page calls, the Worker answers each call once, and now and then tells something.
 *
 * Flow control: the Worker pushes a stream's bytes (`bytes`) as far as the page gave credit for them (`tcpCredit`, `httpCredit`), so
 * it never sends more than the page said it has room for, and where a program does not read, the bytes stay in the stack and stop
 * the peer. Other things are asked for with a call each (`captureNext`, `udpReceive` …). Bytes to send are answered when the
 * stack's buffer took them. Buffers are transferred, not copied; one with bytes to send comes back with the answer, to be used
 * again.
 */

import type { PlainError } from './errors.js';
import type { LocalEnd, NetworkStatistics, UdpStatistics } from './statistics.js';
import type { TlsRequest } from './tls/options.js';
import type {
  NetworkCounters,
  NetworkInformation,
  NetworkOptions,
  NetworkStatus,
  PacketSummary,
  PingOptions,
  PingReply,
  TcpInformation,
  TcpListenOptions,
  TcpOpened,
  TcpOptions,
  UdpMessage,
  UdpOptions,
} from './types.js';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that one message moves at most. */
export const LARGEST_PIECE = 512 * 1024;

/** In place of a call's number: nobody wants its answer. */
export const UNANSWERED = 0;

/** Names a socket, listener, capture or HTTP exchange. The page hands them out, so it can cut off what is still opening. */
export type Id = number;

export type WorkerNetworkOptions = Omit<NetworkOptions, 'timeout' | 'signal' | 'worker' | 'cookies' | 'decoders'>;
export type WorkerTcpOptions = TcpOptions & { localPort?: number; timeout?: number };

export interface HttpRequest {
  /** Over TLS. */
  secure: boolean;
  hostname: string;
  port: number;
  method: string;
  /** Path and query. */
  target: string;
  headers: [string, string][];
  /** `'pieces'`: the Worker asks for them by telling `httpWanted`. */
  body: Bytes | 'pieces' | null;
  /** Bytes of a body in pieces, if known. */
  bodyLength: number | null;
  connectTimeout: number | null;
}

export interface HttpHead {
  status: number;
  statusText: string;
  headers: [string, string][];
}

/** The calls: arguments and result of each. */
export interface Calls {
  /** `timeOrigin`: the page's, on whose time line moments are told. */
  start(url: string, options: WorkerNetworkOptions, timeOrigin: number): void;
  configured(): NetworkInformation;
  check(): NetworkStatus;
  counters(): NetworkCounters;
  statistics(): NetworkStatistics;
  close(): void;
  resolve(name: string): string[];
  ping(host: string, options: Omit<PingOptions, 'signal'>): PingReply;

  /** `tls`: what is asked of TLS, which then speaks from the start; `null`: plain. */
  tcpConnect(socket: Id, hostname: string, port: number, options: WorkerTcpOptions, tls: TlsRequest | null): TcpOpened;
  /** Nothing more is pushed; what was, is there before the answer. `tcpStartTls` follows. */
  tcpPause(socket: Id): void;
  /** Has TLS begin on a paused connection. `unread`: what was pushed and nobody has read. */
  tcpStartTls(socket: Id, unread: Bytes[], tls: TlsRequest): TcpOpened;
  /** So many bytes more may be pushed. */
  tcpCredit(socket: Id, bytes: number): void;
  /** Nothing is to be pushed any more but the end; what the peer sends until then is dropped. */
  tcpDiscard(socket: Id): void;
  /** Gives the buffer back. */
  tcpWrite(socket: Id, bytes: Bytes): Bytes;
  tcpFinish(socket: Id): void;
  tcpClose(socket: Id): void;
  tcpAbort(socket: Id): void;
  tcpInformation(socket: Id): TcpInformation;
  tcpSetNoDelay(socket: Id, noDelay: boolean): void;
  tcpSetKeepAlive(socket: Id, delay: number | null): void;

  tcpListen(listener: Id, options: Omit<TcpListenOptions, 'signal'>): LocalEnd;
  /** The next connection becomes `socket`; `null`: the listener is closed. */
  tcpAccept(listener: Id, socket: Id): TcpOpened | null;
  listenerClose(listener: Id): void;

  udpOpen(socket: Id, options: Omit<UdpOptions, 'signal'>): UdpStatistics;
  udpSend(socket: Id, data: Bytes, remoteAddress: string | null, remotePort: number): void;
  /** `null`: the socket is closed. */
  udpReceive(socket: Id): UdpMessage | null;
  udpClose(socket: Id): void;

  httpRequest(exchange: Id, request: HttpRequest): HttpHead;
  /** A piece of the request's body, as asked for; `null` at the end; an error breaks the request off. */
  httpPiece(exchange: Id, piece: Bytes | null | PlainError): void;
  /** So many bytes more of the answer's body may be pushed. */
  httpCredit(exchange: Id, bytes: number): void;
  /** Reads a short answer to its end, so that the connection can be used again; cuts a long one off. */
  httpDiscard(exchange: Id): void;
  httpAbort(exchange: Id): void;

  captureStart(capture: Id): void;
  /** `null`: stopped. */
  captureNext(capture: Id, limit: number, snapLength: number): PacketSummary[] | null;
  captureStop(capture: Id): void;
}

export type CallName = keyof Calls;
export type Arguments<N extends CallName> = Parameters<Calls[N]>;
export type Result<N extends CallName> = ReturnType<Calls[N]>;

/** Page → Worker. Calls with the number `UNANSWERED` are not answered. */
export type ToWorker = { [N in CallName]: { id: number; call: N; args: Arguments<N> } }[CallName];

/** Worker → page. */
export type FromWorker =
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'failure'; id: number; error: PlainError }
  | { type: 'status'; status: NetworkStatus }
  | { type: 'httpWanted'; exchange: Id }
  /** What stood behind an answer's body; told before its end is. */
  | { type: 'httpTrailers'; exchange: Id; fields: [string, string][] }
  | Pushed;

/** Pieces of what a socket or an exchange receives, or (with none) its end: in order, or by an error. */
export interface Pushed {
  type: 'bytes';
  from: Id;
  pieces: Bytes[];
  error: PlainError | null;
}
