/** `net.Socket`: a connection of the network in use, as a stream of Node's. */

import { Buffer } from 'buffer';
import { linger } from '../../linger.js';
import { LONGEST_TIMEOUT } from '../../timeout.js';
import type { TcpOpened, TcpSocket } from '../../types.js';
import { abortError, argumentError, SystemError, unsupported, validPort } from '../errors.js';
import { guarded } from '../guarded.js';
import { network } from '../network.js';
import { Duplex } from '../stream.js';
import { type AddressInfo, family } from './address.js';
import { type ConnectArguments, type ConnectOptions, connectArguments, type SocketOptions } from './arguments.js';
import { dial, lookup } from './dial.js';
import { IdleTimer } from './idle.js';

type Callback = (error?: Error | null) => void;

/** What a socket holds of a connection that is open. */
interface Open {
  tcp: TcpSocket;
  ends: TcpOpened;
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  writer: WritableStreamDefaultWriter<Uint8Array | ArrayBuffer | string>;
}

/** Bytes of a write after which it counts as something that passed. */
const PIECE = 256 * 1024;

/** A TLS peer has finished without saying goodbye. Node takes that for an end, and programs with it. */
const UNSAID = 'ETLSTRUNCATED';

/** Linux's default idle time before keep-alive probes, and the least that the network takes; milliseconds. */
const KEEP_ALIVE = 7_200_000;
const LEAST_KEEP_ALIVE = 1_000;

/** For the shim's other classes: a socket takes a connection over, telling of it by `events`, or gives it up. */
export let adopt: (socket: Socket, tcp: TcpSocket, ends: TcpOpened, events: string[]) => void;
export let giveUp: (socket: Socket) => TcpSocket | null;

export class Socket extends Duplex {
  static {
    adopt = (socket, tcp, ends, events) => socket.#adopt(tcp, ends, events);
    giveUp = (socket) => socket.#giveUp();
  }

  connecting = false;
  bytesRead = 0;
  /** The host that was asked for, by the name under which packages look for it. */
  _host: string | undefined;

  #open: Open | null = null;
  /** A connection that is being opened. */
  #opening: TcpSocket | null = null;
  /** Counts connects: what an earlier one hears of concerns nobody. */
  #attempt = 0;
  #ends: TcpOpened | null = null;
  /** A write or the end, which wait for the connection. */
  #held: (() => void) | null = null;
  #finishing: Promise<void> | null = null;
  #bytesSent = 0;
  #hadError = false;
  #pumping = false;
  #readWanted = false;
  #noDelay: boolean | undefined;
  #keepAlive: number | null | undefined;
  readonly #idle = new IdleTimer(() => this.emit('timeout'));

  constructor(options: SocketOptions = {}) {
    super({
      allowHalfOpen: options.allowHalfOpen ?? false,
      ...definedOf(options, ['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark']),
    });
    this.#configure(options);
    if (options.signal) {
      this.#endWith(options.signal);
    }
  }

  connect(...values: ConnectArguments): this {
    const [options, listener] = connectArguments(values);
    if (options.path !== undefined) {
      throw unsupported('a local socket (path)');
    }
    if (options.port === undefined) {
      throw argumentError('ERR_MISSING_ARGS', 'The "options" or "port" or "path" argument must be specified');
    }
    const port = validPort(options.port);
    if (options.lookup !== undefined && typeof options.lookup !== 'function') {
      throw argumentError('ERR_INVALID_ARG_TYPE', 'The "options.lookup" property must be of type function');
    }
    network();
    if (this.destroyed) {
      this.#revive();
    }
    if (listener) {
      this.once('connect', listener);
    }
    this.#configure(options);
    if (options.timeout !== undefined) {
      this.setTimeout(options.timeout);
    }
    this.connecting = true;
    this._host = options.host || 'localhost';
    this.#idle.active();
    this.#attempt += 1;
    void this.#connect(options, this._host, port, this.#attempt);
    return this;
  }

  // ── Who and where ──────────────────────────────────────────────────────────────────────────────────────────────────────

  get remoteAddress(): string | undefined {
    return this.#ends?.remoteAddress;
  }
  get remotePort(): number | undefined {
    return this.#ends?.remotePort;
  }
  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#ends ? family(this.#ends.remoteAddress) : undefined;
  }
  get localAddress(): string | undefined {
    return this.#ends?.localAddress;
  }
  get localPort(): number | undefined {
    return this.#ends?.localPort;
  }
  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#ends ? family(this.#ends.localAddress) : undefined;
  }

  address(): AddressInfo | Record<string, never> {
    const ends = this.#ends;
    return ends ? { address: ends.localAddress, family: family(ends.localAddress), port: ends.localPort } : {};
  }

  /** Whether there is no connection yet. */
  get pending(): boolean {
    return this.#open === null || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) {
      return 'opening';
    }
    if (this.readable && this.writable) {
      return 'open';
    }
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }

  /** Bytes that were written, those that still wait included. */
  get bytesWritten(): number {
    return this.#bytesSent + this.writableLength;
  }

  get bufferSize(): number | undefined {
    return this.#open ? this.writableLength : undefined;
  }

  // ── Settings ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  setNoDelay(noDelay = true): this {
    this.#noDelay = Boolean(noDelay);
    this.#open?.tcp.setNoDelay(this.#noDelay);
    return this;
  }

  /** `initialDelay` in milliseconds; 0 is two hours, as Linux has it. */
  setKeepAlive(enable = false, initialDelay = 0): this {
    this.#keepAlive = enable ? Math.max(initialDelay || KEEP_ALIVE, LEAST_KEEP_ALIVE) : null;
    this.#open?.tcp.setKeepAlive(this.#keepAlive);
    return this;
  }

  get timeout(): number | undefined {
    return this.#idle.delay;
  }

  /** 'timeout' after so many milliseconds in which nothing passed; 0: never. The connection goes on. */
  setTimeout(delay: number, listener?: () => void): this {
    if (typeof delay !== 'number' || !Number.isFinite(delay) || delay < 0) {
      throw argumentError('ERR_OUT_OF_RANGE', `The value of "msecs" is out of range. Received ${delay}`, RangeError);
    }
    if (listener) {
      if (delay === 0) {
        this.off('timeout', listener);
      } else {
        this.once('timeout', listener);
      }
    }
    if (!this.destroyed) {
      this.#idle.set(Math.min(delay, LONGEST_TIMEOUT));
    }
    return this;
  }

  /** There is no process to keep alive. */
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends when everything that was written has been sent. */
  destroySoon(): void {
    if (this.writable) {
      this.end();
    }
    if (this.writableFinished) {
      this.destroy();
    } else {
      this.once('finish', () => this.destroy());
    }
  }

  /** Ends by a reset. */
  resetAndDestroy(): this {
    if (this.connecting) {
      this.once('connect', () => this.resetAndDestroy());
    } else if (this.#open) {
      this.#giveUp()?.abort();
      this.destroy();
    } else {
      this.destroy(argumentError('ERR_SOCKET_CLOSED', 'Socket is closed', Error));
    }
    return this;
  }

  /** 'close' says whether there was an error. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return event === 'close' ? super.emit('close', this.#hadError) : super.emit(event, ...values);
  }

  // ── What the stream asks for ───────────────────────────────────────────────────────────────────────────────────────────

  override _read(): void {
    this.#readWanted = true;
    if (this.#open) {
      void this.#pump(this.#open);
    }
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    this._writev([{ chunk }], callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: Callback): void {
    const open = this.#open;
    if (this.connecting) {
      this.#hold(() => this._writev(chunks, callback), callback);
    } else if (!open) {
      callback(argumentError('ERR_SOCKET_CLOSED', 'Socket is closed', Error));
    } else {
      this.#idle.active();
      const written = chunks.flatMap(({ chunk }) => {
        this.#bytesSent += chunk.byteLength;
        return piecesOf(chunk).map((piece) => open.writer.write(piece).then(() => this.#idle.active()));
      });
      Promise.all(written).then(
        () => callback(),
        (error) => callback(new SystemError('write', error)),
      );
    }
  }

  override _final(callback: Callback): void {
    const open = this.#open;
    if (this.connecting) {
      this.#hold(() => this._final(callback), callback);
    } else if (!open) {
      callback();
    } else {
      this.#finishing = open.writer.close();
      this.#finishing.then(
        () => callback(),
        (error) => callback(new SystemError('shutdown', error)),
      );
    }
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#hadError = error !== null && error !== undefined;
    this.connecting = false;
    this.#attempt += 1;
    this.#idle.set(0);
    this.#opening?.abort();
    this.#opening = null;
    const tcp = this.#giveUp();
    if (tcp) {
      linger(tcp);
      // A stream that is being closed must not be closed again.
      const finished = this.#finishing ?? Promise.resolve();
      finished.then(() => tcp.close()).catch(() => tcp.abort());
    }
    callback(error);
  }

  // ── The connection ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #connect(options: ConnectOptions, host: string, port: number, attempt: number): Promise<void> {
    const over = () => attempt !== this.#attempt;
    const tell = (...values: unknown[]) => over() || this.emit('lookup', ...values, host);
    const trying = (tcp: TcpSocket) => {
      if (!over()) {
        this.#opening = tcp;
      }
      return !over();
    };
    let opened: [TcpSocket, TcpOpened] | null = null;
    try {
      opened = await dial(await lookup(options, host, tell), port, options, trying);
    } catch (error) {
      if (!over()) {
        this.#opening = null;
        this.destroy(error as Error);
      }
    }
    if (opened && !over()) {
      this.#adopt(...opened, ['connect', 'ready']);
    }
  }

  #adopt(tcp: TcpSocket, ends: TcpOpened, events: string[]): void {
    const open = { tcp, ends, reader: tcp.readable.getReader(), writer: tcp.writable.getWriter() };
    // What breaks a connection is told by the call that meets it.
    open.reader.closed.catch(() => {});
    open.writer.closed.catch(() => {});
    this.#opening = null;
    this.#open = open;
    this.#ends = ends;
    this.connecting = false;
    if (this.#noDelay !== undefined) {
      tcp.setNoDelay(this.#noDelay);
    }
    if (this.#keepAlive !== undefined) {
      tcp.setKeepAlive(this.#keepAlive);
    }
    this.#idle.active();
    for (const event of events) {
      guarded(() => this.emit(event));
    }
    const held = this.#held;
    this.#held = null;
    held?.();
    if (this.#readWanted) {
      this._read();
    } else if (!this.destroyed && !this.isPaused()) {
      this.read(0);
    }
  }

  /** Waits for the connection with what the stream wants done. */
  #hold(go: () => void, callback: Callback): void {
    const fail = () =>
      callback(
        argumentError('ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'Socket closed before the connection was established', Error),
      );
    this.once('close', fail);
    this.#held = () => {
      this.off('close', fail);
      go();
    };
  }

  #giveUp(): TcpSocket | null {
    const open = this.#open;
    this.#open = null;
    open?.reader.releaseLock();
    open?.writer.releaseLock();
    return open?.tcp ?? null;
  }

  /** Reads on as long as the stream takes more. */
  async #pump(open: Open): Promise<void> {
    if (this.#pumping) {
      return;
    }
    this.#pumping = true;
    try {
      while (this.#readWanted && this.#open === open) {
        const read = await open.reader.read().catch((error) => new SystemError('read', error));
        // Given up meanwhile: whoever holds the connection now reads on.
        if (this.#open === open) {
          this.#readWanted = false;
          if (this.#receive(read)) {
            this.#readWanted = true;
          }
        }
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Whether the stream takes more. */
  #receive(read: SystemError | ReadableStreamReadResult<Uint8Array<ArrayBuffer>>): boolean {
    if (read instanceof SystemError && read.code !== UNSAID) {
      this.destroy(read);
      return false;
    }
    if (read instanceof SystemError) {
      // There is nobody left to send to.
      this.#giveUp();
    }
    if (read instanceof SystemError || read.done) {
      this.push(null);
      // Nobody else may look whether there is more.
      this.read(0);
      return false;
    }
    const { buffer, byteOffset, byteLength } = read.value;
    this.bytesRead += byteLength;
    this.#idle.active();
    // While the stream has room it need not ask. A listener that throws does not stop it.
    return guarded(() => this.push(Buffer.from(buffer, byteOffset, byteLength))) ?? true;
  }

  #configure({ noDelay, keepAlive, keepAliveInitialDelay }: SocketOptions): void {
    if (noDelay) {
      this.setNoDelay(true);
    }
    if (keepAlive) {
      this.setKeepAlive(true, keepAliveInitialDelay);
    }
  }

  #endWith(signal: AbortSignal): void {
    const abort = () => this.destroy(abortError(signal));
    if (signal.aborted) {
      queueMicrotask(abort);
      return;
    }
    signal.addEventListener('abort', abort);
    this.once('close', () => signal.removeEventListener('abort', abort));
  }

  /** A socket that has ended connects once more. */
  #revive(): void {
    this._undestroy();
    this.#ends = null;
    this.#held = null;
    this.#finishing = null;
    this.#hadError = false;
    this.#readWanted = false;
    this.bytesRead = 0;
    this.#bytesSent = 0;
  }
}

/** The options that are there. */
function definedOf<T extends object, K extends keyof T>(options: T, names: K[]): { [N in K]?: Exclude<T[N], undefined> } {
  const found = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(found);
}

function piecesOf(chunk: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(chunk.byteLength / PIECE));
  return Array.from({ length: count }, (_, index) => chunk.subarray(index * PIECE, (index + 1) * PIECE));
}
