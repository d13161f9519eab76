/**
 * Streams around a socket's own, for the standards whose streams differ in their errors and in what ends them. Each tells its owner
 * once that it has ended: without an error when it was closed, cancelled or aborted.
 */

import { quiet } from './errors.js';
import type { Bytes } from './messages.js';

export interface Owner {
  /** The error that the program sees. */
  failure(error: unknown): unknown;
  ended(error?: unknown): void;
  /** The program has cancelled or aborted it. Without this, that is an end like others. */
  abandoned?(): void;
}

function abandon(owner: Owner): void {
  if (owner.abandoned) {
    owner.abandoned();
  } else {
    owner.ended();
  }
}

/** A readable that follows another. Nothing is read ahead: the other one does that. */
abstract class Follower<T, C extends ReadableByteStreamController | ReadableStreamDefaultController> {
  protected controller!: C;
  readonly #reader: ReadableStreamDefaultReader<T>;
  readonly #owner: Owner;
  #pulling: Promise<void> = Promise.resolve();
  #over = false;

  constructor(inner: ReadableStream<T>, owner: Owner) {
    this.#reader = inner.getReader();
    this.#owner = owner;
    this.#reader.closed.then(
      // The last value may be on its way still: the other stream is closed as soon as its queue is empty.
      () => this.#pulling.then(() => this.end()),
      (error: unknown) => this.fail(error),
    );
  }

  /** Ends it in order. */
  end(): void {
    if (!this.#over) {
      this.#over = true;
      this.controller.close();
      if ('byobRequest' in this.controller) {
        this.controller.byobRequest?.respond(0);
      }
      this.#owner.ended();
    }
  }

  fail(error: unknown): void {
    if (!this.#over) {
      this.#over = true;
      const failure = this.#owner.failure(error);
      this.controller.error(failure);
      this.#owner.ended(failure);
    }
  }

  /** Ends it in order, and gives the other stream back with what has not been read of it. */
  release(): void {
    this.end();
    this.#reader.releaseLock();
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over;
  }

  protected abstract deliver(value: T): void;
  /** A value that was on its way when the program cancelled. */
  protected discard(_value: T): void {}

  protected pull(): Promise<void> {
    this.#pulling = this.#pull();
    return this.#pulling;
  }

  protected cancel(reason: unknown): void {
    quiet(this.#reader.cancel(reason));
    // What is left of bytes may be cancelled after the end.
    if (!this.#over) {
      this.#over = true;
      abandon(this.#owner);
    }
  }

  async #pull(): Promise<void> {
    // How the other stream ends is heard whether somebody reads or not.
    const { value, done } = await this.#reader.read().catch(() => ({ value: undefined, done: true as const }));
    if (!done) {
      if (this.#over) {
        this.discard(value);
      } else {
        this.deliver(value);
      }
    }
  }
}

/** The bytes of another stream. */
export class WrappedBytes extends Follower<Bytes, ReadableByteStreamController> {
  readonly readable: ReadableStream<Bytes>;

  constructor(inner: ReadableStream<Bytes>, owner: Owner) {
    super(inner, owner);
    this.readable = new ReadableStream(
      {
        type: 'bytes',
        start: (controller: ReadableByteStreamController) => {
          this.controller = controller;
        },
        pull: () => this.pull(),
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  protected override deliver(bytes: Bytes): void {
    this.controller.enqueue(bytes);
  }
}

/** What another stream yields, each turned into something else. */
export class WrappedValues<T, U> extends Follower<T, ReadableStreamDefaultController<U>> {
  readonly readable: ReadableStream<U>;
  readonly #turn: (value: T) => U;
  readonly #unwanted: (value: T) => void;

  constructor(inner: ReadableStream<T>, turn: (value: T) => U, owner: Owner, unwanted: (value: T) => void = () => {}) {
    super(inner, owner);
    this.#turn = turn;
    this.#unwanted = unwanted;
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.controller = controller;
        },
        pull: () => this.pull(),
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  protected override deliver(value: T): void {
    this.controller.enqueue(this.#turn(value));
  }

  protected override discard(value: T): void {
    this.#unwanted(value);
  }
}

export interface Sink<T> {
  write(chunk: T): Promise<void>;
  close(): Promise<void>;
  /** Nothing more will be written. */
  abort(reason: unknown): void;
}

/** A writable that its owner can fail as well. */
export class WrappedWriter<T> {
  readonly writable: WritableStream<T>;
  readonly #owner: Owner;
  readonly #sink: Sink<T>;
  #controller!: WritableStreamDefaultController;
  /** What was written and the sink has not done yet; the first of them may be with it. */
  readonly #waiting: T[] = [];
  #busy = false;
  #flushed: (() => void)[] = [];
  #closing = false;
  #over = false;

  constructor(sink: Sink<T>, owner: Owner) {
    this.#sink = sink;
    this.#owner = owner;
    this.writable = new WritableStream<T>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        write: async (chunk) => {
          this.#busy = true;
          await this.#until(sink.write(chunk));
          this.#busy = false;
          this.#waiting.shift();
          this.#wake();
        },
        close: async () => {
          this.#closing = true;
          try {
            await this.#until(sink.close());
          } finally {
            this.#ended();
          }
        },
        abort: (reason) => {
          sink.abort(reason);
          // Unless it broke while a write was being let go.
          if (!this.#over) {
            this.#over = true;
            this.#wake();
            abandon(this.#owner);
          }
        },
      },
      {
        highWaterMark: 1,
        // Asked for with each write, before it waits for its turn.
        size: (chunk) => {
          this.#waiting.push(chunk);
          return 1;
        },
      },
    );
  }

  /** Resolves when what has been written is with the sink, or lost. */
  async flushed(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#over) {
      await new Promise<void>((resolve) => this.#flushed.push(resolve));
    }
  }

  /** Whether it has ended, or is about to. */
  get over(): boolean {
    return this.#over || this.#closing;
  }

  /** Fails it; but what has been written goes to the sink all the same, at once. */
  release(error: unknown): void {
    for (const chunk of this.#waiting.slice(this.#busy ? 1 : 0)) {
      quiet(this.#sink.write(chunk));
    }
    this.fail(error);
  }

  fail(error: unknown): void {
    if (!this.#over) {
      const failure = this.#owner.failure(error);
      this.#controller.error(failure);
      this.#ended(failure);
    }
  }

  #ended(error?: unknown): void {
    if (!this.#over) {
      this.#over = true;
      this.#wake();
      this.#owner.ended(error);
    }
  }

  #wake(): void {
    for (const wake of this.#flushed.splice(0)) {
      wake();
    }
  }

  /** Waits for what was started, but not once the program has aborted. */
  async #until(started: Promise<void>): Promise<void> {
    const { signal } = this.#controller;
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
    });
    try {
      await Promise.race([started, aborted]);
    } catch (error) {
      if (signal.aborted) {
        throw signal.reason;
      }
      const failure = this.#owner.failure(error);
      this.#ended(failure);
      throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
