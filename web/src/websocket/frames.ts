/** Frames (RFC 6455 §5), written as a client writes them and read as a server does: from us masked, to us not. */

import { EthertabError } from '../errors.js';
import type { ByteSource } from '../http/source.js';
import type { Bytes } from '../messages.js';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** Status codes that say why a connection is closed (§7.4.1). */
export const PROTOCOL_ERROR = 1002;
export const NO_STATUS = 1005;
export const ABNORMAL = 1006;
export const INVALID_DATA = 1007;
export const TOO_BIG = 1009;

/** What the server must not do, and the status code that tells it so. */
export class Violation extends EthertabError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('EWEBSOCKET', message);
    this.status = status;
  }
}

export interface FrameHead {
  final: boolean;
  opcode: number;
  /** Bytes of the payload, which follows. */
  length: number;
}

/** Reads what stands before a frame's payload, of which there may be `limit` bytes. */
export async function readFrameHead(source: ByteSource, limit: number): Promise<FrameHead> {
  const [first = 0, second = 0] = await source.exactly(2);
  const [final, reserved, opcode] = [first >= 0x80, first & 0x70, first & 0x0f];
  const isControl = opcode >= CLOSE;
  if (reserved !== 0 || opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
    throw new Violation(PROTOCOL_ERROR, 'a frame with bits or an opcode that were not agreed on');
  }
  if (second >= 0x80) {
    throw new Violation(PROTOCOL_ERROR, 'a frame from the server is masked');
  }
  if (isControl && (!final || second > 125)) {
    throw new Violation(PROTOCOL_ERROR, 'a control frame is fragmented, or too long');
  }
  const length = await readLength(source, second);
  if (length > limit) {
    throw new Violation(TOO_BIG, 'a message is too large');
  }
  return { final, opcode, length };
}

/** §5.2: the shortest form must be used. */
async function readLength(source: ByteSource, short: number): Promise<number> {
  if (short < 126) {
    return short;
  }
  const bytes = await source.exactly(short === 126 ? 2 : 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = short === 126 ? view.getUint16(0) : Number(view.getBigUint64(0));
  if (length < (short === 126 ? 126 : 0x1_0000) || length >= 2 ** 63) {
    throw new Violation(PROTOCOL_ERROR, 'a length that is not in its shortest form');
  }
  return length;
}

/** What stands before the payload of an unfragmented frame; `mask`: four bytes. */
export function frameHead(opcode: number, length: number, mask: Bytes): Bytes {
  const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const head = new Uint8Array(2 + lengthBytes + 4);
  const view = new DataView(head.buffer);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) {
    view.setUint16(2, length);
  } else if (lengthBytes === 8) {
    view.setBigUint64(2, BigInt(length));
  }
  head.set(mask, 2 + lengthBytes);
  return head;
}

/** A masked copy (§5.3) of a part of a payload that begins at a multiple of four. */
export function masked(payload: Bytes, mask: Bytes): Bytes {
  const copy = new Uint8Array(payload.byteLength);
  for (let at = 0; at < copy.byteLength; at += 1) {
    copy[at] = (payload[at] as number) ^ (mask[at & 3] as number);
  }
  return copy;
}

/** What a Close frame says (§5.5.1, §7.4): a status code, `NO_STATUS` if there is none, and a reason. */
export function readClose(payload: Bytes): { code: number; reason: string } {
  if (payload.byteLength === 0) {
    return { code: NO_STATUS, reason: '' };
  }
  const code = payload.byteLength === 1 ? 0 : new DataView(payload.buffer, payload.byteOffset).getUint16(0);
  if (!mayBeSent(code)) {
    throw new Violation(PROTOCOL_ERROR, `a connection cannot be closed with the code ${code}`);
  }
  return { code, reason: text(payload.subarray(2)) };
}

export function closePayload(code: number, reason: Bytes): Bytes {
  const payload = new Uint8Array(2 + reason.byteLength);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(reason, 2);
  return payload;
}

/** §7.4.1, and IANA's registry of what was added since. */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, NO_STATUS, ABNORMAL].includes(code)) || (code >= 3000 && code <= 4999);
}

/** §8.1. */
export function text(bytes: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Violation(INVALID_DATA, 'a text that is not UTF-8');
  }
}
