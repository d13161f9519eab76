/** Writing requests (RFC 9112 §3, §7.1). */

import { invalid } from '../errors.js';
import type { Bytes } from '../messages.js';
import { bytesOf, joined } from './characters.js';
import { isToken, isValue } from './fields.js';

/** Where a request's body ends: there is none, it has so many bytes, or chunks follow and then `LAST_CHUNK`. */
export type BodyLength = null | number | 'chunked';

/** What opens a request. */
export interface RequestHead {
  /** In the case that it is sent in. */
  method: string;
  /** Path and query, or another form of RFC 9112 §3.2. */
  target: string;
  /** In the order that they are sent in, one character a byte: Host among them, and none of those that frame the message. */
  headers: [name: string, value: string][];
}

/** Ends a chunked body; there are no trailers. */
export const LAST_CHUNK: Bytes = bytesOf('0\r\n\r\n');

/** Fails with EINVAL if HTTP cannot carry a part of the head. */
export function checkHead({ method, target, headers }: RequestHead): void {
  if (!isToken(method)) {
    throw invalid('not a method that HTTP can carry');
  }
  if (!/^[!-~]+$/.test(target)) {
    throw invalid('not a target that HTTP can carry');
  }
  for (const [name, value] of headers) {
    if (!isToken(name) || !isValue(value) || ['content-length', 'transfer-encoding'].includes(name.toLowerCase())) {
      throw invalid('a header has a name or a value that HTTP cannot carry');
    }
  }
}

/** The head's bytes, with the field that says where the body ends. Fails as `checkHead` does. */
export function requestHead(head: RequestHead, body: BodyLength): Bytes {
  checkHead(head);
  let text = `${head.method} ${head.target} HTTP/1.1\r\n`;
  for (const [name, value] of head.headers) {
    text += `${name}: ${value}\r\n`;
  }
  if (body !== null) {
    text += body === 'chunked' ? 'transfer-encoding: chunked\r\n' : `content-length: ${body}\r\n`;
  }
  return bytesOf(`${text}\r\n`);
}

/** A chunk (RFC 9112 §7.1); of no bytes, nothing, since an empty chunk would end the body. */
export function chunk(bytes: Bytes): Bytes {
  if (bytes.byteLength === 0) {
    return bytes;
  }
  return joined(bytesOf(`${bytes.byteLength.toString(16)}\r\n`), bytes, bytesOf('\r\n'));
}
