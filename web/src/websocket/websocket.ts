/** `net.WebSocket`, by WHATWG WebSockets. What speaks with the server is loaded with the first one. `types.ts` is the contract. */

import type { RequestCookies } from '../cookies/requests.js';
import { needs } from '../direct/webidl.js';
import { EthertabError } from '../errors.js';
import { isToken } from '../http/fields.js';
import type { Bytes } from '../messages.js';
import { copyBytes } from '../streams.js';
import type { Network } from '../types.js';
import type { Connection, Ending } from './connection.js';
import type { WebSocketConstructor, WebSocketOptions } from './types.js';

const LARGEST_MESSAGE = 64 * 1024 * 1024;
/** Bytes that may wait to be sent. */
const LARGEST_QUEUE = 256 * 1024 * 1024;
/** Bytes of a reason (RFC 6455 §5.5: a control frame has 125). */
const LONGEST_REASON = 123;

/** RFC 6455 §7.4.1: it has done its work, no code is said, there was no closing handshake. */
const NORMAL = 1000;
const NO_STATUS = 1005;
const ABNORMAL = 1006;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const STATES = { CONNECTING, OPEN, CLOSING, CLOSED };

/** The class whose connections, and cookies, are the network's. */
export function webSocketClass(network: Pick<Network, 'connect'>, cookies: RequestCookies | null = null): WebSocketConstructor {
  class WebSocket extends EventTarget {
    readonly #url: URL;
    readonly #abort = new AbortController();
    #connection: Connection | null = null;
    #readyState = CONNECTING;
    #protocol = '';
    #binaryType: BinaryType = 'blob';
    #bufferedAmount = 0;

    constructor(url: string | URL, protocols: string | string[] | WebSocketOptions = []) {
      super();
      // biome-ignore lint/complexity/noArguments: an argument that is undefined is there all the same
      needs(arguments.length, 1, 'WebSocket');
      const options = typeof protocols === 'string' || Array.isArray(protocols) ? { protocols } : protocols;
      this.#url = parse(url);
      const offered = subprotocols(options.protocols ?? []);
      const headers = new Headers(options.headers);
      this.#run(offered, headers, options.largestMessage ?? LARGEST_MESSAGE).catch((error) => this.#failed(error));
    }

    get url(): string {
      return this.#url.href;
    }
    get readyState(): number {
      return this.#readyState;
    }
    get bufferedAmount(): number {
      return this.#bufferedAmount;
    }
    get protocol(): string {
      return this.#protocol;
    }
    get extensions(): string {
      return '';
    }
    get binaryType(): BinaryType {
      return this.#binaryType;
    }
    set binaryType(type: BinaryType) {
      if (type === 'blob' || type === 'arraybuffer') {
        this.#binaryType = type;
      }
    }
    get [Symbol.toStringTag](): string {
      return 'WebSocket';
    }

    send(data: string | Blob | ArrayBuffer | ArrayBufferView): void {
      if (this.#readyState === CONNECTING) {
        throw new DOMException('the WebSocket is still connecting', 'InvalidStateError');
      }
      const [message, length] = outgoing(data);
      this.#bufferedAmount += length;
      if (this.#readyState !== OPEN) {
        return;
      }
      if (this.#bufferedAmount > LARGEST_QUEUE) {
        this.#fail(new EthertabError('EMSGSIZE', 'too much waits to be sent'));
        return;
      }
      this.#connection?.send(message).then(
        () => {
          this.#bufferedAmount -= length;
        },
        (error) => this.#fail(error),
      );
    }

    close(code?: number, reason = ''): void {
      if (code !== undefined && code !== NORMAL && !(code >= 3000 && code <= 4999)) {
        throw new DOMException(`the code is 1000, or 3000 to 4999, not ${code}`, 'InvalidAccessError');
      }
      if (new TextEncoder().encode(reason).byteLength > LONGEST_REASON) {
        throw new DOMException(`a reason has at most ${LONGEST_REASON} bytes`, 'SyntaxError');
      }
      if (this.#readyState === CONNECTING) {
        this.#fail(new EthertabError('ECONNABORTED', 'the WebSocket was closed before it was open'));
      } else if (this.#readyState === OPEN) {
        this.#readyState = CLOSING;
        this.#connection?.close(code ?? (reason ? NORMAL : NO_STATUS), reason);
      }
    }

    async #run(protocols: string[], headers: Headers, largestMessage: number): Promise<void> {
      const { Connection } = await import('./connection.js');
      const { signal } = this.#abort;
      signal.throwIfAborted();
      const opening = { url: this.#url, protocols, headers, cookies, largestMessage, signal };
      this.#connection = new Connection(network, opening, {
        opened: (protocol) => {
          this.#protocol = protocol;
          this.#readyState = OPEN;
          this.dispatchEvent(new Event('open'));
        },
        message: (data) => {
          if (this.#readyState === OPEN) {
            this.dispatchEvent(new MessageEvent('message', { data: this.#incoming(data), origin: this.#url.origin }));
          }
        },
        closing: () => {
          this.#readyState = CLOSING;
        },
      });
      this.#ended(await this.#connection.run());
    }

    #incoming(data: string | Bytes): unknown {
      if (typeof data === 'string') {
        return data;
      }
      return this.#binaryType === 'blob' ? new Blob([data]) : data.buffer;
    }

    #fail(error: unknown): void {
      if (this.#readyState === CLOSED) {
        return;
      }
      this.#readyState = CLOSING;
      this.#abort.abort(error);
    }

    #failed(error: unknown): void {
      this.#readyState = CLOSED;
      this.dispatchEvent(Object.assign(new Event('error'), { error }));
      this.#ended({ code: ABNORMAL, reason: '', wasClean: false });
    }

    #ended(ending: Ending): void {
      this.#readyState = CLOSED;
      this.dispatchEvent(closeEvent(ending));
    }
  }
  for (const [name, value] of Object.entries(STATES)) {
    Object.defineProperty(WebSocket, name, { value, enumerable: true });
    Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
  }
  for (const type of ['open', 'message', 'error', 'close']) {
    defineHandler(WebSocket.prototype, type);
  }
  return WebSocket as unknown as WebSocketConstructor;
}

/** `onopen` and its like: a listener that can be replaced and keeps its place. */
function defineHandler(prototype: EventTarget, type: string): void {
  const handlers = new WeakMap<EventTarget, { current: unknown }>();
  Object.defineProperty(prototype, `on${type}`, {
    enumerable: true,
    configurable: true,
    get(this: EventTarget) {
      return handlers.get(this)?.current ?? null;
    },
    set(this: EventTarget, handler: unknown) {
      const current = typeof handler === 'function' ? handler : null;
      const known = handlers.get(this);
      if (known) {
        known.current = current;
        return;
      }
      const held = { current: current as unknown };
      handlers.set(this, held);
      this.addEventListener(type, (event) => (held.current as ((event: Event) => void) | null)?.call(this, event));
    },
  });
}

function parse(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.location?.href);
  } catch {
    throw new DOMException(`"${url}" is not a URL`, 'SyntaxError');
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') {
    throw new DOMException(`a WebSocket's URL begins with ws: or wss:, not ${parsed.protocol}`, 'SyntaxError');
  }
  if (parsed.href.includes('#')) {
    throw new DOMException("a WebSocket's URL has no fragment", 'SyntaxError');
  }
  return parsed;
}

function subprotocols(given: string | string[]): string[] {
  const protocols = typeof given === 'string' ? [given] : Array.from(given, String);
  const wrong = protocols.find((protocol, index) => !isToken(protocol) || protocols.indexOf(protocol) !== index);
  if (wrong !== undefined) {
    throw new DOMException(`"${wrong}" is no subprotocol, or comes twice`, 'SyntaxError');
  }
  return protocols;
}

/** What is to be sent, and its bytes. */
function outgoing(data: unknown): [message: string | Bytes | Blob, length: number] {
  if (data instanceof Blob) {
    return [data, data.size];
  }
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    const bytes = copyBytes(data);
    return [bytes, bytes.byteLength];
  }
  const text = String(data);
  return [text, new TextEncoder().encode(text).byteLength];
}

/** Some runtimes do not have the event's class. */
function closeEvent(ending: Ending): Event {
  return globalThis.CloseEvent ? new CloseEvent('close', { ...ending }) : Object.assign(new Event('close'), ending);
}
