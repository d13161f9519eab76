/** UDP sockets, as the page holds them. */

import type { Channel } from './channel.js';
import { abortReason, EthertabError, invalid, quiet } from './errors.js';
import type { Id } from './messages.js';
import { copyBytes } from './streams.js';
import type { UdpMessage, UdpOptions, UdpOutgoing, UdpSocket } from './types.js';

/** Opens a socket. */
export function udp(channel: Channel, options: UdpOptions = {}): UdpSocket {
  if ((options.remoteAddress === undefined) !== (options.remotePort === undefined)) {
    throw invalid('remoteAddress and remotePort come together');
  }
  return new Socket(channel, options);
}

const ABOUT_A_PEER = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EMSGSIZE'];

/** Datagrams under way to the stack before a write has to wait. */
const WINDOW = 32;

class Socket implements UdpSocket {
  readonly readable: ReadableStream<UdpMessage>;
  readonly writable: WritableStream<UdpOutgoing>;
  readonly opened: UdpSocket['opened'];
  readonly closed: Promise<void>;

  readonly #channel: Channel;
  readonly #id: Id;
  readonly #connected: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#break(abortReason(this.#signal as AbortSignal));
  readonly #forgetChannel: () => void;
  readonly #opening: Promise<unknown>;
  #end = { localAddress: '', localPort: 0 };
  #reader!: ReadableStreamDefaultController<UdpMessage>;
  #writer!: WritableStreamDefaultController;
  #over = false;
  /** The program has cancelled the readable. */
  #deaf = false;
  #underWay = new Set<Promise<void>>();
  #settle!: { resolve(): void; reject(error: unknown): void };
  #refuse: (error: unknown) => void = () => {};

  constructor(channel: Channel, options: UdpOptions) {
    const { signal, ...rest } = options;
    this.#channel = channel;
    this.#id = channel.newId();
    this.#connected = options.remoteAddress !== undefined;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    this.#forgetChannel = channel.whenItFails((error) => this.#break(error));
    this.closed = quiet(
      new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
      }),
    );
    this.readable = new ReadableStream<UdpMessage>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => this.#receive(),
        // The other direction goes on.
        cancel: () => {
          this.#deaf = true;
        },
      },
      { highWaterMark: 16 },
    );
    this.writable = new WritableStream<UdpOutgoing>(
      {
        start: (controller) => {
          this.#writer = controller;
        },
        write: (message) => this.#write(message),
        close: async () => {
          await Promise.allSettled(this.#underWay);
        },
      },
      { highWaterMark: 16 },
    );
    const opening = signal?.aborted ? Promise.reject(abortReason(signal)) : channel.call('udpOpen', [this.#id, rest]);
    this.#opening = opening;
    this.opened = quiet(
      new Promise((resolve, reject) => {
        this.#refuse = reject;
        opening.then(
          (end) => {
            this.#end = end;
            resolve(end);
          },
          (error: unknown) => this.#break(error),
        );
      }),
    );
  }

  get localAddress(): string {
    return this.#end.localAddress;
  }
  get localPort(): number {
    return this.#end.localPort;
  }

  async send(message: UdpOutgoing): Promise<void> {
    await this.opened;
    const bare = message.remoteAddress === undefined && message.remotePort === undefined;
    if (this.#connected !== bare) {
      throw invalid(
        this.#connected
          ? 'a connected socket sends to its peer: the message must not name an address'
          : 'the message must name remoteAddress and remotePort',
      );
    }
    const data = copyBytes(message.data);
    const address = message.remoteAddress ?? null;
    await this.#channel.call('udpSend', [this.#id, data, address, message.remotePort ?? 0], [data.buffer]);
  }

  async close(): Promise<void> {
    if (!this.#over) {
      this.#leave();
      await this.opened.catch(() => {});
      await Promise.allSettled(this.#underWay);
      await this.#channel.call('udpClose', [this.#id]).catch(() => {});
      closeQuietly(this.#reader);
      this.#writer.error(invalid('the socket is closed'));
      this.#settle.resolve();
    }
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #write(message: UdpOutgoing): Promise<void> {
    const sent = this.send(message);
    this.#underWay.add(sent);
    // A datagram may be lost anywhere, so one that the network refused breaks nothing; a misuse does.
    const settled = sent.catch((error: unknown) => {
      if (error instanceof EthertabError && (error.code === 'EINVAL' || error.code === 'EMSGSIZE')) {
        this.#break(error);
      }
    });
    settled.then(() => this.#underWay.delete(sent));
    if (this.#underWay.size >= WINDOW) {
      await Promise.race(this.#underWay).catch(() => {});
    }
  }

  async #receive(): Promise<void> {
    try {
      await this.opened;
      const message = await this.#next();
      if (!message) {
        await this.close();
      } else if (!this.#over && !this.#deaf) {
        this.#reader.enqueue(message);
      }
    } catch (error) {
      if (!this.#deaf) {
        this.#break(error);
      }
    }
  }

  async #next(): Promise<UdpMessage | null> {
    for (;;) {
      try {
        return await this.#channel.call('udpReceive', [this.#id]);
      } catch (error) {
        // What ICMP says of one peer ends the conversation of a connected socket; one with many peers goes on.
        if (this.#connected || !(error instanceof EthertabError) || !ABOUT_A_PEER.includes(error.code)) {
          throw error;
        }
      }
    }
  }

  #break(error: unknown): void {
    if (!this.#over) {
      this.#leave();
      // Where it is not open yet, there is nothing to close yet.
      const close = () => this.#channel.tell('udpClose', [this.#id]);
      this.#opening.then(close, close);
      this.#refuse(error);
      this.#reader.error(error);
      this.#writer.error(error);
      this.#settle.reject(error);
    }
  }

  #leave(): void {
    this.#over = true;
    this.#forgetChannel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function closeQuietly(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // The program has cancelled the stream.
  }
}
