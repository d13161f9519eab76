/** A network, as the page holds it: the Worker, and what hangs on it. */

import { capture } from './capture.js';
import { Channel, type Told } from './channel.js';
import { RequestCookies } from './cookies/requests.js';
import { directSockets, install } from './direct/index.js';
import type { TCPServerSocketConstructor, TCPSocketConstructor, UDPSocketConstructor } from './direct/types.js';
import { abortReason, EthertabError, quiet, toPlain } from './errors.js';
import type { Exchanges } from './fetch/exchange.js';
import type { FetchContext } from './fetch.js';
import { serve } from './serve/server.js';
import type { HttpServer, ServeHandler, ServeOptions } from './serve/types.js';
import { startWorker } from './start.js';
import type { NetworkStatistics } from './statistics.js';
import { connect, listen } from './tcp.js';
import type {
  CaptureOptions,
  Network as Contract,
  FetchInit,
  FetchResponse,
  NetworkConstructor,
  NetworkCounters,
  NetworkInformation,
  NetworkOptions,
  NetworkStatus,
  PacketSummary,
  PingOptions,
  PingReply,
  TcpAddress,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TcpSocket,
  UdpOptions,
  UdpSocket,
} from './types.js';
import { udp } from './udp.js';
import type { WebSocketConstructor } from './websocket/types.js';
import { webSocketClass } from './websocket/websocket.js';
import { connect as connectByStandard } from './winter/connect.js';
import type { Sockets } from './winter/types.js';

const OPEN_TIMEOUT = 15_000;

/** Time for the last frames (resets, the lease given back) to leave before the Worker ends. */
const LAST_FRAMES = 250;

/** Time for the Worker to say goodbye: it may be stuck, or not have come up. */
const GOODBYE = 2_000;

class EthertabNetwork extends EventTarget implements Contract {
  readonly url: string;
  readonly opened: Promise<NetworkInformation>;
  readonly closed: Promise<void>;
  readonly sockets: Sockets = { connect: (address, options) => connectByStandard(this, address, options) };
  readonly TCPSocket: TCPSocketConstructor;
  readonly UDPSocket: UDPSocketConstructor;
  readonly TCPServerSocket: TCPServerSocketConstructor;
  readonly WebSocket: WebSocketConstructor;

  readonly #channel: Channel;
  readonly #cookies: RequestCookies | null;
  readonly #exchanges: Exchanges = new Map();
  readonly #fetching: FetchContext;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.close();
  #status: NetworkStatus;
  #closing: Promise<void> | null = null;
  #settle!: { resolve(): void; reject(error: unknown): void };

  constructor(url: string | URL, options: NetworkOptions = {}) {
    super();
    const { timeout: _, signal, worker, cookies, decoders = {}, ...rest } = options;
    this.url = address(url);
    this.#cookies = cookies ? new RequestCookies(cookies) : null;
    this.WebSocket = webSocketClass(this, this.#cookies);
    ({ TCPSocket: this.TCPSocket, UDPSocket: this.UDPSocket, TCPServerSocket: this.TCPServerSocket } = directSockets(this));
    this.#signal = signal;
    this.#status = starting(this.url);
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.#channel = new Channel(worker ? worker() : startWorker());
    this.#fetching = { channel: this.#channel, exchanges: this.#exchanges, decoders, cookies: this.#cookies };
    this.#channel.told = (message) => this.#hear(message);
    this.#channel.died = (error) => {
      this.#show({ ...this.#status, state: 'closed' });
      this.#settle.reject(error);
    };
    const started = this.#channel.call('start', [this.url, rest, performance.timeOrigin]);
    this.opened = quiet(started.then(() => this.#channel.call('configured', [])));
    if (signal?.aborted) {
      void this.close();
    } else {
      signal?.addEventListener('abort', this.#onAbort);
    }
  }

  static async open(url: string | URL, options: NetworkOptions = {}): Promise<Contract> {
    if (options.signal?.aborted) {
      throw abortReason(options.signal);
    }
    const network = new EthertabNetwork(url, options);
    try {
      await network.#firstAddress(options.timeout ?? OPEN_TIMEOUT);
      return network;
    } catch (error) {
      void network.close();
      throw options.signal?.aborted ? abortReason(options.signal) : error;
    }
  }

  get status(): NetworkStatus {
    return this.#status;
  }

  connect(to: TcpAddress | `${string}:${number}`, options?: TcpConnectOptions): TcpSocket {
    return connect(this.#channel, to, options);
  }

  listen(options: TcpListenOptions): TcpListener {
    return listen(this.#channel, options);
  }

  install(target: object = globalThis): () => void {
    return install(this, target);
  }

  udp(options?: UdpOptions): UdpSocket {
    return udp(this.#channel, options);
  }

  resolve(name: string, options: { signal?: AbortSignal } = {}): Promise<string[]> {
    return abortable(options.signal, () => this.#channel.call('resolve', [String(name)]));
  }

  ping(host: string, options: PingOptions = {}): Promise<PingReply> {
    const { signal, ...rest } = options;
    return abortable(signal, () => this.#channel.call('ping', [String(host), rest]));
  }

  async fetch(input: string | URL | Request, init?: FetchInit): Promise<FetchResponse> {
    const { fetch } = await import('./fetch.js');
    return fetch(this.#fetching, input, init);
  }

  serve(options: ServeOptions | ServeHandler, handler?: ServeHandler): HttpServer {
    return serve(this, options, handler);
  }

  capture(options?: CaptureOptions): ReadableStream<PacketSummary> {
    return capture(this.#channel, options);
  }

  counters(): Promise<NetworkCounters> {
    return this.#channel.call('counters', []);
  }

  stats(): Promise<NetworkStatistics> {
    return this.#channel.call('statistics', []);
  }

  check(): Promise<NetworkStatus> {
    return this.#channel.call('check', []);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const over = new EthertabError('ENETDOWN', 'the network is closed');
    await new Promise<unknown>((resolve) => {
      const late = setTimeout(resolve, GOODBYE);
      this.#channel
        .call('close', [])
        .then(resolve, resolve)
        .finally(() => clearTimeout(late));
    });
    this.#channel.fail(over);
    this.#show({ ...this.#status, state: 'closed' });
    this.#settle.resolve();
    setTimeout(() => this.#channel.terminate(over), LAST_FRAMES);
  }

  #hear(message: Told): void {
    if (message.type === 'status') {
      if (!this.#closing) {
        this.#show(message.status);
      }
    } else if (message.type === 'httpTrailers') {
      this.#exchanges.get(message.exchange)?.takeTrailers(message.fields);
    } else {
      void this.#sendPiece(message.exchange);
    }
  }

  async #sendPiece(exchange: number): Promise<void> {
    const found = this.#exchanges.get(exchange);
    // `null` says that the body has ended, and so it is sent on.
    const piece = found ? await found.next() : toPlain(new EthertabError('ECONNABORTED', 'connection aborted'));
    this.#channel.tell('httpPiece', [exchange, piece], piece instanceof Uint8Array ? [piece.buffer] : []);
  }

  #show(status: NetworkStatus): void {
    this.#status = freeze(status);
    this.dispatchEvent(new CustomEvent('statuschange', { detail: this.#status }));
  }

  /** Waits for an address: until the time is up, or the relay has refused for the first time. */
  #firstAddress(timeout: number): Promise<NetworkInformation> {
    return new Promise((resolve, reject) => {
      const timer = Number.isFinite(timeout)
        ? setTimeout(() => reject(new EthertabError('ENOLEASE', this.#missing(timeout))), timeout)
        : undefined;
      const look = () => {
        const [relay] = this.#status.steps;
        if (relay?.state === 'failed') {
          reject(new EthertabError('ERELAY', `${relay.reason} ${relay.remedy}`));
        }
      };
      this.addEventListener('statuschange', look);
      this.opened.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        this.removeEventListener('statuschange', look);
      });
    });
  }

  #missing(timeout: number): string {
    const step = this.#status.steps.find(({ state }) => state !== 'ok');
    return `no address within ${timeout} ms: ${step?.reason || step?.detail || 'still trying'}`;
  }
}

function address(url: string | URL): string {
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.location?.href);
  } catch {
    throw new EthertabError('EINVAL', `"${url}" is not a URL`);
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
  parsed.hash = '';
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') {
    throw new EthertabError('EINVAL', `a relay's URL begins with ws: or wss:, not ${parsed.protocol}`);
  }
  return parsed.href;
}

function starting(url: string): NetworkStatus {
  const since = performance.now();
  return freeze({
    state: 'connecting',
    steps: (['relay', 'lease', 'gateway', 'names'] as const).map((name) => ({
      name,
      state: name === 'relay' ? 'pending' : 'waiting',
      detail: name === 'relay' ? `connecting to ${url}` : '',
      reason: '',
      remedy: '',
      since,
    })),
    information: null,
    reconnects: 0,
  });
}

function freeze(status: NetworkStatus): NetworkStatus {
  status.steps.forEach(Object.freeze);
  Object.freeze(status.steps);
  return Object.freeze(status);
}

function abortable<T>(signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
  if (!signal) {
    return act();
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort);
    act()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

export const Network: NetworkConstructor = EthertabNetwork;
export type Network = Contract;
