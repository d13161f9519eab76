import { describe, expect, test, vi } from 'vitest';
import { turn } from '../../test/fake-network.js';
import { bytesOf, characters, joined } from '../http/characters.js';
import type { Bytes } from '../messages.js';
import { Unprocessed } from '../worker/exchange.js';
import { Http2Connection, type Line } from './connection.js';
import type { Http2Exchange } from './exchange.js';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  ErrorCode,
  type Frame,
  FrameReader,
  frame,
  PREFACE,
  Setting,
  settings,
  Type,
  word,
  words,
} from './frames.js';
import { Decoder, Encoder } from './hpack.js';

const get = (target = '/') => ({ method: 'GET', target, headers: [['Host', 'example.com']] as [string, string][] });
const post = (target = '/') => ({ ...get(target), method: 'POST' });

async function request(connection: Http2Connection, ...begin: Parameters<Http2Connection['begin']>): Promise<Http2Exchange> {
  const exchange = connection.begin(...begin);
  await exchange.receiveHead();
  return exchange;
}

async function body(exchange: Http2Exchange): Promise<Bytes> {
  const all: Bytes[] = [];
  for (let pieces = await exchange.read(); pieces; pieces = await exchange.read()) {
    all.push(...pieces);
  }
  return joined(...all);
}

const text = async (exchange: Http2Exchange) => characters(await body(exchange));

/** A server that says what the test has it say. */
class Script implements Line {
  readonly frames: Frame[] = [];
  readonly encoder = new Encoder();
  readonly connection: Http2Connection;
  readonly #reader = new FrameReader();
  #preface = '';
  readonly #said: (Bytes | undefined)[] = [];
  #wake = () => {};

  /** `first`: what it says at once; its settings, as a rule. */
  constructor(...first: Bytes[]) {
    this.connection = new Http2Connection(this);
    this.say(...first);
  }

  say(...frames: Bytes[]): void {
    this.#said.push(...frames);
    this.#wake();
  }

  async read(): Promise<Bytes[] | undefined> {
    while (this.#said.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#said.shift();
    return piece && [piece];
  }

  async write(bytes: Bytes): Promise<void> {
    if (this.#preface.length < PREFACE.length) {
      this.#preface += characters(bytes);
      expect(this.#preface).toBe(PREFACE);
      return;
    }
    for (const { payload, ...frame } of this.#reader.receive(bytes)) {
      this.frames.push({ ...frame, payload: payload.slice() });
    }
  }

  close(): void {}

  abort(): void {}

  fields(stream: number, flags: number, ...fields: [string, string][]): void {
    this.say(frame(Type.Headers, flags | END_HEADERS, stream, this.encoder.encode(fields)));
  }

  end(): void {
    this.#said.push(undefined);
    this.#wake();
  }

  of(type: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Waits until we said such a frame. */
  heard(type: number, matches: (frame: Frame) => boolean = () => true): Promise<Frame> {
    return vi.waitFor(() => this.of(type).find(matches) ?? Promise.reject(new Error(`no frame of type ${type}`)));
  }
}

describe('with a scripted server', () => {
  test('the first words are ours: the preface, our settings, our window', async () => {
    const script = new Script(settings([]));
    await script.heard(Type.Settings, ({ flags }) => flags === ACK);
    expect(script.frames.map(({ type }) => type).slice(0, 3)).toEqual([Type.Settings, Type.WindowUpdate, Type.Settings]);
    script.connection.begin(get('/x'), null, null);
    const { stream, flags, payload } = await script.heard(Type.Headers);
    expect([stream, flags]).toEqual([1, END_STREAM | END_HEADERS]);
    expect(new Decoder(10_000).decode(payload)).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'example.com'],
      [':path', '/x'],
    ]);
  });

  test('a ping is answered, whatever is unknown is not', async () => {
    const script = new Script(settings([[0x99, 5]]));
    script.say(frame(0x77, 0xff, 3, [1, 2, 3]), frame(Type.Ping, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]));
    const { flags, payload } = await script.heard(Type.Ping);
    expect([flags, ...payload]).toEqual([ACK, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('no more is sent than the windows let, also where they are made smaller', async () => {
    const script = new Script(settings([[Setting.InitialWindowSize, 10]]));
    await script.heard(Type.Settings, ({ flags }) => flags === ACK);
    const exchange = script.connection.begin(post(), bytesOf('x'.repeat(30)), null);
    expect((await script.heard(Type.Data)).payload.byteLength).toBe(10);
    // Ten are out: the window is at -5 now, and opens at 3.
    script.say(settings([[Setting.InitialWindowSize, 5]]), frame(Type.WindowUpdate, 0, 1, words(8)));
    await vi.waitFor(() => expect(script.of(Type.Data).map(({ payload }) => payload.byteLength)).toEqual([10, 3]));
    script.say(settings([[Setting.InitialWindowSize, 100]]));
    await script.heard(Type.Data, ({ flags }) => flags === END_STREAM);
    expect(script.of(Type.Data).map(({ payload }) => payload.byteLength)).toEqual([10, 3, 17]);
    script.fields(1, END_STREAM, [':status', '200']);
    await exchange.receiveHead();
  });

  test('what is not taken may be sent again: refused, or behind the last that a goodbye names', async () => {
    const script = new Script(settings([]));
    const refused = request(script.connection, get(), null, null);
    const late = request(script.connection, get(), null, null);
    script.say(frame(Type.Reset, 0, 1, words(ErrorCode.Refused)), frame(Type.GoAway, 0, 0, words(1, 0)));
    await expect(refused).rejects.toBeInstanceOf(Unprocessed);
    await expect(late).rejects.toBeInstanceOf(Unprocessed);
    const http11 = new Script(settings([]));
    const answered = request(http11.connection, get(), null, null);
    http11.say(frame(Type.Reset, 0, 1, words(ErrorCode.Http11Required)));
    await expect(answered).rejects.toMatchObject({ http11: true });
  });

  test('no more exchanges are begun than the server wants', async () => {
    const script = new Script(settings([[Setting.MaxConcurrentStreams, 2]]));
    await script.heard(Type.Settings, ({ flags }) => flags === ACK);
    script.connection.begin(get(), null, null);
    expect(script.connection.isReady()).toBe(true);
    script.connection.begin(get(), null, null);
    expect(script.connection.isReady()).toBe(false);
    script.fields(1, END_STREAM, [':status', '204']);
    await vi.waitFor(() => expect(script.connection.isReady()).toBe(true));
  });

  test('a whole answer before the whole request ends it, and is read', async () => {
    const script = new Script(settings([[Setting.InitialWindowSize, 1]]));
    await script.heard(Type.Settings, ({ flags }) => flags === ACK);
    const exchange = script.connection.begin(post(), bytesOf('too much'), null);
    script.fields(1, 0, [':status', '413']);
    script.say(frame(Type.Data, END_STREAM, 1, bytesOf('too large')));
    await exchange.receiveHead();
    expect([exchange.head.status, await text(exchange)]).toEqual([413, 'too large']);
    expect(word((await script.heard(Type.Reset)).payload)).toBe(ErrorCode.None);
  });

  test('answers that nobody takes leave the others some of the window', async () => {
    const script = new Script(settings([]));
    // Each as much as a stream may have; as a program that reads one after the other has them wait.
    const size = 4 * 1024 * 1024;
    const part = new Uint8Array(16 * 1024);
    for (let n = 0; n < 31; n += 1) {
      const id = 2 * n + 1;
      void script.connection.begin(get(), null, null).receiveHead();
      script.fields(id, 0, [':status', '200']);
      for (let at = 0; at < size; at += part.byteLength) {
        script.say(frame(Type.Data, 0, id, part));
      }
    }
    const last = script.connection.begin(get(), null, null);
    script.fields(63, 0, [':status', '200']);
    const opened = (stream: number, first: number) =>
      script
        .of(Type.WindowUpdate)
        .filter((frame) => frame.stream === stream)
        .reduce((sum, { payload }) => sum + word(payload), first);
    let [sent, taken] = [0, 0];
    const reading = (async () => {
      for (let pieces = await last.read(); pieces; pieces = await last.read()) {
        taken += joined(...pieces).byteLength;
      }
    })();
    const total = 40 * size;
    for (let waited = 0; sent < total && waited < 1_000; waited += 1) {
      const room = Math.min(opened(63, size) - sent, opened(0, 65_535) - 31 * size - sent, total - sent);
      for (let left = room; left >= part.byteLength; left -= part.byteLength) {
        sent += part.byteLength;
        script.say(frame(Type.Data, sent === total ? END_STREAM : 0, 63, part));
      }
      await turn();
    }
    expect(sent).toBe(total);
    await reading;
    expect(taken).toBe(total);
  });

  test('a field that cannot be sent is no exchange', async () => {
    const script = new Script(settings([]));
    await script.heard(Type.Settings, ({ flags }) => flags === ACK);
    const bad = {
      ...get(),
      headers: [
        ['Host', 'example.com'],
        ['x', 'a\x01b'],
      ] as [string, string][],
    };
    expect(() => script.connection.begin(bad, null, null)).toThrow();
    expect([script.connection.active, script.of(Type.Headers)]).toEqual([0, []]);
  });

  test('a source that fails, or is not as long as it says, ends its exchange alone', async () => {
    const script = new Script(settings([]));
    const failing = request(script.connection, post(), () => Promise.reject(new Error('source')), null);
    await expect(failing).rejects.toThrow('source');
    const short = request(script.connection, post(), async () => null, 5);
    await expect(short).rejects.toMatchObject({ code: 'EINVAL' });
    expect(word((await script.heard(Type.Reset, ({ stream }) => stream === 3)).payload)).toBe(ErrorCode.Cancel);
    expect(script.connection.isReady()).toBe(true);
  });

  test.each<[string, [string, string][]]>([
    ['no status', [['x', 'y']]],
    ['a status that is none', [[':status', '2000']]],
    ['a switch of protocols', [[':status', '101']]],
    [
      'two statuses',
      [
        [':status', '200'],
        [':status', '200'],
      ],
    ],
    [
      'a name in upper case',
      [
        [':status', '200'],
        ['X', 'y'],
      ],
    ],
    [
      "a field of HTTP/1's connections",
      [
        [':status', '200'],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    [
      'a value with a line end',
      [
        [':status', '200'],
        ['x', 'y\r\nz: 1'],
      ],
    ],
    [
      'two lengths',
      [
        [':status', '200'],
        ['content-length', '1'],
        ['content-length', '2'],
      ],
    ],
  ])('an answer with %s is malformed, and the connection goes on', async (_, fields) => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    script.fields(1, 0, ...fields);
    await expect(answered).rejects.toMatchObject({ code: 'EHTTP' });
    expect(word((await script.heard(Type.Reset)).payload)).toBe(ErrorCode.Protocol);
    expect(script.connection.isReady()).toBe(true);
  });

  test.each([
    ['longer than it says', '3', 'four', 0],
    ['shorter than it says', '5', 'four', END_STREAM],
  ])('a body %s is malformed', async (_, length, data, flags) => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    script.fields(1, 0, [':status', '200'], ['content-length', length]);
    const exchange = await answered;
    script.say(frame(Type.Data, flags, 1, bytesOf(data)));
    await expect(text(exchange)).rejects.toMatchObject({ code: 'EHTTP' });
  });

  test('fields that are too many end their exchange alone', async () => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    const block = script.encoder.encode([
      [':status', '200'],
      ...Array.from({ length: 1_000 }, (): [string, string] => ['x-many', 'x'.repeat(100)]),
    ]);
    script.say(frame(Type.Headers, END_HEADERS, 1, block));
    await expect(answered).rejects.toMatchObject({ code: 'EHTTP', message: expect.stringContaining('too long') });
    expect(script.connection.isReady()).toBe(true);
  });

  const headers = (flags: number) => frame(Type.Headers, flags, 1, new Encoder().encode([[':status', '200']]));
  test.each<[string, number, Bytes[]]>([
    ['a frame that is too long', ErrorCode.FrameSize, [frame(Type.Data, 0, 1, new Uint8Array(16_385))]],
    ['data for the connection', ErrorCode.Protocol, [frame(Type.Data, 0, 0, [1])]],
    ['a stream that nobody opened', ErrorCode.Protocol, [frame(Type.Data, 0, 3, [1])]],
    ['a push', ErrorCode.Protocol, [frame(Type.PushPromise, END_HEADERS, 1, words(2))]],
    ['a block that another frame interrupts', ErrorCode.Protocol, [headers(0), frame(Type.Ping, 0, 0, new Uint8Array(8))]],
    ['a continuation of nothing', ErrorCode.Protocol, [frame(Type.Continuation, END_HEADERS, 1)]],
    [
      'blocks without an end',
      ErrorCode.Calm,
      [headers(0), ...Array.from({ length: 40 }, () => frame(Type.Continuation, 0, 1))],
    ],
    ['fields that are no HPACK', ErrorCode.Compression, [frame(Type.Headers, END_HEADERS, 1, [0x80])]],
    ['padding longer than its frame', ErrorCode.Protocol, [frame(Type.Data, 0x8, 1, [9, 1])]],
    ['a ping of another length', ErrorCode.FrameSize, [frame(Type.Ping, 0, 0, [1])]],
    ['settings of another length', ErrorCode.FrameSize, [frame(Type.Settings, 0, 0, [1])]],
    ['settings of a stream', ErrorCode.Protocol, [frame(Type.Settings, 0, 1)]],
    ['a window beyond all bounds', ErrorCode.FlowControl, [frame(Type.WindowUpdate, 0, 0, words(0x7fffffff))]],
    ['a window opened by nothing', ErrorCode.Protocol, [frame(Type.WindowUpdate, 0, 0, words(0))]],
    ['a first window beyond all bounds', ErrorCode.FlowControl, [settings([[Setting.InitialWindowSize, 0x80000000]])]],
    ['a frame size that cannot be', ErrorCode.Protocol, [settings([[Setting.MaxFrameSize, 100]])]],
    ['a goodbye that is too short', ErrorCode.FrameSize, [frame(Type.GoAway, 0, 0, [1])]],
  ])('%s ends the connection with a reason', async (_, code, frames) => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    const seen = answered.then(
      (exchange) => text(exchange),
      (error) => Promise.reject(error),
    );
    seen.catch(() => {});
    await script.heard(Type.Headers);
    script.say(...frames);
    expect(word((await script.heard(Type.GoAway)).payload, 4)).toBe(code);
    await expect(seen).rejects.toMatchObject({ code: 'EHTTP' });
    expect(script.connection.isReady()).toBe(false);
  });

  test('more than the window lets ends the connection', async () => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    await script.heard(Type.Headers);
    script.say(headers(END_HEADERS));
    await answered;
    for (let n = 0; n < 300; n += 1) script.say(frame(Type.Data, 0, 1, new Uint8Array(16_384)));
    expect(word((await script.heard(Type.GoAway)).payload, 4)).toBe(ErrorCode.FlowControl);
  });

  test('a connection that begins with anything else but settings is none', async () => {
    const script = new Script(bytesOf('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const answered = request(script.connection, get(), null, null);
    await expect(answered).rejects.toMatchObject({ code: 'EHTTP' });
  });

  test('one that ends fails what is under way', async () => {
    const script = new Script(settings([]));
    const answered = request(script.connection, get(), null, null);
    await script.heard(Type.Headers);
    script.end();
    await expect(answered).rejects.toMatchObject({ code: 'EHTTP' });
    expect(script.connection.isReady()).toBe(false);
  });
});
