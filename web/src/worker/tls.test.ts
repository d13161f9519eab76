import { expect, test, vi } from 'vitest';
import type { TlsSession } from '../generated/tls.js';
import type { Bytes } from '../messages.js';
import { type Duplex, TlsStream } from './tls.js';

const text = (string: string): Bytes => new TextEncoder().encode(string);
const read = (pieces: Bytes[] | undefined) => pieces?.map((piece) => new TextDecoder().decode(piece));

/** "Encrypts" by capital letters; agrees when it hears "hello". */
class Session {
  agreed = false;
  ended = false;
  freed = 0;
  waiting: string[] = ['HELLO'];

  transmit = () => (this.waiting.length > 0 ? text(this.waiting.splice(0).join('')) : undefined);
  send = (bytes: Bytes) => text(new TextDecoder().decode(bytes).toUpperCase());
  agreement = () => (this.agreed ? { version: 'TLSv1.3' } : undefined);
  failure: Error | null = null;
  hasEnded = () => {
    if (this.failure) {
      throw this.failure;
    }
    return this.ended;
  };
  finish = () => void this.waiting.push('GOODBYE');
  free = () => {
    this.freed += 1;
  };
  receive(bytes: Bytes): Bytes {
    const said = new TextDecoder().decode(bytes);
    if (said.endsWith('forged')) {
      this.waiting.push('ALERT');
      this.failure = new Error('forged');
      if (said === 'forged') {
        throw this.failure;
      }
    }
    this.agreed ||= said === 'hello';
    this.ended ||= said === 'goodbye';
    return text(said === 'hello' || said === 'goodbye' ? '' : said.replace('forged', '').toLowerCase());
  }
  receiveEnd() {
    if (!this.ended) {
      throw new Error('truncated');
    }
  }
}

/** What the server will say, and what it was told. */
class Below implements Duplex {
  told: string[] = [];
  said: (string[] | undefined)[];
  constructor(...said: (string[] | undefined)[]) {
    this.said = said;
  }
  async read(): Promise<Bytes[] | undefined> {
    return this.said.length > 0 ? this.said.shift()?.map(text) : new Promise(() => {});
  }
  async write(bytes: Bytes): Promise<void> {
    this.told.push(new TextDecoder().decode(bytes));
    await new Promise((resolve) => setTimeout(resolve));
  }
  finish = async () => void this.told.push('<finish>');
  close = () => void this.told.push('<close>');
  abort = () => void this.told.push('<abort>');
}

function open(below: Below, session = new Session()): Promise<TlsStream> {
  return TlsStream.open(below, session as unknown as TlsSession);
}

async function opened(...said: (string[] | undefined)[]): Promise<[TlsStream, Below, Session]> {
  const below = new Below(['hello'], ...said);
  const session = new Session();
  return [await open(below, session), below, session];
}

test('the handshake goes out first, and what is written is encrypted', async () => {
  const [stream, below] = await opened();
  await stream.write(text('one'));
  await stream.finish();
  expect(below.told).toEqual(['HELLO', 'ONE', 'GOODBYE', '<finish>']);
});

test('writes under way at once go out one after the other, and the goodbye behind them', async () => {
  const [stream, below] = await opened();
  const long = text('a'.repeat(100_000));
  await Promise.all([stream.write(long), stream.write(text('b')), stream.finish()]);
  const said = below.told.join('');
  expect(said).toBe(`HELLO${'A'.repeat(100_000)}BGOODBYE<finish>`);
});

test('pieces come as they are, cut where the reader has no room for more', async () => {
  const [stream] = await opened(['ABC', 'DEF'], ['goodbye']);
  expect(read(await stream.read(4))).toEqual(['abc', 'd']);
  expect(read(await stream.read(4))).toEqual(['ef']);
  expect(await stream.read(4)).toBeUndefined();
  expect(await stream.read(4)).toBeUndefined();
});

test('a piece that is given away takes nothing of the next with it', async () => {
  const [stream] = await opened(['ABCDEF']);
  const [first] = (await stream.read(2)) ?? [];
  structuredClone(first, { transfer: [first?.buffer as ArrayBuffer] });
  expect(read(await stream.read(9))).toEqual(['cdef']);
});

test('what is forged fails, and the server learns of it', async () => {
  const [stream, below] = await opened(['forged']);
  await expect(stream.read(9)).rejects.toThrow('forged');
  expect(below.told).toEqual(['HELLO', 'ALERT']);
});

test.each([[['ONE', 'forged']], [['ONEforged']]])('what came before a failure, as %j, is read before it', async (pieces) => {
  const [stream, below] = await opened(pieces);
  expect(read(await stream.read(9))).toEqual(['one']);
  await expect(stream.read(9)).rejects.toThrow('forged');
  expect(below.told).toEqual(['HELLO', 'ALERT']);
});

test('an end without a goodbye is an error', async () => {
  const [stream] = await opened(undefined);
  await expect(stream.read(9)).rejects.toThrow('truncated');
});

test('a handshake that fails tells the server why, and leaves nothing behind', async () => {
  const below = new Below(['forged']);
  const session = new Session();
  await expect(open(below, session)).rejects.toThrow('forged');
  expect(below.told).toEqual(['HELLO', 'ALERT']);
  expect(session.freed).toBe(1);
});

test('closing says goodbye once, before the connection is closed', async () => {
  const [stream, below, session] = await opened();
  stream.close();
  stream.close();
  expect(session.freed).toBe(1);
  await expect(stream.read(9)).rejects.toMatchObject({ code: 'ECONNABORTED' });
  await expect(stream.write(text('late'))).rejects.toMatchObject({ code: 'ECONNABORTED' });
  await expect.poll(() => below.told).toEqual(['HELLO', 'GOODBYE', '<close>']);
});

test('aborting says nothing', async () => {
  const [stream, below, session] = await opened();
  stream.abort();
  stream.close();
  expect(session.freed).toBe(1);
  await expect(stream.finish()).rejects.toMatchObject({ code: 'ECONNABORTED' });
  expect(below.told).toEqual(['HELLO', '<abort>']);
});

test('a goodbye that finds no room does not hold the connection for ever', async () => {
  const [stream, below] = await opened();
  vi.useFakeTimers();
  try {
    below.write = () => new Promise(() => {});
    stream.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(below.told).toEqual(['HELLO']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(below.told).toEqual(['HELLO', '<abort>']);
  } finally {
    vi.useRealTimers();
  }
});
