/** A thread of Node.js in the shape of a Web Worker, as far as a channel needs it. */

import { Worker as NodeWorker } from 'node:worker_threads';

/** Node.js 20 has a WebSocket as well, but only for those who ask. */
const options = 'WebSocket' in globalThis ? {} : { execArgv: [...process.execArgv, '--experimental-websocket'] };

export class Thread {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly #worker = new NodeWorker(new URL('./scope.js', import.meta.url), { name: 'ethertab', ...options });

  constructor() {
    this.#worker.on('message', (data) => this.onmessage?.({ data }));
    this.#worker.on('messageerror', () => this.onmessageerror?.());
    this.#worker.on('error', (error) => this.onerror?.({ message: error.message }));
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  terminate(): void {
    void this.#worker.terminate();
  }
}
