/** A shell that runs on the server, with its terminal. */
import { SshDisconnectReason } from '@microsoft/dev-tunnels-ssh/messages/transportMessages.js';
import type { SshChannel } from '@microsoft/dev-tunnels-ssh/sshChannel.js';
import type { SshClientSession } from '@microsoft/dev-tunnels-ssh/sshClientSession.js';
import { Buffer } from 'buffer';
import { type TerminalSize, WindowChange } from './requests.js';

/** How a shell ended: with a status, by a signal, or because the connection broke, which `message` explains. */
export interface Ending {
  readonly status?: number;
  readonly signal?: string;
  readonly message?: string;
}

/** Bytes of input that may wait for the server. */
const mostWaiting = 4 * 1024 * 1024;

export class Shell {
  /** Resolves when the shell or its connection has ended. */
  readonly ended: Promise<Ending>;
  readonly #session: SshClientSession;
  readonly #channel: SshChannel;
  #waiting = 0;

  /** `output` takes what the shell prints; the server waits while it does. */
  constructor(session: SshClientSession, channel: SshChannel, output: (bytes: Uint8Array) => Promise<void>) {
    this.#session = session;
    this.#channel = channel;
    const take = (data: Buffer) => {
      // The library reads the next packet into the same memory.
      void output(new Uint8Array(data)).then(() => channel.adjustWindow(data.length));
    };
    channel.onDataReceived(take);
    channel.onExtendedDataReceived(({ data }) => data && take(data));
    this.ended = new Promise((resolve) => {
      channel.onClosed(({ exitStatus, exitSignal, error }) => {
        resolve({
          ...(exitStatus === undefined ? {} : { status: exitStatus }),
          ...(exitSignal === undefined ? {} : { signal: exitSignal }),
          ...(error === undefined ? {} : { message: error.message }),
        });
        this.close();
      });
    });
  }

  /** Types. Throws if the server has not taken what was typed before, and there is too much of it. */
  write(input: string): void {
    const bytes = Buffer.from(input, 'utf8');
    if (this.#waiting + bytes.length > mostWaiting) throw new RangeError('The server does not take what was typed.');
    this.#waiting += bytes.length;
    const taken = () => {
      this.#waiting -= bytes.length;
    };
    // What goes wrong ends the channel.
    if (bytes.length > 0) this.#channel.send(bytes).then(taken, taken);
  }

  resize(size: TerminalSize): void {
    this.#channel.request(new WindowChange(size)).catch(() => undefined);
  }

  /** Hangs up. */
  close(): void {
    this.#session.close(SshDisconnectReason.byApplication, 'Goodbye.').catch(() => undefined);
  }
}
