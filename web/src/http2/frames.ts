/** HTTP/2's frames (RFC 9113 §4.1, §6): bytes to frames and back. What they mean is the connection's business. */

import { joined } from '../http/characters.js';
import type { Bytes } from '../messages.js';

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export const Type = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  Reset: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const ACK = 0x1;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

/** RFC 9113 §7. */
export const ErrorCode = {
  None: 0,
  Protocol: 1,
  Internal: 2,
  FlowControl: 3,
  StreamClosed: 5,
  FrameSize: 6,
  Refused: 7,
  Cancel: 8,
  Compression: 9,
  Calm: 11,
  Http11Required: 13,
} as const;

/** RFC 9113 §6.5.2. */
export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const;

/** Largest payload that a peer takes which says nothing else, and the least that it may say. */
export const FRAME = 16_384;
/** Bytes before each payload. */
const HEAD = 9;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Bytes;
}

/** The peer broke a rule, so that the connection cannot go on (RFC 9113 §5.4.1). */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A frame in a buffer of its own. */
export function frame(type: number, flags: number, stream: number, payload: ArrayLike<number> = []): Bytes {
  const bytes = new Uint8Array(HEAD + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, payload.length >> 8);
  bytes[2] = payload.length & 0xff;
  bytes[3] = type;
  bytes[4] = flags;
  view.setUint32(5, stream);
  bytes.set(payload, HEAD);
  return bytes;
}

/** A payload that begins with a number of 32 bits, and may have more of them. */
export function words(...numbers: number[]): Bytes {
  const bytes = new Uint8Array(4 * numbers.length);
  const view = new DataView(bytes.buffer);
  for (const [index, number] of numbers.entries()) {
    view.setUint32(4 * index, number);
  }
  return bytes;
}

export function settings(all: [name: number, value: number][]): Bytes {
  const bytes = new Uint8Array(6 * all.length);
  const view = new DataView(bytes.buffer);
  for (const [index, [name, value]] of all.entries()) {
    view.setUint16(6 * index, name);
    view.setUint32(6 * index + 2, value);
  }
  return frame(Type.Settings, 0, 0, bytes);
}

export function word(payload: Bytes, at = 0): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(at);
}

/** The payload without padding (RFC 9113 §6.1) and, in a HEADERS frame, without its priority (§6.2). */
export function content({ type, flags, payload }: Frame): Bytes {
  let from = 0;
  let padding = 0;
  if (flags & PADDED) {
    padding = payload[0] ?? 0;
    from = 1;
  }
  if (type === Type.Headers && flags & PRIORITY) {
    from += 5;
  }
  const to = payload.byteLength - padding;
  if (to < from) {
    throw new ConnectionError(ErrorCode.Protocol, 'padding longer than its frame');
  }
  return payload.subarray(from, to);
}

/** Cuts what arrives into frames. */
export class FrameReader {
  /** What does not yet make a frame: less than one. */
  #rest: Bytes = new Uint8Array(0);

  /** Fails with `ConnectionError` where a frame is longer than it may be. Payloads may share a buffer. */
  *receive(bytes: Bytes): Generator<Frame> {
    let all = bytes;
    if (this.#rest.byteLength > 0) {
      all = joined(this.#rest, bytes);
    }
    let at = 0;
    while (all.byteLength - at >= HEAD) {
      const view = new DataView(all.buffer, all.byteOffset + at, HEAD);
      const length = view.getUint32(0) >>> 8;
      if (length > FRAME) {
        throw new ConnectionError(ErrorCode.FrameSize, 'a frame longer than it may be');
      }
      const end = at + HEAD + length;
      if (end > all.byteLength) {
        break;
      }
      const payload = all.subarray(at + HEAD, end);
      // The first bit is reserved (RFC 9113 §4.1).
      yield { type: view.getUint8(3), flags: view.getUint8(4), stream: view.getUint32(5) & 0x7fff_ffff, payload };
      at = end;
    }
    this.#rest = all.slice(at);
  }
}
