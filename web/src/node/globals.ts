/**
 * The globals that programs for Node take for granted, where the browser has none: Buffer, process, global, setImmediate; and on the
 * number that a browser's timer is, `ref`, `unref` and `hasRef`.
 */

import { Buffer } from 'buffer';
import { process } from './stream.js';

type Task = () => void;

/** `setImmediate`, by messages: timers are held back. */
function immediates(): { setImmediate: unknown; clearImmediate: unknown } {
  const tasks = new Map<number, Task>();
  const { port1, port2 } = new MessageChannel();
  let last = 0;
  port1.onmessage = ({ data }) => {
    const task = tasks.get(data);
    tasks.delete(data);
    task?.();
  };
  return {
    setImmediate(callback: (...values: unknown[]) => void, ...values: unknown[]): number {
      last += 1;
      tasks.set(last, () => callback(...values));
      port2.postMessage(last);
      return last;
    },
    clearImmediate: (id: number) => void tasks.delete(id),
  };
}

const wanted: Record<string, unknown> = { Buffer, process, global: globalThis };
if (!('setImmediate' in globalThis)) {
  Object.assign(wanted, immediates());
}
for (const [name, value] of Object.entries(wanted)) {
  if (!(name in globalThis)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

// Which timers keep the process alive: here none does.
const ofTimers: Record<string, (this: number) => unknown> = {
  ref() {
    return this;
  },
  unref() {
    return this;
  },
  hasRef: () => false,
};
for (const [name, value] of Object.entries(ofTimers)) {
  if (!(name in Number.prototype)) {
    Object.defineProperty(Number.prototype, name, { value, configurable: true, writable: true });
  }
}
