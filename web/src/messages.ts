/**
 * What page and Worker say to each other: the page calls, the Worker answers each call once, and now and then tells something.
 *
 * Flow control follows from that: bytes are asked for with a call (`tcpRead`, `httpRead`, `captureNext` …), so the Worker never
 * sends what the page did not ask for; bytes to send are answered when the stack's buffer took them. While an answer is
 * under way more bytes gather in the stack, so the busier the page, the larger the pieces. Buffers are transferred,
 * not copied.
 */

import type { PlainError } from './errors.js';
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

/** Names a socket, listener, capture or HTTP exchange. The page hands them out, so it can cut off what is still opening. */
export type Id = number;

export type WorkerNetworkOptions = Omit<NetworkOptions, 'timeout' | 'signal' | 'worker'>;
export type WorkerTcpOptions = TcpOptions & { localPort?: number; timeout?: number };

export interface HttpRequest {
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
  close(): void;
  resolve(name: string): string[];
  ping(host: string, options: Omit<PingOptions, 'signal'>): PingReply;

  tcpConnect(socket: Id, hostname: string, port: number, options: WorkerTcpOptions): TcpOpened;
  /** `null`: the peer's FIN. */
  tcpRead(socket: Id, limit: number): Bytes | null;
  tcpWrite(socket: Id, bytes: Bytes): void;
  tcpFinish(socket: Id): void;
  tcpClose(socket: Id): void;
  tcpAbort(socket: Id): void;
  tcpInformation(socket: Id): TcpInformation;
  tcpSetNoDelay(socket: Id, noDelay: boolean): void;
  tcpSetKeepAlive(socket: Id, delay: number | null): void;

  tcpListen(listener: Id, options: Omit<TcpListenOptions, 'signal'>): { localAddress: string; localPort: number };
  /** The next connection becomes `socket`; `null`: the listener is closed. */
  tcpAccept(listener: Id, socket: Id): TcpOpened | null;
  listenerClose(listener: Id): void;

  udpOpen(
    socket: Id,
    options: Omit<UdpOptions, 'signal'>,
  ): { localAddress: string; localPort: number; remoteAddress: string | null; remotePort: number | null };
  udpSend(socket: Id, data: Bytes, remoteAddress: string | null, remotePort: number): void;
  /** `null`: the socket is closed. */
  udpReceive(socket: Id): UdpMessage | null;
  udpClose(socket: Id): void;

  httpRequest(exchange: Id, request: HttpRequest): HttpHead;
  /** A piece of the request's body, as asked for; `null` at the end; an error breaks the request off. */
  httpPiece(exchange: Id, piece: Bytes | null | PlainError): void;
  /** `null`: the end of the answer. */
  httpRead(exchange: Id): Bytes | null;
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

/** Page → Worker. */
export type ToWorker = { [N in CallName]: { id: number; call: N; args: Arguments<N> } }[CallName];

/** Worker → page. */
export type FromWorker =
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'failure'; id: number; error: PlainError }
  | { type: 'status'; status: NetworkStatus }
  | { type: 'httpWanted'; exchange: Id };
