/** The many ways in which `node:dgram` takes its arguments. */

import { Buffer } from 'buffer';
import { argumentError } from '../errors.js';
import type { LookupFunction } from '../net/arguments.js';

export type Data = string | ArrayBufferView;
export type SendCallback = (error: Error | null, bytes: number) => void;

export interface SocketOptions {
  type: 'udp4' | 'udp6';
  lookup?: LookupFunction | undefined;
  signal?: AbortSignal | undefined;
  /** Change nothing: an address belongs to one socket. */
  reuseAddr?: boolean | undefined;
  reusePort?: boolean | undefined;
  ipv6Only?: boolean | undefined;
  recvBufferSize?: number | undefined;
  sendBufferSize?: number | undefined;
}

export interface BindOptions {
  port?: number | undefined;
  address?: string | undefined;
  exclusive?: boolean | undefined;
}

export type BindArguments =
  | [listener?: () => void]
  | [options: BindOptions, listener?: () => void]
  | [port: number | undefined, listener?: () => void]
  | [port: number | undefined, address: string | undefined, listener?: () => void];

export function bindArguments(values: readonly unknown[]): [BindOptions, (() => void) | undefined] {
  const [first, second] = values;
  const listener = values.findLast((value) => typeof value === 'function') as (() => void) | undefined;
  if (typeof first === 'object' && first !== null) {
    return [first, listener];
  }
  return [{ port: typeof first === 'number' ? first : 0, address: typeof second === 'string' ? second : undefined }, listener];
}

/** `send(msg, [offset, length,] [port, [address,]] [callback])`; a connected socket takes no port. */
export type SendArguments =
  | [callback?: SendCallback]
  | [port: number, callback?: SendCallback]
  | [port: number, address: string | undefined, callback?: SendCallback]
  | [offset: number, length: number, callback?: SendCallback]
  | [offset: number, length: number, port: number, callback?: SendCallback]
  | [offset: number, length: number, port: number, address: string | undefined, callback?: SendCallback];

export interface Sending {
  data: Uint8Array<ArrayBuffer>;
  port: unknown;
  address: string | undefined;
  callback: SendCallback | undefined;
}

/** Takes the arguments of `send()` apart; the bytes are a copy. */
export function sendArguments(message: unknown, values: readonly unknown[], connected: boolean): Sending {
  const callback = (typeof values.at(-1) === 'function' ? values.at(-1) : undefined) as SendCallback | undefined;
  const rest = callback ? values.slice(0, -1) : values.slice();
  while (rest.length > 0 && rest.at(-1) === undefined) {
    rest.pop();
  }
  // Two numbers before the port are a part of the message; a connected socket has no port behind them.
  const part = connected ? rest.length >= 2 : rest.length >= 3 && typeof rest[1] === 'number';
  const [offset, length] = part ? (rest.splice(0, 2) as [number, number]) : [undefined, undefined];
  if (connected && rest.length > 0) {
    throw argumentError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected', Error);
  }
  const [port, address] = rest;
  if (address !== undefined && address !== null && typeof address !== 'string') {
    throw argumentError('ERR_INVALID_ARG_TYPE', 'The "address" argument must be of type string');
  }
  return { data: bytesOf(message, offset, length), port, address: address || undefined, callback };
}

function bytesOf(message: unknown, offset?: number, length?: number): Uint8Array<ArrayBuffer> {
  if (Array.isArray(message)) {
    return new Uint8Array(Buffer.concat(message.map((each) => Buffer.from(bytesOf(each)))));
  }
  if (typeof message !== 'string' && !ArrayBuffer.isView(message)) {
    throw argumentError(
      'ERR_INVALID_ARG_TYPE',
      'The "msg" argument must be of type string or an instance of Buffer, TypedArray, or DataView',
    );
  }
  const bytes =
    typeof message === 'string'
      ? new TextEncoder().encode(message)
      : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  const from = offset ?? 0;
  const end = length === undefined ? bytes.length : from + length;
  if (from < 0 || from > bytes.length) {
    throw argumentError('ERR_BUFFER_OUT_OF_BOUNDS', '"offset" is outside of buffer bounds', RangeError);
  }
  if (end < from || end > bytes.length) {
    throw argumentError('ERR_BUFFER_OUT_OF_BOUNDS', '"length" is outside of buffer bounds', RangeError);
  }
  return new Uint8Array(bytes.subarray(from, end));
}
