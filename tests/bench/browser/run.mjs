// Starts the relay, the peer and Chromium, hands out the plan, and prints one JSON object a line.
// Runs as root inside a network namespace: tests/bench/browser.sh.
//
// For experiments, from the environment: ROUNDS, MEGABYTES, LIMIT (seconds), DIRECTIONS (of down,up), PARTS (of
// frames,plain,messages,proxy,page,smoltcp,batched), and DETAILS=1 for what each round found.

import { Children, figure, median, Stage } from '../runner.mjs';

const [relayPath, peerPath, pages] = process.argv.slice(2);
const ports = { page: 8000, relay: 8080, raw: 8001, tcp: 9001 };

const plan = {
  rounds: Number(process.env.ROUNDS ?? 5),
  bytes: Number(process.env.MEGABYTES ?? 64) * 1_000_000,
  relay: `ws://127.0.0.1:${ports.relay}/tunnel`,
  raw: `ws://127.0.0.1:${ports.raw}`,
  host: '10.77.0.1',
  port: ports.tcp,
  // Between the relay's own and the first that it leases.
  stations: Array.from({ length: 80 }, (_, index) => `10.77.0.${10 + index}`),
  directions: (process.env.DIRECTIONS ?? 'down,up').split(','),
  parts: (process.env.PARTS ?? 'frames,plain,messages,proxy,page,smoltcp,batched').split(','),
};

const children = new Children();
const stage = new Stage(pages, plan);
let results;
try {
  await children.relay(relayPath, ports.relay, stage.fail);
  await children.ready(peerPath, [ports.raw, ports.tcp].map(String));
  results = await stage.play(children, ports.page, Number(process.env.LIMIT ?? 300));
} finally {
  children.stop();
}

if (process.env.DETAILS) {
  for (const { direction, ...speeds } of results) {
    const each = Object.entries(speeds).map(([part, speed]) => `${part} ${speed.toFixed(1)}`);
    console.error(direction, each.join(', '));
  }
}

for (const [direction, name] of [
  ['down', 'browser-download-1500'],
  ['up', 'browser-upload-1500'],
]) {
  const mine = results.filter((result) => result.direction === direction);
  const made = (...parts) => parts.every((part) => plan.parts.includes(part)) && mine.length > 0;
  for (const [suffix, ours, peer, peerName] of [
    ['-plain', 'plain', 'frames', 'raw WebSocket, messages of 1514 bytes'],
    ['', 'batched', 'messages', 'raw WebSocket, messages of 64 KiB'],
    ['-beside-proxy', 'batched', 'proxy', 'TCP proxy over a WebSocket of a Worker, no stack in the tab'],
    ['-beside-proxy-in-page', 'batched', 'page', 'TCP proxy over a WebSocket of the page, no stack in the tab'],
    ['-beside-smoltcp', 'batched', 'smoltcp', 'smoltcp in wasm, one frame a message'],
    ['-beside-plain', 'batched', 'plain', 'our own plain form, one frame a message'],
  ]) {
    if (!made(ours, peer)) continue;
    figure(
      name + suffix,
      median(mine.map((result) => result[ours])),
      median(mine.map((result) => result[peer])),
      'MB/s',
      peerName,
      median(mine.map((result) => result[ours] / result[peer])),
    );
  }
}
