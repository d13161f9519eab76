/** Sockets and servers of `ethertab/node/net` over a network in the hands of the test: what the loopback does not show. */

import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EthertabError } from '../../src/errors.js';
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

test('a long write counts as something that passes, piece by piece', async () => {
  const [socket, tcp] = await connected();
  vi.useFakeTimers();
  const timeout = vi.fn();
  socket.setTimeout(1_000).on('timeout', timeout);
  const gates = [new Deferred<void>(), new Deferred<void>(), new Deferred<void>()];
  const write = vi.spyOn(WritableStreamDefaultWriter.prototype, 'write');
  for (const gate of gates) {
    write.mockReturnValueOnce(gate.promise);
  }
  socket.write(new Uint8Array(3 * 256 * 1024));
  for (const gate of gates) {
    await vi.advanceTimersByTimeAsync(900);
    gate.resolve();
  }
  await vi.advanceTimersByTimeAsync(900);
  expect([write.mock.calls.length, timeout.mock.calls.length]).toEqual([3, 0]);
  write.mockRestore();
  expect(tcp.closes).toBe(0);
  socket.destroy();
});

test('a time that no timer takes is the longest that one does, or refused', async () => {
  const [socket] = await connected();
  const timeout = vi.fn();
  expect(() => socket.setTimeout(Number.POSITIVE_INFINITY)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  socket.setTimeout(2 ** 40, timeout);
  await turn();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([socket.timeout, timeout.mock.calls.length]).toEqual([2 ** 31 - 1, 0]);
  socket.destroy();
});

test('a socket that is destroyed lets its connection go: of a peer that takes nothing more, after a while', async () => {
  const [socket, tcp] = await connected();
  vi.useFakeTimers();
  tcp.close = () => new Promise(() => {});
  socket.destroy();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(tcp.aborted).toBe(null);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(tcp.aborted).not.toBe(null);
});

test('a socket whose end fails is given back', async () => {
  const [socket, tcp] = await connected();
  vi.spyOn(WritableStreamDefaultWriter.prototype, 'close').mockRejectedValueOnce(new EthertabError('ECONNRESET', 'reset'));
  socket.on('error', () => {});
  socket.end();
  await vi.waitUntil(() => tcp.aborted);
});

test('what a listener throws is heard of, and the socket reads on', async () => {
  const [socket, tcp] = await connected();
  const thrown: unknown[] = [];
  const hear = (error: unknown) => thrown.push((error as Error).message);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', hear);
  const heard: string[] = [];
  socket.on('data', (piece: Uint8Array) => {
    heard.push(String(piece));
    throw new Error(`no: ${piece}`);
  });
  tcp.receive(49);
  await turn();
  tcp.receive(50);
  tcp.end();
  await once(socket as never, 'end');
  process.off('uncaughtException', hear);
  for (const listener of others) {
    process.on('uncaughtException', listener);
  }
  expect([heard, thrown]).toEqual([
    ['1', '2'],
    ['no: 1', 'no: 2'],
  ]);
});

test('a TLS peer that finishes without a word has finished', async () => {
  const [socket, tcp] = await connected();
  const events: unknown[] = [];
  for (const event of ['data', 'end', 'error', 'close']) {
    socket.on(event, (value: unknown) => events.push(event === 'data' ? String(value) : event));
  }
  tcp.receive(49);
  await turn();
  tcp.break(new EthertabError('ETLSTRUNCATED', 'no goodbye'));
  await once(socket as never, 'close');
  expect(events).toEqual(['1', 'end', 'close']);
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
