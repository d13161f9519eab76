/** What a frame must be by itself, whatever came before it; who breaks it ends the connection (RFC 9113 §5.4.1). */

import type { Bytes } from '../messages.js';
import { ACK, ConnectionError, ErrorCode, FRAME, type Frame, Setting, word } from './frames.js';
import { LARGEST_WINDOW } from './window.js';

/** Bytes of a block of fields as it is sent, and frames that it may come in. */
const LARGEST_BLOCK = 128 * 1024;
const MOST_CONTINUATIONS = 32;

export function protocol(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.Protocol, what);
}

export function expectLength({ payload }: Frame, length: number): void {
  if (payload.byteLength !== length) {
    throw new ConnectionError(ErrorCode.FrameSize, 'a frame of a wrong length');
  }
}

export function expectConnection({ stream }: Frame): void {
  if (stream !== 0) {
    throw protocol('a frame for a stream that concerns the connection');
  }
}

/** What a SETTINGS frame of a server sets (RFC 9113 §6.5), each of a value that it may have; `null`: it acknowledges ours. */
export function settingsOf(frame: Frame): [setting: number, value: number][] | null {
  const { payload, flags } = frame;
  expectConnection(frame);
  if (payload.byteLength % 6 !== 0 || (flags & ACK && payload.byteLength > 0)) {
    throw new ConnectionError(ErrorCode.FrameSize, 'settings of a wrong length');
  }
  if (flags & ACK) {
    return null;
  }
  const all: [number, number][] = [];
  for (let at = 0; at < payload.byteLength; at += 6) {
    const setting = word(payload, at) >>> 16;
    const value = word(payload, at + 2);
    expectValue(setting, value);
    all.push([setting, value]);
  }
  return all;
}

function expectValue(setting: number, value: number): void {
  if (setting === Setting.EnablePush && value !== 0) {
    throw protocol('a server cannot be pushed to');
  }
  if (setting === Setting.MaxFrameSize && (value < FRAME || value >= 2 ** 24)) {
    throw protocol('a size that no frame has');
  }
  if (setting === Setting.InitialWindowSize && value > LARGEST_WINDOW) {
    throw new ConnectionError(ErrorCode.FlowControl, 'a window beyond all bounds');
  }
}

/** A block of fields, which may come in several frames (RFC 9113 §4.3). */
export class FieldBlock {
  readonly stream: number;
  /** Nothing of its message follows. */
  readonly last: boolean;
  readonly parts: Bytes[] = [];
  #size = 0;

  constructor(stream: number, last: boolean) {
    this.stream = stream;
    this.last = last;
  }

  add(part: Bytes): void {
    this.parts.push(part.slice());
    this.#size += part.byteLength;
    if (this.#size > LARGEST_BLOCK || this.parts.length > MOST_CONTINUATIONS) {
      throw new ConnectionError(ErrorCode.Calm, 'fields that are too long');
    }
  }
}
