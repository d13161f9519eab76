/** `connect()` and its sockets, by WinterTC's Sockets API. */
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeNetwork, type FakeTcp, turn } from '../../test/fake-network.js';
import { EthertabError } from '../errors.js';
import { connect as connectByModule, SocketError, setNetwork } from '../sockets.js';
import { connect } from './connect.js';
import type { AnySocketAddress, Socket, SocketOptions, StartTlsOptions } from './types.js';

let network: FakeNetwork;

beforeEach(() => {
  network = new FakeNetwork();
});

const text = (string: string) => new TextEncoder().encode(string);

function pending(options?: SocketOptions): { socket: Socket; inner: FakeTcp } {
  const socket = connect(network, 'peer:7', options);
  return { socket, inner: network.tcp.at(-1) as FakeTcp };
}

async function open(options?: SocketOptions): Promise<{ socket: Socket; inner: FakeTcp }> {
  const made = pending(options);
  made.inner.open();
  await made.socket.opened;
  return made;
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  promise.then(settled, settled);
  await turn();
  return pending;
}

describe('connect()', () => {
  test('takes "name:port" or an object', () => {
    connect(network, 'peer:7');
    connect(network, '[::1]:8');
    connect(network, { hostname: 'peer', port: 9 });
    expect(network.addresses).toEqual([
      { hostname: 'peer', port: 7 },
      { hostname: '::1', port: 8 },
      { hostname: 'peer', port: 9 },
    ]);
  });

  test.each<[string, unknown, unknown]>([
    ['a name without a port', 'peer', undefined],
    ['a port that is none', 'peer:http', undefined],
    ['a port that is out of range', { hostname: 'peer', port: 65_536 }, undefined],
    ['an object without a hostname', { port: 7 }, undefined],
    ['an object without a port', { hostname: 'peer' }, undefined],
    ['no address', undefined, undefined],
    ['a secureTransport that is none', 'peer:7', { secureTransport: 'tls' }],
    ['sni without TLS', 'peer:7', { sni: 'peer' }],
    ['alpn without TLS', 'peer:7', { alpn: ['h2'] }],
    ['a protocol that is none', 'peer:7', { secureTransport: 'starttls', alpn: [''] }],
    ['a name of the server that is none', 'peer:7', { secureTransport: 'starttls', sni: '' }],
  ])('throws a SocketError for %s, and connects nowhere', (_, address, options) => {
    expect(() => connect(network, address as AnySocketAddress, options as SocketOptions)).toThrow(SocketError);
    expect(network.tcp).toHaveLength(0);
  });

  test('returns a socket at once, whose streams can be used before it is open', async () => {
    const { socket, inner } = pending();
    expect(Object.prototype.toString.call(socket)).toBe('[object Socket]');
    const reading = socket.readable.getReader().read();
    await socket.writable.getWriter().write('hello');
    expect(inner.text).toBe('hello');
    expect(await isPending(socket.opened)).toBe(true);
    inner.open();
    inner.receive(1);
    expect((await reading).value).toEqual(new Uint8Array([1]));
  });

  test('resolves opened with both ends', async () => {
    const { socket } = await open();
    expect(await socket.opened).toEqual({
      remoteAddress: '10.77.0.1:7',
      localAddress: '10.77.0.9:50000',
      alpn: null,
    });
    expect(socket.upgraded).toBe(false);
    expect(socket.secureTransport).toBe('off');
  });

  test('that fails rejects opened and closed and ends both streams, all with one SocketError', async () => {
    const { socket, inner } = pending();
    const reading = socket.readable.getReader().read();
    const writer = socket.writable.getWriter();
    const cause = new EthertabError('ECONNREFUSED', 'connection refused');
    inner.break(cause);
    const ends = [socket.opened, socket.closed, reading, writer.closed];
    const [error, ...others] = await Promise.all(ends.map((end) => end.catch((error: unknown) => error)));
    expect(error).toBeInstanceOf(SocketError);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: 'TypeError', message: 'SocketError: connection refused', cause });
    expect(new Set(others)).toEqual(new Set([error]));
  });
});

describe('by default', () => {
  test("the socket closes itself at the peer's FIN, once everything has been read", async () => {
    const { socket, inner } = await open();
    inner.receive(1);
    inner.end();
    expect(await isPending(socket.closed)).toBe(true);
    const reader = socket.readable.getReader();
    expect((await reader.read()).value).toEqual(new Uint8Array([1]));
    expect((await reader.read()).done).toBe(true);
    await socket.closed;
    expect(inner.finished).toBe(true);
    await socket.writable.getWriter().closed;
  });

  test('what was written is sent before it does, and a writer that is held has nothing left to write to', async () => {
    const { socket, inner } = await open();
    let release = () => {};
    inner.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const writer = socket.writable.getWriter();
    writer.write('one ');
    writer.write('two');
    inner.end();
    expect(await isPending(socket.closed)).toBe(true);
    release();
    await socket.closed;
    expect(inner.text).toBe('one two');
    await expect(writer.write('late')).rejects.toBeInstanceOf(SocketError);
  });
});

describe('with allowHalfOpen', () => {
  test("the peer's FIN closes the readable alone", async () => {
    const { socket, inner } = await open({ allowHalfOpen: true });
    inner.end();
    expect((await socket.readable.getReader().read()).done).toBe(true);
    await socket.writable.getWriter().write(text('still'));
    expect(inner.text).toBe('still');
    expect(await isPending(socket.closed)).toBe(true);
    await socket.close();
    expect(inner.closes).toBe(1);
  });
});

describe('the streams', () => {
  test('cancelling the one and closing the other does not resolve closed', async () => {
    const { socket, inner } = await open();
    await socket.readable.cancel();
    await socket.writable.close();
    expect(inner.cancelled).toBe(true);
    expect(inner.finished).toBe(true);
    expect(await isPending(socket.closed)).toBe(true);
  });

  test('a reset errors both, and rejects closed', async () => {
    const { socket, inner } = await open();
    inner.break(new EthertabError('ECONNRESET', 'reset by peer'));
    await expect(socket.readable.getReader().read()).rejects.toBeInstanceOf(SocketError);
    await expect(socket.writable.getWriter().closed).rejects.toBeInstanceOf(SocketError);
    await expect(socket.closed).rejects.toMatchObject({ message: 'SocketError: reset by peer' });
  });

  test('aborting the writable resets the connection', async () => {
    const { socket, inner } = await open();
    const reading = socket.readable.getReader().read();
    await socket.writable.abort('enough');
    expect(inner.aborted).toEqual({ reason: 'enough' });
    await expect(reading).rejects.toBe('enough');
  });
});

describe('close()', () => {
  test('sends what was written, ends both streams though they are locked, and returns closed', async () => {
    const { socket, inner } = await open();
    const reading = socket.readable.getReader().read();
    const writer = socket.writable.getWriter();
    writer.write('one ');
    writer.write('two');
    expect(socket.close()).toBe(socket.closed);
    await socket.closed;
    expect(inner.text).toBe('one two');
    expect(inner.closes).toBe(1);
    expect((await reading).done).toBe(true);
    await expect(writer.closed).rejects.toBeInstanceOf(SocketError);
  });

  test('is harmless twice, and after the end', async () => {
    const { socket, inner } = await open();
    await Promise.all([socket.close(), socket.close('again')]);
    await socket.close();
    expect(inner.closes).toBe(1);
    expect(inner.aborted).toBeNull();
  });

  test('with a reason waits for nothing: the connection is reset, the writable fails with it, closed resolves', async () => {
    const { socket, inner } = await open();
    inner.stuck = new Promise(() => {});
    const reading = socket.readable.getReader().read();
    const writer = socket.writable.getWriter();
    writer.write('never').catch(() => {});
    await socket.close('enough');
    expect(inner.aborted).toEqual({ reason: 'enough' });
    expect((await reading).done).toBe(true);
    await expect(writer.closed).rejects.toBe('enough');
  });

  test('before the socket is open rejects opened, with the reason if there is one', async () => {
    const first = pending();
    await first.socket.close('enough');
    await expect(first.socket.opened).rejects.toBe('enough');
    expect(first.inner.aborted).not.toBeNull();
    const second = pending();
    await second.socket.close();
    await expect(second.socket.opened).rejects.toBeInstanceOf(SocketError);
  });

  test('rejects with what came in between, when the last bytes do not arrive', async () => {
    const { socket, inner } = await open();
    inner.stuck = new Promise(() => {});
    const writing = socket.writable.getWriter().write('never');
    const closing = socket.close();
    inner.break(new EthertabError('ETIMEDOUT', 'timed out'));
    await expect(closing).rejects.toBeInstanceOf(SocketError);
    await expect(writing).rejects.toBeInstanceOf(Error);
    await turn();
    expect(inner.closes).toBe(1);
  });
});

describe('with TLS from the start', () => {
  test('asks for it, by name and with protocols', () => {
    pending({ secureTransport: 'on' });
    pending({ secureTransport: 'on', sni: 'other', alpn: ['h2'] });
    pending({ secureTransport: 'starttls', sni: 'other', alpn: ['h2'] });
    pending();
    expect(network.tcp.map(({ options }) => options.tls)).toEqual([
      {},
      { servername: 'other', alpn: ['h2'] },
      undefined,
      undefined,
    ]);
  });

  test('says which protocol was agreed on', async () => {
    const { socket, inner } = pending({ secureTransport: 'on', alpn: ['h2', 'http/1.1'] });
    inner.open({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', protocol: 'h2', resumed: false });
    expect((await socket.opened).alpn).toBe('h2');
    expect(socket.secureTransport).toBe('on');
    expect(() => socket.startTls()).toThrow(/^SocketError: .*starttls/);
  });
});

describe('startTls()', () => {
  const starttls = { secureTransport: 'starttls', alpn: ['postgresql'] } as const;

  test.each([undefined, 'off', 'on'] as const)(
    'throws a SocketError on a socket made with secureTransport %s, and leaves it as it is',
    async (kind) => {
      const { socket, inner } = await open(kind && { secureTransport: kind });
      expect(() => socket.startTls()).toThrow(/^SocketError: .*starttls/);
      await socket.writable.getWriter().write('QUIT');
      expect(inner.text).toBe('QUIT');
      expect(socket.upgraded).toBe(false);
    },
  );

  test('closes the socket and returns another one, which is secure', async () => {
    const { socket, inner } = await open(starttls);
    const secure = socket.startTls();
    await socket.closed;
    expect([socket.upgraded, socket.secureTransport]).toEqual([true, 'starttls']);
    expect([secure.upgraded, secure.secureTransport]).toEqual([false, 'on']);
    expect((await socket.readable.getReader().read()).done).toBe(true);
    await expect(socket.writable.getWriter().closed).rejects.toBeInstanceOf(SocketError);

    const below = inner.secured?.socket as FakeTcp;
    await secure.writable.getWriter().write('hello');
    expect([inner.text, below.text]).toEqual(['', 'hello']);
    expect(await isPending(secure.opened)).toBe(true);
    below.open({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', protocol: 'postgresql', resumed: false });
    expect((await secure.opened).alpn).toBe('postgresql');
    below.receive(1);
    expect((await secure.readable.getReader().read()).value).toEqual(new Uint8Array([1]));
    await secure.close();
    expect([inner.closes, below.closes]).toEqual([0, 1]);
  });

  test.each<[string, SocketOptions, StartTlsOptions | undefined, string | undefined]>([
    ['nobody says it', {}, undefined, undefined],
    ['connect() is told', { sni: 'one' }, undefined, 'one'],
    ['connect() and startTls() are told', { sni: 'one' }, { servername: 'two' }, 'two'],
    ['startTls() is told in the way of Cloudflare', {}, { expectedServerHostname: 'three' }, 'three'],
    ['startTls() is told nothing', { sni: 'one' }, { servername: '' }, 'one'],
  ])('takes the name of the server, when %s', async (_, options, given, servername) => {
    const { socket, inner } = await open({ ...starttls, ...options });
    socket.startTls(given);
    expect(inner.secured?.options).toEqual({ alpn: ['postgresql'], ...(servername && { servername }) });
  });

  test('works with a reader and a writer that are held: they end, and what was written is sent first', async () => {
    const { socket, inner } = pending(starttls);
    const reading = socket.readable.getReader().read();
    const writer = socket.writable.getWriter();
    const writing = ['one ', 'two ', 'three'].map((word) => writer.write(word).catch(() => {}));
    const secure = socket.startTls();
    inner.open();
    expect((await reading).done).toBe(true);
    await expect(writer.closed).rejects.toBeInstanceOf(SocketError);
    await Promise.all(writing);
    expect(inner.text).toBe('one two three');
    await expect(writer.write('late')).rejects.toBeInstanceOf(SocketError);
    expect(inner.text).toBe('one two three');
    expect(secure.upgraded).toBe(false);
  });

  test('what nobody has read stays below', async () => {
    const { socket } = await open(starttls);
    const reader = socket.readable.getReader();
    const reading = reader.read();
    await turn();
    reader.releaseLock();
    await expect(reading).rejects.toThrow(TypeError);
    socket.startTls();
    expect((await socket.readable.getReader().read()).done).toBe(true);
    const { socket: other, inner: below } = await open(starttls);
    below.receive(1, 2);
    other.startTls();
    expect((await other.readable.getReader().read()).done).toBe(true);
    expect((await below.readable.getReader().read()).value).toEqual(new Uint8Array([1, 2]));
  });

  test('fails the new socket alone, when the handshake fails', async () => {
    const { socket, inner } = await open(starttls);
    const secure = socket.startTls();
    await socket.closed;
    const cause = new EthertabError('ETLSEXPIRED', 'the certificate has expired');
    inner.secured?.socket.break(cause);
    await expect(secure.opened).rejects.toMatchObject({ message: 'SocketError: the certificate has expired', cause });
    await expect(secure.closed).rejects.toBeInstanceOf(SocketError);
  });

  test.each<[string, (socket: Socket, inner: FakeTcp) => unknown]>([
    ['the second time', (socket) => socket.startTls()],
    ['after close()', (socket) => socket.close()],
    ['after the peer has finished', (_, inner) => inner.end()],
    ['when the readable was cancelled', (socket) => socket.readable.cancel()],
    ['when the writable was closed', (socket) => socket.writable.close()],
  ])('throws a SocketError %s', async (_, act) => {
    const { socket, inner } = await open({ ...starttls, allowHalfOpen: true });
    await act(socket, inner);
    await turn();
    const before = inner.secured;
    expect(() => socket.startTls()).toThrow(SocketError);
    expect(inner.secured).toBe(before);
  });
});

describe('the module', () => {
  test('connects on the network that was set', () => {
    expect(() => connectByModule('peer:7')).toThrow(SocketError);
    setNetwork(network);
    connectByModule('peer:7');
    expect(network.addresses).toEqual([{ hostname: 'peer', port: 7 }]);
    setNetwork(null);
    expect(() => connectByModule('peer:7')).toThrow(SocketError);
  });
});
