/** Sockets and servers of `ethertab/node/net` over a network in the hands of the test: what the loopback does not show. */

import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as net from '../../src/node/net.js';
import { use } from '../../src/node/network.js';
import { Deferred, ENDS, FakeNetwork, FakeTcp, turn } from '../fake-network.js';

const HOST = '10.77.0.1';

let network: FakeNetwork;
let names: Record<string, string[]>;

beforeEach(() => {
  network = new FakeNetwork();
  names = {};
  use({
    connect: network.connect.bind(network),
    listen: network.listen.bind(network),
    udp: network.udp.bind(network),
    resolve: async (name) => names[name] ?? [],
  });
});
afterEach(() => {
  vi.useRealTimers();
  use(null);
});

/** A socket that is connected, and what is below it. */
async function connected(): Promise<[net.Socket, FakeTcp]> {
  const socket = net.connect(7, HOST);
  await vi.waitUntil(() => network.tcp.length > 0);
  const tcp = network.tcp.at(-1) as FakeTcp;
  tcp.open();
  await once(socket as never, 'connect');
  return [socket, tcp];
}

test('a socket that nobody reads takes little from the network', async () => {
  const [socket, tcp] = await connected();
  socket.pause();
  const size = 100 * 10_000;
  for (let count = 0; count < 100; count += 1) {
    tcp.receive(...new Uint8Array(10_000));
  }
  tcp.end();
  for (let count = 0; count < 10; count += 1) {
    await turn();
  }
  expect(socket.bytesRead).toBeLessThan(150_000);
  let length = 0;
  socket.on('data', (piece: Uint8Array) => {
    length += piece.length;
  });
  socket.resume();
  await once(socket as never, 'end');
  expect([length, socket.bytesRead]).toEqual([size, size]);
});

test('a write that waited for the connection calls back once, and leaves nothing behind', async () => {
  const socket = net.connect(7, HOST);
  const before = socket.listenerCount('close');
  let calls = 0;
  socket.write('early', () => {
    calls += 1;
  });
  expect(socket.listenerCount('close')).toBe(before + 1);
  await turn();
  network.tcp[0]?.open();
  await turn();
  expect([calls, socket.listenerCount('close')]).toEqual([1, before]);
  socket.destroy();
  await turn();
  expect(calls).toBe(1);
});

test('an end that is on its way is let go before the connection is closed', async () => {
  const [socket, tcp] = await connected();
  const finished = new Deferred<void>();
  vi.spyOn(WritableStreamDefaultWriter.prototype, 'close').mockReturnValueOnce(finished.promise);
  socket.end();
  await turn();
  socket.destroy();
  await turn();
  expect(tcp.closes).toBe(0);
  finished.resolve();
  await turn();
  expect(tcp.closes).toBe(1);
});

test('silence is counted from the last that passed', async () => {
  const [socket, tcp] = await connected();
  socket.resume();
  vi.useFakeTimers();
  let timeouts = 0;
  socket.setTimeout(1_000).on('timeout', () => {
    timeouts += 1;
  });
  await vi.advanceTimersByTimeAsync(900);
  tcp.receive(1);
  await vi.advanceTimersByTimeAsync(900);
  expect(timeouts).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(timeouts).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(timeouts).toBe(1);
  socket.destroy();
});

test('settings of before the connection are made when it is there', async () => {
  const socket = net.connect({ port: 7, host: HOST, noDelay: true, localPort: 99, tcp: { sendBufferSize: 5_000 } });
  socket.setKeepAlive(true, 30_000);
  await turn();
  const tcp = network.tcp[0] as FakeTcp;
  const noDelay = vi.spyOn(tcp, 'setNoDelay');
  const keepAlive = vi.spyOn(tcp, 'setKeepAlive');
  tcp.open();
  await turn();
  expect(tcp.options).toEqual({ localPort: 99, sendBufferSize: 5_000 });
  expect(noDelay.mock.calls).toEqual([[true]]);
  socket.setKeepAlive(true);
  socket.setKeepAlive(false);
  expect(keepAlive.mock.calls).toEqual([[30_000], [7_200_000], [null]]);
  socket.destroy();
});

test('the addresses of a name are tried one after the other', async () => {
  names['two.example.com'] = ['10.0.0.1', '10.0.0.2'];
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const socket = net.connect(7, 'two.example.com');
  await turn();
  network.tcp[0]?.break(refused);
  await turn();
  network.tcp[1]?.open();
  await once(socket as never, 'connect');
  expect(network.addresses.map(({ hostname }) => hostname)).toEqual(['10.0.0.1', '10.0.0.2']);
  const other = net.connect(7, 'two.example.com');
  const failed = once(other as never, 'error');
  await turn();
  network.tcp[2]?.break(refused);
  await turn();
  network.tcp[3]?.break(refused);
  const [error] = await failed;
  expect([error.name, error.code, error.errors.length]).toEqual(['AggregateError', 'ECONNREFUSED', 2]);
});

test('one that is destroyed while it connects gives the connection up', async () => {
  const socket = net.connect(7, HOST);
  await turn();
  socket.destroy();
  await turn();
  expect(network.tcp[0]?.aborted).not.toBe(null);
  const late = net.connect(7, 'late.example.com');
  late.destroy();
  await turn();
  expect(network.tcp.length).toBe(1);
});

test('a server says once that it has closed: when its port is free and its connections have ended', async () => {
  const server = net.createServer();
  server.listen(8_080);
  await turn();
  const [listener] = network.listeners;
  const closing = new Deferred<void>();
  Object.assign(listener as object, { localPort: 8_080, close: () => closing.promise });
  listener?.open();
  await once(server as never, 'listening');
  const accepted = once(server as never, 'connection');
  const tcp = new FakeTcp();
  tcp.open();
  listener?.accept(tcp);
  const [peer] = await accepted;
  expect([peer.remoteAddress, peer.localPort]).toEqual([ENDS.remoteAddress, ENDS.localPort]);
  let closes = 0;
  server.on('close', () => {
    closes += 1;
  });
  server.close();
  peer.destroy();
  await turn();
  expect(closes).toBe(0);
  closing.resolve();
  await turn();
  expect(closes).toBe(1);
});
