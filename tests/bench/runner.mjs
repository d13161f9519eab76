// What benchmarks in the browser share: children that end with the run, a server that hands out pages and a plan and takes results
// back, Chromium by itself (no debugger), and the lines that are printed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';

const CHROMIUM =
  '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** The value below which so much of them lies (nearest rank). */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

export const median = (values) => quantile(values, 0.5);

/** Prints one figure. */
export function figure(name, ours, peer, unit, peerName, ratio = ours / peer) {
  const short = (value) => Number(value.toPrecision(4));
  console.log(
    JSON.stringify({ name, ours: short(ours), peer: short(peer), ratio: +ratio.toFixed(2), unit, peer_name: peerName }),
  );
}

/** Programs that run as long as the benchmark does. */
export class Children {
  #children = [];

  constructor() {
    // Also where one of them could not be started, which throws where nobody catches.
    process.on('exit', () => this.stop());
  }

  start(program, args, quiet = true) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'] });
    child.stdout.resume();
    this.#children.push(child);
    return child;
  }

  /** The same, and waits until it says something. */
  async ready(program, args) {
    await once(this.start(program, args).stdout, 'data');
  }

  /** The relay, once it answers. `failed` hears that it ended. */
  async relay(path, port, failed, args = []) {
    const relay = this.start(path, ['--listen', `127.0.0.1:${port}`, ...args], false);
    let ended = null;
    relay.on('exit', (code) => {
      ended = new Error(`the relay ended with ${code}`);
      failed(ended);
    });
    while (!(await answers(`http://127.0.0.1:${port}/`))) {
      if (ended) throw ended;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop() {
    for (const child of this.#children) {
      child.removeAllListeners('exit');
      child.kill();
    }
  }
}

const answers = (url) =>
  fetch(url).then(
    () => true,
    () => false,
  );

/**
 * Serves the directory `pages` to Chromium and waits for the page there to do the plan: it asks for `/plan` and posts to
 * `/result`, and at last to `/done` or `/failed`. Gives all results.
 */
export class Stage {
  #results = [];
  #server;
  #finished;
  #finish;

  constructor(pages, plan) {
    this.#finished = new Promise((resolve, reject) => {
      this.#finish = (error) => (error ? reject(error) : resolve());
    });
    // It may fail before anybody waits for it.
    this.#finished.catch(() => {});
    this.#server = createServer((request, response) => this.#answer(pages, plan, request, response));
  }

  /** Ends the run. */
  fail = (error) => this.#finish(error);

  async play(children, port, seconds) {
    const profile = await mkdtemp(join(tmpdir(), 'ethertab-bench-'));
    const limit = setTimeout(() => this.fail(new Error(`not done in time: ${JSON.stringify(this.#results)}`)), seconds * 1000);
    try {
      this.#server.listen(port, '127.0.0.1');
      await once(this.#server, 'listening');
      children.start('chromium', [...CHROMIUM.split(' '), `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`]);
      await this.#finished;
      return this.#results;
    } finally {
      clearTimeout(limit);
      children.stop();
      this.#server.close();
      this.#server.closeAllConnections();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async #answer(pages, plan, request, response) {
    if (request.method === 'POST') {
      let body = '';
      for await (const part of request) body += part;
      response.end();
      const message = JSON.parse(body);
      if (request.url === '/result') this.#results.push(message);
      else this.#finish(request.url === '/done' ? null : new Error(message.message));
      return;
    }
    // A page that is isolated has a clock that counts microseconds; any other's counts tenths of milliseconds.
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (request.url === '/plan') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(plan));
      return;
    }
    const path = request.url === '/' ? '/index.html' : normalize(request.url.split('?')[0]);
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    createReadStream(join(pages, path))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  }
}
