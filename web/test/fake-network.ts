/** A network without a Worker: sockets by the contract of `types.ts`, whose other side is in the hands of a test. */
import { EthertabError } from '../src/errors.js';
import { destination } from '../src/tcp.js';
import type { TlsConnectOptions, TlsInformation } from '../src/tls/types.js';
import type {
  TcpAddress,
  TcpConnectOptions,
  TcpInformation,
  TcpListener,
  TcpListenOptions,
  TcpOpened,
  TcpSocket,
  UdpMessage,
  UdpOptions,
  UdpOutgoing,
  UdpSocket,
} from '../src/types.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** A promise and what settles it. Its rejection need not be handled. */
export class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => {});
  }
}

/** Lets everything happen that is ready to. */
export const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

export const ENDS: Omit<TcpOpened, 'tls'> = {
  remoteAddress: '10.77.0.1',
  remotePort: 7,
  localAddress: '10.77.0.9',
  localPort: 50_000,
};

export class FakeTcp implements TcpSocket {
  readonly options: TcpConnectOptions;
  /** What `startTls` was asked for, and the socket that it made. */
  secured: { options: TlsConnectOptions; socket: FakeTcp } | null = null;
  /** What was written, and what happened to the connection. */
  sent: unknown[] = [];
  finished = false;
  closes = 0;
  aborted: { reason: unknown } | null = null;
  cancelled = false;
  /** Writes wait for this, if it is set, or until the connection breaks. */
  stuck: Promise<void> | null = null;

  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
  readonly #opened = new Deferred<TcpOpened>();
  readonly #closed = new Deferred<void>();
  readonly opened = this.#opened.promise;
  readonly closed = this.#closed.promise;
  readonly remoteAddress: string = '';
  readonly remotePort: number = 0;
  readonly localAddress: string = '';
  readonly localPort: number = 0;
  readonly tls = null;
  #reader!: ReadableByteStreamController;
  #writer!: WritableStreamDefaultController;

  constructor(options: TcpConnectOptions = {}) {
    this.options = options;
    this.readable = new ReadableStream({
      type: 'bytes',
      start: (controller: ReadableByteStreamController) => {
        this.#reader = controller;
      },
      cancel: () => {
        this.cancelled = true;
      },
    });
    this.writable = new WritableStream({
      start: (controller) => {
        this.#writer = controller;
      },
      write: async (chunk) => {
        this.sent.push(chunk);
        await Promise.race([this.stuck, this.stuck && this.closed]);
      },
      close: () => {
        this.finished = true;
      },
      abort: (reason) => this.abort(reason),
    });
  }

  open(tls: TlsInformation | null = null): void {
    this.#opened.resolve({ ...ENDS, tls });
  }

  startTls(options: TlsConnectOptions = {}): FakeTcp {
    if (this.readable.locked || this.writable.locked) {
      throw new EthertabError('EINVAL', 'a stream is locked');
    }
    const socket = new FakeTcp();
    this.secured = { options, socket };
    this.#reader.close();
    this.#closed.resolve();
    return socket;
  }

  /** The peer sends. */
  receive(...bytes: number[]): void {
    this.#reader.enqueue(new Uint8Array(bytes));
  }

  /** The peer's FIN. */
  end(): void {
    this.#reader.close();
    this.#reader.byobRequest?.respond(0);
  }

  break(error: unknown): void {
    this.#opened.reject(error);
    this.#reader.error(error);
    this.#writer.error(error);
    this.#closed.reject(error);
  }

  /** What was sent, as one text. */
  get text(): string {
    return this.sent
      .map((chunk) => (typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk as Uint8Array)))
      .join('');
  }

  async close(): Promise<void> {
    this.closes += 1;
    this.#closed.resolve();
    return this.closed;
  }

  abort(reason?: unknown): void {
    this.aborted ??= { reason };
    this.break(reason);
  }

  info(): Promise<TcpInformation> {
    throw new Error('not here');
  }
  setNoDelay(): void {}
  setKeepAlive(): void {}
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export class FakeListener implements TcpListener {
  readonly options: TcpListenOptions;
  closes = 0;
  readonly readable: ReadableStream<TcpSocket>;
  readonly #opened = new Deferred<{ localAddress: string; localPort: number }>();
  readonly #closed = new Deferred<void>();
  readonly opened = this.#opened.promise;
  readonly closed = this.#closed.promise;
  readonly localAddress = '';
  readonly localPort = 0;
  #controller!: ReadableStreamDefaultController<TcpSocket>;

  constructor(options: TcpListenOptions) {
    this.options = options;
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => void this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  open(): void {
    this.#opened.resolve({ localAddress: '10.77.0.9', localPort: 8_080 });
  }

  accept(socket: TcpSocket): void {
    this.#controller.enqueue(socket);
  }

  break(error: unknown): void {
    this.#opened.reject(error);
    this.#controller.error(error);
    this.#closed.reject(error);
  }

  async close(): Promise<void> {
    this.closes += 1;
    this.#closed.resolve();
    try {
      this.#controller.close();
    } catch {
      // It has ended already.
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<TcpSocket> {
    throw new Error('not here');
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export class FakeUdp implements UdpSocket {
  readonly options: UdpOptions;
  sent: UdpOutgoing[] = [];
  closes = 0;
  /** What the next datagrams fail with. */
  refusal: unknown;
  readonly readable: ReadableStream<UdpMessage>;
  readonly writable = new WritableStream<UdpOutgoing>();
  readonly #opened = new Deferred<Awaited<UdpSocket['opened']>>();
  readonly #closed = new Deferred<void>();
  readonly opened = this.#opened.promise;
  readonly closed = this.#closed.promise;
  readonly localAddress = '';
  readonly localPort = 0;
  #controller!: ReadableStreamDefaultController<UdpMessage>;

  constructor(options: UdpOptions) {
    this.options = options;
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
    });
  }

  open(): void {
    const { remoteAddress = null, remotePort = null } = this.options;
    this.#opened.resolve({ localAddress: '10.77.0.9', localPort: 5_353, remoteAddress, remotePort });
  }

  receive(...bytes: number[]): void {
    this.#controller.enqueue({ data: new Uint8Array(bytes), remoteAddress: '10.77.0.1', remotePort: 53 });
  }

  break(error: unknown): void {
    this.#opened.reject(error);
    this.#controller.error(error);
    this.#closed.reject(error);
  }

  async send(message: UdpOutgoing): Promise<void> {
    if (this.refusal) {
      throw this.refusal;
    }
    this.sent.push(message);
  }

  async close(): Promise<void> {
    this.closes += 1;
    this.#closed.resolve();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export class FakeNetwork {
  addresses: TcpAddress[] = [];
  tcp: FakeTcp[] = [];
  listeners: FakeListener[] = [];
  datagrams: FakeUdp[] = [];

  connect(address: TcpAddress | string, options?: TcpConnectOptions): FakeTcp {
    this.addresses.push(destination(address));
    const socket = new FakeTcp(options);
    this.tcp.push(socket);
    return socket;
  }

  listen(options: TcpListenOptions): FakeListener {
    const listener = new FakeListener(options);
    this.listeners.push(listener);
    return listener;
  }

  udp(options: UdpOptions = {}): FakeUdp {
    const socket = new FakeUdp(options);
    this.datagrams.push(socket);
    return socket;
  }
}
