/**
 * `net.WebSocket`: the browser's own class (WHATWG WebSockets), over the network's own TCP, and over TLS for `wss:`; RFC 6455.
 *
 * Where it differs from the browser's:
 * - It takes headers of the program, those too that browsers keep to themselves. No Origin is sent unless it is among them; cookies are
 *   the network's, if it keeps some.
 * - An `error` event has an {@link EthertabError} that says what was wrong, as its `error`.
 * - A message that is larger than `largestMessage` ends the connection (1009), and so do more than 256 MiB that wait to be sent.
 * - No extensions: messages are not compressed.
 */

export interface WebSocketOptions {
  /** Subprotocols that are offered, the one liked best first. */
  protocols?: string | string[];
  /** More headers for the handshake: Cookie, Origin, Authorization … */
  headers?: HeadersInit;
  /** Bytes of a message that comes in, at most; 64 MiB by default. */
  largestMessage?: number;
}

/** An `error` event. */
export interface WebSocketErrorEvent extends Event {
  readonly error: unknown;
}

/** `net.WebSocket`. */
export interface WebSocketConstructor {
  /**
   * Connects. `url` begins with ws: or wss: (or http: or https:, which mean the same). Throws a `SyntaxError` (a DOMException) for a URL
   * that cannot be, or subprotocols that are none or come twice.
   */
  new (url: string | URL, protocols?: string | string[] | WebSocketOptions): WebSocket;
  readonly prototype: WebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}
