/** Who may hold a connection: so many to one server and so many in all. Others wait in the order of their coming. */

import { EthertabError } from '../errors.js';

interface Waiting {
  server: string;
  resolve(): void;
}

export class Slots {
  readonly #each: number;
  readonly #all: number;
  readonly #most: number;
  readonly #held = new Map<string, number>();
  #total = 0;
  #waiting: Waiting[] = [];

  /** `each`: to one server; `all`: together; `most` may wait. */
  constructor(each: number, all: number, most: number) {
    this.#each = each;
    this.#all = all;
    this.#most = most;
  }

  /** Waits for a slot, which must be given back, unless `gone` settles first: then that is what it fails with. EMFILE if too many wait. */
  async take(server: string, gone: Promise<never>): Promise<void> {
    if (this.#free(server)) {
      this.#take(server);
      return;
    }
    if (this.#waiting.length >= this.#most) {
      throw new EthertabError('EMFILE', `${this.#most} requests wait for a connection`);
    }
    const waiting: Waiting = { server, resolve: () => {} };
    const granted = new Promise<void>((resolve) => {
      waiting.resolve = resolve;
    });
    this.#waiting.push(waiting);
    try {
      await Promise.race([granted, gone]);
    } catch (error) {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) {
        this.#waiting.splice(at, 1);
      } else {
        // It was granted in the same moment.
        this.give(server);
      }
      throw error;
    }
  }

  give(server: string): void {
    const held = (this.#held.get(server) ?? 0) - 1;
    this.#total -= 1;
    if (held > 0) {
      this.#held.set(server, held);
    } else {
      this.#held.delete(server);
    }
    const at = this.#waiting.findIndex((waiting) => this.#free(waiting.server));
    const [next] = at >= 0 ? this.#waiting.splice(at, 1) : [];
    if (next) {
      this.#take(next.server);
      next.resolve();
    }
  }

  #take(server: string): void {
    this.#held.set(server, (this.#held.get(server) ?? 0) + 1);
    this.#total += 1;
  }

  #free(server: string): boolean {
    return this.#total < this.#all && (this.#held.get(server) ?? 0) < this.#each;
  }
}
