/**
 * An HTTP server in the tab, after `Deno.serve` and the fetch handlers of WinterTC's runtimes: a handler takes a `Request` and returns a
 * `Response`, on every connection that comes in over the network's own TCP. HTTP/1.1 by RFC 9112.
 *
 * What a handler should know:
 * - The body of a request is a stream that is read from the connection as the handler reads it. Whatever the handler leaves of it is
 *   passed over, or the connection closed if that would be long. Any method may have one, GET too.
 * - `request.headers` has all fields as they came, those too that browsers keep from programs (Host, Cookie …). They and the body
 *   belong to this object alone: the platform's own `new Request(request)` does not take them over, `net.fetch(request)` does.
 * - A response whose body is complete at once is sent with its Content-Length, one with a `content-length` header of its own is held
 *   to it, everything else goes in chunks (to HTTP/1.0: up to the end of the connection).
 * - In browsers a `Response` drops `Set-Cookie`: cookies are set by {@link ServeInformation.responseHeaders}.
 * - Not there: `CONNECT`, upgrades, trailers, TLS.
 */

export type ServeHandler = (request: Request, info: ServeInformation) => Response | Promise<Response>;

/** Who asks, and what goes with the answer. */
export interface ServeInformation {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The same, by the name that Deno has for it. */
  readonly remoteAddr: ServeAddress;
  /** Sent besides the headers of the response that the handler returns: the place for `Set-Cookie`. */
  readonly responseHeaders: Headers;
  /** Resolves when the response has been written; rejects if it could not be. */
  readonly completed: Promise<void>;
}

export interface ServeAddress {
  readonly transport: 'tcp';
  readonly hostname: string;
  readonly port: number;
}

export interface ServeOptions {
  /** 80 by default: the tab is a host of its own. 0 picks one. */
  port?: number;
  /** One of our addresses; all of them by default. */
  hostname?: string;
  /** Aborting it closes the server as {@link HttpServer.close} does. */
  signal?: AbortSignal;
  /** Called once the server listens. */
  onListen?: (address: ServeAddress) => void;
  /**
   * Called with what a handler threw or returned in place of a response, and with what broke a response's body off. What it returns
   * is sent if nothing has been sent yet; without it, or if it fails itself, that is a bare 500, and the console is told.
   */
  onError?: (error: unknown) => Response | undefined | Promise<Response | undefined>;
  /** Bytes of a request's head, at most: beyond it the answer is 431 (or 414). 16,384 by default. */
  largestHead?: number;
  /** Bytes of a request's body, at most: beyond it the answer is 413, and reading fails. `Infinity` by default. */
  largestBody?: number;
  /** Connections at once; more wait in the listener's backlog. 256 by default. */
  mostConnections?: number;
  /** How long a request's head may take from its first byte on before the answer is 408; 10,000 by default. */
  headTimeout?: number;
  /**
   * How long a connection may stand still: between two requests it is closed then, in the midst of a request's body the answer is
   * 408, and a response that is not taken is broken off. 30,000 by default.
   */
  idleTimeout?: number;
}

export interface HttpServer {
  /** Resolves once listening; rejects if the port is taken. */
  readonly opened: Promise<ServeAddress>;
  /** Resolves when the server has ended and no connection is left. */
  readonly finished: Promise<void>;
  /** Where it listens; '' and 0 until {@link opened}. */
  readonly addr: ServeAddress;
  /** Ends in order: no new connections, idle ones are closed, requests under way are answered. Returns {@link finished}. */
  shutdown(): Promise<void>;
  /** Ends at once: connections are reset, and the `signal` of requests under way is aborted. Returns {@link finished}. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `net.serve`. */
export interface Serve {
  (handler: ServeHandler): HttpServer;
  (options: ServeOptions, handler: ServeHandler): HttpServer;
}
