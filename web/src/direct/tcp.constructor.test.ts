/** TCPSocket's constructor, by the steps of WICG Direct Sockets §1.1. */
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeNetwork } from '../../test/fake-network.js';
import { directSockets } from './index.js';
import type { TCPSocketConstructor } from './types.js';

let network: FakeNetwork;
let TCPSocket: TCPSocketConstructor;

beforeEach(() => {
  network = new FakeNetwork();
  ({ TCPSocket } = directSockets(network));
});

const networkError = { name: 'NetworkError' };

describe('the constructor', () => {
  test('takes the interface of the specification', () => {
    expect(TCPSocket.name).toBe('TCPSocket');
    expect(TCPSocket.length).toBe(2);
    const socket = new TCPSocket('peer', 7);
    expect(socket).toBeInstanceOf(TCPSocket);
    expect(Object.prototype.toString.call(socket)).toBe('[object TCPSocket]');
    expect(socket.opened).toBe(socket.opened);
    expect(socket.closed).toBe(socket.closed);
    // @ts-expect-error: it is a class
    expect(() => TCPSocket('peer', 7)).toThrow(TypeError);
  });

  test.each<[string, unknown[]]>([
    ['no arguments', []],
    ['no port', ['peer']],
    ['options that are no object', ['peer', 7, 'fast']],
    ['an address that cannot be a string', [Symbol('peer'), 7]],
    ['a port that is no number', ['peer', 7n]],
    ['a keepAliveDelay below 1,000', ['peer', 7, { keepAliveDelay: 999 }]],
    ['a keepAliveDelay that is out of range', ['peer', 7, { keepAliveDelay: 2 ** 32 }]],
    ['a keepAliveDelay that is no number', ['peer', 7, { keepAliveDelay: 'soon' }]],
    ['a sendBufferSize of 0', ['peer', 7, { sendBufferSize: 0 }]],
    ['a sendBufferSize below 0', ['peer', 7, { sendBufferSize: -1 }]],
    ['a receiveBufferSize of 0', ['peer', 7, { receiveBufferSize: 0 }]],
    ['a receiveBufferSize that is out of range', ['peer', 7, { receiveBufferSize: Number.POSITIVE_INFINITY }]],
    ['a dnsQueryType that is none', ['peer', 7, { dnsQueryType: 'any' }]],
  ])('throws a TypeError for %s, and connects nowhere', (_, args) => {
    expect(() => Reflect.construct(TCPSocket, args)).toThrow(TypeError);
    expect(network.tcp).toHaveLength(0);
  });

  test('looks at keepAliveDelay first, then at sendBufferSize', () => {
    const wrong = { receiveBufferSize: 0, sendBufferSize: 0, keepAliveDelay: 1 };
    expect(() => new TCPSocket('peer', 7, wrong)).toThrow(/keepAliveDelay/);
    expect(() => new TCPSocket('peer', 7, { ...wrong, keepAliveDelay: 1_000 })).toThrow(/sendBufferSize/);
  });

  test('converts its arguments as bindings do', () => {
    // @ts-expect-error: a port as text
    new TCPSocket('peer', `${0x1_0000 + 80}`, null);
    expect(network.addresses).toEqual([{ hostname: 'peer', port: 80 }]);
  });

  test('hands the options on, with buffers within bounds', () => {
    const options = { noDelay: true, keepAliveDelay: 1_000.9, sendBufferSize: 1, receiveBufferSize: 2 ** 32 - 1 };
    new TCPSocket('peer', 7, { ...options, dnsQueryType: 'ipv4' });
    expect(network.tcp[0]?.options).toEqual({
      noDelay: true,
      keepAliveDelay: 1_000,
      sendBufferSize: 4_096,
      receiveBufferSize: 32 * 1024 * 1024,
    });
    new TCPSocket('peer', 7);
    expect(network.tcp[1]?.options).toEqual({ noDelay: false });
  });

  test.each<[string, ConstructorParameters<TCPSocketConstructor>]>([
    ['port 0', ['peer', 0]],
    ['an IPv6 record', ['peer', 7, { dnsQueryType: 'ipv6' }]],
  ])('does not throw for %s: opened and closed reject', async (_, args) => {
    const socket = new TCPSocket(...args);
    await expect(socket.opened).rejects.toMatchObject(networkError);
    await expect(socket.closed).rejects.toMatchObject(networkError);
  });

  test('needs no record for an address', async () => {
    const socket = new TCPSocket('10.77.0.1', 7, { dnsQueryType: 'ipv6' });
    network.tcp[0]?.open();
    await socket.opened;
  });
});
