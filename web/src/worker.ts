/** The Worker: holds the stack and answers the page's calls. `messages.ts` says which there are. */

import { EthertabError, toPlain } from './errors.js';
import init, { type Capture, Network, type TcpListener, type TcpStream, type UdpSocket } from './generated/ethertab.js';
import { type Arguments, type CallName, type FromWorker, type Id, type Result, type ToWorker, UNANSWERED } from './messages.js';
import type {
  NetworkCounters,
  NetworkInformation,
  PacketSummary,
  PingReply,
  TcpInformation,
  TcpOpened,
  UdpMessage,
} from './types.js';
import { onDemand } from './worker/demand.js';
import { Feed, type Sink } from './worker/feed.js';
import type { Http } from './worker/http.js';
import { Ladder, type Notice } from './worker/ladder.js';

/** This file runs in a Worker's scope, which TypeScript's DOM library does not describe. */
const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  location: { protocol: string };
};

type Handlers = { [N in CallName]: (...args: Arguments<N>) => Result<N> | Promise<Result<N>> };

/** Settles when the network is there, or cannot be: what the page calls before, waits. */
let started: Promise<unknown> = Promise.resolve();
let network: Network | null = null;
let ladder: Ladder | null = null;
let http: () => Promise<Http> = async () => missing('the network');
/** Whether there is an address. */
let leased = false;
/** How much later than the page's the Worker's time line begins. */
let ahead = 0;
const streams = new Map<Id, { stream: TcpStream; feed: Feed }>();
const listeners = new Map<Id, TcpListener>();
const udpSockets = new Map<Id, UdpSocket>();
const captures = new Map<Id, Capture>();
/** Sockets that the page gave up while they were still opening. */
const unwanted = new Set<Id>();
const opening = new Set<Id>();

const handlers: Handlers = {
  async start(url, { probeName, tls, ...options }, timeOrigin) {
    ahead = performance.timeOrigin - timeOrigin;
    await init();
    const notices: Notice[] = [];
    const opened = Network.start(url, options, (notice: Notice) => {
      leased = notice.type === 'leased' || (leased && notice.type !== 'lease-lost');
      ladder ? ladder.notice(notice) : notices.push(notice);
    });
    network = opened;
    const loadTls = onDemand(async () => new (await import('./worker/tls.js')).Tls(tls));
    http = onDemand(async () => new (await import('./worker/http.js')).Http(opened, loadTls, tell, sink));
    const secure = scope.location.protocol === 'https:';
    ladder = new Ladder(
      { url, probeName: probeName === undefined ? 'gateway.ethertab' : probeName, secure },
      {
        information: () => open().information() as NetworkInformation | null,
        ping: (address) => open().ping(address, { timeout: 1_000 }) as Promise<PingReply>,
        resolve: (name) => open().resolve(name),
        now: () => performance.now() + ahead,
      },
      (status) => tell({ type: 'status', status }),
    );
    for (const notice of notices) {
      ladder.notice(notice);
    }
  },
  async configured() {
    await configured();
    return open().information() as NetworkInformation;
  },
  check: () => (ladder ?? missing('the network')).check(),
  counters: () => open().counters() as NetworkCounters,
  async close() {
    ladder?.stop();
    network?.close();
    await network?.ended();
  },
  resolve: async (name) => {
    await configured();
    return open().resolve(name);
  },
  async ping(host, options) {
    // Whoever pings wants to know how long it takes: nothing is asked for that is known.
    if (!leased || !isAddress(host)) {
      await configured();
      host = await oneAddress(host);
    }
    return (await open().ping(host, options)) as PingReply;
  },

  async tcpConnect(socket, hostname, port, options) {
    opening.add(socket);
    try {
      await configured();
      const stream = await open().connect(hostname, port, options);
      return keep(socket, stream);
    } finally {
      opening.delete(socket);
      unwanted.delete(socket);
    }
  },
  tcpCredit: (socket, bytes) => streams.get(socket)?.feed.credit(bytes),
  tcpDiscard: (socket) => streams.get(socket)?.feed.discard(),
  async tcpWrite(socket, bytes) {
    await stream(socket).write(bytes);
    return bytes;
  },
  tcpFinish: (socket) => stream(socket).finish(),
  tcpClose: (socket) => release(socket, (stream) => stream.close()),
  tcpAbort: (socket) => release(socket, (stream) => stream.abort()),
  tcpInformation: (socket) => stream(socket).info() as TcpInformation,
  tcpSetNoDelay: (socket, noDelay) => stream(socket).setNoDelay(noDelay),
  tcpSetKeepAlive: (socket, delay) => stream(socket).setKeepAlive(delay ?? undefined),

  async tcpListen(id, options) {
    await configured();
    const listener = open().listen(options);
    listeners.set(id, listener);
    return listener.end() as { localAddress: string; localPort: number };
  },
  async tcpAccept(id, socket) {
    const stream = await listeners.get(id)?.accept();
    return stream ? keep(socket, stream) : null;
  },
  listenerClose(id) {
    listeners.get(id)?.close();
    listeners.delete(id);
  },

  async udpOpen(id, { remoteAddress, remotePort, ...options }) {
    await configured();
    const socket = open().udp(options);
    udpSockets.set(id, socket);
    let remote: string | null = null;
    if (remoteAddress !== undefined && remotePort !== undefined) {
      [remote = remoteAddress] = await open().resolve(remoteAddress);
      socket.connect(remote, remotePort);
    }
    const end = socket.end() as { localAddress: string; localPort: number };
    return { ...end, remoteAddress: remote, remotePort: remotePort ?? null };
  },
  async udpSend(id, data, remoteAddress, remotePort) {
    const socket = udpSockets.get(id) ?? missing('the socket');
    const address = remoteAddress === null ? undefined : await oneAddress(remoteAddress);
    await socket.send(data, address, remotePort);
  },
  udpReceive: async (id) => ((await udpSockets.get(id)?.receive()) as UdpMessage | undefined) ?? null,
  udpClose(id) {
    udpSockets.get(id)?.close();
    udpSockets.delete(id);
  },

  httpRequest: async (exchange, request) => (await http()).request(exchange, request),
  httpPiece: async (exchange, piece) => (await http()).piece(exchange, piece),
  httpCredit: async (exchange, bytes) => (await http()).credit(exchange, bytes),
  httpDiscard: async (exchange) => (await http()).discard(exchange),
  httpAbort: async (exchange) => (await http()).abort(exchange),

  captureStart(id) {
    captures.set(id, open().capture());
  },
  async captureNext(id, limit, kept) {
    const packets = (await captures.get(id)?.next(limit, kept)) as PacketSummary[] | undefined;
    for (const packet of packets ?? []) {
      packet.at += ahead;
    }
    return packets ?? null;
  },
  captureStop(id) {
    captures.get(id)?.stop();
    captures.delete(id);
  },
};

scope.onmessage = ({ data }) => void answer(data);

async function answer({ id, call, args }: ToWorker): Promise<void> {
  try {
    const handler = handlers[call] as (...args: unknown[]) => unknown;
    if (call !== 'start') {
      await started;
    }
    const outcome = handler(...args);
    if (call === 'start') {
      started = Promise.resolve(outcome).catch(() => {});
    }
    const result = await outcome;
    if (id !== UNANSWERED) {
      tell({ type: 'answer', id, result }, result instanceof Uint8Array ? [result.buffer] : []);
    }
  } catch (error) {
    if (id !== UNANSWERED) {
      tell({ type: 'failure', id, error: toPlain(error) });
    }
  }
}

/** Where what a socket or an exchange receives goes. */
function sink(from: Id): Sink {
  return (pieces, error) =>
    tell(
      { type: 'bytes', from, pieces, error },
      pieces.map(({ buffer }) => buffer),
    );
}

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function open(): Network {
  return network ?? missing('the network');
}

function stream(socket: Id): TcpStream {
  return streams.get(socket)?.stream ?? missing('the socket');
}

function missing(what: string): never {
  throw new EthertabError('EPIPE', `${what} is closed`);
}

function keep(socket: Id, stream: TcpStream): TcpOpened {
  if (unwanted.delete(socket)) {
    stream.abort();
    throw new EthertabError('ECONNABORTED', 'connection aborted');
  }
  streams.set(socket, { stream, feed: new Feed((limit) => stream.read(limit), sink(socket)) });
  return stream.ends() as TcpOpened;
}

function release(socket: Id, how: (stream: TcpStream) => void): void {
  const held = streams.get(socket);
  if (held) {
    streams.delete(socket);
    how(held.stream);
  } else if (opening.has(socket)) {
    unwanted.add(socket);
  }
}

/** Whether it is an IPv4 address and not a name. */
function isAddress(host: string): boolean {
  const parts = host.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** Waits for an address. */
function configured(): Promise<void> {
  return open().configured();
}

/** Names cost a question to DNS, addresses do not. */
async function oneAddress(host: string): Promise<string> {
  const [address = host] = await open().resolve(host);
  return address;
}
