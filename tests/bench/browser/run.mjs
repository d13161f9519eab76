// Starts the relay, the peer and Chromium (by itself: no debugger), hands out the plan, and prints one JSON object a line.
// Runs as root inside a network namespace: tests/bench/browser.sh.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const [relayPath, peerPath, pages, wasmPath] = process.argv.slice(2);
const rounds = Number(process.env.ROUNDS ?? 5);
const megabytes = Number(process.env.MEGABYTES ?? 64);
const ports = { page: 8000, relay: 8080, raw: 8001, tcp: 9001 };
const host = '10.77.0.1';

const plan = {
  rounds,
  bytes: megabytes * 1_000_000,
  relay: `ws://127.0.0.1:${ports.relay}/tunnel`,
  raw: `ws://127.0.0.1:${ports.raw}`,
  host,
  port: ports.tcp,
  // Between the relay's own and the first that it leases.
  stations: Array.from({ length: 80 }, (_, index) => `10.77.0.${10 + index}`),
};

const children = [];
function start(program, args, quiet = true) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'] });
  child.stdout.resume();
  children.push(child);
  return child;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const figure = (name, ours, peer, ratio, unit, peerName) =>
  console.log(
    JSON.stringify({
      name,
      ours: +ours.toFixed(1),
      peer: +peer.toFixed(1),
      ratio: +ratio.toFixed(2),
      unit,
      peer_name: peerName,
    }),
  );

const results = [];
let finish;
const finished = new Promise((resolve, reject) => {
  finish = (error) => (error ? reject(error) : resolve());
});

const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    let body = '';
    for await (const part of request) body += part;
    response.end();
    const message = JSON.parse(body);
    if (request.url === '/result') results.push(message);
    else if (request.url === '/done') finish();
    else finish(new Error(message.message));
    return;
  }
  if (request.url === '/plan') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(plan));
    return;
  }
  const path = request.url === '/' ? '/index.html' : normalize(request.url.split('?')[0]);
  response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream');
  createReadStream(join(pages, path))
    .on('error', () => response.writeHead(404).end())
    .pipe(response);
});

const profile = await mkdtemp(join(tmpdir(), 'ethertab-bench-'));
try {
  server.listen(ports.page, '127.0.0.1');
  await once(server, 'listening');
  const relay = start(relayPath, ['--listen', `127.0.0.1:${ports.relay}`], false);
  relay.on('exit', (code) => finish(new Error(`the relay ended with ${code}`)));
  await once(start(peerPath, [String(ports.raw), String(ports.tcp)]).stdout, 'data');
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${ports.relay}/`).then(
      () => true,
      () => false,
    );
    if (up) break;
  }
  const flags =
    '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage';
  start('chromium', [...flags.split(' '), `--user-data-dir=${profile}`, `http://127.0.0.1:${ports.page}/`]);
  const limit = setTimeout(
    () => finish(new Error(`not done in time: ${JSON.stringify(results)}`)),
    Number(process.env.LIMIT ?? 300) * 1000,
  );
  await finished;
  clearTimeout(limit);
  for (const [direction, name] of [
    ['down', 'browser-download-1500'],
    ['up', 'browser-upload-1500'],
  ]) {
    const mine = results.filter((result) => result.direction === direction);
    for (const [suffix, ours, peer, peerName] of [
      ['-plain', 'plain', 'frames', 'raw WebSocket, messages of 1514 bytes'],
      ['', 'batched', 'messages', 'raw WebSocket, messages of 64 KiB'],
      ['-beside-proxy', 'batched', 'proxy', 'TCP proxy over the WebSocket, no stack in the tab'],
      ['-beside-smoltcp', 'batched', 'smoltcp', 'smoltcp in wasm, one frame a message'],
      ['-beside-plain', 'batched', 'plain', 'our own plain form, one frame a message'],
    ]) {
      figure(
        name + suffix,
        median(mine.map((result) => result[ours])),
        median(mine.map((result) => result[peer])),
        median(mine.map((result) => result[ours] / result[peer])),
        'MB/s',
        peerName,
      );
    }
  }
  const size = gzipSync(await readFile(wasmPath), { level: 9 }).length / 1000;
  figure('wasm-gzipped', size, 180, size / 180, 'KB', 'the limit we set ourselves');
} finally {
  for (const child of children) {
    child.removeAllListeners('exit');
    child.kill();
  }
  server.close();
  server.closeAllConnections();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
