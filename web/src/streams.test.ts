import { describe, expect, test } from 'vitest';
import type { Bytes } from './messages.js';
import { ByteReader, LARGEST_PIECE, Outbox } from './streams.js';

const KIB = 1024;

/** A stack that takes what it is sent only when it is told to. */
class Stack {
  taken: Bytes[] = [];
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  readonly send = (bytes: Bytes): Promise<void> => {
    this.taken.push(bytes);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
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
    await outbox.write(new Uint8Array(200 * KIB));
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
    while (!(await isSettled(written))) {
      await stack.acknowledge();
    }
    expect(stack.taken.map((bytes) => bytes.byteLength)).toEqual([LARGEST_PIECE, LARGEST_PIECE, 5]);
    chunk.fill(2);
    expect(stack.taken.every((bytes) => bytes.every((byte) => byte === 1))).toBe(true);
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
    const waiting = expect(outbox.write(new Uint8Array(LARGEST_PIECE))).rejects.toThrow('reset');
    const drained = expect(outbox.drained()).rejects.toThrow('reset');
    await stack.fail(new Error('reset'));
    await waiting;
    await drained;
    await expect(outbox.write('more')).rejects.toThrow('reset');
  });
});

describe('the reader', () => {
  test('asks only for what its reader wants', async () => {
    let asked = 0;
    const reader = new ByteReader({
      read: async () => {
        asked += 1;
        return new Uint8Array(100 * KIB);
      },
      cancel: () => {},
      ended: () => {},
    });
    await turn();
    // 256 KiB wait: the third piece went over.
    expect(asked).toBe(3);
    const taking = reader.readable.getReader();
    await taking.read();
    await turn();
    expect(asked).toBe(4);
  });

  test('fills a buffer that its reader brought', async () => {
    const source = [new Uint8Array([1, 2, 3]), null];
    const { readable } = new ByteReader({ read: async () => source.shift() ?? null, cancel: () => {}, ended: () => {} });
    const taking = readable.getReader({ mode: 'byob' });
    const first = await taking.read(new Uint8Array(2));
    const second = await taking.read(new Uint8Array(2));
    expect([first.value, second.value]).toEqual([new Uint8Array([1, 2]), new Uint8Array([3])]);
    expect((await taking.read(new Uint8Array(2))).done).toBe(true);
  });

  test('ends with its source, in order or not', async () => {
    const ends: unknown[] = [];
    const make = (read: () => Promise<Bytes | null>) =>
      new ByteReader({ read, cancel: () => {}, ended: (error) => ends.push(error) }).readable.getReader();
    expect((await make(async () => null).read()).done).toBe(true);
    await expect(make(() => Promise.reject(new Error('reset'))).read()).rejects.toThrow('reset');
    expect(ends).toEqual([undefined, new Error('reset')]);
  });
});
