/** A WebSocket's connection, from the handshake to the end (RFC 6455). Loaded with the first WebSocket. */

import type { RequestCookies } from '../cookies/requests.js';
import { quiet } from '../errors.js';
import { joined } from '../http/characters.js';
import { ByteSource, within } from '../http/source.js';
import type { Bytes } from '../messages.js';
import type { Network, TcpSocket } from '../types.js';
import {
  ABNORMAL,
  BINARY,
  CLOSE,
  CONTINUATION,
  closePayload,
  frameHead,
  masked,
  NO_STATUS,
  PING,
  PONG,
  PROTOCOL_ERROR,
  readClose,
  readFrameHead,
  TEXT,
  text,
  Violation,
} from './frames.js';
import { agreedProtocol, handshake, readAnswer } from './handshake.js';

/** How long the server may take for its part of the opening handshake, and of the closing one. */
const OPENING = 30_000;
const CLOSING = 10_000;
/** How long it may take to end the TCP connection afterwards, which is its part too (§7.1.1). */
const LEAVING = 2_000;
/** Bytes that are masked at once: a multiple of four. */
const PIECE = 256 * 1024;

export interface Opening {
  url: URL;
  protocols: string[];
  headers: Headers;
  cookies: RequestCookies | null;
  largestMessage: number;
  /** Aborting it fails the connection. */
  signal: AbortSignal;
}

/** How it ended: by a closing handshake, or not. */
export interface Ending {
  code: number;
  reason: string;
  wasClean: boolean;
}

/** Without a closing handshake (§7.1.5). */
export const LOST: Ending = { code: ABNORMAL, reason: '', wasClean: false };

/** Who hears what comes. */
export interface Listener {
  opened(protocol: string): void;
  message(data: string | Bytes): void;
  /** The server has begun to close it. */
  closing(): void;
}

export class Connection {
  readonly #opening: Opening;
  readonly #listener: Listener;
  readonly #socket: TcpSocket;
  readonly #source: ByteSource;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  /** What was sent last, which what is sent next waits for. */
  #sent: Promise<unknown> = Promise.resolve();
  /** What the next pong has to repeat, while one is on its way already. */
  #pong: Bytes | null = null;
  #closeSent = false;
  #closing: ReturnType<typeof setTimeout> | undefined;

  constructor(network: Pick<Network, 'connect'>, opening: Opening, listener: Listener) {
    const { hostname, port, protocol } = opening.url;
    const secure = protocol === 'wss:';
    this.#opening = opening;
    this.#listener = listener;
    this.#socket = network.connect(
      { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (secure ? 443 : 80)) },
      { noDelay: true, signal: opening.signal, ...(secure && { tls: { alpn: ['http/1.1'] } }) },
    );
    this.#source = new ByteSource(this.#socket.readable);
    this.#writer = this.#socket.writable.getWriter();
    quiet(this.#writer.closed);
  }

  /** Opens it, and hears what comes until it ends. Rejects with what made it fail (§7.1.7); then it has ended as well. */
  async run(): Promise<Ending> {
    try {
      await this.#open();
      const ending = await this.#receive().catch((error) => {
        if (error instanceof Violation || this.#opening.signal.aborted) {
          throw error;
        }
        // The connection was lost, which is nobody's mistake.
        return LOST;
      });
      await within(LEAVING, this.#nothingMore()).catch(() => {});
      return ending;
    } catch (error) {
      if (error instanceof Violation && !this.#closeSent) {
        await within(
          LEAVING,
          this.#inTurn(() => this.#close(error.status, '')),
        ).catch(() => {});
      }
      throw error;
    } finally {
      clearTimeout(this.#closing);
      quiet(this.#socket.close());
    }
  }

  /** Sends a message; resolves when the network has taken it. Those of later calls follow. */
  send(data: string | Bytes | Blob): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : await bytesOf(data);
      await this.#write(typeof data === 'string' ? TEXT : BINARY, bytes);
    });
  }

  /** Begins the closing handshake, after what was sent before (§7.1.2). */
  close(code: number, reason: string): void {
    quiet(this.#inTurn(() => this.#close(code, reason)));
  }

  async #open(): Promise<void> {
    const { url, protocols, headers, cookies } = this.#opening;
    await this.#socket.opened;
    const { request, accept } = handshake(url, protocols, (await cookies?.added(headers, url)) ?? headers);
    await this.#writer.write(request);
    const answer = await within(OPENING, readAnswer(this.#source));
    await cookies?.keep(answer.headers, url);
    this.#listener.opened(agreedProtocol(answer, accept, protocols));
  }

  /** Hears frames until the server's Close frame, or the end. */
  async #receive(): Promise<Ending> {
    const { largestMessage } = this.#opening;
    let kind = CONTINUATION;
    let fragments = new Fragments();
    while (await this.#source.ready()) {
      const { final, opcode, length } = await readFrameHead(this.#source, largestMessage - fragments.length);
      const payload = await this.#source.exactly(length);
      if (opcode === CLOSE) {
        return this.#closed(payload);
      }
      if (opcode === PING) {
        this.#answer(payload);
      } else if (opcode < CLOSE) {
        // §5.4: fragments follow each other.
        if ((opcode === CONTINUATION) !== (kind !== CONTINUATION)) {
          throw new Violation(PROTOCOL_ERROR, 'a message begins within another, or none is there to go on with');
        }
        kind ||= opcode;
        if (final) {
          const whole = fragments.with(payload);
          this.#listener.message(kind === TEXT ? text(whole) : whole);
          [kind, fragments] = [CONTINUATION, new Fragments()];
        } else {
          fragments.add(payload);
        }
      }
    }
    return LOST;
  }

  /** The server's Close frame: it is answered with its like (§5.5.1). */
  async #closed(payload: Bytes): Promise<Ending> {
    const { code, reason } = readClose(payload);
    this.#listener.closing();
    await within(
      LEAVING,
      this.#inTurn(() => this.#close(code, '')),
    ).catch(() => {});
    return { code, reason, wasClean: true };
  }

  async #close(code: number, reason: string): Promise<void> {
    if (!this.#closeSent) {
      this.#closeSent = true;
      this.#closing = setTimeout(() => this.#socket.abort(), CLOSING);
      await this.#write(CLOSE, code === NO_STATUS ? new Uint8Array(0) : closePayload(code, new TextEncoder().encode(reason)));
    }
  }

  /** §5.5.2, §5.5.3: of several pings that wait the last alone is answered. */
  #answer(payload: Bytes): void {
    const isPending = this.#pong !== null;
    this.#pong = payload;
    if (!isPending) {
      const pong = async () => {
        const latest = this.#pong as Bytes;
        this.#pong = null;
        await this.#write(PONG, latest);
      };
      quiet(this.#inTurn(pong));
    }
  }

  async #nothingMore(): Promise<void> {
    while (await this.#source.some(PIECE)) {}
  }

  #inTurn<T>(send: () => Promise<T>): Promise<T> {
    const sent = this.#sent.then(send);
    // If it fails, the connection is lost, and what follows fails by itself.
    this.#sent = quiet(sent).catch(() => {});
    return sent;
  }

  async #write(opcode: number, payload: Bytes): Promise<void> {
    if (this.#closeSent && opcode !== CLOSE) {
      return;
    }
    const mask = crypto.getRandomValues(new Uint8Array(4));
    const first = masked(payload.subarray(0, PIECE), mask);
    await this.#writer.write(joined(frameHead(opcode, payload.byteLength, mask), first));
    for (let at = PIECE; at < payload.byteLength; at += PIECE) {
      await this.#writer.write(masked(payload.subarray(at, at + PIECE), mask));
    }
  }
}

/** The fragments of a message that have come: in one buffer that doubles, for there may be many small ones. */
class Fragments {
  #buffer: Bytes = new Uint8Array(0);
  length = 0;

  add(piece: Bytes): void {
    const needed = this.length + piece.byteLength;
    if (needed > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.byteLength));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.length);
    this.length = needed;
  }

  /** The message that ends with `last`, in a buffer of its own. */
  with(last: Bytes): Bytes {
    if (this.length === 0 && last.byteLength === last.buffer.byteLength) {
      return last;
    }
    return joined(this.#buffer.subarray(0, this.length), last);
  }
}

async function bytesOf(data: Bytes | Blob): Promise<Bytes> {
  return data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data;
}
