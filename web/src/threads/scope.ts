/** The thread's own side: gives it the scope of a Web Worker, as far as `worker.ts` needs it, and runs that. */

import { readFile } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';

interface Scope {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage?: ((event: { data: unknown }) => void) | null;
  fetch: typeof fetch;
}

const scope = globalThis as unknown as Scope;
const fetchByNetwork = scope.fetch;

scope.postMessage = (message, transfer) => parentPort?.postMessage(message, transfer);

// The wasm modules lie beside this file, and Node.js fetches nothing from there.
scope.fetch = async (input, init) => {
  if (!(input instanceof URL && input.protocol === 'file:')) {
    return fetchByNetwork(input, init);
  }
  return new Response(await readFile(input), { headers: { 'content-type': 'application/wasm' } });
};

await import('../worker.js');

// What came before waits until somebody listens.
parentPort?.on('message', (data) => scope.onmessage?.({ data }));
