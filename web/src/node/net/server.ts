/** `net.Server`: a listener of the network in use. */

import { EventEmitter } from 'events';
import type { TcpListener, TcpSocket } from '../../types.js';
import { addresses } from '../dns/questions.js';
import { abortError, argumentError, codeOf, SystemError, unsupported, validPort } from '../errors.js';
import { guarded } from '../guarded.js';
import { network } from '../network.js';
import { type AddressInfo, family } from './address.js';
import { type ListenArguments, type ListenOptions, listenArguments, type SocketOptions } from './arguments.js';
import { adopt, Socket } from './socket.js';

type Callback = (error?: Error) => void;
type ConnectionListener = (socket: Socket) => void;

export interface ServerOptions extends Omit<SocketOptions, 'signal'> {
  pauseOnConnect?: boolean | undefined;
}

/** Connections that wait to be accepted: Node's default, and the most that the network keeps. */
const BACKLOG = 511;
const MOST_BACKLOG = 4_096;

/** Hosts that mean all of our addresses. */
const ANY = ['', '0.0.0.0', '::'];

export class Server extends EventEmitter {
  maxConnections: number | undefined;

  readonly #options: ServerOptions;
  /** From `listen()` on, until it has been closed. */
  #listening: { listener: TcpListener | null } | null = null;
  #address: AddressInfo | null = null;
  readonly #connections = new Set<Socket>();
  /** Calls of `close()` whose listener is not closed yet. */
  #closing = 0;

  constructor(options?: ServerOptions | ConnectionListener | null, listener?: ConnectionListener) {
    super();
    this.#options = (typeof options === 'function' ? {} : options) ?? {};
    const onConnection = typeof options === 'function' ? options : listener;
    if (onConnection) {
      this.on('connection', onConnection);
    }
  }

  get listening(): boolean {
    return this.#address !== null;
  }

  listen(...values: ListenArguments): this {
    const [options, listener] = listenArguments(values);
    if (options.path !== undefined) {
      throw unsupported('a local socket (path)');
    }
    const port = validPort(options.port);
    if (this.#listening) {
      throw argumentError('ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.', Error);
    }
    network();
    if (listener) {
      this.once('listening', listener);
    }
    const own = { listener: null };
    this.#listening = own;
    void this.#listen(options, port, own);
    return this;
  }

  address(): AddressInfo | null {
    return this.#address;
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    queueMicrotask(() => callback(null, this.#connections.size));
    return this;
  }

  /** No more connections; 'close' follows when those that are open have ended. */
  close(callback?: Callback): this {
    const listening = this.#listening;
    if (callback) {
      this.once('close', () =>
        callback(listening ? undefined : argumentError('ERR_SERVER_NOT_RUNNING', 'Server is not running.', Error)),
      );
    }
    this.#stop();
    const listener = listening?.listener;
    this.#closing += 1;
    void Promise.resolve(listener?.close()).finally(() => {
      this.#closing -= 1;
      this.#closeIfDone();
    });
    return this;
  }

  /** There is no process to keep alive. */
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listening) {
      await new Promise<void>((resolve) => this.close(() => resolve()));
    }
  }

  async #listen(options: ListenOptions, port: number, own: { listener: TcpListener | null }): Promise<void> {
    const over = () => this.#listening !== own;
    const { host = '', signal } = options;
    let listener: TcpListener;
    try {
      listener = await open(options, host, port, own);
    } catch (error) {
      this.#fail(error, host, port, over);
      return;
    }
    if (over()) {
      await listener.close();
      return;
    }
    const address = listener.localAddress || '0.0.0.0';
    this.#address = { address, family: family(address), port: listener.localPort };
    signal?.addEventListener('abort', () => !over() && this.close(), { once: true });
    guarded(() => this.emit('listening'));
    const reader = listener.readable.getReader();
    for (;;) {
      let next: Awaited<ReturnType<typeof reader.read>>;
      try {
        next = await reader.read();
      } catch (error) {
        this.#fail(error, host, port, over);
        return;
      }
      if (next.done) {
        return;
      }
      if (over()) {
        next.value.abort();
      } else {
        this.#receive(next.value, await next.value.opened);
      }
    }
  }

  #fail(error: unknown, host: string, port: number, over: () => boolean): void {
    if (!over()) {
      this.#stop();
      const told = error instanceof SystemError || codeOf(error) === 'ABORT_ERR';
      this.emit('error', told ? error : new SystemError('listen', error, { address: host || '0.0.0.0', port }));
    }
  }

  #receive(tcp: TcpSocket, ends: Awaited<TcpSocket['opened']>): void {
    if (this.maxConnections !== undefined && this.#connections.size >= this.maxConnections) {
      tcp.abort();
      const { localAddress, localPort, remoteAddress, remotePort } = ends;
      const families = { localFamily: family(localAddress), remoteFamily: family(remoteAddress) };
      guarded(() => this.emit('drop', { localAddress, localPort, remoteAddress, remotePort, ...families }));
      return;
    }
    const socket = new Socket(this.#options);
    Object.assign(socket, { server: this });
    if (this.#options.pauseOnConnect) {
      socket.pause();
    }
    this.#connections.add(socket);
    socket.once('close', () => {
      this.#connections.delete(socket);
      if (!this.#listening) {
        this.#closeIfDone();
      }
    });
    adopt(socket, tcp, ends, []);
    // What a listener throws must not end the accepting.
    queueMicrotask(() => this.emit('connection', socket));
  }

  #stop(): void {
    this.#listening = null;
    this.#address = null;
  }

  #closeIfDone(): void {
    if (!this.#listening && this.#closing === 0 && this.#connections.size === 0) {
      queueMicrotask(() => this.emit('close'));
    }
  }
}

async function open(
  { backlog, signal }: ListenOptions,
  host: string,
  port: number,
  own: { listener: TcpListener | null },
): Promise<TcpListener> {
  if (signal?.aborted) {
    throw abortError(signal);
  }
  const [found] = ANY.includes(host) ? [] : await addresses(host);
  own.listener = network().listen({
    port,
    backlog: Math.min(backlog || BACKLOG, MOST_BACKLOG),
    ...(found ? { address: found.address } : {}),
  });
  await own.listener.opened;
  return own.listener;
}
