/** Node's streams, by the package `readable-stream`, whose ticks are made as quick as Node's. */

import process from 'process';
import streams from 'readable-stream';

// The package `process` takes a timer for each tick, which browsers hold back to 4 ms. Node's own is left alone.
if ('browser' in process) {
  process.nextTick = (callback, ...values) => queueMicrotask(() => callback(...values));
}

export const Duplex = streams.Duplex;
export type Duplex = InstanceType<typeof Duplex>;
export { process };
