/** TCP in the Worker: connections, plain or with TLS above them, and listeners. */

import { EthertabError } from '../errors.js';
import type { Network, TcpListener, TcpStream } from '../generated/ethertab.js';
import type { Bytes, Id, WorkerTcpOptions } from '../messages.js';
import type { LocalEnd, NetworkStatistics, TcpStatistics } from '../statistics.js';
import type { TlsRequest } from '../tls/options.js';
import type { TlsInformation } from '../tls/types.js';
import type { TcpInformation, TcpListenOptions, TcpOpened } from '../types.js';
import { Feed, type Sink } from './feed.js';
import type { Duplex, Tls } from './tls.js';

interface Held {
  tcp: TcpStream;
  /** What the program reads and writes: TCP itself, or TLS over it. */
  stream: Duplex;
  feed: Feed;
  tls: TlsInformation | null;
}

export class TcpSockets {
  readonly #network: Network;
  readonly #loadTls: () => Promise<Tls>;
  readonly #sink: (from: Id) => Sink;
  readonly #held = new Map<Id, Held>();
  readonly #listeners = new Map<Id, TcpListener>();
  /** Listeners that wait for an address. */
  readonly #beginning = new Set<Id>();
  /** How to give up those that are connecting. */
  readonly #connecting = new Map<Id, () => void>();

  /** `loadTls`: TLS, which the first connection that asks for it loads; `sink`: where what a socket receives goes. */
  constructor(network: Network, loadTls: () => Promise<Tls>, sink: (from: Id) => Sink) {
    this.#network = network;
    this.#loadTls = loadTls;
    this.#sink = sink;
  }

  async connect(id: Id, hostname: string, port: number, options: WorkerTcpOptions, tls: TlsRequest | null): Promise<TcpOpened> {
    let giveUp = () => {};
    const givenUp = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    this.#connecting.set(id, giveUp);
    try {
      await this.#network.configured();
      this.#stillWanted(id);
      const tcp = await this.#network.connect(hostname, port, options, givenUp);
      this.#stillWanted(id, tcp);
      this.#keep(id, tcp);
    } finally {
      this.#connecting.delete(id);
      // What waits for a promise is held, here and in the stack, until it settles.
      giveUp();
    }
    return tls ? this.startTls(id, [], tls) : this.#opened(id);
  }

  credit(id: Id, bytes: number): void {
    this.#held.get(id)?.feed.credit(bytes);
  }

  discard(id: Id): void {
    this.#held.get(id)?.feed.discard();
  }

  async write(id: Id, bytes: Bytes): Promise<Bytes> {
    await this.#get(id).stream.write(bytes);
    return bytes;
  }

  finish(id: Id): Promise<void> {
    return this.#get(id).stream.finish();
  }

  close(id: Id): void {
    this.#release(id, (stream) => stream.close());
  }

  abort(id: Id): void {
    this.#release(id, (stream) => stream.abort());
  }

  information(id: Id): TcpInformation {
    return this.#get(id).tcp.info() as TcpInformation;
  }

  setNoDelay(id: Id, noDelay: boolean): void {
    this.#get(id).tcp.setNoDelay(noDelay);
  }

  setKeepAlive(id: Id, delay: number | null): void {
    this.#get(id).tcp.setKeepAlive(delay ?? undefined);
  }

  /** Pushes nothing more; the next is {@link startTls}. */
  pause(id: Id): void {
    this.#get(id).feed.leave();
  }

  /** Does a handshake on a connection. `unread`: bytes that came before and are the first that TLS gets. */
  async startTls(id: Id, unread: Bytes[], { servername, alpn, timeout, ca }: TlsRequest): Promise<TcpOpened> {
    const held = this.#get(id);
    try {
      const below = new ReadOn(held.tcp, unread, held.feed.leave());
      const tls = await this.#loadTls();
      const stream = await tls.secure(below, servername, alpn, timeout, ca);
      if (this.#held.get(id) !== held) {
        stream.abort();
        throw aborted();
      }
      held.tls = stream.information();
      held.stream = stream;
      held.feed = this.#feed(id, stream);
      return this.#opened(id);
    } catch (error) {
      this.#held.delete(id);
      held.tcp.close();
      throw error;
    }
  }

  async listen(id: Id, options: Omit<TcpListenOptions, 'signal'>): Promise<LocalEnd> {
    this.#beginning.add(id);
    let wanted = true;
    try {
      await this.#network.configured();
    } finally {
      wanted = this.#beginning.delete(id);
    }
    if (!wanted) {
      throw aborted();
    }
    const listener = this.#network.listen(options);
    this.#listeners.set(id, listener);
    return listener.end() as LocalEnd;
  }

  /** `null`: the listener is closed. */
  async accept(listener: Id, id: Id): Promise<TcpOpened | null> {
    const stream = await this.#listeners.get(listener)?.accept();
    if (!stream) {
      return null;
    }
    this.#keep(id, stream);
    return this.#opened(id);
  }

  closeListener(id: Id): void {
    this.#beginning.delete(id);
    this.#listeners.get(id)?.close();
    this.#listeners.delete(id);
  }

  /** What the listeners and the connections are; those of HTTP are among them. */
  status(): Pick<NetworkStatistics, 'tcp' | 'listeners'> {
    const listeners = [...this.#listeners.values()].map((listener) => listener.end() as LocalEnd);
    return { tcp: this.#network.connections() as TcpStatistics[], listeners };
  }

  #stillWanted(id: Id, tcp?: TcpStream): void {
    if (!this.#connecting.has(id)) {
      tcp?.abort();
      throw aborted();
    }
  }

  #keep(id: Id, tcp: TcpStream): void {
    this.#held.set(id, { tcp, stream: tcp, feed: this.#feed(id, tcp), tls: null });
  }

  #feed(id: Id, stream: Duplex): Feed {
    return new Feed((limit) => stream.read(limit), this.#sink(id));
  }

  #opened(id: Id): TcpOpened {
    const { tcp, tls } = this.#get(id);
    return { ...(tcp.ends() as Omit<TcpOpened, 'tls'>), tls };
  }

  #get(id: Id): Held {
    const held = this.#held.get(id);
    if (!held) {
      throw new EthertabError('EPIPE', 'the socket is closed');
    }
    return held;
  }

  #release(id: Id, how: (stream: Duplex) => void): void {
    const held = this.#held.get(id);
    if (held) {
      this.#held.delete(id);
      how(held.stream);
    } else {
      this.#connecting.get(id)?.();
      this.#connecting.delete(id);
    }
  }
}

function aborted(): EthertabError {
  return new EthertabError('ECONNABORTED', 'connection aborted');
}

/** A stream of which somebody else has read before. */
class ReadOn implements Duplex {
  readonly #stream: Duplex;
  #first: (Bytes[] | Promise<Bytes[] | undefined>)[];

  /** `unread`: what was read for nothing; `asked`: what was asked for and has not come. */
  constructor(stream: Duplex, unread: Bytes[], asked: Promise<Bytes[] | undefined> | null) {
    this.#stream = stream;
    this.#first = [...(unread.length > 0 ? [unread] : []), ...(asked ? [asked] : [])];
  }

  async read(limit: number): Promise<Bytes[] | undefined> {
    return this.#first.shift() ?? this.#stream.read(limit);
  }
  write(bytes: Bytes): Promise<void> {
    return this.#stream.write(bytes);
  }
  finish(): Promise<void> {
    return this.#stream.finish();
  }
  close(): void {
    this.#stream.close();
  }
  abort(): void {
    this.#stream.abort();
  }
}
