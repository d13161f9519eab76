/** A socket of the Sockets API, around one of our own. */

import { quiet } from '../errors.js';
import type { TcpOpened, TcpSocket } from '../types.js';
import { WrappedBytes, WrappedWriter } from '../wrapped.js';
import { noTls, SocketError, socketError } from './error.js';
import type { Socket as Contract, SecureTransportKind, SocketInfo } from './types.js';

export class Socket implements Contract {
  readonly opened: Promise<SocketInfo>;
  readonly closed: Promise<void>;
  readonly secureTransport: SecureTransportKind;
  readonly upgraded = false;

  readonly #socket: TcpSocket;
  readonly #reader: WrappedBytes;
  readonly #writer: WrappedWriter<Uint8Array | ArrayBuffer | string>;
  readonly #allowHalfOpen: boolean;
  #state: 'opening' | 'open' | 'closing' = 'opening';
  #settleOpened!: { resolve(info: SocketInfo): void; reject(error: unknown): void };
  #settleClosed!: { resolve(): void; reject(error: unknown): void };

  constructor(socket: TcpSocket, secureTransport: SecureTransportKind, allowHalfOpen: boolean) {
    this.#socket = socket;
    this.secureTransport = secureTransport;
    this.#allowHalfOpen = allowHalfOpen;
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

  startTls(): Contract {
    if (this.secureTransport !== 'starttls') {
      throw new SocketError("startTls() needs secureTransport: 'starttls'");
    }
    throw noTls();
  }

  get [Symbol.toStringTag](): string {
    return 'Socket';
  }

  /** The readable has ended: with the peer's FIN, unless there is an error. */
  #finished(error: unknown): void {
    if (error === undefined && !this.#allowHalfOpen && this.#state !== 'closing') {
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

function information({ remoteAddress, remotePort, localAddress, localPort }: TcpOpened): SocketInfo {
  return { remoteAddress: `${remoteAddress}:${remotePort}`, localAddress: `${localAddress}:${localPort}`, alpn: null };
}
