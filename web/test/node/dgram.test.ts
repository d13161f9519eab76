/** `ethertab/node/dgram` beside Node's own `node:dgram`. */

import * as theirs from 'node:dgram';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { EthertabError } from '../../src/errors.js';
import * as ours from '../../src/node/dgram.js';
import { use } from '../../src/node/network.js';
import { FakeNetwork, type FakeUdp, turn } from '../fake-network.js';
import { alikeOf, codeOf } from './alike.js';

type Dgram = typeof theirs;

const HOST = '127.0.0.1';
const alike = alikeOf<Dgram>(theirs, ours as unknown as Dgram);

async function bound(dgram: Dgram) {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

alike('sends and receives, in every way to say what and where to', async (dgram, trace) => {
  const { socket: peer, port } = await bound(dgram);
  const socket = dgram.createSocket('udp4');
  socket.on('listening', () => trace.push('listening'));
  const bytes = Buffer.from('0123456789');
  const sends: (() => void)[] = [
    () => socket.send(bytes, port, HOST),
    () => socket.send('text', port, HOST),
    () => socket.send(bytes, 2, 3, port, HOST),
    () => socket.send([bytes, 'and', new Uint8Array([33])] as Buffer[], port, HOST),
    () => socket.send(bytes, port, HOST, (error, size) => trace.push(['sent', error, size])),
    () => socket.send('no host', port),
    () => socket.send(new Uint16Array([0x4141, 0x4242]), port, HOST),
    () => socket.send('', port, HOST),
  ];
  for (const send of sends) {
    const heard = once(peer, 'message');
    send();
    const [message, remote] = await heard;
    trace.push([String(message), Buffer.isBuffer(message), remote.address, remote.family, remote.size]);
    trace.push(remote.port === socket.address().port);
  }
  const back = once(socket, 'message');
  peer.send('back', socket.address().port, HOST);
  trace.push(String((await back)[0]));
  socket.close();
  peer.close(() => trace.push('closed'));
  await once(peer, 'close');
});

alike('is bound, and says where', async (dgram, trace) => {
  for (const values of [[], [0], [{ port: 0 }], [0, HOST], [{ port: 0, address: HOST }]] as [][]) {
    const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
    await new Promise<void>((resolve) => socket.bind(...values, resolve as never));
    const { address, family, port } = socket.address();
    trace.push([address, family, port > 0]);
    socket.close();
    await once(socket, 'close');
  }
});

alike('connects to one peer, and hears no other', async (dgram, trace) => {
  const { socket: peer, port } = await bound(dgram);
  const { socket: stranger } = await bound(dgram);
  const socket = dgram.createSocket('udp4', (message) => trace.push(['heard', String(message)]));
  socket.connect(port, HOST, () => trace.push('called back'));
  await once(socket, 'connect');
  const { address, family, port: remote } = socket.remoteAddress();
  trace.push([address, family, remote === port]);
  const heard = once(peer, 'message');
  socket.send('0123', 1, 2, (error, size) => trace.push(['sent', error, size]));
  const [message, { port: own }] = await heard;
  trace.push(String(message));
  const told = once(socket, 'message');
  await new Promise((resolve) => stranger.send('me too', own, HOST, resolve));
  peer.send('you', own, HOST);
  await told;
  socket.disconnect();
  const again = once(peer, 'message');
  socket.send('free again', port, HOST);
  trace.push(String((await again)[0]));
  for (const each of [socket, peer, stranger]) {
    each.close();
  }
});

alike('says when it is misused', async (dgram, trace) => {
  const { socket, port } = await bound(dgram);
  trace.push(codeOf(() => dgram.createSocket('udp5' as 'udp4')));
  trace.push(codeOf(() => socket.bind(0)));
  trace.push(codeOf(() => socket.send('x', 0, HOST)));
  trace.push(codeOf(() => socket.send('x', 70_000, HOST)));
  trace.push(codeOf(() => socket.send({} as Buffer, port, HOST)));
  trace.push(codeOf(() => socket.send(Buffer.alloc(3), 2, 2, port, HOST)));
  trace.push(codeOf(() => socket.send(Buffer.alloc(3), 4, 0, port, HOST)));
  trace.push(codeOf(() => socket.remoteAddress()));
  trace.push(codeOf(() => socket.disconnect()));
  trace.push(codeOf(() => dgram.createSocket('udp4').address()));
  socket.close();
  trace.push(codeOf(() => socket.close()));
  trace.push(codeOf(() => socket.send('x', port, HOST)));
});

alike('is closed by an AbortSignal', async (dgram, trace) => {
  const controller = new AbortController();
  const socket = dgram.createSocket({ type: 'udp4', signal: controller.signal });
  socket.bind(0, HOST);
  await once(socket, 'listening');
  const over = once(socket, 'close');
  controller.abort();
  await over;
  trace.push('closed');
});

test('a socket that is connected sends first what was written before', async () => {
  const network = new FakeNetwork();
  use({ ...network, udp: network.udp.bind(network), resolve: () => turn().then(() => [HOST]) } as never);
  const socket = ours.createSocket('udp4');
  socket.send('to a name', 7, 'slow.example.com');
  socket.connect(8, HOST);
  const [first] = network.datagrams as [FakeUdp];
  let sentBefore = 0;
  first.close = async () => {
    sentBefore = first.sent.length;
  };
  first.open();
  await vi.waitUntil(() => network.datagrams.length === 2);
  expect([sentBefore, first.sent[0]?.remotePort]).toEqual([1, 7]);
  expect(network.datagrams[1]?.options).toEqual({ localPort: 5_353, remoteAddress: HOST, remotePort: 8 });
});

test('what the network refuses goes to the callback, or is an error', async () => {
  const network = new FakeNetwork();
  use({ ...network, udp: network.udp.bind(network), resolve: async () => [] } as never);
  const socket = ours.createSocket('udp4');
  const told = once(socket as never, 'error');
  const size = new Promise((resolve) => socket.send('x', 7, HOST, (error) => resolve(error)));
  const [fake] = network.datagrams;
  if (fake) {
    fake.refusal = Object.assign(new Error('too long'), { code: 'EMSGSIZE' });
    fake.open();
  }
  const expected = { code: 'EMSGSIZE', errno: -90, syscall: 'send', address: HOST, port: 7 };
  expect(await size).toMatchObject({ ...expected, message: 'send EMSGSIZE 127.0.0.1:7' });
  socket.send('x', 7, HOST);
  expect((await told)[0]).toMatchObject(expected);
});

test('more datagrams than a limit are refused until some have left', async () => {
  const network = new FakeNetwork();
  use({ ...network, udp: network.udp.bind(network), resolve: async () => [] } as never);
  const socket = ours.createSocket('udp4');
  const codes: unknown[] = [];
  for (let count = 0; count < 1030; count += 1) {
    socket.send('x', 7, HOST, (error) => codes.push((error as NodeJS.ErrnoException | null)?.code));
  }
  await turn();
  expect(codes).toEqual(Array(6).fill('ENOBUFS'));
  network.datagrams[0]?.open();
  await turn();
  expect(codes.length).toBe(1030);
  expect(network.datagrams[0]?.sent.length).toBe(1024);
  expect(socket.getSendQueueCount()).toBe(0);
});

test('what is said of one datagram does not end a connected socket', async () => {
  const network = new FakeNetwork();
  use({ ...network, udp: network.udp.bind(network), resolve: async () => [] } as never);
  const socket = ours.createSocket('udp4');
  const errors: unknown[] = [];
  socket.on('error', (error: unknown) => errors.push((error as NodeJS.ErrnoException).code));
  socket.connect(53, '10.77.0.1');
  const open = (count: number) => vi.waitUntil(() => network.datagrams.length === count && network.datagrams[count - 1]);
  const first = (await open(1)) as FakeUdp;
  first.open();
  await once(socket as never, 'connect');
  first.break(new EthertabError('ECONNREFUSED', 'nobody listens'));
  const second = (await open(2)) as FakeUdp;
  expect(second.options).toMatchObject({ localPort: 5_353, remoteAddress: '10.77.0.1', remotePort: 53 });
  second.open();
  socket.send('again');
  const heard = once(socket as never, 'message');
  await vi.waitUntil(() => second.sent.length === 1);
  second.receive(49);
  expect(String((await heard)[0])).toBe('1');
  expect(errors).toEqual(['ECONNREFUSED']);
  socket.close();
});
