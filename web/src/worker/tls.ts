/**
 * TLS in the Worker: rustls in a wasm module of its own, which is loaded when the first secure connection is asked for. What
 * goes down to TCP, and so to the relay, is ciphertext.
 */

import { EthertabError } from '../errors.js';
import type { TlsClient, TlsSession } from '../generated/tls.js';
import type { Bytes } from '../messages.js';
import { LONGEST_TIMEOUT } from '../timeout.js';
import type { TlsInformation, TlsOptions } from '../tls/types.js';
import { onDemand } from './demand.js';
import { certificates } from './pem.js';

/** A stream of bytes in both directions: TCP below TLS, and TLS itself. */
export interface Duplex {
  /** What is there, at most `limit` bytes; `undefined`: the end. */
  read(limit: number): Promise<Bytes[] | undefined>;
  /** Resolves when the bytes are taken; those of later calls follow. */
  write(bytes: Bytes): Promise<void>;
  /** Ends our half after what was written. */
  finish(): Promise<void>;
  /** Ends both halves; what was written is delivered. */
  close(): void;
  abort(): void;
}

/** How long a handshake may take, unless connecting has a shorter limit. */
const HANDSHAKE = 30_000;
/** How long a goodbye may wait for room below, once nobody else waits for the connection. */
const GOODBYE = 120_000;
/** The longest record, and its head. */
const RECORD = 17 * 1024;
/** Plaintext that is encrypted at once. */
const PLAIN_PIECE = 64 * 1024;

/** Sets of CAs that connections brought themselves: so many are remembered, with the sessions of each. */
const OWN_MOST = 16;

/** Whom a network trusts, and the sessions that it may resume. */
export class Tls {
  readonly #authorities: (string | Uint8Array)[];
  /** By the CAs that are trusted besides the network's. */
  readonly #clients = new Map<string, () => Promise<TlsClient>>();

  constructor({ ca = [] }: TlsOptions = {}) {
    this.#authorities = Array.isArray(ca) ? ca : [ca];
  }

  /**
   * Makes a connection secure; `host` is who the server must prove to be, and `own` whom this connection trusts besides those that
   * the network does. A failure ends the connection.
   */
  async secure(
    below: Duplex,
    host: string,
    protocols: string[],
    timeout: number | null = null,
    own: (string | Uint8Array)[] = [],
  ): Promise<TlsStream> {
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        below.abort();
      },
      Math.min(timeout ?? HANDSHAKE, LONGEST_TIMEOUT),
    );
    try {
      const client = await this.#client(own);
      return await TlsStream.open(below, client.open(host, protocols));
    } catch (error) {
      // In order: the alert that says what is wrong should reach the server.
      below.close();
      throw late ? new EthertabError('ETIMEDOUT', 'the TLS handshake took too long') : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #client(own: (string | Uint8Array)[]): Promise<TlsClient> {
    const key = own.map((one) => `${one.length}:${one}`).join();
    let client = this.#clients.get(key);
    if (!client) {
      client = onDemand(() => load([...this.#authorities, ...own]));
      this.#forgetOne();
      this.#clients.set(key, client);
    }
    return client();
  }

  /** The oldest set of CAs, if there are too many. The network's own stays. */
  #forgetOne(): void {
    const own = [...this.#clients.keys()].filter((key) => key !== '');
    if (own[0] !== undefined && own.length >= OWN_MOST) {
      this.#clients.delete(own[0]);
    }
  }
}

async function load(authorities: (string | Uint8Array)[]): Promise<TlsClient> {
  const module = await import('../generated/tls.js');
  await module.default();
  return new module.TlsClient(authorities.flatMap(certificates));
}

/** TLS over a stream, after its handshake. */
export class TlsStream implements Duplex {
  readonly #below: Duplex;
  readonly #session: TlsSession;
  /** Plaintext that was decrypted and not yet asked for. */
  #rest: Bytes[] = [];
  /** The last of those that write, which take turns. */
  #writing: Promise<void> = Promise.resolve();
  #over = false;

  /** Does the handshake. */
  static async open(below: Duplex, session: TlsSession): Promise<TlsStream> {
    const stream = new TlsStream(below, session);
    try {
      await stream.#flush();
      while (!session.agreement()) {
        await stream.#receive(RECORD);
      }
      return stream;
    } catch (error) {
      stream.#end();
      throw error;
    }
  }

  private constructor(below: Duplex, session: TlsSession) {
    this.#below = below;
    this.#session = session;
  }

  /** What was agreed on. */
  information(): TlsInformation {
    this.#check();
    return this.#session.agreement() as TlsInformation;
  }

  async read(limit: number): Promise<Bytes[] | undefined> {
    while (this.#rest.length === 0) {
      this.#check();
      if (this.#session.hasEnded()) {
        return;
      }
      await this.#receive(limit);
    }
    const pieces: Bytes[] = [];
    for (let room = limit; room > 0 && this.#rest[0]; ) {
      const piece = this.#rest[0];
      pieces.push(piece.byteLength > room ? piece.slice(0, room) : piece);
      if (piece.byteLength > room) {
        // Each piece fills its buffer, for it may be given away.
        this.#rest[0] = piece.slice(room);
      } else {
        this.#rest.shift();
      }
      room -= piece.byteLength;
    }
    return pieces;
  }

  write(bytes: Bytes): Promise<void> {
    return this.#inTurn(async () => {
      for (let at = 0; at < bytes.byteLength; at += PLAIN_PIECE) {
        this.#check();
        await this.#below.write(this.#session.send(bytes.subarray(at, at + PLAIN_PIECE)));
      }
    });
  }

  finish(): Promise<void> {
    return this.#inTurn(async () => {
      this.#check();
      this.#session.finish();
      await this.#flush();
      await this.#below.finish();
    });
  }

  close(): void {
    if (this.#over) {
      return;
    }
    this.#session.finish();
    const goodbye = this.#flush();
    this.#end();
    const late = setTimeout(() => this.#below.abort(), GOODBYE);
    goodbye
      .then(
        () => this.#below.close(),
        () => this.#below.abort(),
      )
      .finally(() => clearTimeout(late));
  }

  abort(): void {
    this.#end();
    this.#below.abort();
  }

  /** What was written before goes first, or has failed. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(act);
    this.#writing = done.catch(() => {});
    return done;
  }

  /** The session is not asked any more, and gives its memory back. */
  #end(): void {
    if (!this.#over) {
      this.#over = true;
      this.#session.free();
    }
  }

  /** Ciphertext from below, some `limit` bytes: what it says waits in `#rest`. */
  async #receive(limit: number): Promise<void> {
    // A record is 16 KiB and gives nothing before its end: asking for less would only take more turns.
    const pieces = await this.#below.read(Math.max(limit, RECORD));
    this.#check();
    if (!pieces) {
      this.#session.receiveEnd();
      return;
    }
    try {
      for (const piece of pieces) {
        const plain = this.#session.receive(piece);
        if (plain.byteLength > 0) {
          this.#rest.push(plain);
        }
      }
    } catch (error) {
      // What came before it is still to be read; `hasEnded` tells of it then.
      if (this.#rest.length === 0) {
        throw error;
      }
    } finally {
      // The handshake's next step, a new key, or the alert that says what is wrong. If it cannot be sent, reading will tell.
      await this.#flush().catch(() => {});
    }
  }

  /** Sends what TLS itself has to say. */
  async #flush(): Promise<void> {
    const bytes = this.#session.transmit();
    if (bytes) {
      await this.#below.write(bytes);
    }
  }

  #check(): void {
    if (this.#over) {
      throw new EthertabError('ECONNABORTED', 'connection aborted');
    }
  }
}
