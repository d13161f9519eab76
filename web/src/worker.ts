/** The Worker: holds the stack and answers the page's calls. `messages.ts` says which there are. */

import { EthertabError, toPlain } from './errors.js';
import init, { type Capture, Network, type UdpSocket } from './generated/ethertab.js';
import { type Arguments, type CallName, type FromWorker, type Id, type Result, type ToWorker, UNANSWERED } from './messages.js';
import type { LocalEnd, UdpStatistics } from './statistics.js';
import type { NetworkCounters, NetworkInformation, PingReply, UdpMessage } from './types.js';
import type { Frame } from './worker/capture.js';
import { onDemand } from './worker/demand.js';
import type { Sink } from './worker/feed.js';
import type { Http } from './worker/http.js';
import { Ladder, type Notice } from './worker/ladder.js';
import { TcpSockets } from './worker/tcp.js';

/** This file runs in a Worker's scope, which TypeScript's DOM library does not describe. */
const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  /** Not every platform says where a Worker was loaded from. */
  location?: { protocol: string };
};

type Handlers = { [N in CallName]: (...args: Arguments<N>) => Result<N> | Promise<Result<N>> };

/** Settles when the network is there, or cannot be: what the page calls before, waits. */
let started: Promise<unknown> = Promise.resolve();
let network: Network | null = null;
let ladder: Ladder | null = null;
let http: () => Promise<Http> = async () => missing('the network');
let tcpSockets: TcpSockets | null = null;
/** Whether there is an address. */
let leased = false;
/** How much later than the page's the Worker's time line begins. */
let ahead = 0;
const udpSockets = new Map<Id, { socket: UdpSocket; ends: UdpStatistics }>();
const captures = new Map<Id, Capture>();

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
    tcpSockets = new TcpSockets(opened, loadTls, sink);
    http = onDemand(async () => new (await import('./worker/http.js')).Http(opened, loadTls, tell, sink));
    const secure = scope.location?.protocol === 'https:';
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
  counters,
  statistics: () => ({ counters: counters(), ...tcp().status(), udp: [...udpSockets.values()].map(({ ends }) => ends) }),
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

  tcpConnect: (...args) => tcp().connect(...args),
  tcpCredit: (...args) => tcp().credit(...args),
  tcpDiscard: (socket) => tcp().discard(socket),
  tcpWrite: (...args) => tcp().write(...args),
  tcpFinish: (socket) => tcp().finish(socket),
  tcpClose: (socket) => tcp().close(socket),
  tcpAbort: (socket) => tcp().abort(socket),
  tcpInformation: (socket) => tcp().information(socket),
  tcpSetNoDelay: (...args) => tcp().setNoDelay(...args),
  tcpSetKeepAlive: (...args) => tcp().setKeepAlive(...args),
  tcpPause: (socket) => tcp().pause(socket),
  tcpStartTls: (...args) => tcp().startTls(...args),

  tcpListen: (...args) => tcp().listen(...args),
  tcpAccept: (...args) => tcp().accept(...args),
  listenerClose: (listener) => tcp().closeListener(listener),

  async udpOpen(id, { remoteAddress, remotePort, ...options }) {
    await configured();
    const socket = open().udp(options);
    const held = { socket, ends: { ...(socket.end() as LocalEnd), remoteAddress: null, remotePort: null } as UdpStatistics };
    udpSockets.set(id, held);
    if (remoteAddress !== undefined && remotePort !== undefined) {
      const remote = await oneAddress(remoteAddress);
      socket.connect(remote, remotePort);
      held.ends = { ...(socket.end() as LocalEnd), remoteAddress: remote, remotePort };
    }
    return held.ends;
  },
  async udpSend(id, data, remoteAddress, remotePort) {
    const { socket } = udpSockets.get(id) ?? missing('the socket');
    const address = remoteAddress === null ? undefined : await oneAddress(remoteAddress);
    await socket.send(data, address, remotePort);
  },
  udpReceive: async (id) => ((await udpSockets.get(id)?.socket.receive()) as UdpMessage | undefined) ?? null,
  udpClose(id) {
    udpSockets.get(id)?.socket.close();
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
    const { summarize } = await import('./worker/capture.js');
    const frames = (await captures.get(id)?.next(limit)) as Frame[] | undefined;
    return frames?.map((frame) => summarize(frame, ahead, kept)) ?? null;
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

function counters(): NetworkCounters {
  return open().counters() as NetworkCounters;
}

function tcp(): TcpSockets {
  return tcpSockets ?? missing('the network');
}

function missing(what: string): never {
  throw new EthertabError('EPIPE', `${what} is closed`);
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
