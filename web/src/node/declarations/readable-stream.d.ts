/** What the shim uses of the package `readable-stream`, which brings no types. Programs see those of `@types/node`. */

import { EventEmitter } from 'events';

export interface DuplexOptions {
  allowHalfOpen?: boolean;
  autoDestroy?: boolean;
  emitClose?: boolean;
  decodeStrings?: boolean;
  highWaterMark?: number;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
}

type Callback = (error?: Error | null) => void;

declare class Duplex extends EventEmitter {
  constructor(options?: DuplexOptions);
  readonly destroyed: boolean;
  readonly errored: Error | null;
  readonly readable: boolean;
  readonly readableEnded: boolean;
  readonly writable: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly writableLength: number;
  allowHalfOpen: boolean;
  push(chunk: Uint8Array | null): boolean;
  // biome-ignore lint/suspicious/noExplicitAny: bytes, or text once there is an encoding
  read(size?: number): any;
  pause(): this;
  resume(): this;
  isPaused(): boolean;
  setEncoding(encoding: string): this;
  pipe<T>(destination: T, options?: { end?: boolean }): T;
  write(chunk: Uint8Array | string, callback?: Callback): boolean;
  write(chunk: Uint8Array | string, encoding: string, callback?: Callback): boolean;
  end(callback?: () => void): this;
  end(chunk: Uint8Array | string, callback?: () => void): this;
  end(chunk: Uint8Array | string, encoding: string, callback?: () => void): this;
  cork(): void;
  uncork(): void;
  destroy(error?: Error | null): this;
  _undestroy(): void;
  _read(size: number): void;
  _write(chunk: Uint8Array, encoding: string, callback: Callback): void;
  _writev(chunks: { chunk: Uint8Array }[], callback: Callback): void;
  _final(callback: Callback): void;
  _destroy(error: Error | null, callback: Callback): void;
}

declare const streams: { Duplex: typeof Duplex };

export type { Duplex };
export default streams;
