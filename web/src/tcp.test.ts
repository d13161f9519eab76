/** TCP sockets on both sides of the line between page and Worker. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Deferred, turn } from '../test/fake-network.js';
import { type Connection, string, tcpWorker } from '../test/tcp-worker.js';
import { EthertabError } from './errors.js';
import { connect, listen } from './tcp.js';
import type { TcpConnectOptions, TcpSocket } from './types.js';

let worker: ReturnType<typeof tcpWorker>;

beforeEach(() => {
  worker = tcpWorker();
});

function pending(options?: TcpConnectOptions): TcpSocket {
  return connect(worker.channel, 'peer:7', options);
}

async function open(options?: TcpConnectOptions): Promise<{ socket: TcpSocket; below: Connection }> {
  const socket = pending(options);
  const below = await accept();
  await socket.opened;
  return { socket, below };
}

/** Lets the connection that is wanted come about. */
async function accept(): Promise<Connection> {
  await until(() => worker.connecting.length === 1);
  worker.connecting.shift()?.resolve();
  await until(() => worker.connections.length === 1);
  return worker.connections[0] as Connection;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await turn();
  }
}

const failure = (promise: Promise<unknown>) => promise.then(() => 'none').catch((error) => error.code ?? error);

describe('connect()', () => {
  test('opens when the handshake is over, if TLS is asked for; what is written before waits', async () => {
    const socket = pending({ tls: { alpn: ['one'] } });
    const writing = socket.writable.getWriter().write('early');
    const below = await accept();
    await expect.poll(() => below.done).toEqual(['<hello peer one>']);
    expect(socket.tls).toBeNull();
    below.say('hello');
    const { tls } = await socket.opened;
    expect(tls).toEqual({ version: 'TLSv1.3', cipher: 'CAPITALS', protocol: 'one', resumed: false });
    expect(socket.tls).toEqual(tls);
    await writing;
    await expect.poll(() => below.done).toEqual(['<hello peer one>', 'EARLY']);
    below.say('SECRET');
    expect(string((await socket.readable.getReader().read()).value ?? [])).toBe('secret');
  });

  test('fails opened and closed, when the handshake fails', async () => {
    const socket = pending({ tls: true });
    const below = await accept();
    below.say('HTTP/1.1 400 Bad Request');
    expect([await failure(socket.opened), await failure(socket.closed)]).toEqual(['ETLSPROTOCOL', 'ETLSPROTOCOL']);
    expect(below.done.at(-1)).toBe('<close>');
    expect(() => socket.startTls()).toThrow(/secure already/);
  });

  test.each(['connecting', 'in the handshake'])('resets the connection that is %s, when it is aborted', async (when) => {
    const controller = new AbortController();
    const socket = pending({ tls: true, signal: controller.signal });
    const handshaking = when === 'connecting' ? null : await accept();
    await turn();
    controller.abort('enough');
    // At once: whatever the Worker still has to do.
    expect([await failure(socket.opened), await failure(socket.closed)]).toEqual(['enough', 'enough']);
    const below = handshaking ?? (await accept());
    await until(() => below.done.at(-1) === '<abort>');
  });

  test.each<[string, unknown]>([
    ['an empty name', { servername: '' }],
    ['a name that is none', { servername: 7 }],
    ['protocols that are no list', { alpn: 'h2' }],
    ['an empty protocol', { alpn: ['h2', ''] }],
    ['a protocol that is too long', { alpn: ['ü'.repeat(128)] }],
    ['too many protocols', { alpn: Array(65).fill('h2') }],
    ['a CA that is none', { ca: 7 }],
    ['no time', { timeout: 0 }],
    ['more time than a timer has', { timeout: Number.POSITIVE_INFINITY }],
  ])('refuses %s', (_, tls) => {
    expect(() => pending({ tls } as TcpConnectOptions)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

describe('close()', () => {
  test.each(['held', 'released'])(
    'sends what was written, and ends both directions at once, the writer being %s',
    async (how) => {
      const { socket, below } = await open();
      const writer = socket.writable.getWriter();
      writer.write('last words');
      if (how === 'released') {
        writer.releaseLock();
      }
      await socket.close();
      expect(below.done).toEqual(['last words', '<close>']);
    },
  );
});

describe('a connection that breaks', () => {
  /** The peer finishes; what is sent then is answered by a reset. */
  async function half(): Promise<{ socket: TcpSocket; below: Connection }> {
    const opened = await open();
    opened.below.say();
    expect((await opened.socket.readable.getReader().read()).done).toBe(true);
    return opened;
  }

  test.each<[string, (socket: TcpSocket) => Promise<unknown>]>([
    ['a write, which was taken before it failed', (socket) => socket.writable.getWriter().write('late')],
    ['the end', (socket) => socket.writable.close().catch(() => {})],
    ['close()', (socket) => socket.close().catch(() => {})],
  ])('after the peer has finished, by %s, is closed with the reason and given back', async (how, act) => {
    const { socket, below } = await half();
    below.broken = new EthertabError('ECONNRESET', 'connection reset');
    if (how === 'close()') {
      await socket.writable.getWriter().write('late');
    }
    void act(socket);
    await expect(socket.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
    await until(() => below.done.length > 0);
    expect(below.done).toEqual(['<abort>']);
  });

  test('with the network, while only one half is open, hears of it', async () => {
    const { socket } = await half();
    worker.channel.fail(new EthertabError('ENETDOWN', 'the network was closed'));
    await expect(socket.closed).rejects.toMatchObject({ code: 'ENETDOWN' });
  });
});

describe('listen()', () => {
  test('a listener that is closed before there is an address never listens', async () => {
    const address = new Deferred<void>();
    worker.network.configured = () => address.promise;
    const listener = listen(worker.channel, { port: 80 });
    await listener.close();
    address.resolve();
    await expect(listener.opened).rejects.toMatchObject({ code: 'ECONNABORTED' });
    expect(worker.listeners).toBe(0);
  });

  test('a listener from which nobody takes hears that the network is gone', async () => {
    const listener = listen(worker.channel, { port: 80 });
    await listener.opened;
    expect(worker.listeners).toBe(1);
    worker.channel.fail(new EthertabError('ENETDOWN', 'the network was closed'));
    await expect(listener.closed).rejects.toMatchObject({ code: 'ENETDOWN' });
  });
});

describe('startTls()', () => {
  test('sends what was written, and hands the connection to a new socket', async () => {
    const { socket, below } = await open();
    below.say('go');
    const reader = socket.readable.getReader();
    expect(string((await reader.read()).value ?? [])).toBe('go');
    reader.releaseLock();
    const writer = socket.writable.getWriter();
    writer.write('one ');
    writer.write('two');
    writer.releaseLock();

    const secure = socket.startTls({ alpn: ['postgresql'] });
    const writing = secure.writable.getWriter().write('three');
    await socket.closed;
    expect((await socket.readable.getReader().read()).done).toBe(true);
    below.say('hello');
    expect((await secure.opened).tls?.protocol).toBe('postgresql');
    expect(secure.remotePort).toBe(socket.remotePort);
    expect(socket.tls).toBeNull();
    await writing;
    await expect.poll(() => below.done.join('|')).toMatch(/^one \|?two\|<hello peer postgresql>\|THREE$/);

    // What has been left touches nothing any more.
    socket.abort();
    await socket.close();
    below.say('STILL THERE');
    const next = secure.readable.getReader();
    expect(string((await next.read()).value ?? [])).toBe('still there');
    below.say();
    expect((await next.read()).done).toBe(true);
    await secure.close();
    expect(below.done.at(-1)).toBe('<close>');
  });

  test('gives TLS what had arrived and was not read, be it in the page, on its way or asked for', async () => {
    for (let turns = 0; turns < 8; turns += 1) {
      worker = tcpWorker();
      const { socket, below } = await open();
      const reader = socket.readable.getReader({ mode: 'byob' });
      below.say('gohe');
      expect(string((await reader.read(new Uint8Array(2))).value ?? [])).toBe('go');
      reader.releaseLock();
      const secure = socket.startTls();
      for (let turned = 0; turned < turns; turned += 1) {
        await turn();
      }
      below.say('llo');
      expect((await secure.opened).tls?.cipher).toBe('CAPITALS');
    }
  });

  test('fails when what had arrived is no TLS', async () => {
    const { socket, below } = await open();
    below.say('forged');
    const secure = socket.startTls();
    expect([await failure(secure.opened), await failure(secure.closed)]).toEqual(['ETLSPROTOCOL', 'ETLSPROTOCOL']);
    await socket.closed;
    expect(below.done.at(-1)).toBe('<close>');
  });

  test('fails the new socket when the peer has finished meanwhile', async () => {
    const { socket, below } = await open();
    const secure = socket.startTls();
    below.say();
    expect((await secure.opened.catch((error) => error)).message).toBe('"<end>" is no TLS');
  });

  test('may be called before the socket is open', async () => {
    const socket = pending();
    const secure = socket.startTls();
    const below = await accept();
    below.say('hello');
    await secure.opened;
    await socket.opened;
    expect(below.done).toEqual(['<hello peer >']);
  });

  test('fails both sockets when there is no connection', async () => {
    const socket = pending();
    const secure = socket.startTls();
    await until(() => worker.connecting.length === 1);
    worker.connecting[0]?.reject({ code: 'ECONNREFUSED' });
    for (const { opened, closed } of [socket, secure]) {
      expect([await failure(opened), await failure(closed)]).toEqual(['EWORKER', 'EWORKER']);
    }
  });

  test.each(['signal', 'abort'])('is cut off by the %s, at any time', async (way) => {
    for (let turns = 0; turns < 12; turns += 1) {
      worker = tcpWorker();
      const controller = new AbortController();
      const { socket, below } = await open({ signal: controller.signal });
      const secure = socket.startTls();
      for (let turned = 0; turned < turns; turned += 1) {
        await turn();
      }
      way === 'signal' ? controller.abort('enough') : secure.abort('enough');
      expect([await failure(secure.opened), await failure(secure.closed)]).toEqual(['enough', 'enough']);
      await until(() => below.done.at(-1) === '<abort>');
      await failure(socket.closed);
    }
  });

  test.each<[string, string, (socket: TcpSocket, below: Connection) => unknown]>([
    ['while the readable is locked', 'EINVAL', (socket) => socket.readable.getReader()],
    ['while the writable is locked', 'EINVAL', (socket) => socket.writable.getWriter()],
    ['a second time', 'EPIPE', (socket) => socket.startTls()],
    ['after close()', 'EPIPE', (socket) => socket.close()],
    ['after abort()', 'EPIPE', (socket) => socket.abort()],
    ['when the readable was cancelled', 'EPIPE', (socket) => socket.readable.cancel()],
    ['when the writable was closed', 'EPIPE', (socket) => socket.writable.close()],
    ['when the peer has finished', 'EPIPE', (_, below) => below.say()],
  ])('throws %s', async (_, code, act) => {
    const { socket, below } = await open();
    act(socket, below);
    // Messages take their turns.
    for (let turned = 0; turned < 8; turned += 1) {
      await turn();
    }
    expect(thrown(() => socket.startTls())).toBe(code);
  });
});

function thrown(act: () => unknown): unknown {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
