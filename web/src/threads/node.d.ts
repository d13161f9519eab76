/** The little of Node.js that is used here. All of its types would get in the way of the browser's. */

declare module 'node:worker_threads' {
  interface Port {
    postMessage(message: unknown, transfer?: readonly Transferable[]): void;
    on(event: 'message', listener: (data: unknown) => void): this;
    on(event: 'messageerror', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
  }
  export const parentPort: Port | null;
  export interface Worker extends Port {}
  export class Worker {
    constructor(file: URL, options?: { name?: string; execArgv?: string[] });
    terminate(): Promise<number>;
  }
}

declare module 'node:fs/promises' {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}

declare const process: { readonly execArgv: string[] };
