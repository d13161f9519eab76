/** TCP connections and listeners, as the page holds them. */

import type { Channel } from './channel.js';
import { abortReason, EthertabError, invalid, quiet } from './errors.js';
import type { Id } from './messages.js';
import { ByteReader, Outbox, sender } from './streams.js';
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
  const { signal, ...rest } = options;
  const id = channel.newId();
  const opening = signal?.aborted
    ? Promise.reject(abortReason(signal))
    : channel.call('tcpConnect', [id, hostname, port, rest]);
  return new Connection(channel, id, opening, signal);
}

const NOT_OPEN: TcpOpened = Object.freeze({ remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 });

class Connection implements TcpSocket {
  readonly readable: TcpSocket['readable'];
  readonly writable: TcpSocket['writable'];
  readonly opened: Promise<TcpOpened>;
  readonly closed: Promise<void>;

  readonly #channel: Channel;
  readonly #id: Id;
  readonly #reader: ByteReader;
  readonly #outbox: Outbox;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.abort(abortReason(this.#signal as AbortSignal));
  #ends = NOT_OPEN;
  #writer!: WritableStreamDefaultController;
  #readingOver = false;
  #writingOver = false;
  #over = false;
  #closing = false;
  #settle!: { resolve(): void; reject(error: unknown): void };

  constructor(channel: Channel, id: Id, opening: Promise<TcpOpened>, signal?: AbortSignal) {
    this.#channel = channel;
    this.#id = id;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.#outbox = new Outbox(sender(channel, id));
    this.#reader = new ByteReader({
      credit: (bytes) => this.#afterOpen(() => channel.tell('tcpCredit', [id, bytes])),
      // The program wants nothing more of what the peer sends; the peer must not be stopped by a full buffer.
      cancel: () => this.#afterOpen(() => channel.tell('tcpDiscard', [id])),
      ended: (error) => this.#readingEnded(error),
    });
    channel.receive(id, this.#reader);
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
        await channel.call('tcpFinish', [id]);
        this.#writingOver = true;
        this.#finishIfDone();
      },
      abort: (reason) => this.abort(reason),
    });
    this.opened = quiet(
      opening.then(
        (ends) => {
          if (this.#over) {
            channel.tell('tcpAbort', [id]);
            throw new EthertabError('ECONNABORTED', 'connection aborted');
          }
          this.#ends = ends;
          return ends;
        },
        (error: unknown) => {
          this.#break(error);
          throw error;
        },
      ),
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

  async close(): Promise<void> {
    if (this.#over || this.#closing) {
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
          await this.writable.close();
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
    this.#channel.tell('tcpAbort', [this.#id]);
    this.#break(reason ?? new EthertabError('ECONNABORTED', 'connection aborted'));
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
    if (this.#readingOver && this.#writingOver && !this.#over && !this.#closing) {
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
    this.#signal?.removeEventListener('abort', this.#onAbort);
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
      this.#over = true;
      this.#signal?.removeEventListener('abort', this.#onAbort);
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
        this.#controller.enqueue(new Connection(this.#channel, id, Promise.resolve(ends)));
      }
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (!this.#over) {
      this.#over = true;
      this.#signal?.removeEventListener('abort', this.#onAbort);
      this.#controller.error(error);
      this.#settle.reject(error);
    }
  }
}
