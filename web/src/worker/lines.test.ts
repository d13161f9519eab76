import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Network } from '../generated/ethertab.js';
import type { Bytes } from '../messages.js';
import { type Claim, type Line, Lines } from './lines.js';
import type { Tls } from './tls.js';

/** A connection whose server is silent until the test has it close. */
class Stream {
  ended: 'closed' | 'reset' | null = null;
  /** The server closes it. */
  leave: (end: undefined) => void = () => {};

  read(): Promise<Bytes[] | undefined> {
    return new Promise((resolve) => {
      this.leave = resolve;
    });
  }
  async write(): Promise<void> {}
  close(): void {
    this.ended = 'closed';
  }
  abort(): void {
    this.ended = 'reset';
  }
}

/** The server chose HTTP/2; `meanwhile` happens while that is loaded. */
class SecureStream extends Stream {
  meanwhile: () => void = () => {};
  information() {
    this.meanwhile();
    return { protocol: 'h2' };
  }
}

let opened: Stream[];
let secured: SecureStream[];
let lines: Lines;
let whileLoading: () => void;
let loadTls: () => Promise<Tls>;

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  const network = {
    configured: async () => undefined,
    connect: async () => {
      const stream = new Stream();
      opened.push(stream);
      return stream;
    },
  };
  secured = [];
  const tls = {
    secure: async () => {
      const stream = new SecureStream();
      stream.meanwhile = () => whileLoading();
      secured.push(stream);
      return stream;
    },
  };
  whileLoading = () => {};
  loadTls = async () => tls as unknown as Tls;
  lines = new Lines(network as unknown as Network, () => loadTls());
});
afterEach(() => vi.useRealTimers());

const never = new Promise<never>(() => {});
const claim = (): Claim => ({ aborted: false, gone: never, securing: null });

async function take(hostname = 'one.example'): Promise<Line> {
  const server = { secure: false, hostname, port: 80, connectTimeout: null };
  return new Promise((resolve, reject) => lines.take(claim(), server, resolve).catch(reject));
}

/** So many at once. */
const several = (count: number, hostname?: string) => Promise.all(Array.from({ length: count }, () => take(hostname)));

const ends = () => opened.map(({ ended }) => ended);

test('a connection that waits is used again, by its own server alone', async () => {
  const first = await take();
  lines.give(first);
  expect((await take('two.example')).stream).toBe(opened[1]);
  expect(await take()).toBe(first);
  expect(opened.length).toBe(2);
});

test('of several, the one that waited least', async () => {
  const first = await take();
  const second = await take();
  lines.give(first);
  vi.advanceTimersByTime(1_000);
  lines.give(second);
  expect(await take()).toBe(second);
  expect(await take()).toBe(first);
});

test('one that waits for four seconds is closed, one that is used is not', async () => {
  const first = await take();
  const second = await take();
  lines.give(first);
  lines.give(second);
  expect(await take()).toBe(second);
  vi.advanceTimersByTime(3_999);
  expect(ends()).toEqual([null, null]);
  vi.advanceTimersByTime(1);
  expect(ends()).toEqual(['closed', null]);
  // From now on it waits anew.
  lines.give(second);
  vi.advanceTimersByTime(3_999);
  expect(ends()).toEqual(['closed', null]);
  vi.advanceTimersByTime(1);
  expect(ends()).toEqual(['closed', 'closed']);
  await take();
  expect(opened.length).toBe(3);
});

test('eight wait for one server, others are closed at once', async () => {
  for (const line of await several(10)) {
    lines.give(line);
  }
  expect(ends().filter((end) => end === 'closed').length).toBe(2);
  await several(8);
  expect(opened.length).toBe(10);
});

test('sixty-four wait in all; for more, the oldest goes', async () => {
  for (let server = 0; server < 9; server += 1) {
    for (const line of await several(8, `${server}.example`)) {
      lines.give(line);
    }
  }
  expect(ends()).toEqual(opened.map((_, index) => (index < 8 ? 'closed' : null)));
  vi.advanceTimersByTime(4_000);
  expect(ends().every((end) => end === 'closed')).toBe(true);
});

test('who gives up while connecting leaves nothing behind', async () => {
  const aborted = claim();
  let leave: (error: Error) => void = () => {};
  aborted.gone = new Promise<never>((_, reject) => {
    leave = reject;
  });
  const server = { secure: false, hostname: 'one.example', port: 80, connectTimeout: null };
  const taking = lines.take(aborted, server, () => expect.unreachable());
  aborted.aborted = true;
  await expect(taking).rejects.toMatchObject({ code: 'ECONNABORTED' });
  expect(ends()).toEqual(['reset']);
  leave(new Error('enough'));
});

test('who gives up while HTTP/2 is loaded leaves a connection for others, which is closed when nobody comes', async () => {
  const server = { secure: true, hostname: 'one.example', port: 443, connectTimeout: null };
  const giveUp = async () => {
    const aborted = claim();
    whileLoading = () => {
      aborted.aborted = true;
    };
    await expect(lines.take(aborted, server, () => expect.unreachable())).rejects.toMatchObject({ code: 'ECONNABORTED' });
  };
  await giveUp();
  const line = await new Promise<Line>((resolve, reject) => lines.take(claim(), server, resolve).catch(reject));
  expect(line.stream).toBe(secured[0]);
  vi.advanceTimersByTime(60_000);
  expect(secured.map(({ ended }) => ended)).toEqual([null]);
  lines.give(line);
  vi.advanceTimersByTime(60_000);
  await giveUp();
  vi.advanceTimersByTime(60_000);
  expect(secured.map(({ ended }) => ended)).toEqual(['closed', 'closed']);
});

test('a connection for which TLS cannot be loaded is not left behind', async () => {
  loadTls = () => Promise.reject(new Error('not loaded'));
  const server = { secure: true, hostname: 'one.example', port: 443, connectTimeout: null };
  await expect(lines.take(claim(), server, () => expect.unreachable())).rejects.toThrow('not loaded');
  expect(ends()).toEqual(['reset']);
});
