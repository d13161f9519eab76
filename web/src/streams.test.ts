import { describe, expect, test } from 'vitest';
import { type Bytes, LARGEST_PIECE } from './messages.js';
import { ByteReader, Outbox, type Source, WINDOW } from './streams.js';

const KIB = 1024;

/** A stack that takes what it is sent only when it is told to. */
class Stack {
  taken: Bytes[] = [];
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  readonly send = (bytes: Bytes): Promise<Bytes> => {
    this.taken.push(bytes.slice());
    // As sending to another thread does, so that nobody writes to what is under way.
    const underWay = structuredClone(bytes, { transfer: [bytes.buffer] });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve: () => resolve(underWay), reject }));
  };

  get underWay(): number {
    return this.#waiting.length;
  }

  async acknowledge(): Promise<void> {
    this.#waiting.shift()?.resolve();
    await turn();
  }

  async fail(error: unknown): Promise<void> {
    this.#waiting.shift()?.reject(error);
    await turn();
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  await turn();
  return settled;
}

describe('the outbox', () => {
  test('takes small writes at once, and sends those together that meet others under way', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    for (const word of ['a', 'b', 'c', 'd', 'e']) {
      await outbox.write(word);
    }
    expect(stack.taken.map((bytes) => new TextDecoder().decode(bytes))).toEqual(['a', 'b']);
    await stack.acknowledge();
    expect(new TextDecoder().decode(stack.taken[2])).toBe('cde');
  });

  test('makes a writer wait while a window is under way', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    await outbox.write(new Uint8Array(WINDOW - 56 * KIB));
    const second = outbox.write(new Uint8Array(100 * KIB));
    expect(await isSettled(second)).toBe(false);
    await stack.acknowledge();
    expect(await isSettled(second)).toBe(true);
  });

  test('never sends more at once than one call moves, and copies what the program keeps', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    const chunk = new Uint8Array(LARGEST_PIECE * 2 + 5).fill(1);
    const written = outbox.write(chunk);
    while (!(await isSettled(written)) || stack.underWay > 0) {
      await stack.acknowledge();
    }
    expect(stack.taken.map((bytes) => bytes.byteLength)).toEqual([LARGEST_PIECE, LARGEST_PIECE, 5]);
    chunk.fill(2);
    expect(stack.taken.every((bytes) => bytes.every((byte) => byte === 1))).toBe(true);
  });

  test('fills buffers again that came back, and only what was written leaves', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    for (let round = 1; round <= 40; round++) {
      // The third meets two under way, and what is left of it waits.
      const written = outbox.write(new Uint8Array(2 * LARGEST_PIECE + round * KIB).fill(round));
      while (!(await isSettled(written)) || stack.underWay > 0) {
        await stack.acknowledge();
      }
    }
    const lengths = [...Array(40)].flatMap((_, index) => [LARGEST_PIECE, LARGEST_PIECE, (index + 1) * KIB]);
    expect(stack.taken.map((bytes) => bytes.byteLength)).toEqual(lengths);
    expect(stack.taken.every((bytes, at) => bytes.every((byte) => byte === 1 + Math.floor(at / 3)))).toBe(true);
  });

  test('is drained when all is taken', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    await outbox.write('x');
    const drained = outbox.drained();
    expect(await isSettled(drained)).toBe(false);
    await stack.acknowledge();
    expect(await isSettled(drained)).toBe(true);
  });

  test('fails whoever waits, and whoever writes later', async () => {
    const stack = new Stack();
    const outbox = new Outbox(stack.send);
    // Whoever expects a rejection must listen before it comes.
    const waiting = expect(outbox.write(new Uint8Array(WINDOW))).rejects.toThrow('reset');
    const drained = expect(outbox.drained()).rejects.toThrow('reset');
    await stack.fail(new Error('reset'));
    await waiting;
    await drained;
    await expect(outbox.write('more')).rejects.toThrow('reset');
  });
});

/** Notes what a reader asks of it. */
class Asked implements Source {
  credits: number[] = [];
  ends: unknown[] = [];
  cancelled = false;

  credit(bytes: number): void {
    this.credits.push(bytes);
  }
  cancel(): void {
    this.cancelled = true;
  }
  ended(error?: unknown): void {
    this.ends.push(error);
  }
  get total(): number {
    return this.credits.reduce((sum, bytes) => sum + bytes, 0);
  }
}

describe('the reader', () => {
  test('gives credit for what it has room for, and no more while its reader takes nothing', async () => {
    const asked = new Asked();
    const reader = new ByteReader(asked);
    await turn();
    expect(asked.total).toBe(WINDOW);
    for (let sent = 0; sent < WINDOW; sent += 64 * KIB) {
      reader.push(new Uint8Array(64 * KIB));
    }
    await turn();
    expect(asked.total).toBe(WINDOW);
  });

  test('gives credit again for what its reader took, in few messages', async () => {
    const asked = new Asked();
    const reader = new ByteReader(asked);
    await turn();
    const taking = reader.readable.getReader();
    let sent = 0;
    let taken = 0;
    while (taken < 20 * WINDOW) {
      for (; sent < asked.total; sent += 64 * KIB) {
        reader.push(new Uint8Array(64 * KIB));
      }
      taken += (await taking.read()).value?.byteLength ?? 0;
      await turn();
      expect(asked.total - taken).toBeLessThanOrEqual(WINDOW);
    }
    expect(asked.credits.length).toBeLessThanOrEqual(2 * 20 + 1);
  });

  test('gives credit to a reader who waits for more than the window', async () => {
    const asked = new Asked();
    const reader = new ByteReader(asked);
    await turn();
    const whole = reader.readable.getReader({ mode: 'byob' }).read(new Uint8Array(3 * WINDOW), { min: 3 * WINDOW });
    for (let sent = 0; sent < 3 * WINDOW; sent += 64 * KIB) {
      expect(asked.total).toBeGreaterThanOrEqual(sent + 64 * KIB);
      reader.push(new Uint8Array(64 * KIB).fill(1));
      await turn();
    }
    const { value } = await whole;
    expect(value?.byteLength).toBe(3 * WINDOW);
    expect(value?.every((byte) => byte === 1)).toBe(true);
  });

  test('fills a buffer that its reader brought', async () => {
    const reader = new ByteReader(new Asked());
    const taking = reader.readable.getReader({ mode: 'byob' });
    const first = taking.read(new Uint8Array(2));
    await turn();
    reader.push(new Uint8Array([1, 2, 3]));
    expect((await first).value).toEqual(new Uint8Array([1, 2]));
    expect((await taking.read(new Uint8Array(2))).value).toEqual(new Uint8Array([3]));
    const last = taking.read(new Uint8Array(2));
    await turn();
    reader.end();
    expect((await last).done).toBe(true);
  });

  test('ends with its source, in order or not, and says so once', async () => {
    const asked = new Asked();
    const ends = new ByteReader(asked);
    ends.push(new Uint8Array([1]));
    ends.end();
    ends.fail(new Error('late'));
    const taking = ends.readable.getReader();
    expect((await taking.read()).value).toEqual(new Uint8Array([1]));
    expect((await taking.read()).done).toBe(true);
    const breaks = new ByteReader(asked);
    breaks.fail(new Error('reset'));
    breaks.end();
    breaks.push(new Uint8Array([2]));
    await expect(breaks.readable.getReader().read()).rejects.toThrow('reset');
    expect(asked.ends).toEqual([undefined, new Error('reset')]);
  });

  test('an error waits until what came before it was read, but for one that gives everything up', async () => {
    const asked = new Asked();
    const breaks = new ByteReader(asked);
    breaks.push(new Uint8Array([1]));
    breaks.push(new Uint8Array([2]));
    breaks.fail(new Error('reset'));
    expect(asked.ends).toEqual([new Error('reset')]);
    const taking = breaks.readable.getReader();
    expect((await taking.read()).value).toEqual(new Uint8Array([1]));
    await turn();
    expect((await taking.read()).value).toEqual(new Uint8Array([2]));
    await expect(taking.read()).rejects.toThrow('reset');
    const gone = new ByteReader(asked);
    gone.push(new Uint8Array([1]));
    gone.fail(new Error('reset'));
    gone.abort(new Error('given up'));
    await expect(gone.readable.getReader().read()).rejects.toThrow('given up');
  });

  test('drops what comes to a reader that has gone, and still hears of the end', async () => {
    const asked = new Asked();
    const reader = new ByteReader(asked);
    await reader.readable.cancel();
    expect(asked.cancelled).toBe(true);
    reader.push(new Uint8Array([1]));
    reader.end();
    expect(asked.ends).toEqual([undefined]);
  });
});
