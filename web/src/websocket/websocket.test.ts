/** `net.WebSocket`, with a server in the hands of the test. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeNetwork, type FakeTcp, turn } from '../../test/fake-network.js';
import { eventually } from '../../test/http-client.js';
import { CookieJar } from '../cookies/jar.js';
import { RequestCookies } from '../cookies/requests.js';
import { EthertabError } from '../errors.js';
import { bytesOf, characters, joined } from '../http/characters.js';
import type { Bytes } from '../messages.js';
import { acceptFor } from './handshake.js';
import type { WebSocketConstructor } from './types.js';
import { webSocketClass } from './websocket.js';

let network: FakeNetwork;
let NetWebSocket: WebSocketConstructor;

beforeEach(() => {
  network = new FakeNetwork();
  NetWebSocket = webSocketClass(network);
});

type Event_ = Event & { data?: unknown; code?: number; reason?: string; wasClean?: boolean; error?: unknown };

/** A WebSocket, what it told, and its server. */
class Pair {
  readonly events: Event_[] = [];
  readonly socket: WebSocket;
  readonly #index = network.tcp.length;
  #tcp: FakeTcp | null = null;
  #heard = 0;

  constructor(...args: ConstructorParameters<WebSocketConstructor>) {
    this.socket = new NetWebSocket(...args);
    for (const type of ['open', 'message', 'error', 'close']) {
      this.socket.addEventListener(type, (event) => this.events.push(event));
    }
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
  get last(): Event_ | undefined {
    return this.events.at(-1);
  }
  get tcp(): FakeTcp {
    return this.#tcp as FakeTcp;
  }

  /** Takes the connection; the request's head. */
  async request(): Promise<string> {
    this.#tcp = await eventually(() => {
      const tcp = network.tcp[this.#index];
      expect(tcp).toBeDefined();
      return tcp as FakeTcp;
    });
    this.tcp.open();
    return eventually(() => {
      const text = characters(this.#all());
      expect(text).toContain('\r\n\r\n');
      this.#heard = text.length;
      return text;
    });
  }

  /** Answers with these headers instead of, or besides, the right ones. */
  async answer(
    request: string,
    headers: Record<string, string> = {},
    status = '101 Switching Protocols',
    more = '',
  ): Promise<void> {
    const [, key = ''] = request.match(/sec-websocket-key: (\S+)/) ?? [];
    const all = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Accept': acceptFor(key), ...headers };
    const lines = Object.entries(all).filter(([, value]) => value !== '');
    this.says(`HTTP/1.1 ${status}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${more}`);
    await turn();
  }

  async open(): Promise<this> {
    await this.answer(await this.request());
    await eventually(() => expect(this.types).toEqual(['open']));
    return this;
  }

  says(text: string): void {
    this.tcp.receive(...bytesOf(text));
  }

  /** What the client sent since, so many bytes at least, as frames whose masks are taken off. */
  hears(length = 1): Promise<[first: number, payload: Bytes][]> {
    return eventually(() => {
      const bytes = this.#all().slice(this.#heard);
      expect(bytes.byteLength).toBeGreaterThanOrEqual(length);
      this.#heard += bytes.byteLength;
      return unmasked(bytes);
    });
  }

  #all(): Bytes {
    return joined(...(this.tcp.sent as Bytes[]));
  }

  ended(): Promise<void> {
    return eventually(() => expect(this.types).toContain('close'));
  }
}

function unmasked(bytes: Bytes): [number, Bytes][] {
  const frames: [number, Bytes][] = [];
  for (let rest = bytes; rest.byteLength > 0; ) {
    const view = new DataView(rest.buffer, rest.byteOffset);
    const short = (rest[1] as number) & 0x7f;
    expect(rest[1]).toBeGreaterThanOrEqual(0x80);
    const at = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    const mask = rest.slice(at, at + 4);
    const payload = rest.slice(at + 4, at + 4 + length).map((byte, index) => byte ^ (mask[index & 3] as number));
    frames.push([rest[0] as number, payload]);
    rest = rest.subarray(at + 4 + length);
  }
  return frames;
}

const URL_ = 'ws://server:8080/path?x=1';

describe('the constructor', () => {
  test.each<[string, unknown, unknown]>([
    ['a URL that is none', 'nothing', undefined],
    ['another scheme', 'ftp://server/', undefined],
    ['a fragment', 'ws://server/#x', undefined],
    ['an empty fragment', 'ws://server/#', undefined],
    ['a subprotocol that is none', URL_, 'a b'],
    ['an empty subprotocol', URL_, ''],
    ['a subprotocol that comes twice', URL_, ['a', 'b', 'a']],
    ['a subprotocol among options', URL_, { protocols: ['a,b'] }],
  ])('throws a SyntaxError for %s, and connects nowhere', async (_, url, protocols) => {
    expect(() => new NetWebSocket(url as string, protocols as string)).toThrow(
      expect.objectContaining({ name: 'SyntaxError' }),
    );
    await turn();
    expect(network.tcp).toEqual([]);
  });

  test('makes what the standard describes', async () => {
    const socket = new NetWebSocket('http://server');
    expect(socket).toBeInstanceOf(EventTarget);
    expect(String(socket)).toBe('[object WebSocket]');
    const { url, readyState, bufferedAmount, extensions, protocol, binaryType } = socket;
    expect({ url, readyState, bufferedAmount, extensions, protocol, binaryType }).toEqual({
      url: 'ws://server/',
      readyState: 0,
      bufferedAmount: 0,
      extensions: '',
      protocol: '',
      binaryType: 'blob',
    });
    const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
    expect({ ...NetWebSocket }).toEqual(states);
    expect(socket).toMatchObject({ ...states, onopen: null, onmessage: null, onerror: null, onclose: null });
    socket.binaryType = 'nothing' as BinaryType;
    expect(socket.binaryType).toBe('blob');
    expect(() => socket.send('early')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }));
    await eventually(() => expect(network.addresses).toEqual([{ hostname: 'server', port: 80 }]));
  });

  test('speaks TLS for wss:', async () => {
    new NetWebSocket('wss://[::1]/');
    await eventually(() => expect(network.tcp).toHaveLength(1));
    expect(network.addresses).toEqual([{ hostname: '::1', port: 443 }]);
    expect(network.tcp[0]?.options).toMatchObject({ noDelay: true, tls: { alpn: ['http/1.1'] } });
  });
});

describe('the handshake', () => {
  test('asks as RFC 6455 §4.1 says', async () => {
    const pair = new Pair(URL_, ['one', 'two']);
    const [line, ...fields] = (await pair.request()).trimEnd().split('\r\n');
    expect(line).toBe('GET /path?x=1 HTTP/1.1');
    const headers = Object.fromEntries(fields.map((field) => field.split(': ')));
    expect(headers).toEqual({
      host: 'server:8080',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/),
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'one, two',
      'user-agent': expect.anything(),
    });
  });

  test("takes the program's headers, but for its own", async () => {
    const headers = { Host: 'other', Cookie: 'a=1', Origin: 'http://here', Connection: 'close', 'Sec-WebSocket-Version': '8' };
    const request = await new Pair(URL_, { headers }).request();
    expect(request).toMatch(/\r\nhost: other\r\n.*\r\ncookie: a=1\r\norigin: http:\/\/here\r\n/s);
    expect(request.match(/^(connection|host|sec-websocket-version): .*$/gm)).toHaveLength(3);
  });

  test("takes the network's cookies, and gives it those that the answer sets", async () => {
    const jar = new CookieJar();
    jar.setCookie('a=1', 'http://server/');
    NetWebSocket = webSocketClass(network, new RequestCookies(jar));
    const pair = new Pair(URL_);
    const request = await pair.request();
    expect(request).toContain('\r\ncookie: a=1\r\n');
    await pair.answer(request, { 'Set-Cookie': 'b=2' });
    await eventually(() => expect(pair.types).toEqual(['open']));
    expect(jar.getCookieString('http://server/')).toBe('a=1; b=2');
  });

  test('opens it, and tells the subprotocol', async () => {
    const pair = new Pair(URL_, ['one', 'two']);
    await pair.answer(await pair.request(), {
      'Sec-WebSocket-Protocol': 'two',
      Upgrade: 'WebSocket',
      Connection: 'x, upgrade',
    });
    await eventually(() => expect(pair.types).toEqual(['open']));
    expect(pair.socket).toMatchObject({ protocol: 'two', readyState: 1 });
  });

  test('may come together with the first message', async () => {
    const pair = new Pair(URL_);
    await pair.answer(await pair.request(), {}, undefined, '\x81\x05Hello');
    await eventually(() => expect(pair.types).toEqual(['open', 'message']));
    expect(pair.last).toMatchObject({ data: 'Hello', origin: 'ws://server:8080' });
  });

  test.each<[string, string[], Record<string, string>, string?]>([
    ['another status', [], {}, '404 Not Found'],
    ['a redirect', [], { Location: '/' }, '302 Found'],
    ['a wrong Sec-WebSocket-Accept', [], { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' }],
    ['no Sec-WebSocket-Accept', [], { 'Sec-WebSocket-Accept': '' }],
    ['no Upgrade', [], { Upgrade: '' }],
    ['another Upgrade', [], { Upgrade: 'h2c' }],
    ['no Connection', [], { Connection: '' }],
    ['an extension', [], { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
    ['a subprotocol that was not offered', [], { 'Sec-WebSocket-Protocol': 'one' }],
    ['another subprotocol', ['one'], { 'Sec-WebSocket-Protocol': 'two' }],
    ['no subprotocol', ['one'], {}],
    ['what is no HTTP', [], {}, 'x'],
  ])('fails for %s', async (_, protocols, headers, status) => {
    const pair = new Pair(URL_, protocols);
    await pair.answer(await pair.request(), headers, status);
    await pair.ended();
    expect(pair.types).toEqual(['error', 'close']);
    expect(pair.events[0]?.error).toBeInstanceOf(EthertabError);
    expect(pair.last).toMatchObject({ code: 1006, reason: '', wasClean: false });
    expect(pair.socket.readyState).toBe(3);
    expect(pair.tcp.closes).toBe(1);
  });

  test('fails for a connection that is refused, or that ends', async () => {
    const refused = new Pair(URL_);
    await eventually(() => expect(network.tcp).toHaveLength(1));
    const error = new EthertabError('ECONNREFUSED', 'connection refused');
    network.tcp[0]?.break(error);
    await refused.ended();
    expect(refused.events[0]?.error).toBe(error);
    const ended = new Pair(URL_);
    await ended.request();
    ended.says('HTTP/1.1 101 Sw');
    ended.tcp.end();
    await ended.ended();
    expect(ended.types).toEqual(['error', 'close']);
  });

  test('is given up by close()', async () => {
    const early = new Pair(URL_);
    early.socket.close();
    expect(early.socket.readyState).toBe(2);
    await early.ended();
    expect(early.types).toEqual(['error', 'close']);
    expect(network.tcp).toHaveLength(0);
    const later = new Pair(URL_);
    await later.request();
    later.socket.close();
    expect(network.tcp[0]?.options.signal?.aborted).toBe(true);
  });
});

describe('messages', () => {
  test('come as texts, Blobs and ArrayBuffers', async () => {
    const pair = await new Pair(URL_).open();
    pair.says('\x81\x06\xc3\xa4\xe2\x82\xac!');
    pair.says('\x82\x02ab');
    await eventually(() => expect(pair.events).toHaveLength(3));
    expect(pair.events[1]?.data).toBe('ä€!');
    const blob = pair.events[2]?.data;
    expect(blob).toBeInstanceOf(Blob);
    expect(await new Response(blob as Blob).text()).toBe('ab');
    pair.socket.binaryType = 'arraybuffer';
    pair.says('\x82\x02cd\x82\x00');
    await eventually(() => expect(pair.events).toHaveLength(5));
    expect(new Uint8Array(pair.events[3]?.data as ArrayBuffer)).toEqual(bytesOf('cd'));
    expect(pair.events[4]?.data).toEqual(new ArrayBuffer(0));
  });

  test('come in fragments, with control frames between them', async () => {
    const pair = await new Pair(URL_).open();
    pair.says('\x01\x03Hel\x89\x01p\x00\x00\x00\x01l\x80\x01o');
    await eventually(() => expect(pair.events).toHaveLength(2));
    expect(pair.last?.data).toBe('Hello');
    expect(await pair.hears()).toEqual([[0x8a, bytesOf('p')]]);
  });

  test('are sent whatever form they have, in their order', async () => {
    const pair = await new Pair(URL_).open();
    const bytes = new Uint8Array([9, 1, 2, 9]);
    pair.socket.send(new Blob(['blob']));
    pair.socket.send('ä\ud800');
    pair.socket.send(bytes.buffer);
    pair.socket.send(bytes.subarray(1, 3));
    pair.socket.send(new Uint16Array([0x0201]));
    bytes.fill(0);
    pair.socket.send(12 as unknown as string);
    expect(pair.socket.bufferedAmount).toBe(4 + 5 + 4 + 2 + 2 + 2);
    const frames = await pair.hears(6 * 6 + 19);
    expect(frames).toEqual([
      [0x82, bytesOf('blob')],
      [0x81, new TextEncoder().encode('ä\ufffd')],
      [0x82, new Uint8Array([9, 1, 2, 9])],
      [0x82, new Uint8Array([1, 2])],
      [0x82, new Uint8Array([1, 2])],
      [0x81, bytesOf('12')],
    ]);
    await eventually(() => expect(pair.socket.bufferedAmount).toBe(0));
  });

  test.each([125, 126, 65_535, 65_536, 300_001])('of %i bytes are sent', async (length) => {
    const pair = await new Pair(URL_).open();
    const bytes = Uint8Array.from({ length }, (_, index) => index & 255);
    pair.socket.send(bytes);
    const [[first, payload] = []] = await pair.hears(length);
    expect(first).toBe(0x82);
    expect(characters(payload as Bytes) === characters(bytes)).toBe(true);
  });

  test('that wait count as buffered', async () => {
    const pair = await new Pair(URL_).open();
    pair.tcp.stuck = new Promise(() => {});
    pair.socket.send('12345');
    await turn();
    expect(pair.socket.bufferedAmount).toBe(5);
    pair.socket.close();
    pair.socket.send('678');
    expect(pair.socket.bufferedAmount).toBe(8);
  });

  test('of more than can wait fail the connection', async () => {
    const pair = await new Pair(URL_).open();
    pair.socket.send({ toString: () => '' } as string);
    const huge = new Blob([]);
    Object.defineProperty(huge, 'size', { value: 256 * 1024 * 1024 + 1 });
    pair.socket.send(huge);
    expect(pair.socket.readyState).toBe(2);
    expect(pair.tcp.options.signal?.reason).toMatchObject({ code: 'EMSGSIZE' });
  });

  test('that were heard by a handler go to the next one when it is replaced', async () => {
    const pair = await new Pair(URL_).open();
    const [one, two] = [vi.fn(), vi.fn()];
    pair.socket.onmessage = one;
    pair.socket.onmessage = two;
    expect(pair.socket.onmessage).toBe(two);
    pair.says('\x81\x01x');
    await eventually(() => expect(two).toHaveBeenCalledTimes(1));
    pair.socket.onmessage = null;
    pair.says('\x81\x01y');
    await eventually(() => expect(pair.events).toHaveLength(3));
    expect(two).toHaveBeenCalledTimes(1);
    expect(one).not.toHaveBeenCalled();
  });
});

describe('pings', () => {
  test('are answered, and of those that wait the last alone', async () => {
    const pair = await new Pair(URL_).open();
    let release = () => {};
    pair.tcp.stuck = new Promise((resolve) => {
      release = resolve;
    });
    pair.socket.send('first');
    await turn();
    pair.says('\x89\x01a\x8a\x01x\x89\x01b\x89\x01c');
    await turn();
    release();
    expect(await pair.hears(6 + 5 + 7)).toEqual([
      [0x81, bytesOf('first')],
      [0x8a, bytesOf('c')],
    ]);
  });
});

describe('the end', () => {
  test.each<[string, Parameters<WebSocket['close']>, string]>([
    ['nothing', [], ''],
    ['a code', [1000], '\x03\xe8'],
    ['a code and a reason', [3456, 'ä'], '\x0d\x80\xc3\xa4'],
    ['a reason alone', [undefined, 'r'], '\x03\xe8r'],
  ])('is asked for by close() with %s, after what was sent before', async (_, args, payload) => {
    const pair = await new Pair(URL_).open();
    pair.socket.send(new Blob(['last']));
    pair.socket.close(...args);
    pair.socket.close();
    expect(pair.socket.readyState).toBe(2);
    pair.socket.send('late');
    expect(await pair.hears(10 + 6 + payload.length)).toEqual([
      [0x82, bytesOf('last')],
      [0x88, bytesOf(payload)],
    ]);
    pair.says('\x81\x01x\x89\x01p');
    pair.says(`\x88${String.fromCharCode(payload.length)}${payload}`);
    pair.tcp.end();
    await pair.ended();
    expect(pair.types).toEqual(['open', 'close']);
    expect(await pair.hears(0)).toEqual([]);
    expect(pair.last).toMatchObject({
      wasClean: true,
      code: payload ? payload.charCodeAt(0) * 256 + payload.charCodeAt(1) : 1005,
    });
    expect(pair.socket.readyState).toBe(3);
    expect(pair.tcp.closes).toBe(1);
  });

  test.each<[string, Parameters<WebSocket['close']>, string]>([
    ['a code that is not for programs', [1001], 'InvalidAccessError'],
    ['a code that is none', [5000], 'InvalidAccessError'],
    ['a reason that is too long', [1000, 'ä'.repeat(62)], 'SyntaxError'],
  ])('cannot be asked for with %s', async (_, args, name) => {
    const pair = await new Pair(URL_).open();
    expect(() => pair.socket.close(...args)).toThrow(expect.objectContaining({ name }));
    expect(pair.socket.readyState).toBe(1);
    pair.socket.close(1000, 'ä'.repeat(61));
  });

  test.each<[string, string, number, string]>([
    ['without a code', '', 1005, ''],
    ['with a code and a reason', '\x03\xe9bye \xc3\xa4', 1001, 'bye ä'],
  ])('comes from the server %s, and is echoed', async (_, payload, code, reason) => {
    const pair = await new Pair(URL_).open();
    pair.says(`\x88${String.fromCharCode(payload.length)}${payload}`);
    expect(await pair.hears()).toEqual([[0x88, bytesOf(payload.slice(0, 2))]]);
    expect(pair.socket.readyState).toBe(2);
    expect(pair.types).toEqual(['open']);
    pair.tcp.end();
    await pair.ended();
    expect(pair.last).toMatchObject({ code, reason, wasClean: true });
  });

  test.each<[number, string, string]>([
    [1002, 'a reserved bit', '\xc1\x00'],
    [1002, 'a masked frame', '\x81\x81\0\0\0\0x'],
    [1002, 'an unknown opcode', '\x83\x00'],
    [1002, 'a continuation of nothing', '\x80\x00'],
    [1002, 'a message within another', '\x01\x01x\x81\x01y'],
    [1002, 'a Close frame of one byte', '\x88\x01\x03'],
    [1002, 'a Close frame with a reserved code', '\x88\x02\x03\xed'],
    [1007, 'a text that is not UTF-8', '\x81\x02\xc3\x28'],
    [1007, 'a text that ends within a character', '\x01\x01\xc3\x80\x00'],
    [1007, 'a reason that is not UTF-8', '\x88\x03\x03\xe8\xff'],
    [1009, 'a message that is too large', '\x82\x7e\x03\xe9'],
    [1009, 'fragments that are too large', `\x02\x7e\x03\xe0${'x'.repeat(992)}\x80\x09`],
  ])('comes with %i for %s', async (status, _, frames) => {
    const pair = await new Pair(URL_, { largestMessage: 1_000 }).open();
    pair.says(frames);
    pair.says('\x81\x01z');
    expect(await pair.hears()).toEqual([[0x88, new Uint8Array([status >> 8, status & 255])]]);
    await pair.ended();
    expect(pair.types).toEqual(['open', 'error', 'close']);
    expect(pair.last).toMatchObject({ code: 1006, reason: '', wasClean: false });
    expect(pair.tcp.closes).toBe(1);
  });

  test('without a closing handshake is not clean', async () => {
    const pair = await new Pair(URL_).open();
    pair.tcp.end();
    await pair.ended();
    expect(pair.last).toMatchObject({ code: 1006, wasClean: false });
    const reset = await new Pair(URL_).open();
    reset.tcp.break(new EthertabError('ECONNRESET', 'reset by peer'));
    await reset.ended();
    expect(reset.last).toMatchObject({ code: 1006, wasClean: false });
  });

  test('stays the end, whatever still waited to be sent', async () => {
    const pair = await new Pair(URL_).open();
    pair.tcp.stuck = new Promise(() => {});
    for (let n = 0; n < 10; n += 1) {
      pair.socket.send('more');
    }
    await turn();
    pair.tcp.break(new EthertabError('ECONNRESET', 'reset by peer'));
    await pair.ended();
    for (let n = 0; n < 10; n += 1) {
      await turn();
    }
    expect(pair.socket.readyState).toBe(3);
  });
});
