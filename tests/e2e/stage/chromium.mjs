/**
 * Chromium with as little of a debugger as can be: enough to run an expression in one page. Playwright turns on the
 * protocol's Network domain, after which every WebSocket frame is copied to it; a gigabyte would take minutes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from './browser.mjs';

export class Chromium {
  #child;
  #calls = new Map();
  #session;
  /** The sessions of the page's Workers. */
  #workers = new Set();
  #next = 1;

  static async start(url) {
    const chromium = new Chromium();
    chromium.#launch();
    const { targetId } = await chromium.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await chromium.#call('Target.attachToTarget', { targetId, flatten: true });
    chromium.#session = sessionId;
    // Answered once the new page has taken the place of the empty one; `net` is there when its program has run.
    await chromium.#call('Page.navigate', { url });
    await chromium.run(`new Promise((loaded) => {
      const look = () => (globalThis.net ? loaded() : setTimeout(look, 10));
      look();
    }).then(() => 0)`);
    return chromium;
  }

  /** The value of an expression in the page, awaited. */
  async run(expression) {
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Bytes that JavaScript's objects take, in the page and in its Workers. */
  async heaps() {
    const used = async (session) => {
      // What one collection finds unused may have kept others in use.
      for (let round = 0; round < 3; round += 1) await this.#call('HeapProfiler.collectGarbage', {}, session);
      return (await this.#call('Runtime.getHeapUsage', {}, session)).usedSize;
    };
    await this.#call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    let workers = 0;
    for (const session of this.#workers) workers += await used(session);
    return { page: await used(this.#session), workers };
  }

  /** Opens an empty tab in front of the page. */
  async cover() {
    await this.#call('Target.createTarget', { url: 'about:blank' }, null);
  }

  /** Freezes the page as a browser does with tabs that nobody looks at, and wakes it. */
  async freeze(frozen) {
    await this.#call('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' });
  }

  /** Stops all of the browser's processes in their tracks, as when the lid is shut. */
  pause() {
    for (const pid of family(this.#child.pid)) process.kill(pid, 'SIGSTOP');
  }

  resume() {
    for (const pid of family(this.#child.pid)) process.kill(pid, 'SIGCONT');
  }

  async stop() {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdio[3].write(`${JSON.stringify({ id: 0, method: 'Browser.close' })}\0`);
    await ended;
  }

  #launch() {
    const profile = mkdtempSync(join(process.env.STAGE, 'profile-'));
    const path = process.env.CHROMIUM || '/usr/bin/chromium';
    const args = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`, ...flags, 'about:blank'];
    this.#child = spawn(path, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#child.once('exit', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('Chromium ended'));
    });
    let text = '';
    this.#child.stdio[4].setEncoding('utf8').on('data', (piece) => {
      const messages = (text + piece).split('\0');
      text = messages.pop();
      for (const message of messages) this.#receive(JSON.parse(message));
    });
  }

  /** To the page, or, with no session, to the browser. */
  #call(method, params = {}, session = this.#session) {
    const id = this.#next;
    this.#next += 1;
    const message = { id, method, params, ...(session ? { sessionId: session } : {}) };
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#child.stdio[3].write(`${JSON.stringify(message)}\0`);
    });
  }

  #receive({ id, result, error, method, params }) {
    if (method === 'Target.attachedToTarget' && params.targetInfo.type === 'worker') this.#workers.add(params.sessionId);
    if (method === 'Target.detachedFromTarget') this.#workers.delete(params.sessionId);
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result);
  }
}

/** A process and all that descend from it. */
function family(ancestor) {
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // The name in parentheses may hold anything.
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      parents.set(Number(name), Number(parent));
    } catch {
      // It is gone.
    }
  }
  const descends = (pid) => pid === ancestor || (parents.has(pid) && descends(parents.get(pid)));
  return [...parents.keys()].filter(descends);
}
