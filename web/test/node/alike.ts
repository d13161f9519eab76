/** The same program with Node's own module and with ours, over the same loopback: both must see the same. */
import { expect, test } from 'vitest';
import { use } from '../../src/node/network.js';
import { loopback } from '../loopback-network.js';

/** What a program saw, in order. */
export type Trace = unknown[];

/** Ample, for a machine that has more to do. */
const TIMEOUT = 60_000;

export function alikeOf<M>(theirs: M, ours: M) {
  return (what: string, program: (module: M, trace: Trace) => Promise<void>): void => {
    test(
      what,
      async () => {
        use(loopback);
        const traces: Trace[] = [];
        for (const module of [theirs, ours]) {
          const trace: Trace = [];
          await program(module, trace);
          traces.push(trace);
        }
        use(null);
        expect(traces[1]).toEqual(traces[0]);
        expect(traces[0]?.length).toBeGreaterThan(0);
      },
      TIMEOUT,
    );
  };
}

/** The name and code of the error that is thrown. */
export function codeOf(act: () => unknown): unknown {
  try {
    act();
    return 'none';
  } catch (error) {
    return [(error as Error).name, (error as NodeJS.ErrnoException).code];
  }
}
