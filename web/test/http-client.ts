/** Clients of `net.serve` in the hands of a test, which says what they send and sees what they get. */
import { expect, vi } from 'vitest';
import { serve } from '../src/serve/server.js';
import type { HttpServer, ServeHandler, ServeOptions } from '../src/serve/types.js';
import { ENDS, type FakeListener, FakeNetwork, FakeTcp } from './fake-network.js';

// A loaded machine may need its time.
vi.setConfig({ testTimeout: 20_000 });

/** Asks until it does not fail. */
export function eventually<T>(ask: () => T): Promise<T> {
  return vi.waitFor(ask, { timeout: 10_000, interval: 5 }) as Promise<T>;
}

/** A client of the server under test. */
export class Client extends FakeTcp {
  override readonly remoteAddress = ENDS.remoteAddress;
  override readonly remotePort = ENDS.remotePort;
  override readonly localAddress = ENDS.localAddress;
  override readonly localPort = 80;
  #seen = 0;
  #ended = false;

  says(text: string): this {
    this.receive(...Uint8Array.from(text, (character) => character.charCodeAt(0)));
    return this;
  }

  /** What has been answered since it was asked last, once `isThere` says that it is enough. */
  async hears(isThere: (text: string) => boolean = (text) => text !== ''): Promise<string> {
    const heard = await eventually(() => {
      const text = this.text.slice(this.#seen);
      if (!isThere(text)) {
        throw new Error(`heard so far: ${text}`);
      }
      return text;
    });
    this.#seen += heard.length;
    return heard.replace(/date: .* GMT\r\n/g, 'date: now\r\n');
  }

  /** Everything that is left, once the server has finished its half; then finishes the other. */
  async over(): Promise<string> {
    await eventually(() => expect(this.finished).toBe(true));
    if (!this.#ended) {
      this.end();
    }
    return this.hears(() => true);
  }

  override end(): void {
    this.#ended = true;
    super.end();
  }
}

/** A server under test. */
export class Served {
  readonly network = new FakeNetwork();
  readonly server: HttpServer;
  readonly listener: FakeListener;
  /** What `onError` heard. */
  readonly reported: unknown[] = [];

  constructor(handler: ServeHandler, options: ServeOptions = {}) {
    this.server = serve(this.network, { onError: (error) => void this.reported.push(error), ...options }, handler);
    this.listener = this.network.listeners.at(-1) as FakeListener;
    this.listener.open();
  }

  client(): Client {
    const client = new Client();
    client.open();
    this.listener.accept(client);
    return client;
  }
}

export const hello = () => new Response('hello');
export const OK = (...more: string[]) =>
  ['HTTP/1.1 200 OK', 'content-type: text/plain;charset=UTF-8', 'date: now', ...more].join('\r\n');
export const HELLO = `${OK('content-length: 5')}\r\n\r\nhello`;
export const get = (path = '/', ...fields: string[]) => [`GET ${path} HTTP/1.1`, 'Host: tab', ...fields, '', ''].join('\r\n');
export const post = (fields: string[], body: string) => ['POST / HTTP/1.1', 'Host: tab', ...fields, '', body].join('\r\n');
