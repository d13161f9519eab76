/** The many ways in which `node:net` takes its arguments. */

import type { TcpConnectOptions } from '../../types.js';
import type { LookupAddress, LookupOptions } from '../dns/questions.js';
import { argumentError } from '../errors.js';

type Listener = () => void;

/** A name's addresses; Node's `dns.lookup` is one. */
export type LookupFunction = (
  hostname: string,
  options: LookupOptions,
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

export interface SocketOptions {
  allowHalfOpen?: boolean | undefined;
  highWaterMark?: number | undefined;
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
  noDelay?: boolean | undefined;
  keepAlive?: boolean | undefined;
  /** Milliseconds. */
  keepAliveInitialDelay?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface ConnectOptions extends SocketOptions {
  port?: number | string | undefined;
  /** 'localhost' by default, as in Node. */
  host?: string | undefined;
  localPort?: number | undefined;
  family?: number | undefined;
  hints?: number | undefined;
  lookup?: LookupFunction | undefined;
  /** Milliseconds of silence until 'timeout'. */
  timeout?: number | undefined;
  /** Of a local socket: there are none. */
  path?: string | undefined;
  /** Sizes of buffers: ethertab's own. */
  tcp?: Pick<TcpConnectOptions, 'receiveBufferSize' | 'sendBufferSize'> | undefined;
}

export type ConnectArguments =
  | [options: ConnectOptions, listener?: Listener]
  | [port: number | string, listener?: Listener]
  | [port: number | string, host: string | undefined, listener?: Listener];

/** `connect(options)`, `(port)`, `(port, host)`, `(path)`, each with a listener behind it or without. */
export function connectArguments(values: readonly unknown[]): [ConnectOptions, Listener | undefined] {
  const [first, second] = values;
  const listener = values.findLast((value) => typeof value === 'function') as Listener | undefined;
  if (typeof first === 'object' && first !== null) {
    return [first as ConnectOptions, listener];
  }
  if (typeof first === 'string' && !isDigits(first)) {
    return [{ path: first }, listener];
  }
  if (typeof first !== 'number' && typeof first !== 'string') {
    throw argumentError('ERR_MISSING_ARGS', 'The "options" or "port" or "path" argument must be specified');
  }
  return [{ port: first, ...(typeof second === 'string' ? { host: second } : {}) }, listener];
}

export interface ListenOptions {
  port?: number | string | undefined;
  host?: string | undefined;
  backlog?: number | undefined;
  path?: string | undefined;
  signal?: AbortSignal | undefined;
}

export type ListenArguments =
  | [listener?: Listener]
  | [options: ListenOptions, listener?: Listener]
  | [port: number | string, listener?: Listener]
  | [port: number | string, backlog: number, listener?: Listener]
  | [port: number | string, host: string | undefined, listener?: Listener]
  | [port: number | string, host: string | undefined, backlog: number, listener?: Listener];

/** `listen()`, `(options)`, `(port, host, backlog)` and what is between, each with a listener behind it or without. */
export function listenArguments(values: readonly unknown[]): [ListenOptions, Listener | undefined] {
  const [first, second, third] = values;
  const listener = values.findLast((value) => typeof value === 'function') as Listener | undefined;
  if (typeof first === 'object' && first !== null) {
    const options = first as ListenOptions;
    if (options.port === undefined && options.path === undefined) {
      throw argumentError('ERR_INVALID_ARG_VALUE', 'The argument \'options\' must have the property "port" or "path"');
    }
    return [options, listener];
  }
  if (typeof first === 'string' && !isDigits(first)) {
    return [{ path: first }, listener];
  }
  const host = typeof second === 'string' ? second : undefined;
  const backlog = typeof second === 'number' ? second : typeof third === 'number' ? third : undefined;
  return [
    { port: first === undefined || first === null || first === listener ? 0 : (first as number), host, backlog },
    listener,
  ];
}

function isDigits(text: string): boolean {
  return /^\s*\d+\s*$/.test(text);
}
