/** The relay under test. */
import { Program } from './program.mjs';
import { until } from './until.mjs';

/** The kernel's end of the TAP, where the servers of the tests listen. */
export const host = '10.77.0.1';
export const page = 'http://127.0.0.1:8080/';

export class Relay {
  #program;

  static async start(...flags) {
    const relay = new Relay();
    await relay.start(...flags);
    return relay;
  }

  async start(...flags) {
    this.flags = flags;
    const program = new Program(process.env.RELAY, ['--host', `www.example.com=${host}`, ...flags]);
    this.#program = program;
    await until('the relay serves its page', async () => {
      if (!program.running) throw new Error(`the relay ended: ${program.output}`);
      return (await fetch(page)).ok;
    });
  }

  /** As if the machine had lost power: no goodbye to anybody. */
  async kill() {
    await this.#program.stop('SIGKILL');
  }

  /** Stops it in its tracks: its sockets stay open and nobody serves them. */
  pause() {
    this.#program.signal('SIGSTOP');
  }

  resume() {
    this.#program.signal('SIGCONT');
  }

  async restart() {
    await this.start(...this.flags);
  }

  async stop() {
    const { code, signal } = await this.#program.stop('SIGINT');
    if (code !== 0) throw new Error(`the relay ended with ${code ?? signal}: ${this.#program.output}`);
  }
}
