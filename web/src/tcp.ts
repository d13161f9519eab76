/** TCP connections and listeners, as the page holds them. */

import type { Channel } from './channel.js';
import { abortReason, EthertabError, invalid, quiet } from './errors.js';
import type { Bytes, Id } from './messages.js';
import { ByteReader, Outbox, sender } from './streams.js';
import { type TlsRequest, tlsRequest } from './tls/options.js';
import type { TlsConnectOptions } from './tls/types.js';
import type {
  TcpAddress,
  TcpConnectOptions,
  TcpInformation,
  TcpListener,
  TcpListenOptions,
  TcpOpened,
  TcpSocket,
} from './types.js';

/** Where an address string or object points. */
export function destination(address: TcpAddress | string): TcpAddress {
  if (typeof address !== 'string') {
    return { hostname: String(address.hostname), port: port(address.port) };
  }
  const colon = address.lastIndexOf(':');
  const hostname = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if (colon < 1 || !/^[0-9]+$/.test(address.slice(colon + 1))) {
    throw invalid(`"${address}" does not look like "name:port"`);
  }
  return { hostname, port: port(Number(address.slice(colon + 1))) };
}

function port(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw invalid(`${value} is not a port`);
  }
  return value;
}

/** Opens a connection. */
export function connect(channel: Channel, address: TcpAddress | string, options: TcpConnectOptions = {}): TcpSocket {
  const { hostname, port } = destination(address);
  const { signal, tls, ...rest } = options;
  const request = tls ? tlsRequest(tls, hostname) : null;
  const id = channel.newId();
  const opening = signal?.aborted
    ? Promise.reject(abortReason(signal))
    : channel.call('tcpConnect', [id, hostname, port, rest, request]);
  return new Connection(channel, id, opening, { hostname, secure: request !== null, signal });
}

const NOT_OPEN: TcpOpened = Object.freeze({ remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, tls: null });

/** What a connection was made with, besides what the Worker knows. */
interface Origin {
  /** Who was connected to; `null`: the peer connected to us. */
  hostname: string | null;
  secure: boolean;
  signal: AbortSignal | undefined;
}

class Connection implements TcpSocket {
  readonly readable: TcpSocket['readable'];
  readonly writable: TcpSocket['writable'];
  readonly opened: Promise<TcpOpened>;
  readonly closed: Promise<void>;

  readonly #channel: Channel;
  readonly #id: Id;
  readonly #reader: ByteReader;
  readonly #outbox: Outbox;
  readonly #origin: Origin;
  readonly #onAbort = () => this.abort(abortReason(this.#origin.signal as AbortSignal));
  readonly #forgetChannel: () => void;
  #ends = NOT_OPEN;
  #writer!: WritableStreamDefaultController;
  #discarding = false;
  #readingOver = false;
  #writingOver = false;
  #over = false;
  #closing = false;
  /** The connection is on its way to another socket, which will have the same id. */
  #leaving = false;
  #settleOpened!: { resolve(ends: TcpOpened): void; reject(error: unknown): void };
  #settle!: { resolve(): void; reject(error: unknown): void };
  /** The writable has been closed, and all that was written to it has been taken. */
  readonly #written: Promise<void>;
  #settleWritten!: () => void;

  constructor(channel: Channel, id: Id, opening: Promise<TcpOpened>, origin: Origin) {
    this.#channel = channel;
    this.#id = id;
    this.#origin = origin;
    origin.signal?.addEventListener('abort', this.#onAbort);
    this.#forgetChannel = channel.whenItFails((error) => this.#break(error));
    this.opened = quiet(
      new Promise((resolve, reject) => {
        this.#settleOpened = { resolve, reject };
      }),
    );
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.#written = new Promise((resolve) => {
      this.#settleWritten = resolve;
    });
    const send = sender(channel, id);
    // A write that has been taken already may fail, too: nobody else would hear of it.
    this.#outbox = new Outbox((bytes) => this.#orBreak(send(bytes)));
    this.#reader = new ByteReader({
      credit: (bytes) => this.#afterOpen(() => channel.tell('tcpCredit', [id, bytes])),
      // The program wants nothing more of what the peer sends; the peer must not be stopped by a full buffer.
      cancel: () => {
        this.#discarding = true;
        this.#afterOpen(() => channel.tell('tcpDiscard', [id]));
      },
      ended: (error) => this.#readingEnded(error),
    });
    this.readable = this.#reader.readable;
    this.writable = new WritableStream<Uint8Array | ArrayBuffer | string>({
      start: (controller) => {
        this.#writer = controller;
      },
      write: async (chunk) => {
        await this.opened;
        await this.#outbox.write(chunk);
      },
      close: async () => {
        await this.opened;
        await this.#outbox.drained();
        // What follows then ends our half, too, or goes on.
        if (!this.#closing && !this.#leaving) {
          await this.#orBreak(channel.call('tcpFinish', [id]));
        }
        this.#writingOver = true;
        this.#settleWritten();
        this.#finishIfDone();
      },
      abort: (reason) => this.abort(reason),
    });
    opening.then(
      (ends) => {
        if (this.#over) {
          channel.tell('tcpAbort', [id]);
        } else {
          this.#ends = ends;
          channel.receive(id, this.#reader);
          this.#settleOpened.resolve(ends);
        }
      },
      (error: unknown) => this.#break(error),
    );
  }

  get remoteAddress(): string {
    return this.#ends.remoteAddress;
  }
  get remotePort(): number {
    return this.#ends.remotePort;
  }
  get localAddress(): string {
    return this.#ends.localAddress;
  }
  get localPort(): number {
    return this.#ends.localPort;
  }
  get tls(): TcpOpened['tls'] {
    return this.#ends.tls;
  }

  startTls(options: TlsConnectOptions = {}): TcpSocket {
    const request = tlsRequest(options, this.#origin.hostname);
    if (this.#origin.secure) {
      throw invalid('the connection is secure already');
    }
    if (this.#over || this.#closing || this.#leaving || this.#discarding || this.#readingOver || this.#writingOver) {
      throw new EthertabError('EPIPE', 'the connection, or one of its directions, has ended');
    }
    if (this.readable.locked || this.writable.locked) {
      throw invalid('a stream of the socket is locked: its reader and its writer must be released first');
    }
    this.#leaving = true;
    return new Connection(this.#channel, this.#id, this.#handOver(request), { ...this.#origin, secure: true });
  }

  async close(): Promise<void> {
    if (this.#over || this.#closing || this.#leaving) {
      return this.closed;
    }
    this.#closing = true;
    try {
      await this.opened;
      if (!this.#writingOver) {
        if (this.writable.locked) {
          // A program's writer holds the stream: what it has written so far is still sent.
          await this.#outbox.drained();
        } else {
          // Where the program has closed it already, its writes are still on their way.
          await this.writable.close().catch(() => Promise.race([this.#written, this.closed]));
        }
      }
      if (!this.#over) {
        await this.#channel.call('tcpClose', [this.#id]);
        this.#end();
      }
    } catch (error) {
      this.#break(error);
    }
    return this.closed;
  }

  abort(reason?: unknown): void {
    const error = reason ?? new EthertabError('ECONNABORTED', 'connection aborted');
    this.#reader.abort(error);
    this.#break(error);
  }

  async info(): Promise<TcpInformation> {
    await this.opened;
    return this.#channel.call('tcpInformation', [this.#id]);
  }

  setNoDelay(noDelay: boolean): void {
    this.#afterOpen(() => this.#channel.tell('tcpSetNoDelay', [this.#id, noDelay]));
  }

  setKeepAlive(delay: number | null): void {
    if (delay !== null && !(delay >= 1_000)) {
      throw invalid('a keep-alive delay is at least 1,000 ms');
    }
    this.#afterOpen(() => this.#channel.tell('tcpSetKeepAlive', [this.#id, delay]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends this socket, and has TLS begin on its connection. The streams are locked before anybody else can. */
  async #handOver(request: TlsRequest): Promise<TcpOpened> {
    const reader = this.readable.getReader();
    try {
      await this.writable.close();
      await this.#channel.call('tcpPause', [this.#id]);
      // All that was pushed is here now.
      this.#reader.end();
      const unread: Bytes[] = [];
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        unread.push(next.value);
      }
      reader.releaseLock();
      this.#end();
      const buffers = unread.map(({ buffer }) => buffer);
      return await this.#channel.call('tcpStartTls', [this.#id, unread, request], buffers);
    } catch (error) {
      reader.releaseLock();
      this.#break(error);
      throw error;
    }
  }

  /** What the connection cannot do ends it. */
  async #orBreak<T>(done: Promise<T>): Promise<T> {
    try {
      return await done;
    } catch (error) {
      this.#break(error);
      throw error;
    }
  }

  #afterOpen(act: () => void): void {
    this.opened.then(act, () => {});
  }

  #readingEnded(error?: unknown): void {
    if (error !== undefined) {
      this.#break(error);
      return;
    }
    this.#readingOver = true;
    this.#finishIfDone();
  }

  /** Both directions have ended: the stack may forget the connection as soon as TCP lets it. */
  #finishIfDone(): void {
    if (this.#readingOver && this.#writingOver && !this.#over && !this.#closing && !this.#leaving) {
      this.#channel.tell('tcpClose', [this.#id]);
      this.#end();
    }
  }

  #end(): void {
    if (this.#leave()) {
      this.#reader.end();
      this.#errorWriter(new EthertabError('EPIPE', 'connection closed'));
      this.#settle.resolve();
    }
  }

  #break(error: unknown): void {
    if (this.#leave()) {
      this.#channel.tell('tcpAbort', [this.#id]);
      this.#reader.fail(error);
      this.#outbox.fail(error);
      this.#errorWriter(error);
      this.#settleOpened.reject(error);
      this.#settle.reject(error);
    }
  }

  #errorWriter(error: unknown): void {
    if (!this.#writingOver) {
      this.#writingOver = true;
      this.#writer.error(error);
    }
  }

  #leave(): boolean {
    if (this.#over) {
      return false;
    }
    this.#over = true;
    this.#channel.forget(this.#id);
    this.#forgetChannel();
    this.#origin.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

/** Listens for connections. */
export function listen(channel: Channel, options: TcpListenOptions): TcpListener {
  return new Listener(channel, options);
}

class Listener implements TcpListener {
  readonly opened: TcpListener['opened'];
  readonly closed: Promise<void>;
  readonly readable: ReadableStream<TcpSocket>;

  readonly #channel: Channel;
  readonly #id: Id;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.close();
  readonly #forgetChannel: () => void;
  #end = { localAddress: '', localPort: 0 };
  #controller!: ReadableStreamDefaultController<TcpSocket>;
  #over = false;
  #settle!: { resolve(): void; reject(error: unknown): void };

  constructor(channel: Channel, options: TcpListenOptions) {
    const { signal, ...rest } = options;
    this.#channel = channel;
    this.#id = channel.newId();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    this.#forgetChannel = channel.whenItFails((error) => this.#break(error));
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.readable = new ReadableStream<TcpSocket>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#accept(),
        cancel: () => this.close(),
      },
      // Connections that nobody takes stay in the stack's backlog.
      { highWaterMark: 0 },
    );
    const opening = signal?.aborted ? Promise.reject(abortReason(signal)) : channel.call('tcpListen', [this.#id, rest]);
    this.opened = quiet(
      opening.then(
        (end) => {
          this.#end = end;
          return end;
        },
        (error: unknown) => {
          this.#break(error);
          throw error;
        },
      ),
    );
  }

  get localAddress(): string {
    return this.#end.localAddress;
  }
  get localPort(): number {
    return this.#end.localPort;
  }

  async close(): Promise<void> {
    if (!this.#over) {
      this.#leave();
      await this.#channel.call('listenerClose', [this.#id]).catch(() => {});
      try {
        this.#controller.close();
      } catch {
        // The program has cancelled the stream.
      }
      this.#settle.resolve();
    }
    return this.closed;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<TcpSocket> {
    const reader = this.readable.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          return;
        }
        yield value;
      }
    } finally {
      reader.releaseLock();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(): Promise<void> {
    try {
      await this.opened;
      const id = this.#channel.newId();
      const ends = await this.#channel.call('tcpAccept', [this.#id, id]);
      if (!ends) {
        await this.close();
      } else if (this.#over) {
        this.#channel.tell('tcpAbort', [id]);
      } else {
        const origin = { hostname: null, secure: false, signal: undefined };
        this.#controller.enqueue(new Connection(this.#channel, id, Promise.resolve(ends), origin));
      }
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (!this.#over) {
      this.#leave();
      this.#controller.error(error);
      this.#settle.reject(error);
    }
  }

  #leave(): void {
    this.#over = true;
    this.#forgetChannel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
