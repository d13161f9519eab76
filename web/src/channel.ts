/** The page's end of the line to the Worker. */

import { EthertabError, fromPlain, quiet } from './errors.js';
import {
  type Arguments,
  type Bytes,
  type CallName,
  type FromWorker,
  type Id,
  type Pushed,
  type Result,
  type ToWorker,
  UNANSWERED,
} from './messages.js';

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** What the Worker tells without having been asked. */
export type Told = Exclude<FromWorker, { type: 'answer' } | { type: 'failure' } | Pushed>;

/** Takes what the Worker pushes. */
export interface Receiver {
  push(piece: Bytes): void;
  /** In order, or by an error. */
  end(): void;
  fail(error: unknown): void;
}

export class Channel {
  /** Hears what the Worker tells. */
  told: (message: Told) => void = () => {};
  /** Hears that the Worker died. */
  died: (error: EthertabError) => void = () => {};

  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #receivers = new Map<Id, Receiver>();
  readonly #ending = new Set<(error: unknown) => void>();
  #lastId = 0;
  #over: EthertabError | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(event.data);
    worker.onmessageerror = () => this.#die('the Worker sent something that could not be read');
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault?.();
      this.#die(event.message || 'the Worker could not be started');
    };
  }

  /** A name for a socket, unused so far. */
  newId(): Id {
    this.#lastId += 1;
    return this.#lastId;
  }

  call<N extends CallName>(call: N, args: Arguments<N>, transfer: Transferable[] = []): Promise<Result<N>> {
    if (this.#over) {
      return quiet(Promise.reject(this.#over));
    }
    const id = this.newId();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
      try {
        this.#worker.postMessage({ id, call, args } as ToWorker, transfer);
      } catch (error) {
        this.#pending.delete(id);
        reject(new EthertabError('EINVAL', `not something that can be sent to the Worker: ${String(error)}`));
      }
    });
  }

  /** The same, when neither the result nor a failure matters. */
  tell<N extends CallName>(call: N, args: Arguments<N>, transfer: Transferable[] = []): void {
    if (this.#over) {
      return;
    }
    try {
      this.#worker.postMessage({ id: UNANSWERED, call, args } as ToWorker, transfer);
    } catch {
      // Not something that can be sent.
    }
  }

  /** From now on, and until its end, `receiver` gets what is pushed from there. */
  receive(from: Id, receiver: Receiver): void {
    if (this.#over) {
      receiver.fail(this.#over);
    } else {
      this.#receivers.set(from, receiver);
    }
  }

  /** Nobody takes what is pushed from there any more. */
  forget(from: Id): void {
    this.#receivers.delete(from);
  }

  /** Until the returned function is called, `act` hears when the channel fails, whether or not something is pending then. */
  whenItFails(act: (error: unknown) => void): () => void {
    this.#ending.add(act);
    return () => this.#ending.delete(act);
  }

  /** Ends the Worker; what is pending and what comes later fails with `error`. */
  terminate(error: EthertabError): void {
    this.fail(error);
    this.#worker.terminate();
  }

  /** Fails what is pending and what comes later. */
  fail(error: EthertabError): void {
    this.#over ??= error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of pending) {
      call.reject(this.#over);
    }
    const receivers = [...this.#receivers.values()];
    this.#receivers.clear();
    for (const receiver of receivers) {
      receiver.fail(this.#over);
    }
    // Who hears of it leaves the set meanwhile.
    for (const act of this.#ending) {
      act(this.#over);
    }
  }

  #receive(message: FromWorker): void {
    if (message.type === 'answer' || message.type === 'failure') {
      const call = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.type === 'answer') {
        call?.resolve(message.result);
      } else {
        call?.reject(fromPlain(message.error));
      }
    } else if (message.type === 'bytes') {
      this.#pushed(message);
    } else {
      this.told(message);
    }
  }

  #pushed({ from, pieces, error }: Pushed): void {
    const receiver = this.#receivers.get(from);
    for (const piece of pieces) {
      receiver?.push(piece);
    }
    if (pieces.length === 0) {
      this.#receivers.delete(from);
      if (error) {
        receiver?.fail(fromPlain(error));
      } else {
        receiver?.end();
      }
    }
  }

  #die(reason: string): void {
    if (this.#over) {
      return;
    }
    const error = new EthertabError('EWORKER', `the network's Worker died: ${reason}`);
    this.terminate(error);
    this.died(error);
  }
}
