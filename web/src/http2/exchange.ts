/** One request and its answer on a connection of HTTP/2: a stream (RFC 9113 §5.1, §8.1). */

import { EthertabError } from '../errors.js';
import { type Field, isValue, trimmed } from '../http/fields.js';
import { checkHead, type RequestHead } from '../http/request.js';
import type { Bytes, HttpHead } from '../messages.js';
import type { Exchange } from '../worker/exchange.js';
import { ErrorCode } from './frames.js';
import { type ReceiveWindow, SendWindow } from './window.js';

/** Interim responses (1xx) before the final one at most. */
const MOST_INTERIM = 16;
/** These belong to a connection of HTTP/1 (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/** What a stream asks of its connection. */
export interface Connection {
  /** The program took so many bytes of the answer. */
  taken(stream: number, window: ReceiveWindow | null, bytes: number): void;
  reset(stream: number, code: number): void;
}

/** A malformed answer: an error of its stream alone (RFC 9113 §8.1.1). */
export function malformed(what: string): EthertabError {
  return new EthertabError('EHTTP', `the answer ${what}`);
}

export class Http2Exchange implements Exchange {
  readonly id: number;
  /** Trailers of the answer, once it is read to its end. */
  trailers: Field[] = [];
  /** What we may send. */
  readonly sending: SendWindow;
  readonly receiving: ReceiveWindow;
  readonly #connection: Connection;
  readonly #toHead: boolean;
  #head: HttpHead | null = null;
  #interim = 0;
  /** Bytes of the body that nobody took yet: less than the window. */
  #body: Bytes[] = [];
  /** Bytes that are still to come, if the answer says how many. */
  #expected: number | null = null;
  #failure: { error: unknown } | null = null;
  /** The server's half is complete. */
  #complete = false;
  /** Our half is. */
  #sent = false;
  #wake: () => void = () => {};

  constructor(connection: Connection, id: number, method: string, sendWindow: number, receiving: ReceiveWindow) {
    this.#connection = connection;
    this.id = id;
    this.#toHead = method === 'HEAD';
    this.sending = new SendWindow(sendWindow);
    this.receiving = receiving;
  }

  get head(): HttpHead {
    return this.#head ?? { status: 0, statusText: '', headers: [] };
  }

  get heard(): boolean {
    return this.#head !== null || this.#interim > 0;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  /** Nothing passes in either direction any more. */
  get isOver(): boolean {
    return this.#failure !== null || (this.#complete && this.#sent);
  }

  /** Nothing of the request needs to be sent any more. */
  get wantsNothing(): boolean {
    return this.#failure !== null || this.#complete;
  }

  /** Resolves once the head of the answer is there. */
  async receiveHead(): Promise<void> {
    while (!this.#head) {
      this.#check();
      await this.#change();
    }
  }

  /** Bytes of the body, in buffers that may be given away; `undefined`: the end. */
  async read(): Promise<Bytes[] | undefined> {
    while (this.#body.length === 0) {
      this.#check();
      if (this.#complete) {
        return;
      }
      await this.#change();
    }
    return this.#drain();
  }

  /** Gives the exchange up. */
  abort(): void {
    if (!this.isOver) {
      this.#connection.reset(this.id, ErrorCode.Cancel);
    }
    this.fail(new EthertabError('ECONNABORTED', 'the request was aborted'));
  }

  // ── What the connection tells ──────────────────────────────────────────────────────────────────────────────────────────

  /** A block of fields: an interim head, the head, or trailers. Fails where it is malformed. */
  receiveFields(fields: Field[], last: boolean): void {
    check(fields);
    if (this.#head) {
      if (!last || fields.some(([name]) => name.startsWith(':'))) {
        throw malformed('has fields in its body that are no trailers');
      }
      this.trailers = fields;
      this.receiveEnd();
      return;
    }
    const [[name, status] = ['', ''], ...headers] = fields;
    if (name !== ':status' || !/^[1-9]\d\d$/.test(status) || headers.some(([name]) => name.startsWith(':'))) {
      throw malformed('has no status');
    }
    if (status.startsWith('1')) {
      this.#interim += 1;
      if (last || status === '101' || this.#interim > MOST_INTERIM) {
        throw malformed('is interim ones without an end');
      }
      return;
    }
    const length = contentLength(headers);
    this.#expected = this.#toHead || status === '304' ? null : length;
    this.#head = { status: Number(status), statusText: '', headers };
    if (last) {
      this.receiveEnd();
    }
    this.#wake();
  }

  receiveData(bytes: Bytes): void {
    if (!this.#head || this.#complete) {
      throw malformed('has bytes before its head or behind its end');
    }
    if (this.#expected !== null) {
      this.#expected -= bytes.byteLength;
      if (this.#expected < 0) {
        throw malformed('is longer than it says');
      }
    }
    if (bytes.byteLength > 0) {
      this.#body.push(bytes);
      this.#wake();
    }
  }

  receiveEnd(): void {
    if (!this.#head || this.#complete || (this.#expected ?? 0) > 0) {
      throw malformed('ends before it is complete');
    }
    this.#complete = true;
    this.#wake();
  }

  /** Our half is complete. */
  finished(): void {
    this.#sent = true;
  }

  /** Whatever waits, and what is asked for later, fails. A complete answer can be read all the same. */
  fail(error: unknown): void {
    this.#sent = true;
    if (this.#complete && !(error instanceof EthertabError && error.code === 'ECONNABORTED')) {
      return;
    }
    this.#failure ??= { error };
    this.#drain();
    this.#wake();
  }

  #drain(): Bytes[] {
    const body = this.#body;
    this.#body = [];
    const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#connection.taken(this.id, this.#complete || this.#failure ? null : this.receiving, length);
    return body;
  }

  #check(): void {
    if (this.#failure) {
      throw this.#failure.error;
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** RFC 9113 §8.2.1, §8.2.2. */
function check(fields: Field[]): void {
  for (const [name, value] of fields) {
    if (
      !/^:?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) ||
      !isValue(value) ||
      trimmed(value) !== value ||
      CONNECTION_FIELDS.includes(name)
    ) {
      throw malformed('has a malformed header');
    }
  }
}

function contentLength(headers: Field[]): number | null {
  const lengths = new Set(headers.filter(([name]) => name === 'content-length').map(([, value]) => value));
  const [length] = lengths;
  if (length === undefined) {
    return null;
  }
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) {
    throw malformed('does not say where its body ends');
  }
  return Number(length);
}

/**
 * What a request's head becomes (RFC 9113 §8.2.2, §8.3.1): the fields of HTTP/1's connections go, Host is the authority. Fails as
 * `checkHead` does.
 */
export function requestFields(head: RequestHead, scheme: string, length: number | null): Field[] {
  checkHead(head);
  const plain: Field[] = [];
  let authority = '';
  for (const [given, value] of head.headers) {
    const name = given.toLowerCase();
    if (name === 'host') {
      authority = value;
    } else if (!CONNECTION_FIELDS.includes(name) && (name !== 'te' || value === 'trailers')) {
      plain.push([name, trimmed(value)]);
    }
  }
  if (length !== null) {
    plain.push(['content-length', String(length)]);
  }
  return [[':method', head.method], [':scheme', scheme], [':authority', authority], [':path', head.target], ...plain];
}
