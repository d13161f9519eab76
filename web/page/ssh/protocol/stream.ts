/** A TCP socket of ours as the library's stream. It reads only when asked, so that a slow terminal slows the server down. */
import type { Stream } from '@microsoft/dev-tunnels-ssh/streams.js';
import { Buffer } from 'buffer';
import { Emitter } from 'vscode-jsonrpc';
import type { TcpSocket } from '../../../src/types.js';

export class SocketStream implements Stream {
  readonly #socket: TcpSocket;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array | ArrayBuffer | string>;
  readonly #closed = new Emitter<{ error?: Error }>();
  /** What was read and not yet asked for. */
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  isDisposed = false;

  constructor(socket: TcpSocket) {
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
    for (const promise of [socket.closed, this.#reader.closed, this.#writer.closed]) promise.catch(() => undefined);
  }

  get closed() {
    return this.#closed.event;
  }

  async read(count: number): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(piece.length);
    return Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  }

  async write(data: Buffer): Promise<void> {
    // The library uses its buffer again.
    await this.#writer.write(new Uint8Array(data));
  }

  async close(error?: Error): Promise<void> {
    if (this.isDisposed) return;
    this.isDisposed = true;
    await this.#writer.close().catch(() => undefined);
    await this.#reader.cancel().catch(() => undefined);
    this.#closed.fire(error ? { error } : {});
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.#socket.abort();
    this.#closed.fire({});
  }
}
