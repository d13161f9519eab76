/**
 * Reading responses, as their bytes come (RFC 9112, the client's side, with the semantics of RFC 9110). It has no connection of its own:
 * it takes bytes and gives the head, the body's bytes, and at the end the word whether the connection may carry another request.
 */

import { EthertabError } from '../errors.js';
import type { Bytes, HttpHead } from '../messages.js';
import { characters, joined } from './characters.js';
import { type Field, isValue, list, parseFields, trimmed } from './fields.js';

/** Bytes of a head, or of trailers, at most: what browsers take. */
const LARGEST_HEAD = 256 * 1024;
/** Interim responses (1xx) before the final one at most. */
const MOST_INTERIM = 16;
/** A chunk's size and its extensions, or a line end, at most. */
const LONGEST_LINE = 4 * 1024;
const LF = 10;

/** What comes next on the connection. */
type Expected =
  /** A status line and fields. */
  | 'head'
  /** Bytes of a body whose length is known. */
  | 'bytes'
  | 'chunk size'
  | 'chunk'
  /** The line end behind a chunk. */
  | 'chunk end'
  /** Up to an empty line. */
  | 'trailers'
  /** A body that ends with the connection. */
  | 'until close'
  | 'nothing';

/** Reads one response to one request. What is no HTTP throws EHTTP. */
export class ResponseReader {
  /** The head of the final response (200 to 999, or 101), once it is complete. Names are in lower case, in the order of the wire. */
  head: HttpHead | null = null;
  /** The fields behind a body in chunks (RFC 9110 §6.5), at the end. */
  trailers: Field[] = [];

  /** The response to HEAD has no body, whatever its fields say. */
  readonly #toHead: boolean;
  #expected: Expected = 'head';
  /** Bytes left of the body or of the chunk. */
  #left = 0;
  /** The line that is not yet complete. */
  #partial = '';
  /** The lines of the head before it, without their ends. */
  #lines: string[] = [];
  /** Bytes of the head, the trailers or the line so far. */
  #size = 0;
  #interim = 0;
  #keepAlive = false;

  constructor(method: string) {
    this.#toHead = method === 'HEAD';
  }

  /** Whether the response has been read to its end. */
  get isComplete(): boolean {
    return this.#expected === 'nothing';
  }

  /** Whether another request may follow on the connection (RFC 9112 §9.3); no before the end. */
  get keepsAlive(): boolean {
    return this.isComplete && this.#keepAlive;
  }

  /** Takes bytes of the connection and puts those of the body, as parts of `bytes`, into `body`. Gives what follows the response. */
  receive(bytes: Bytes, body: Bytes[]): Bytes {
    let rest = bytes;
    while (rest.byteLength > 0 && this.#expected !== 'nothing') {
      switch (this.#expected) {
        case 'until close':
          body.push(rest);
          return rest.subarray(rest.byteLength);
        case 'bytes':
        case 'chunk':
          body.push(rest.subarray(0, this.#left));
          [rest, this.#left] = [rest.subarray(this.#left), Math.max(0, this.#left - rest.byteLength)];
          if (this.#left === 0) {
            this.#expected = this.#expected === 'chunk' ? 'chunk end' : 'nothing';
          }
          break;
        default:
          rest = this.#gather(rest);
      }
    }
    return rest;
  }

  /** The connection has ended: in order for some responses, too soon for others (RFC 9112 §8). */
  endOfStream(): void {
    if (this.#expected !== 'until close' && this.#expected !== 'nothing') {
      throw wrong('the server closed the connection before its answer was complete');
    }
    this.#expected = 'nothing';
    this.#keepAlive = false;
  }

  /** Takes bytes up to the end of a line, and gives the rest. */
  #gather(bytes: Bytes): Bytes {
    const length = bytes.indexOf(LF) + 1 || bytes.byteLength;
    this.#size += length;
    if (this.#size > (this.#expected === 'head' || this.#expected === 'trailers' ? LARGEST_HEAD : LONGEST_LINE)) {
      throw wrong("the answer's headers are too long");
    }
    this.#partial += characters(bytes.subarray(0, length));
    if (this.#partial.endsWith('\n')) {
      // RFC 9112 §2.2: a bare LF may end a line.
      const line = this.#partial.replace(/\r?\n$/, '');
      this.#partial = '';
      this.#takeLine(line);
    }
    return bytes.subarray(length);
  }

  #takeLine(line: string): void {
    if (this.#expected === 'head' && line !== '') {
      this.#lines.push(line);
    } else if (this.#expected === 'head') {
      const lines = this.#lines;
      [this.#lines, this.#size] = [[], 0];
      // An empty line before the status line, left by a server that ends bodies with one, is skipped.
      if (lines.length > 0) {
        this.#takeHead(lines);
      }
    } else if (this.#expected === 'trailers' && line !== '') {
      this.#lines.push(line);
    } else if (this.#expected === 'trailers') {
      this.trailers = fieldsOf(this.#lines);
      this.#expected = 'nothing';
    } else if (this.#expected === 'chunk size') {
      [this.#left, this.#size] = [chunkSize(line), 0];
      this.#expected = this.#left > 0 ? 'chunk' : 'trailers';
    } else if (line === '') {
      [this.#expected, this.#size] = ['chunk size', 0];
    } else {
      throw wrong(MALFORMED_CHUNK);
    }
  }

  #takeHead(lines: string[]): void {
    const { minor, head } = parseHead(lines);
    // RFC 9110 §15.2.
    if (head.status < 200 && head.status !== 101) {
      this.#interim += 1;
      if (this.#interim > MOST_INTERIM) {
        throw wrong('the interim answers do not end');
      }
      return;
    }
    const names = new Set(head.headers.map(([name]) => name));
    const says = list(head.headers, 'connection');
    this.#expectBody(head, names);
    // RFC 9112 §9.3. Both fields at once may be an attempt to smuggle (§6.3, third case): nothing may follow.
    const doubtful = names.has('transfer-encoding') && names.has('content-length');
    this.#keepAlive =
      (minor > 0 || says.includes('keep-alive')) &&
      !says.includes('close') &&
      !doubtful &&
      head.status !== 101 &&
      this.#expected !== 'until close';
    this.head = head;
  }

  /** Where the body ends (RFC 9112 §6.3). */
  #expectBody({ status, headers }: HttpHead, names: Set<string>): void {
    if (this.#toHead || status < 200 || status === 204 || status === 304) {
      this.#expected = 'nothing';
    } else if (names.has('transfer-encoding')) {
      // We never ask for another coding (TE), so chunked is all that may come.
      if (list(headers, 'transfer-encoding').join() !== 'chunked') {
        throw wrong(UNBOUNDED);
      }
      this.#expected = 'chunk size';
    } else if (names.has('content-length')) {
      // The same length said twice is one length.
      const [length = '', ...others] = new Set(list(headers, 'content-length').map((text) => text.replace(/^0+(?=\d)/, '')));
      this.#left = Number(length);
      if (others.length > 0 || !/^\d+$/.test(length) || !Number.isSafeInteger(this.#left)) {
        throw wrong(UNBOUNDED);
      }
      this.#expected = this.#left > 0 ? 'bytes' : 'nothing';
    } else {
      this.#expected = 'until close';
    }
  }
}

const MALFORMED_CHUNK = 'the answer has a malformed chunk';
const UNBOUNDED = 'the answer does not say where its body ends';

/** Bytes of the body that came at once: in one buffer of their own, which may be given away. */
export function owned(pieces: Bytes[]): Bytes[] {
  const [first] = pieces;
  if (pieces.length < 2 && (!first || first.byteLength === first.buffer.byteLength)) {
    return pieces;
  }
  return [joined(...pieces)];
}

/** A status line and fields (RFC 9112 §4, §5), and HTTP/1's minor version. */
function parseHead([start = '', ...lines]: string[]): { minor: number; head: HttpHead } {
  // Some servers leave out the reason, and the space before it.
  const [, minor, status, reason = ''] = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/s.exec(start) ?? [];
  if (!status || !isValue(reason)) {
    throw wrong('the answer does not begin as HTTP/1 does');
  }
  return { minor: Number(minor), head: { status: Number(status), statusText: reason, headers: fieldsOf(lines) } };
}

function fieldsOf(lines: string[]): Field[] {
  const fields = parseFields(unfolded(lines));
  if (!fields) {
    throw wrong('the answer has a malformed header');
  }
  return fields;
}

/** RFC 9112 §5.2: a folded line goes on with the value before it, behind a space. */
function unfolded(lines: string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    const before = whole.length - 1;
    if (/^[ \t]/.test(line) && before >= 0) {
      whole[before] += ` ${trimmed(line)}`;
    } else {
      whole.push(line);
    }
  }
  return whole;
}

/** A chunk's size (RFC 9112 §7.1): hexadecimal, before any extension. */
function chunkSize(line: string): number {
  const [, digits = ''] = /^[ \t]*([\da-f]+)[ \t]*(?:;.*)?$/i.exec(line) ?? [];
  const size = Number.parseInt(digits, 16);
  if (!Number.isSafeInteger(size)) {
    throw wrong(MALFORMED_CHUNK);
  }
  return size;
}

function wrong(what: string): EthertabError {
  return new EthertabError('EHTTP', what);
}
