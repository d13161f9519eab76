/** What a browser's bindings do with arguments before a constructor's own steps (Web IDL §3.2). Whatever is wrong is a TypeError. */

import type { Bytes } from '../messages.js';
import type { SocketDnsQueryType } from './types.js';

export function needs(given: number, wanted: number, name: string): void {
  if (given < wanted) {
    throw new TypeError(`${name}: ${wanted} argument${wanted === 1 ? '' : 's'} required, but only ${given} present`);
  }
}

/** A dictionary's members; one that is absent is `undefined`. */
export function dictionary(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined || value === null) {
    return {};
  }
  if (typeof value !== 'object' && typeof value !== 'function') {
    throw new TypeError(`${name} is not an object`);
  }
  return value as Record<string, unknown>;
}

/** Converts a member that is there. */
export function present<T>(value: unknown, convert: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : convert(value);
}

export function domString(value: unknown): string {
  return `${value}`;
}

/** `unsigned short`: the lowest 16 bits of whatever number it is. */
export function unsignedShort(value: unknown): number {
  // Not Number(): a BigInt is no number here.
  return (+(value as number) >>> 0) & 0xffff;
}

/** `[EnforceRange]`: a number from 0 to `highest`, or an error that names it. */
export function enforced(name: string, highest: number): (value: unknown) => number {
  return (value) => {
    const number = Math.trunc(+(value as number));
    if (!(number >= 0 && number <= highest)) {
      throw new TypeError(`${name} is not between 0 and ${highest}`);
    }
    // Never -0.
    return number + 0;
  };
}

/** Not of Web IDL, but asked of many a member by the steps that follow. */
export function positive(name: string, value: number | undefined): void {
  if (value === 0) {
    throw new TypeError(`${name} is 0`);
  }
}

export const UNSIGNED_SHORT = 0xffff;
export const UNSIGNED_LONG = 0xffff_ffff;

export function dnsQueryType(value: unknown): SocketDnsQueryType {
  const type = `${value}`;
  if (type !== 'ipv4' && type !== 'ipv6') {
    throw new TypeError(`"${type}" is not a dnsQueryType: 'ipv4' or 'ipv6'`);
  }
  return type;
}

/** A copy of a `BufferSource`'s bytes. */
export function bufferSource(value: unknown): Bytes {
  if (ArrayBuffer.isView(value) && !isShared(value.buffer)) {
    return new Uint8Array(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  if (value instanceof ArrayBuffer) {
    return new Uint8Array(value.slice(0));
  }
  throw new TypeError('only an ArrayBuffer or a view of one can be sent');
}

function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}
