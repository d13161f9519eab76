/** Reads an answer's body: counts, hashes, and keeps the beginning of it to be looked at. */
import { Sha256 } from './sha256.js';

/** Bytes of the body that are kept for the views: of a picture or a page, and of anything else. */
const mostKept = { whole: 8 * 1024 * 1024, part: 128 * 1024 };

export interface Progress {
  /** Bytes of the body so far. */
  received: number;
  /** Bytes that the server promised, if it did and nothing was compressed. */
  promised: number | undefined;
  /** Milliseconds from the request to now, or to the end. */
  elapsed: number;
  /** Milliseconds from the request to the head of the answer. */
  first: number;
}

export class Download {
  readonly response: Response;
  readonly progress: Progress;
  /** The beginning of the body, in the pieces in which it came. */
  readonly kept: Uint8Array<ArrayBuffer>[] = [];
  private readonly hash = new Sha256();
  private readonly started: number;
  private readonly room: number;
  private keptLength = 0;

  constructor(response: Response, started: number) {
    this.response = response;
    this.started = started;
    const whole = /^(image\/|text\/html)/i.test(response.headers.get('content-type') ?? '');
    this.room = whole ? mostKept.whole : mostKept.part;
    const first = performance.now() - started;
    this.progress = { received: 0, promised: promisedLength(response), elapsed: first, first };
  }

  /** Reads to the end, telling `changed` after every piece; answers the SHA-256 of the body. */
  async read(changed: () => void): Promise<string> {
    const reader = this.response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      this.progress.elapsed = performance.now() - this.started;
      if (done || value === undefined) break;
      this.progress.received += value.length;
      this.hash.update(value);
      this.keep(value);
      changed();
    }
    return this.hash.digest();
  }

  /** Whether the views show all of the body. */
  get complete(): boolean {
    return this.keptLength === this.progress.received;
  }

  private keep(piece: Uint8Array<ArrayBuffer>): void {
    if (this.keptLength >= this.room) return;
    const kept = piece.subarray(0, this.room - this.keptLength);
    this.kept.push(kept);
    this.keptLength += kept.length;
  }
}

function promisedLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  if (length === null || !/^\d+$/.test(length) || response.headers.has('content-encoding')) return undefined;
  return Number(length);
}
