/**
 * Reading a request's head by the rules for servers (RFC 9112). HTTP/1.1 is spoken in TypeScript here, and a server reads it more
 * strictly than a client: it shares what fields are made of with the client, and the rest is its own. The parser that JavaScript has
 * (http-parser-js) is written to Node's Buffer, and takes what must be refused: Content-Length beside Transfer-Encoding, lines that end
 * without CR, folded ones.
 */

import { type Field, isToken, list, parseFields, values } from '../http/fields.js';

/** Why a request is not given to the handler, or why its body is not: the status that says so. The connection is closed after it. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }
}

/** How a body is framed: so many bytes, or chunks. */
export type Framing = number | 'chunked';

export interface RequestHead {
  method: string;
  /** The target URI (RFC 9112 §3.3). */
  url: string;
  fields: Field[];
  /** Of HTTP/1. */
  minor: 0 | 1;
  framing: Framing;
  /** Whether the client would like to send another request on the connection (RFC 9112 §9.3). */
  keepAlive: boolean;
  /** Whether the client waits for 100 (Continue) before it sends the body (RFC 9110 §10.1.1). */
  expectsContinue: boolean;
}

/** Methods that there is no handler for: a tunnel is no response, and the other two are not for `Request`. */
const UNKNOWN_METHODS = ['CONNECT', 'TRACE', 'TRACK'];

/** Reads a head; `local` is the authority of a request that names none. Throws a Refusal. */
export function parseRequestHead(head: string, local: string): RequestHead {
  const [start = '', ...lines] = head.slice(0, -'\r\n\r\n'.length).split('\r\n');
  // Strict where leniency lets messages be smuggled: no line without CR, no folded ones, no space before a colon, no control characters.
  const fields = parseFields(lines);
  if (!fields || !head.endsWith('\r\n\r\n')) {
    throw new Refusal(400, 'malformed header');
  }
  const [method = '', target = '', version = '', ...more] = start.split(' ');
  // RFC 9112 §3: single spaces, and nothing else that could be taken for one.
  if (more.length > 0 || !isToken(method) || !/^[\x21-\x7e]+$/.test(target)) {
    throw new Refusal(400, 'malformed request line');
  }
  if (!/^HTTP\/1\.[0-9]$/.test(version)) {
    throw /^HTTP\/[0-9](\.[0-9])?$/.test(version)
      ? new Refusal(505, 'only HTTP/1.1 and HTTP/1.0 are spoken here')
      : new Refusal(400, 'malformed request line');
  }
  // A minor version that is higher than ours is answered as ours is (RFC 9110 §2.5).
  const minor = version === 'HTTP/1.0' ? 0 : 1;
  if (UNKNOWN_METHODS.includes(method.toUpperCase())) {
    throw new Refusal(501, `${method} is not served here`);
  }
  const connection = list(fields, 'connection');
  const expectations = minor === 1 ? list(fields, 'expect') : [];
  if (expectations.some((expectation) => expectation !== '100-continue')) {
    throw new Refusal(417, 'an expectation that cannot be met');
  }
  return {
    method,
    url: targetUri(method, target, host(fields, minor) || local),
    fields,
    minor,
    framing: framing(fields, minor),
    keepAlive: !connection.includes('close') && (minor === 1 || connection.includes('keep-alive')),
    expectsContinue: expectations.length > 0,
  };
}

/** RFC 9112 §3.2: HTTP/1.1 has one Host field, and its value is an authority without user information (or empty). */
function host(fields: Field[], minor: 0 | 1): string {
  const hosts = values(fields, 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minor === 1)) {
    throw new Refusal(400, 'there must be one Host');
  }
  const [authority = ''] = hosts;
  if (!/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?$/.test(authority)) {
    throw new Refusal(400, 'malformed Host');
  }
  return authority;
}

/** RFC 9112 §3.2.1 to §3.2.4, and §3.3. */
function targetUri(method: string, target: string, authority: string): string {
  const asterisk = target === '*' && method === 'OPTIONS';
  const absolute = /^https?:\/\//i.test(target);
  if (!asterisk && !absolute && !target.startsWith('/')) {
    throw new Refusal(400, 'malformed request target');
  }
  try {
    const url = new URL(absolute ? target : `http://${authority}${asterisk ? '' : target}`);
    if (!url.username && !url.password) {
      return url.href;
    }
  } catch {
    // It is no URL.
  }
  throw new Refusal(400, 'malformed request target');
}

/**
 * RFC 9112 §6.3, as strictly as it allows: whatever another on the way could read differently is refused, for it may hide a second
 * request within the first.
 */
function framing(fields: Field[], minor: 0 | 1): Framing {
  const lengths = values(fields, 'content-length');
  const codings = list(fields, 'transfer-encoding');
  if (values(fields, 'transfer-encoding').length > 0) {
    const isLast = codings.length > 0 && codings.indexOf('chunked') === codings.length - 1;
    if (lengths.length > 0 || minor === 0 || !isLast) {
      throw new Refusal(400, 'it cannot be told where the body ends');
    }
    if (codings.length !== 1) {
      throw new Refusal(501, 'a transfer coding that is not known here');
    }
    return 'chunked';
  }
  const [length = '0', ...others] = lengths;
  if (others.length > 0 || !/^[0-9]+$/.test(length) || !Number.isSafeInteger(Number(length))) {
    throw new Refusal(400, 'malformed Content-Length');
  }
  return Number(length);
}
