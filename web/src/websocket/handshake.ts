/** The opening handshake (RFC 6455 §4.1), by the rules of WHATWG WebSockets. */

import { EthertabError } from '../errors.js';
import { bytesOf, characters } from '../http/characters.js';
import { list, values } from '../http/fields.js';
import { requestHead } from '../http/request.js';
import { ResponseReader } from '../http/response.js';
import { type ByteSource, EndedEarly } from '../http/source.js';
import type { Bytes, HttpHead } from '../messages.js';
import { sha1 } from './sha1.js';

/** §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const PIECE = 64 * 1024;

/** What the handshake itself says, and how the message is framed: not the program's. */
const OWN_HEADERS = /^(sec-websocket-.*|connection|upgrade|content-length|transfer-encoding)$/;

export interface Handshake {
  /** The request. */
  request: Bytes;
  /** What the server has to answer with. */
  accept: string;
}

/** A request to open a WebSocket at `url`. */
export function handshake(url: URL, protocols: string[], given: Headers): Handshake {
  const key = btoa(characters(crypto.getRandomValues(new Uint8Array(16))));
  const more = [...given].filter(([name]) => name !== 'host' && !OWN_HEADERS.test(name));
  const headers: [string, string][] = [
    ['host', given.get('host') ?? url.host],
    ['connection', 'Upgrade'],
    ['upgrade', 'websocket'],
    ['sec-websocket-key', key],
    ['sec-websocket-version', '13'],
  ];
  if (protocols.length > 0) {
    headers.push(['sec-websocket-protocol', protocols.join(', ')]);
  }
  if (!given.has('user-agent')) {
    headers.push(['user-agent', globalThis.navigator?.userAgent ?? 'ethertab']);
  }
  const target = url.pathname + url.search;
  return { request: requestHead({ method: 'GET', target, headers: [...headers, ...more] }, null), accept: acceptFor(key) };
}

/** §4.2.2, step 5. */
export function acceptFor(key: string): string {
  return btoa(characters(sha1(bytesOf(key + GUID))));
}

/** Reads the answer; what follows it stays in the source. */
export async function readAnswer(source: ByteSource): Promise<HttpHead> {
  const reader = new ResponseReader('GET');
  while (!reader.head) {
    const piece = await source.some(PIECE);
    if (!piece) {
      throw new EndedEarly();
    }
    source.putBack(reader.receive(piece, []));
  }
  return reader.head;
}

/** Whether the server has agreed, and on which subprotocol ('': on none). Throws what is wrong. */
export function agreedProtocol({ status, headers }: HttpHead, accept: string, protocols: string[]): string {
  if (status !== 101) {
    throw refused(`the server answered with status ${status}`);
  }
  if (list(headers, 'upgrade').join() !== 'websocket' || !list(headers, 'connection').includes('upgrade')) {
    throw refused('the server switches to another protocol');
  }
  if (values(headers, 'sec-websocket-accept').join() !== accept) {
    throw refused('the server did not understand the handshake: Sec-WebSocket-Accept is wrong');
  }
  if (list(headers, 'sec-websocket-extensions').length > 0) {
    throw refused('the server uses an extension that it was not offered');
  }
  const [protocol = '', ...others] = values(headers, 'sec-websocket-protocol');
  if (others.length > 0 || (protocols.length > 0 ? !protocols.includes(protocol) : protocol !== '')) {
    throw refused(protocol ? `the server chose "${protocol}", which it was not offered` : 'the server chose no subprotocol');
  }
  return protocol;
}

function refused(message: string): EthertabError {
  return new EthertabError('EWEBSOCKET', message);
}
