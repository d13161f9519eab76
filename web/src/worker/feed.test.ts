import { describe, expect, test } from 'vitest';
import { EthertabError } from '../errors.js';
import { type Bytes, LARGEST_PIECE } from '../messages.js';
import { byteLength, Feed } from './feed.js';

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A connection whose peer always has more to say, until it ends. */
class Peer {
  limits: number[] = [];
  end: undefined | EthertabError | 'in order';
  readonly #reads: number;

  constructor(reads = Number.POSITIVE_INFINITY) {
    this.#reads = reads;
  }

  readonly read = async (limit: number): Promise<Bytes[] | undefined> => {
    this.limits.push(limit);
    if (this.limits.length >= this.#reads) {
      this.end = 'in order';
    }
    if (this.end instanceof EthertabError) {
      throw this.end;
    }
    return this.end ? undefined : [new Uint8Array(limit - 1), new Uint8Array(1)];
  };
}

function feed(peer: Peer) {
  const pushed: { bytes: number; error: unknown }[] = [];
  const fed = new Feed(peer.read, (pieces, error) => pushed.push({ bytes: byteLength(pieces), error }));
  const total = () => pushed.reduce((sum, { bytes }) => sum + bytes, 0);
  return { fed, pushed, total };
}

describe('a feed', () => {
  test('reads nothing without credit, and no more than there is credit for', async () => {
    const peer = new Peer();
    const { fed, total } = feed(peer);
    await turn();
    expect(peer.limits).toEqual([]);
    fed.credit(LARGEST_PIECE + 100);
    await turn();
    expect(peer.limits).toEqual([LARGEST_PIECE, 100]);
    fed.credit(7);
    fed.credit(5);
    await turn();
    expect(peer.limits).toEqual([LARGEST_PIECE, 100, 7, 5]);
    expect(total()).toBe(LARGEST_PIECE + 112);
  });

  test('tells of the end once, in order or by an error, and reads no more', async () => {
    for (const end of ['in order', new EthertabError('ECONNRESET', 'reset')] as const) {
      const peer = new Peer();
      const { fed, pushed } = feed(peer);
      fed.credit(10);
      await turn();
      peer.end = end;
      fed.credit(10);
      await turn();
      fed.credit(10);
      fed.discard();
      await turn();
      const error = end === 'in order' ? null : { code: 'ECONNRESET', message: 'reset' };
      expect(pushed).toEqual([
        { bytes: 10, error: null },
        { bytes: 0, error },
      ]);
      expect(peer.limits.length).toBe(2);
    }
  });

  test('reads on to nowhere when nobody wants the bytes, and still tells of the end', async () => {
    const peer = new Peer(100);
    const { fed, pushed } = feed(peer);
    fed.credit(10);
    await turn();
    fed.discard();
    await turn();
    expect(peer.limits.length).toBe(100);
    expect(pushed).toEqual([
      { bytes: 10, error: null },
      { bytes: 0, error: null },
    ]);
  });
});
