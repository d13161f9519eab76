/** Responses on their way to a connection. */

import { bytesOf, joined } from '../http/characters.js';
import type { Field } from '../http/fields.js';
import { chunk, LAST_CHUNK } from '../http/request.js';
import { within } from '../http/source.js';
import type { Bytes } from '../messages.js';
import type { RequestHead } from './request-head.js';

/** Bytes that are written at once: a slow reader is seen to make progress by them. */
const PIECE = 256 * 1024;
/** What a body may have at hand for its length to be told beforehand. */
const AT_ONCE = 256 * 1024;

/** What says how a message is framed and what becomes of the connection; the server's own business. */
const FRAMING = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
];

/** RFC 9110 §15; of others the status alone is said. */
const REASONS: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
};

/** What the response has to know of its request. */
export type Asked = Pick<RequestHead, 'method' | 'minor'>;

/** Where a body ends: after so many bytes, with the last chunk, with the connection; `null`: there is none. */
type Length = number | 'chunked' | 'close' | null;

export class ResponseWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #patience: number;
  /** The body that is being sent. */
  #body: Reader | null = null;
  /** Whether a response has begun, and nothing else can be said any more. */
  begun = false;

  /** `patience`: milliseconds that a write may take. */
  constructor(writable: WritableStream<Uint8Array>, patience: number) {
    this.#writer = writable.getWriter();
    this.#patience = patience;
    // A body that has nothing to send for now learns of it too.
    this.#writer.closed.catch((error) => this.#body?.cancel(error).catch(() => {}));
  }

  /** RFC 9110 §15.2.1. */
  async sendContinue(): Promise<void> {
    if (!this.begun) {
      await this.#write(bytesOf('HTTP/1.1 100 Continue\r\n\r\n'));
    }
  }

  /**
   * Writes a response; `keepAlive` is asked whether the connection may carry another one after it. Resolves to whether it may indeed.
   * `besides`: headers that go out with the response's own. A body that breaks off, or is not as long as its `content-length` says,
   * fails: then the connection's end tells the client.
   */
  async send(response: Response, asked: Asked, keepAlive: () => boolean, besides = new Headers()): Promise<boolean> {
    const said = contentLength(response.headers);
    const headers = [...response.headers, ...besides];
    const bodiless = asked.method === 'HEAD' || [204, 205, 304].includes(response.status);
    if (bodiless || !response.body) {
      await response.body?.cancel();
      const length = response.status === 204 ? null : response.status === 205 ? 0 : bodiless ? said : 0;
      const kept = keepAlive();
      const all = head(response, headers, asked, length, kept);
      this.begun = true;
      await this.#write(all);
      return kept;
    }
    const reader = response.body.getReader();
    this.#body = reader;
    try {
      const beginning = await atHand(reader);
      const { next, length: whole } = beginning;
      const length = said ?? (next ? (asked.minor === 1 ? 'chunked' : 'close') : whole);
      const kept = length !== 'close' && keepAlive();
      await this.#sendBody(head(response, headers, asked, length, kept), beginning, reader, new Frame(length));
      return kept;
    } catch (error) {
      reader.cancel(error).catch(() => {});
      throw error;
    } finally {
      this.#body = null;
    }
  }

  /** Ends our half of the connection after what was written. */
  async finish(): Promise<void> {
    await within(this.#patience, this.#writer.close());
  }

  async #sendBody(head: Bytes, { pieces, next }: Beginning, reader: Reader, frame: Frame): Promise<void> {
    let waiting = joined(head, ...pieces.map((piece) => frame.around(piece)), ...(next ? [] : [frame.end()]));
    this.begun = true;
    for (let read = next; read; ) {
      await this.#write(waiting);
      const { value, done } = await read;
      waiting = done ? frame.end() : frame.around(bytes(value));
      read = done ? null : reader.read();
      read?.catch(() => {});
    }
    await this.#write(waiting);
  }

  async #write(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += PIECE) {
      await within(this.#patience, this.#writer.write(bytes.subarray(at, at + PIECE)));
    }
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Read = ReadableStreamReadResult<Uint8Array>;

/** The pieces of a body that are there already, their length, and what is waited for next; `null`: that was all. */
interface Beginning {
  pieces: Bytes[];
  length: number;
  next: Promise<Read> | null;
}

async function atHand(reader: Reader): Promise<Beginning> {
  const pieces: Bytes[] = [];
  for (let length = 0; ; ) {
    const next = reader.read();
    next.catch(() => {});
    const read = length < AT_ONCE ? await ready(next) : null;
    if (!read) {
      return { pieces, length, next };
    }
    if (read.done) {
      return { pieces, length, next: null };
    }
    pieces.push(bytes(read.value));
    length += read.value.byteLength;
  }
}

/** Firefox takes some to hand out what is there: its bodies are read in another thread. */
const TURNS = 20;

/** What is read, if it is there already. (A timer would take a second in a tab that nobody looks at.) */
async function ready(next: Promise<Read>): Promise<Read | null> {
  const { port1, port2 } = new MessageChannel();
  const over = new Promise<null>((resolve) => {
    let left = TURNS;
    port1.onmessage = () => {
      left -= 1;
      if (left > 0) {
        port2.postMessage(null);
      } else {
        resolve(null);
      }
    };
    port2.postMessage(null);
  });
  try {
    return await Promise.race([next, over]);
  } finally {
    port1.close();
  }
}

/** What stands around the pieces of a body, and that they are as long together as was said. */
class Frame {
  readonly #length: Length;
  #written = 0;

  constructor(length: Length) {
    this.#length = length;
  }

  around(piece: Bytes): Bytes {
    this.#written += piece.byteLength;
    if (typeof this.#length === 'number' && this.#written > this.#length) {
      throw new TypeError(`the body is longer than its content-length, ${this.#length}`);
    }
    return this.#length === 'chunked' ? chunk(piece) : piece;
  }

  end(): Bytes {
    if (typeof this.#length === 'number' && this.#written < this.#length) {
      throw new TypeError(`the body is shorter than its content-length, ${this.#length}`);
    }
    return this.#length === 'chunked' ? LAST_CHUNK : new Uint8Array(0);
  }
}

function bytes(piece: unknown): Bytes {
  if (piece instanceof Uint8Array) {
    return piece as Bytes;
  }
  throw new TypeError("a body's stream must be of Uint8Array");
}

/** What the handler said that the length is. */
function contentLength(headers: Headers): number | null {
  const said = headers.get('content-length');
  if (said === null) {
    return null;
  }
  if (!/^[0-9]{1,15}$/.test(said)) {
    throw new TypeError(`"${said}" is no content-length`);
  }
  return Number(said);
}

function head({ status, statusText }: Response, headers: Field[], asked: Asked, length: Length, keepAlive: boolean): Bytes {
  const lines = [`HTTP/1.1 ${status} ${statusText || (REASONS[status] ?? '')}`];
  for (const [name, value] of headers) {
    if (!FRAMING.includes(name)) {
      lines.push(`${name}: ${value}`);
    }
  }
  if (!headers.some(([name]) => name === 'date')) {
    lines.push(`date: ${new Date().toUTCString()}`);
  }
  if (typeof length === 'number') {
    lines.push(`content-length: ${length}`);
  } else if (length === 'chunked') {
    lines.push('transfer-encoding: chunked');
  }
  if (!keepAlive) {
    lines.push('connection: close');
  } else if (asked.minor === 0) {
    lines.push('connection: keep-alive');
  }
  return bytesOf(`${lines.join('\r\n')}\r\n\r\n`);
}
