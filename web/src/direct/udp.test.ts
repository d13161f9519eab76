/** UDPSocket, by the steps of WICG Direct Sockets §2. */
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeNetwork, type FakeUdp, turn } from '../../test/fake-network.js';
import { EthertabError } from '../errors.js';
import { directSockets } from './index.js';
import type { UDPSocketConstructor, UDPSocketOpenInfo, UDPSocketOptions, UDPSocket as UDPSocketType } from './types.js';

let network: FakeNetwork;
let UDPSocket: UDPSocketConstructor;

beforeEach(() => {
  network = new FakeNetwork();
  ({ UDPSocket } = directSockets(network));
});

const CONNECTED = { remoteAddress: 'peer', remotePort: 53 };
const BOUND = { localAddress: '0.0.0.0' };
const networkError = { name: 'NetworkError' };
const invalidState = { name: 'InvalidStateError' };
const data = new Uint8Array([1]);

async function opened(options: UDPSocketOptions): Promise<{ socket: UDPSocketType; inner: FakeUdp; info: UDPSocketOpenInfo }> {
  const socket = new UDPSocket(options);
  const inner = network.datagrams.at(-1) as FakeUdp;
  inner.open();
  return { socket, inner, info: await socket.opened };
}

describe('the constructor', () => {
  test('takes the interface of the specification', () => {
    expect(UDPSocket.name).toBe('UDPSocket');
    expect(UDPSocket.length).toBe(0);
    expect(Object.prototype.toString.call(new UDPSocket(BOUND))).toBe('[object UDPSocket]');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['neither mode', {}],
    ['remoteAddress alone', { remoteAddress: 'peer' }],
    ['remotePort alone', { remotePort: 53 }],
    ['a remotePort that is out of range', { ...CONNECTED, remotePort: 65_536 }],
    ['localPort 0', { ...BOUND, localPort: 0 }],
    ['localPort without localAddress', { localPort: 53 }],
    ['localPort without localAddress, connected', { ...CONNECTED, localPort: 53 }],
    ['both modes', { ...CONNECTED, ...BOUND }],
    ['a localAddress that is a name', { localAddress: 'localhost' }],
    ['a localAddress that is no address', { localAddress: '10.0.0.256' }],
    ['a localAddress with brackets', { localAddress: '[::]' }],
    ['dnsQueryType when bound', { ...BOUND, dnsQueryType: 'ipv4' }],
    ['a dnsQueryType that is none', { ...CONNECTED, dnsQueryType: 'ipv5' }],
    ['ipv6Only when connected', { ...CONNECTED, ipv6Only: false }],
    ['ipv6Only with another address than ::', { ...BOUND, ipv6Only: false }],
    ['ipv6Only with an IPv6 address', { localAddress: '::1', ipv6Only: true }],
    ['a sendBufferSize of 0', { ...BOUND, sendBufferSize: 0 }],
    ['a receiveBufferSize of 0', { ...CONNECTED, receiveBufferSize: 0 }],
  ])('throws a TypeError for %s, and opens nothing', (_, options) => {
    expect(() => Reflect.construct(UDPSocket, [options])).toThrow(TypeError);
    expect(network.datagrams).toHaveLength(0);
  });

  test('checks in the order of its steps', () => {
    const wrong: UDPSocketOptions = {
      remoteAddress: 'peer',
      localPort: 0,
      localAddress: 'x',
      ipv6Only: true,
      sendBufferSize: 0,
    };
    const message = (options: UDPSocketOptions) => {
      try {
        new UDPSocket(options);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(message(wrong)).toMatch(/come together/);
    const { remoteAddress: _, ...bound } = wrong;
    expect(message(bound)).toMatch(/localPort/);
    expect(message({ ...bound, localPort: 1 })).toMatch(/not an IP address/);
    expect(message({ ...bound, localPort: 1, localAddress: '1.2.3.4', dnsQueryType: 'ipv4' })).toMatch(/dnsQueryType/);
    expect(message({ ...bound, localPort: 1, localAddress: '1.2.3.4' })).toMatch(/ipv6Only/);
    expect(message({ ...bound, localPort: 1, localAddress: '::' })).toMatch(/sendBufferSize/);
  });

  test.each([{ multicastTimeToLive: 1 }, { multicastLoopback: false }, { multicastAllowAddressSharing: true }])(
    'throws a NotAllowedError for %o before it looks at the rest',
    (multicast) => {
      expect(() => new UDPSocket({ ...multicast, remotePort: 53 })).toThrow(
        expect.objectContaining({ name: 'NotAllowedError' }),
      );
    },
  );

  test('opens a socket of the mode that was inferred', () => {
    new UDPSocket(CONNECTED);
    new UDPSocket({ localAddress: '10.77.0.9', localPort: 53 });
    new UDPSocket({ localAddress: '0:0::0' });
    new UDPSocket({ localAddress: '::', ipv6Only: false });
    expect(network.datagrams.map(({ options }) => options)).toEqual([
      CONNECTED,
      { localAddress: '10.77.0.9', localPort: 53 },
      {},
      {},
    ]);
  });

  test.each<UDPSocketOptions>([
    { localAddress: '::', ipv6Only: true },
    { ...CONNECTED, dnsQueryType: 'ipv6' },
  ])('does not throw for what only the network lacks: %o', async (options) => {
    const socket = new UDPSocket(options);
    await expect(socket.opened).rejects.toMatchObject(networkError);
    await expect(socket.closed).rejects.toMatchObject(networkError);
  });
});

describe('opening', () => {
  test('tells both ends of a connected socket, and ours of a bound one', async () => {
    const streams = { readable: expect.any(ReadableStream), writable: expect.any(WritableStream) };
    const local = { localAddress: '10.77.0.9', localPort: 5_353 };
    expect((await opened(CONNECTED)).info).toEqual({ ...streams, ...local, ...CONNECTED });
    expect((await opened(BOUND)).info).toEqual({ ...streams, ...local });
  });

  test('that fails rejects opened and closed with NetworkError', async () => {
    const socket = new UDPSocket(BOUND);
    const error = new EthertabError('EADDRINUSE', 'in use');
    network.datagrams[0]?.break(error);
    await expect(socket.opened).rejects.toMatchObject({ ...networkError, cause: error });
    await expect(socket.closed).rejects.toMatchObject({ ...networkError, cause: error });
  });
});

describe('the readable', () => {
  test('yields who sent a datagram in bound mode, and the data alone in connected mode', async () => {
    const bound = await opened(BOUND);
    bound.inner.receive(1, 2);
    const message = { data: new Uint8Array([1, 2]), remoteAddress: '10.77.0.1', remotePort: 53 };
    expect((await bound.info.readable.getReader().read()).value).toEqual(message);
    const connected = await opened(CONNECTED);
    connected.inner.receive(3);
    expect((await connected.info.readable.getReader().read()).value).toEqual({ data: new Uint8Array([3]) });
  });

  test('is errored with NetworkError, and so are the writable and closed', async () => {
    const { socket, inner, info } = await opened(CONNECTED);
    inner.break(new EthertabError('ECONNREFUSED', 'refused'));
    await expect(info.readable.getReader().read()).rejects.toMatchObject(networkError);
    await expect(info.writable.getWriter().closed).rejects.toMatchObject(networkError);
    await expect(socket.closed).rejects.toMatchObject(networkError);
  });
});

describe('the writable', () => {
  test('sends to the peer in connected mode, and to whom the message names in bound mode', async () => {
    const connected = await opened(CONNECTED);
    await connected.info.writable.getWriter().write({ data: data.buffer });
    expect(connected.inner.sent).toEqual([{ data }]);
    const bound = await opened(BOUND);
    await bound.info.writable.getWriter().write({ data, remoteAddress: 'peer', remotePort: 53, dnsQueryType: 'ipv4' });
    expect(bound.inner.sent).toEqual([{ data, remoteAddress: 'peer', remotePort: 53 }]);
  });

  test.each<[string, UDPSocketOptions, unknown]>([
    ['a message that is no object', CONNECTED, 'text'],
    ['a message without data', CONNECTED, {}],
    ['data that is no buffer', CONNECTED, { data: 'text' }],
    ['remoteAddress in connected mode', CONNECTED, { data, remoteAddress: 'peer' }],
    ['remotePort in connected mode', CONNECTED, { data, remotePort: 53 }],
    ['dnsQueryType in connected mode', CONNECTED, { data, dnsQueryType: 'ipv4' }],
    ['no address in bound mode', BOUND, { data }],
    ['no port in bound mode', BOUND, { data, remoteAddress: 'peer' }],
    ['no remoteAddress in bound mode', BOUND, { data, remotePort: 53 }],
  ])('refuses %s with a TypeError', async (_, options, message) => {
    const { inner, info } = await opened(options);
    // @ts-expect-error: no UDPMessage
    await expect(info.writable.getWriter().write(message)).rejects.toBeInstanceOf(TypeError);
    expect(inner.sent).toEqual([]);
  });

  test('is errored with NetworkError by a datagram that cannot be sent, and the readable goes on', async () => {
    const { socket, inner, info } = await opened(BOUND);
    inner.refusal = new EthertabError('EMSGSIZE', 'too long');
    const writer = info.writable.getWriter();
    const writing = writer.write({ data, remoteAddress: 'peer', remotePort: 53 });
    const error = await writing.catch((error: unknown) => error);
    expect(error).toMatchObject({ ...networkError, cause: inner.refusal });
    await expect(writer.closed).rejects.toBe(error);
    inner.receive(1);
    await info.readable.getReader().read();
    expect(inner.closes).toBe(0);
    inner.break(new EthertabError('ENETDOWN', 'over'));
    await expect(socket.closed).rejects.toBe(error);
  });
});

describe('close()', () => {
  test('rejects with InvalidStateError before the socket is open, and while a stream is locked', async () => {
    await expect(new UDPSocket(BOUND).close()).rejects.toMatchObject(invalidState);
    const { socket, info } = await opened(BOUND);
    const reader = info.readable.getReader();
    await expect(socket.close()).rejects.toMatchObject(invalidState);
    reader.releaseLock();
    info.writable.getWriter();
    await expect(socket.close()).rejects.toMatchObject(invalidState);
  });

  test('ends both streams, lets the socket go once, and returns closed', async () => {
    const { socket, inner, info } = await opened(BOUND);
    expect(socket.close()).toBe(socket.closed);
    await socket.close();
    await turn();
    expect(inner.closes).toBe(1);
    expect(await info.readable.getReader().read()).toMatchObject({ done: true });
  });

  test('is not needed when both streams were ended by hand', async () => {
    const { socket, inner, info } = await opened(CONNECTED);
    await info.writable.close();
    expect(inner.closes).toBe(0);
    await info.readable.cancel();
    await socket.closed;
    expect(inner.closes).toBe(1);
  });
});
