/** TCPServerSocket, by the steps of WICG Direct Sockets §4, and the three classes as globals. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ENDS, type FakeListener, FakeNetwork, FakeTcp, turn } from '../../test/fake-network.js';
import { EthertabError } from '../errors.js';
import { directSockets, install } from './index.js';
import type { DirectSockets, TCPServerSocketOpenInfo, TCPServerSocket as TCPServerSocketType } from './types.js';

let network: FakeNetwork;
let direct: DirectSockets;

beforeEach(() => {
  network = new FakeNetwork();
  direct = directSockets(network);
});

const networkError = { name: 'NetworkError' };
const invalidState = { name: 'InvalidStateError' };

async function opened(): Promise<{ server: TCPServerSocketType; inner: FakeListener; info: TCPServerSocketOpenInfo }> {
  const server = new direct.TCPServerSocket('0.0.0.0', { localPort: 8_080 });
  const inner = network.listeners[0] as FakeListener;
  inner.open();
  return { server, inner, info: await server.opened };
}

describe('the constructor', () => {
  test('takes the interface of the specification', () => {
    expect(direct.TCPServerSocket.name).toBe('TCPServerSocket');
    expect(direct.TCPServerSocket.length).toBe(1);
    expect(Object.prototype.toString.call(new direct.TCPServerSocket('::'))).toBe('[object TCPServerSocket]');
  });

  test.each<[string, unknown[]]>([
    ['no address', []],
    ['a name', ['localhost']],
    ['half an address', ['10.0.0']],
    ['a localPort of 0', ['0.0.0.0', { localPort: 0 }]],
    ['a localPort that is out of range', ['0.0.0.0', { localPort: 65_536 }]],
    ['a backlog of 0', ['0.0.0.0', { backlog: 0 }]],
    ['a backlog below 0', ['0.0.0.0', { backlog: -1 }]],
    ['ipv6Only with another address than ::', ['0.0.0.0', { ipv6Only: true }]],
    ['options that are no object', ['0.0.0.0', 1]],
  ])('throws a TypeError for %s, and does not listen', (_, args) => {
    expect(() => Reflect.construct(direct.TCPServerSocket, args)).toThrow(TypeError);
    expect(network.listeners).toHaveLength(0);
  });

  test('checks in the order of its steps', () => {
    const wrong = { localPort: 0, backlog: 0, ipv6Only: true };
    expect(() => new direct.TCPServerSocket('x', wrong)).toThrow(/IP address/);
    expect(() => new direct.TCPServerSocket('1.2.3.4', wrong)).toThrow(/localPort/);
    expect(() => new direct.TCPServerSocket('1.2.3.4', { ...wrong, localPort: 1 })).toThrow(/backlog/);
    expect(() => new direct.TCPServerSocket('1.2.3.4', { ...wrong, localPort: 1, backlog: 1 })).toThrow(/ipv6Only/);
  });

  test('listens where it is told', () => {
    new direct.TCPServerSocket('10.77.0.9', { localPort: 80, backlog: 5, ipv6Only: false });
    new direct.TCPServerSocket('::', { backlog: 100_000 });
    expect(network.listeners.map(({ options }) => options)).toEqual([
      { port: 80, address: '10.77.0.9', backlog: 5 },
      { port: 0, backlog: 4_096 },
    ]);
  });

  test('does not throw for IPv6 alone: opened and closed reject', async () => {
    const server = new direct.TCPServerSocket('::', { ipv6Only: true });
    await expect(server.opened).rejects.toMatchObject(networkError);
    await expect(server.closed).rejects.toMatchObject(networkError);
  });
});

describe('opening', () => {
  test('tells where it listens', async () => {
    const { info } = await opened();
    expect(info).toEqual({ readable: expect.any(ReadableStream), localAddress: '10.77.0.9', localPort: 8_080 });
  });

  test('that fails rejects opened and closed with NetworkError', async () => {
    const server = new direct.TCPServerSocket('0.0.0.0', { localPort: 80 });
    network.listeners[0]?.break(new EthertabError('EADDRINUSE', 'in use'));
    await expect(server.opened).rejects.toMatchObject(networkError);
    await expect(server.closed).rejects.toMatchObject(networkError);
  });
});

describe('the readable', () => {
  test('yields TCPSockets, which open with the addresses and streams of their connection', async () => {
    const { inner, info } = await opened();
    const accepted = new FakeTcp();
    accepted.open();
    inner.accept(accepted);
    const { value: socket } = await info.readable.getReader().read();
    expect(socket).toBeInstanceOf(direct.TCPSocket);
    expect(await socket?.opened).toMatchObject(ENDS);
  });

  test('yields a socket whose peer has said all already', async () => {
    const { inner, info } = await opened();
    const accepted = new FakeTcp();
    accepted.open();
    accepted.end();
    inner.accept(accepted);
    const { value: socket } = await info.readable.getReader().read();
    const streams = await socket?.opened;
    await streams?.writable.close();
    await socket?.closed;
    expect(accepted.closes).toBe(1);
  });

  test('is errored with NetworkError, and closed with it', async () => {
    const { server, inner, info } = await opened();
    const reading = info.readable.getReader().read();
    inner.break(new EthertabError('ENETDOWN', 'over'));
    await expect(reading).rejects.toMatchObject(networkError);
    await expect(server.closed).rejects.toMatchObject(networkError);
  });

  test('when cancelled turns away the connection that was just coming', async () => {
    const { inner, info } = await opened();
    const reader = info.readable.getReader();
    const reading = reader.read();
    const accepted = new FakeTcp();
    inner.accept(accepted);
    await reader.cancel();
    expect(await reading).toMatchObject({ done: true });
    await turn();
    expect(accepted.aborted).not.toBeNull();
  });

  test('when cancelled stops listening, and resolves closed', async () => {
    const { server, inner, info } = await opened();
    await info.readable.cancel();
    await server.closed;
    expect(inner.closes).toBeGreaterThan(0);
  });
});

describe('close()', () => {
  test('rejects with InvalidStateError before it listens, and while the readable is locked', async () => {
    await expect(new direct.TCPServerSocket('0.0.0.0').close()).rejects.toMatchObject(invalidState);
    network = new FakeNetwork();
    direct = directSockets(network);
    const { server, info } = await opened();
    info.readable.getReader();
    await expect(server.close()).rejects.toMatchObject(invalidState);
  });

  test('returns closed, and is harmless twice', async () => {
    const { server, inner } = await opened();
    expect(server.close()).toBe(server.closed);
    await server.close();
    await turn();
    expect(inner.closes).toBeGreaterThan(0);
  });
});

describe('as globals', () => {
  test('the classes are there as a browser would have them, until they are taken away again', () => {
    const before = () => 'mine';
    const target: Record<string, unknown> = { UDPSocket: before };
    const uninstall = install(direct, target);
    expect(target.TCPSocket).toBe(direct.TCPSocket);
    expect(target.UDPSocket).toBe(direct.UDPSocket);
    expect(Object.getOwnPropertyDescriptor(target, 'TCPServerSocket')).toEqual({
      value: direct.TCPServerSocket,
      writable: true,
      enumerable: false,
      configurable: true,
    });
    uninstall();
    expect(target).toEqual({ UDPSocket: before });
    expect('TCPSocket' in target).toBe(false);
  });
});
