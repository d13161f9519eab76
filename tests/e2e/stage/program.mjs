/** A program that runs beside a test, and ends with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What is kept of a program's output, for when it fails. */
const mostOutput = 64 * 1024;

export class Program {
  output = '';
  #child;

  constructor(command, args, options = {}) {
    this.name = command;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.output = (this.output + text).slice(-mostOutput);
      });
    }
    this.ended = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }));
    this.ended.catch(() => undefined);
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** With `group`, to what it has started as well: for programs that were spawned `detached`. */
  signal(name, { group = false } = {}) {
    if (group) process.kill(-this.#child.pid, name);
    else this.#child.kill(name);
  }

  /** Sends the signal and waits for the end. */
  async stop(signal = 'SIGTERM') {
    if (this.running) this.#child.kill(signal);
    return this.ended;
  }
}
