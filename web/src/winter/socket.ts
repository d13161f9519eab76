/** A socket of the Sockets API, around one of our own. */

import { quiet } from '../errors.js';
import type { TlsConnectOptions } from '../tls/types.js';
import type { TcpOpened, TcpSocket } from '../types.js';
import { WrappedBytes, WrappedWriter } from '../wrapped.js';
import { SocketError, socketError } from './error.js';
import type { Socket as Contract, SecureTransportKind, SocketInfo, StartTlsOptions } from './types.js';

/** What a socket was asked to be. */
interface Kind {
  secure: SecureTransportKind;
  tls: TlsConnectOptions;
  allowHalfOpen: boolean;
}

export class Socket implements Contract {
  readonly opened: Promise<SocketInfo>;
  readonly closed: Promise<void>;

  readonly #kind: Kind;
  readonly #socket: TcpSocket;
  readonly #reader: WrappedBytes;
  readonly #writer: WrappedWriter<Uint8Array | ArrayBuffer | string>;
  /** The socket's own writer, which the wrapped one writes to. */
  readonly #below: WritableStreamDefaultWriter<Uint8Array | ArrayBuffer | string>;
  #state: 'opening' | 'open' | 'closing' = 'opening';
  #upgraded = false;
  #settleOpened!: { resolve(info: SocketInfo): void; reject(error: unknown): void };
  #settleClosed!: { resolve(): void; reject(error: unknown): void };

  constructor(socket: TcpSocket, kind: Kind) {
    this.#socket = socket;
    this.#kind = kind;
    this.opened = quiet(
      new Promise((resolve, reject) => {
        this.#settleOpened = { resolve, reject };
      }),
    );
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settleClosed = { resolve, reject };
      }),
    );
    this.#reader = new WrappedBytes(socket.readable, {
      failure: socketError,
      ended: (error) => this.#finished(error),
      abandoned: () => {},
    });
    const writer = socket.writable.getWriter();
    this.#below = writer;
    this.#writer = new WrappedWriter(
      {
        write: (chunk) => writer.write(chunk),
        close: () => writer.close(),
        abort: (reason) => socket.abort(reason),
      },
      { failure: socketError, ended: () => {} },
    );
    writer.closed.catch((error: unknown) => this.#writer.fail(error));
    socket.opened.then(
      (ends) => {
        if (this.#state === 'opening') {
          this.#state = 'open';
        }
        this.#settleOpened.resolve(information(ends));
      },
      (error: unknown) => this.#settleOpened.reject(socketError(error)),
    );
    socket.closed.then(
      () => this.#settleClosed.resolve(),
      (error: unknown) => this.#settleClosed.reject(socketError(error)),
    );
  }

  get secureTransport(): SecureTransportKind {
    return this.#kind.secure;
  }
  get upgraded(): boolean {
    return this.#upgraded;
  }
  get readable(): Contract['readable'] {
    return this.#reader.readable;
  }
  get writable(): Contract['writable'] {
    return this.#writer.writable;
  }

  close(reason?: unknown): Promise<void> {
    if (this.#state === 'opening' || (this.#state === 'open' && reason !== undefined)) {
      this.#reset(reason ?? new SocketError('the socket was closed'));
    } else if (this.#state === 'open') {
      this.#state = 'closing';
      this.#reader.end();
      void this.#leave();
    }
    return this.closed;
  }

  startTls(options?: StartTlsOptions | null): Contract {
    if (this.#kind.secure !== 'starttls') {
      throw new SocketError("startTls() needs secureTransport: 'starttls'");
    }
    if (this.#state === 'closing' || this.#reader.over || this.#writer.over) {
      throw new SocketError(
        this.#upgraded ? 'startTls() has been called before' : 'the socket, or one of its directions, is closed',
      );
    }
    const servername = options?.servername || options?.expectedServerHostname;
    const tls = { ...this.#kind.tls, ...(servername && { servername: String(servername) }) };
    this.#state = 'closing';
    this.#upgraded = true;
    this.#reader.release();
    this.#writer.release(new SocketError('the socket has been upgraded: startTls() returned the one to use'));
    this.#below.releaseLock();
    this.#settleClosed.resolve();
    try {
      return new Socket(this.#socket.startTls(tls), { ...this.#kind, secure: 'on' });
    } catch (error) {
      this.#socket.abort(error);
      throw socketError(error);
    }
  }

  get [Symbol.toStringTag](): string {
    return 'Socket';
  }

  /** The readable has ended: with the peer's FIN, unless there is an error. */
  #finished(error: unknown): void {
    if (error === undefined && !this.#kind.allowHalfOpen && this.#state !== 'closing') {
      this.#state = 'closing';
      void this.#leave();
    }
  }

  /** Sends what has been written, and closes the connection. */
  async #leave(): Promise<void> {
    if (this.writable.locked) {
      await this.#writer.flushed();
      this.#writer.fail(new SocketError('the socket is closed'));
    } else {
      // Already closed or aborted: then there is nothing to be done.
      await this.writable.close().catch(() => {});
    }
    quiet(this.#socket.close());
  }

  #reset(reason: unknown): void {
    this.#state = 'closing';
    this.#settleOpened.reject(reason);
    this.#settleClosed.resolve();
    this.#reader.end();
    this.#writer.fail(reason);
    this.#socket.abort(reason);
  }
}

function information({ remoteAddress, remotePort, localAddress, localPort, tls }: TcpOpened): SocketInfo {
  return {
    remoteAddress: `${remoteAddress}:${remotePort}`,
    localAddress: `${localAddress}:${localPort}`,
    alpn: tls?.protocol ?? null,
  };
}
