import { describe, expect, test } from 'vitest';
import type { Bytes, HttpHead } from '../messages.js';
import type { Decoders } from '../types.js';
import { acceptEncoding, decode } from './codings.js';

const text = 'again and '.repeat(5_000);

const bytes = (string: string): Bytes => new TextEncoder().encode(string);

async function coded(format: CompressionFormat, content: BlobPart = text): Promise<Bytes> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Of `hello `, three thousand times: a frame without a checksum, by the reference implementation. */
const ZSTD = Uint8Array.from(atob('KLUv/QBYdQAAMGhlbGxvIAEAR0b2UgQ='), (character) => character.charCodeAt(0));

/** Decodes pieces of a body; `failure` is what the body fails with behind them. */
function decoded(codings: string, pieces: Bytes[], own: Decoders = {}, failure?: Error) {
  const head: HttpHead = { status: 200, statusText: '', headers: [['content-encoding', codings]] };
  const state = { cancelled: undefined as unknown, broken: undefined as unknown };
  const body = new ReadableStream<Bytes>(
    {
      pull(controller) {
        const piece = pieces.shift();
        if (piece) {
          controller.enqueue(piece);
        } else if (failure) {
          controller.error(failure);
        } else {
          controller.close();
        }
      },
      cancel(reason) {
        state.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  const stream = decode(body, head, own, (error) => {
    state.broken = error;
  });
  return { state, stream, text: async () => new Response(await stream).text() };
}

const split = (whole: Bytes, ...sizes: number[]): Bytes[] => {
  const pieces: Bytes[] = [];
  for (const size of sizes) {
    pieces.push(whole.slice(0, size));
    whole = whole.slice(size);
  }
  return [...pieces, whole];
};

describe('what is undone', () => {
  test.each([
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['deflate', 'deflate'],
    ['deflate', 'deflate-raw'],
  ] as const)('%s that is %s, however it is cut', async (coding, format) => {
    const whole = await coded(format);
    expect(await decoded(coding, [whole]).text()).toBe(text);
    expect(await decoded(coding, split(whole, 0, 1, 0, 1, 3)).text()).toBe(text);
  });

  test('zstd, in one frame and in two', async () => {
    expect(await decoded('zstd', split(ZSTD, 1, 5)).text()).toBe('hello '.repeat(3_000));
    expect(await decoded('zstd', [ZSTD, ZSTD]).text()).toBe('hello '.repeat(6_000));
  });

  test('one coding after the other, the last first', async () => {
    const whole = await coded('deflate', await coded('gzip'));
    expect(await decoded('gzip, identity,deflate', [whole]).text()).toBe(text);
  });

  test('nothing at all is nothing in every coding', async () => {
    for (const coding of ['gzip', 'deflate', 'zstd']) {
      expect(await decoded(coding, []).text()).toBe('');
      expect(await decoded(coding, [bytes('')]).text()).toBe('');
    }
  });

  test('by a decoder of the program, before our own', async () => {
    const shout = () =>
      new TransformStream<Bytes, Bytes>({
        transform: (piece, controller) => controller.enqueue(bytes(new TextDecoder().decode(piece).toUpperCase())),
      });
    expect(await decoded('loud', [bytes('he'), bytes('llo')], { loud: shout }).text()).toBe('HELLO');
    expect(await decoded('gzip', [bytes('hello')], { gzip: async () => shout() }).text()).toBe('HELLO');
  });

  test('what nobody knows stays as it is, with all that was done behind it', async () => {
    expect(await decoded('rot13', [bytes('uryyb')]).text()).toBe('uryyb');
    expect(await decoded('rot13, gzip', [bytes('uryyb')]).text()).toBe('uryyb');
  });

  test('what is asked for is what can be undone', () => {
    expect(acceptEncoding({})).toBe('gzip, deflate, zstd');
    expect(acceptEncoding({ br: () => new TransformStream(), gzip: () => new TransformStream() })).toBe(
      'gzip, deflate, zstd, br',
    );
  });
});

describe('what cannot be', () => {
  test.each([
    ['gzip', 'gzip', -9],
    ['gzip', 'gzip', -1],
    ['deflate', 'deflate', -1],
    ['gzip', 'deflate', undefined],
    ['zstd', 'gzip', undefined],
  ] as const)('%s of %s up to %s fails, with a cause', async (coding, format, end) => {
    const { text: read, state, stream } = decoded(coding, [(await coded(format)).slice(0, end)]);
    const reader = (await stream).getReader();
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'EHTTP' } });
    expect(state.broken).toBeInstanceOf(TypeError);
    expect(read).toBeTypeOf('function');
  });

  test('zstd that is cut short fails too', async () => {
    await expect(decoded('zstd', [ZSTD.slice(0, -3)]).text()).rejects.toMatchObject({ cause: { code: 'EHTTP' } });
  });

  test('more codings than anybody needs are refused', async () => {
    await expect(decoded('gzip, '.repeat(6), []).text()).rejects.toMatchObject({ cause: { code: 'EHTTP' } });
  });

  test('a body that breaks off fails as it did', async () => {
    const reset = new Error('connection reset');
    const whole = await coded('gzip');
    await expect(decoded('gzip', [whole.slice(0, 20)], {}, reset).text()).rejects.toBe(reset);
    await expect(decoded('gzip', [], {}, reset).text()).rejects.toBe(reset);
  });
});

test('who gives up reading cancels what is below, and reads by its own buffer where it likes', async () => {
  // Of noise, there is more in each piece than anybody takes ahead.
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const whole = await coded('gzip', noise);
  const { stream, state } = decoded('gzip', split(whole, ...Array(50).fill(1_000)));
  const reader = (await stream).getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint8Array(5));
  expect(value).toEqual(noise.slice(0, 5));
  await reader.cancel('enough');
  expect(state.cancelled).toBe('enough');
});
