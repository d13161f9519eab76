/** `net.serve`: what listens, and the connections that it took. How each is served is loaded with the first server. `types.ts` is the contract. */

import { EthertabError, invalid, quiet } from '../errors.js';
import type { Network, TcpListener, TcpSocket } from '../types.js';
import type { Limits, ServerConnection } from './connection.js';
import type { HttpServer, ServeAddress, ServeHandler, ServeOptions } from './types.js';

const PORT = 80;
const MOST_CONNECTIONS = 256;
const LIMITS: Limits = {
  largestHead: 16 * 1024,
  largestBody: Number.POSITIVE_INFINITY,
  headTimeout: 10_000,
  idleTimeout: 30_000,
};

/** Serves HTTP on a network. */
export function serve(network: Pick<Network, 'listen'>, first: ServeOptions | ServeHandler, second?: ServeHandler): HttpServer {
  const [options, handler] = typeof first === 'function' ? [{}, first] : [first, second];
  if (typeof handler !== 'function') {
    throw invalid('a server needs a handler');
  }
  return new Server(network, options, handler);
}

class Server implements HttpServer {
  readonly opened: Promise<ServeAddress>;
  readonly finished: Promise<void>;

  readonly #listener: TcpListener;
  readonly #handler: ServeHandler;
  readonly #onError: NonNullable<ServeOptions['onError']>;
  readonly #limits: Limits;
  readonly #mostConnections: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.close();
  readonly #connections = new Set<ServerConnection>();
  /** Resolves what waits for a connection to end. */
  #ended: (() => void) | null = null;
  #stopping = false;
  #addr: ServeAddress = Object.freeze({ transport: 'tcp', hostname: '', port: 0 });

  constructor(network: Pick<Network, 'listen'>, options: ServeOptions, handler: ServeHandler) {
    const { port = PORT, hostname, signal, onListen, onError, mostConnections = MOST_CONNECTIONS } = options;
    this.#limits = {
      largestHead: positive('largestHead', options.largestHead ?? LIMITS.largestHead),
      largestBody: positive('largestBody', options.largestBody ?? LIMITS.largestBody),
      headTimeout: positive('headTimeout', options.headTimeout ?? LIMITS.headTimeout),
      idleTimeout: positive('idleTimeout', options.idleTimeout ?? LIMITS.idleTimeout),
    };
    this.#mostConnections = positive('mostConnections', mostConnections);
    this.#handler = handler;
    this.#onError = onError ?? ((error) => console.error(error) as undefined);
    this.#signal = signal;
    const address = hostname === undefined || hostname === '0.0.0.0' ? {} : { address: hostname };
    this.#listener = network.listen({ port, ...address, noDelay: true, ...(signal && { signal }) });
    signal?.addEventListener('abort', this.#onAbort);
    this.opened = quiet(
      this.#listener.opened.then(({ localAddress, localPort }) => {
        this.#addr = Object.freeze({ transport: 'tcp', hostname: localAddress, port: localPort });
        onListen?.(this.#addr);
        return this.#addr;
      }),
    );
    this.finished = quiet(this.#run());
  }

  get addr(): ServeAddress {
    return this.#addr;
  }

  shutdown(): Promise<void> {
    this.#stopping = true;
    quiet(this.#listener.close());
    for (const connection of this.#connections) {
      connection.stop();
    }
    return this.finished;
  }

  close(): Promise<void> {
    this.#stopping = true;
    quiet(this.#listener.close());
    for (const connection of this.#connections) {
      connection.abort(new EthertabError('ECONNABORTED', 'the server was closed'));
    }
    return this.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Takes connections until it is stopped, and waits for the last to end. */
  async #run(): Promise<void> {
    try {
      const { ServerConnection } = await import('./connection.js');
      await this.opened;
      const sockets = this.#listener.readable.getReader();
      while (!this.#stopping) {
        const { value: socket, done } = await sockets.read();
        if (done) {
          break;
        }
        if (this.#stopping) {
          socket.abort();
          break;
        }
        void this.#serve(new ServerConnection(socket as TcpSocket, this.#handler, this.#onError, this.#limits));
        while (this.#connections.size >= this.#mostConnections) {
          await this.#oneEnd();
        }
      }
      while (this.#connections.size > 0) {
        await this.#oneEnd();
      }
    } finally {
      quiet(this.#listener.close());
      this.#signal?.removeEventListener('abort', this.#onAbort);
    }
  }

  async #serve(connection: ServerConnection): Promise<void> {
    this.#connections.add(connection);
    await connection.run();
    this.#connections.delete(connection);
    this.#ended?.();
  }

  #oneEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }
}

function positive(name: string, value: number): number {
  if (!(value > 0)) {
    throw invalid(`${name} must be above 0, not ${value}`);
  }
  return value;
}
