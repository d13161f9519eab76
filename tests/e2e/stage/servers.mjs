/** Ordinary servers on the kernel's side of the TAP. */
import { execFile } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Program } from './program.mjs';
import { host } from './relay.mjs';
import { until } from './until.mjs';

const port = 8000;
const run = promisify(execFile);

/** nginx with test files: `text.txt`, `large` (100 MiB of noise), `huge` (1 GiB of zeros), `numbered/1` … `numbered/50`. */
export class Nginx {
  static text = `${'All of this came through a tab of a browser.\n'.repeat(20)}The end.\n`;
  static largeLength = 100 * 1024 * 1024;
  static hugeLength = 1024 * 1024 * 1024;

  url = `http://${host}:${port}`;

  static async start() {
    const nginx = new Nginx();
    const root = join(process.env.STAGE, `nginx-${process.pid}`);
    nginx.#files(join(root, 'files'));
    nginx.program = await serve(
      root,
      `server { listen 0.0.0.0:${port}; root ${root}/files; }`,
      `http://127.0.0.1:${port}/text.txt`,
    );
    return nginx;
  }

  #files(files) {
    mkdirSync(join(files, 'numbered'), { recursive: true });
    writeFileSync(join(files, 'text.txt'), Nginx.text);
    const large = randomFillSync(Buffer.alloc(Nginx.largeLength));
    this.largeHash = createHash('sha256').update(large).digest('hex');
    writeFileSync(join(files, 'large'), large);
    writeFileSync(join(files, 'huge'), '');
    truncateSync(join(files, 'huge'), Nginx.hugeLength);
    for (let number = 1; number <= 50; number += 1) {
      writeFileSync(join(files, 'numbered', String(number)), Nginx.numbered(number));
    }
  }

  /** What `numbered/N` holds: some 80 kB, different for each. */
  static numbered(number) {
    return `${number}\n`.repeat(32_000).slice(0, 80_000 + number);
  }

  async stop() {
    await this.program.stop();
  }
}

/** Starts nginx in a folder, with these servers; waits until one of them answers at `probe`. */
export async function serve(root, servers, probe) {
  writeFileSync(join(root, 'nginx.conf'), configuration(root, servers));
  const program = new Program(process.env.NGINX || 'nginx', ['-p', root, '-c', 'nginx.conf', '-e', 'stderr']);
  await until('nginx answers', async () => {
    if (!program.running) throw new Error(`nginx ended: ${program.output}`);
    return (await fetch(probe)).ok;
  });
  return program;
}

function configuration(root, servers) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${root}/${name};`);
  return `
    daemon off;
    master_process off;
    pid ${root}/nginx.pid;
    events { worker_connections 512; }
    http {
      ${temporary.join('\n      ')}
      access_log off;
      sendfile on;
      tcp_nodelay on;
      default_type application/octet-stream;
      types { text/plain txt; }
      ${servers}
    }`;
}

/** Hands each connection to `serve`. What is left of them ends with it: a tab that is closed says no goodbye. */
export class Listening {
  host = host;
  #server;
  #sockets = new Set();

  static async start(port, serve) {
    const listening = new Listening();
    listening.port = port;
    listening.#server = createServer({ allowHalfOpen: true }, (socket) => {
      listening.#sockets.add(socket);
      socket.on('close', () => listening.#sockets.delete(socket));
      socket.on('error', () => undefined);
      serve(socket);
    });
    listening.#server.listen(port, '0.0.0.0');
    await once(listening.#server, 'listening');
    return listening;
  }

  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** A server for `run` alone, which gets the promise of what `serve` finds in the first connection. */
export async function withServer(port, serve, run) {
  let served;
  const found = new Promise((resolve) => {
    served = resolve;
  });
  const server = await Listening.start(port, (socket) => served(serve(socket)));
  try {
    return await run(found);
  } finally {
    await server.stop();
  }
}

/** Listens, and answers nothing. */
export const Mute = { start: () => Listening.start(7445, (socket) => socket.resume()) };

/** Sends back whatever it is sent, until the other side has finished. */
export const Echo = { start: () => Listening.start(7007, (socket) => socket.pipe(socket)) };

/** Sends each datagram back to whoever sent it. */
export class UdpEcho {
  host = host;
  port = 7007;
  #socket = createSocket('udp4');

  static async start() {
    const echo = new UdpEcho();
    echo.#socket.on('message', (data, { port, address }) => echo.#socket.send(data, port, address));
    echo.#socket.bind(echo.port, '0.0.0.0');
    await once(echo.#socket, 'listening');
    return echo;
  }

  async stop() {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}

/** curl on the host; answers what it printed. */
export async function curl(...args) {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--fail', '--max-time', '20', ...args]);
  return stdout;
}
