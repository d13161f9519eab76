// Runs the measurements that the server asks for and posts each result back. No debugger watches: with one attached, the
// browser copies every WebSocket message to it.

import { Network } from '../../../web/src/index.ts';
import { move } from './move.ts';

interface Plan {
  rounds: number;
  bytes: number;
  relay: string;
  raw: string;
  host: string;
  port: number;
  /** Addresses that DHCP does not hand out. */
  stations: string[];
  directions: Direction[];
  /** Which measurements to make. */
  parts: Part[];
}

type Direction = 'down' | 'up';
type Part = 'frames' | 'plain' | 'messages' | 'proxy' | 'page' | 'smoltcp' | 'batched';

const plan = (await (await fetch('/plan')).json()) as Plan;
let stations = 0;

/** Megabytes a second, of what took so many milliseconds. */
function speed(time: number): number {
  return plan.bytes / 1e3 / time;
}

async function ours(network: Network, direction: Direction): Promise<number> {
  const socket = network.connect({ hostname: plan.host, port: plan.port });
  const writer = socket.writable.getWriter();
  await socket.opened;
  const began = performance.now();
  await writer.write(`${direction} ${plan.bytes}\n`);
  const reader = socket.readable.getReader();
  if (direction === 'up') {
    const block = new Uint8Array(64 * 1024).fill(7);
    for (let left = plan.bytes; left > 0; left -= block.length) {
      await writer.write(block.subarray(0, Math.min(left, block.length)));
    }
  }
  let received = 0;
  const expected = direction === 'down' ? plan.bytes : 'done'.length;
  while (received < expected) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended after ${received} bytes`);
    received += value.length;
  }
  const result = speed(performance.now() - began);
  await writer.close();
  return result;
}

/** Has a Worker move the bytes. */
function moved(worker: Worker, job: object): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(speed(data));
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ bytes: plan.bytes, ...job });
  });
}

/** The WebSocket alone with messages of that size, or with a proxy behind it. */
function raw(direction: Direction, size: number, proxy?: number): Promise<number> {
  const worker = new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' });
  return moved(worker, { url: plan.raw, direction, size, proxy });
}

/** The proxy, where its bytes are wanted: whoever has no stack opens the WebSocket in the page. */
async function inPage(direction: Direction): Promise<number> {
  const { raw: url, bytes, port: proxy } = plan;
  return speed(await move({ url, direction, bytes, size: 65_536, proxy }));
}

/** smoltcp over the plain form. */
function smoltcp(direction: Direction): Promise<number> {
  const worker = new Worker(new URL('./smoltcp.ts', import.meta.url), { type: 'module' });
  const { relay: url, host, port } = plan;
  // A fresh address each time: nothing of the last connection is remembered for it.
  const address = plan.stations[stations++ % plan.stations.length];
  return moved(worker, { url, host, port, address, direction });
}

async function report(path: string, body: unknown): Promise<void> {
  await fetch(path, { method: 'POST', body: JSON.stringify(body) });
}

try {
  // Both at once, so that all is measured in one run.
  const network = await Network.open(plan.relay);
  const plain = await Network.open(plan.relay, { plain: true });
  for (let round = 0; round < plan.rounds; round++) {
    for (const direction of plan.directions) {
      const ways: Record<Part, () => Promise<number>> = {
        frames: () => raw(direction, 1514),
        plain: () => ours(plain, direction),
        messages: () => raw(direction, 65_536),
        proxy: () => raw(direction, 65_536, plan.port),
        page: () => inPage(direction),
        smoltcp: () => smoltcp(direction),
        batched: () => ours(network, direction),
      };
      const speeds: Record<string, number> = {};
      for (const part of plan.parts) speeds[part] = await ways[part]();
      await report('/result', { direction, ...speeds });
    }
  }
  await network.close();
  await plain.close();
  await report('/done', {});
} catch (error) {
  await report('/failed', { message: String(error) });
}
