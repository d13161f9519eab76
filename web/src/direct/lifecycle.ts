/** What the three sockets have in common: `opened`, `closed`, and the rules of `close()`. */

import { quiet } from '../errors.js';
import { linger } from '../linger.js';
import type { Owner } from '../wrapped.js';
import { invalidState, networkError } from './failure.js';

interface OpenInfo {
  readable: ReadableStream;
  writable?: WritableStream;
}

/** What is below: a socket of ours. */
interface Socket {
  readonly closed: Promise<void>;
  close(): Promise<void>;
  /** Where closing may have to wait for a peer. */
  abort?(): void;
}

/** Waits until the socket is open, and wraps its streams, which belong to `owner`. */
export type Wrap<Below, Info> = (socket: Below, owner: Owner) => Promise<Info>;

export class Lifecycle<Info extends OpenInfo> implements Owner {
  readonly opened: Promise<Info>;
  readonly closed: Promise<void>;
  readonly failure = networkError;

  #socket: Socket | null = null;
  #info: Info | null = null;
  /** Streams that have not ended. */
  #active: number;
  #error: unknown;
  #settled = false;
  #settle!: { resolve(): void; reject(error: unknown): void };

  /** Makes the socket by `open`, and closes it when all of its `streams` have ended. */
  static of<Below extends Socket, Info extends OpenInfo>(
    streams: 1 | 2,
    open: () => Below,
    wrap: Wrap<Below, Info>,
  ): Lifecycle<Info> {
    return new Lifecycle(streams, async (life) => {
      const socket = open();
      life.#socket = socket;
      return wrap(socket, life);
    });
  }

  private constructor(streams: 1 | 2, start: (life: Lifecycle<Info>) => Promise<Info>) {
    this.#active = streams;
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.opened = quiet(
      this.#open(start).catch((error: unknown) => {
        const failure = networkError(error);
        this.#close(failure);
        throw failure;
      }),
    );
  }

  async #open(start: (life: Lifecycle<Info>) => Promise<Info>): Promise<Info> {
    const info = await start(this);
    this.#info = info;
    return info;
  }

  /** One of the streams has ended. What ended the first one says how the socket ended. */
  ended(error?: unknown): void {
    this.#error ??= error;
    this.#active -= 1;
    if (this.#active === 0) {
      const socket = this.#socket;
      if (socket) {
        const { closed, abort } = socket;
        if (abort) {
          linger({ closed, abort: () => abort.call(socket) });
        }
        quiet(socket.close());
      }
      this.#close(this.#error);
    }
  }

  /** The method of the same name, step by step. */
  close(): Promise<void> {
    const info = this.#info;
    if (!info) {
      return Promise.reject(invalidState('the socket is not open'));
    }
    if (this.#settled) {
      return this.closed;
    }
    if (info.readable.locked || info.writable?.locked) {
      return Promise.reject(invalidState('a stream of the socket is locked'));
    }
    quiet(info.readable.cancel());
    if (info.writable) {
      quiet(info.writable.abort());
    }
    return this.closed;
  }

  #close(error: unknown): void {
    this.#settled = true;
    if (error === undefined) {
      this.#settle.resolve();
    } else {
      this.#settle.reject(error);
    }
  }
}
