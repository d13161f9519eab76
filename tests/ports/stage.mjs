/** What the program meets: the relay, servers, and the package, packed and installed as users install it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { host, Relay } from '../e2e/stage/relay.mjs';
import { SecureNginx, Sums } from '../e2e/stage/secure.mjs';
import { Echo, Nginx, UdpEcho } from '../e2e/stage/servers.mjs';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const run = promisify(execFile);

/** A command of this folder's packages. */
export const command = (name) => path(`node_modules/.bin/${name}`);

/** Runs a command to its end; what it printed. With what it said, if it fails. */
export async function execute(file, args, options = {}) {
  try {
    return (await run(file, args, { timeout: 120_000, ...options })).stdout;
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`, { cause: error });
  }
}

export class Stage {
  #stops = [];

  /** `flags`: the relay's. */
  static async start(...flags) {
    const stage = new Stage();
    const started = async (starting) => {
      const one = await starting;
      stage.#stops.unshift(() => one.stop());
      return one;
    };
    try {
      await started(Relay.start(...flags));
      const echo = await started(Echo.start());
      await started(UdpEcho.start());
      const plain = await started(Nginx.start());
      const secure = await started(SecureNginx.start());
      const sums = await started(Sums.start(secure.certificate));
      stage.task = {
        relay: 'ws://127.0.0.1:8080/tunnel',
        ca: secure.ca,
        hostname: host,
        echoPort: echo.port,
        http: `${plain.url}/text.txt`,
        https: { text: `${secure.url('usual')}/text.txt`, sum: sums.url, stranger: secure.url('stranger') },
      };
      stage.folder = await install();
    } catch (error) {
      await stage.stop();
      throw error;
    }
    return stage;
  }

  /** Whether the program found everything as it should be. */
  check({ address, ...results }) {
    assert.match(address, /^10\.77\./);
    assert.deepEqual(results, {
      tcp: 300_000,
      winter: 300_000,
      direct: 300_000,
      datagram: 'a datagram',
      refused: 'ECONNREFUSED',
      resolved: [host],
      http: Nginx.text,
      https: Nginx.text,
      sum: createHash('sha256').update('from anywhere').digest('hex'),
      stranger: 'ETLSISSUER',
      pinged: host,
      state: 'closed',
    });
  }

  async stop() {
    for (const stop of this.#stops.splice(0)) await stop();
  }
}

/** Packs the package, and installs it and the program into a folder of their own. */
async function install() {
  const folder = join(process.env.STAGE, `ports-${process.pid}`);
  mkdirSync(folder);
  const packed = await execute('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: path('../../web'),
  });
  const [{ filename }] = JSON.parse(packed);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await execute('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, filename)], { cwd: folder });
  cpSync(path('program'), folder, { recursive: true });
  return folder;
}
