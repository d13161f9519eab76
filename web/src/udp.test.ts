/** UDP sockets, as the page holds them; the Worker is in the hands of the test. */
import { beforeEach, expect, test } from 'vitest';
import { turn } from '../test/fake-network.js';
import { Channel } from './channel.js';
import { EthertabError, toPlain } from './errors.js';
import type { CallName, FromWorker, ToWorker } from './messages.js';
import type { UdpOptions, UdpSocket } from './types.js';
import { udp } from './udp.js';

let asked: ToWorker[];
let channel: Channel;
let answer: (call: CallName, result: unknown) => void;

beforeEach(() => {
  asked = [];
  const worker = { postMessage: (message: ToWorker) => asked.push(message), terminate() {} } as unknown as Worker;
  channel = new Channel(worker);
  const say = (data: FromWorker) => worker.onmessage?.({ data } as MessageEvent<FromWorker>);
  answer = (call, result) => {
    const at = asked.findIndex((message) => message.call === call);
    expect(at, call).toBeGreaterThanOrEqual(0);
    const { id } = asked.splice(at, 1)[0] as ToWorker;
    say(result instanceof EthertabError ? { type: 'failure', id, error: toPlain(result) } : { type: 'answer', id, result });
  };
});

const calls = () => asked.map(({ call }) => call);
const message = { data: new Uint8Array([1]), remoteAddress: '10.0.0.2', remotePort: 7 };

/** How a promise stands. */
function state(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise.then(() => 'resolved'), turn().then(() => 'pending')]).catch((error) => error.code ?? error);
}

async function open(options?: UdpOptions): Promise<UdpSocket> {
  const socket = udp(channel, options);
  answer('udpOpen', { localAddress: '10.0.0.1', localPort: 4000 });
  await socket.opened;
  await turn();
  return socket;
}

test.each<[string, UdpOptions, unknown]>([
  ['a datagram', {}, message],
  ['an error', { remoteAddress: '10.0.0.2', remotePort: 7 }, new EthertabError('ECONNREFUSED', 'refused')],
])('%s that comes after the readable was cancelled ends nothing', async (_, options, late) => {
  const socket = await open(options);
  await socket.readable.cancel();
  answer('udpReceive', late);
  expect(await state(socket.closed)).toBe('pending');
  const writing = socket.writable
    .getWriter()
    .write({ data: 'x', ...(options.remotePort ? {} : { remoteAddress: 'a', remotePort: 7 }) });
  await expect.poll(calls).toContain('udpSend');
  answer('udpSend', undefined);
  await writing;
});

test('the end of the Worker is heard while nothing is asked of it', async () => {
  const socket = await open();
  for (let n = 0; n < 16; n += 1) {
    answer('udpReceive', message);
    await turn();
  }
  expect(calls()).toEqual([]);
  channel.fail(new EthertabError('EWORKER', 'died'));
  expect(await state(socket.closed)).toBe('EWORKER');
  expect(await state(socket.writable.getWriter().closed)).toBe('EWORKER');
});

test('an abort waits for nobody, before the socket is open and afterwards', async () => {
  const early = new AbortController();
  const opening = udp(channel, { signal: early.signal });
  early.abort('enough');
  expect([await state(opening.opened), await state(opening.closed)]).toEqual(['enough', 'enough']);
  expect(calls()).toEqual(['udpOpen']);
  answer('udpOpen', { localAddress: '10.0.0.1', localPort: 4000 });
  await turn();
  expect(calls()).toEqual(['udpClose']);
  asked = [];

  const late = new AbortController();
  const socket = await open({ signal: late.signal });
  const writing = socket.send({ data: 'x', remoteAddress: 'a', remotePort: 7 });
  await turn();
  late.abort('now');
  expect(await state(socket.closed)).toBe('now');
  expect(calls()).toContain('udpClose');
  answer('udpSend', undefined);
  await writing;
});
