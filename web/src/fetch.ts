/**
 * `fetch` over our own TCP, after the WHATWG Fetch standard where a page without an origin can follow it: redirects, bodies,
 * content codings, abort. HTTP/1.1 itself is spoken in the Worker.
 */

import { extract, Pieces, type RequestBody } from './body.js';
import type { Channel } from './channel.js';
import type { RequestCookies } from './cookies/requests.js';
import { abortReason, EthertabError } from './errors.js';
import type { HttpHead, Id } from './messages.js';
import { ByteReader } from './streams.js';
import type { ErrorCode, FetchInit } from './types.js';

const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];
const NULL_BODY = [101, 204, 205, 304];
const NORMALIZED_METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'];

/** Which pieces of which request's body the Worker may ask for. */
export type Uploads = Map<Id, Pieces>;

export async function fetch(
  channel: Channel,
  uploads: Uploads,
  input: string | URL | Request,
  init: FetchInit = {},
  cookies: RequestCookies | null = null,
): Promise<Response> {
  const request = await read(input, init);
  const jar = init.credentials === 'omit' ? null : cookies;
  let { url, method, body } = request;
  for (let redirects = 0; ; redirects += 1) {
    const exchange = new Exchange(channel, uploads, request.signal);
    const headers = (await jar?.added(request.headers, url)) ?? request.headers;
    const head = await exchange.send(url, method, headers, body, init.connectTimeout ?? null);
    await jar?.keep(head.headers, url);
    const location = REDIRECTS.includes(head.status) ? header(head, 'location') : null;
    if (location === null || request.redirect === 'manual') {
      const hasBody = method !== 'HEAD' && !NULL_BODY.includes(head.status);
      const stream = hasBody ? decode(exchange.body(), head, init.decompress ?? true) : exchange.discard();
      return respond(head, stream, url, redirects > 0);
    }
    exchange.discard();
    if (request.redirect === 'error') {
      throw failure('EREDIRECT', `${url.href} redirects to ${location}, and redirect is "error"`);
    }
    if (redirects === MOST_REDIRECTS) {
      throw failure('EREDIRECT', `more than ${MOST_REDIRECTS} redirects`);
    }
    const next = parse(location, url);
    if (!next.hash) {
      next.hash = url.hash;
    }
    if ((head.status === 303 && method !== 'GET' && method !== 'HEAD') || (head.status < 303 && method === 'POST')) {
      method = 'GET';
      body = null;
      for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']) {
        request.headers.delete(name);
      }
    }
    request.headers.delete('host');
    if (next.origin !== url.origin) {
      request.headers.delete('authorization');
      request.headers.delete('proxy-authorization');
      request.headers.delete('cookie');
    }
    url = next;
  }
}

interface Read {
  url: URL;
  method: string;
  headers: Headers;
  body: RequestBody | null;
  redirect: RequestRedirect;
  signal: AbortSignal | undefined;
}

async function read(input: string | URL | Request, init: FetchInit): Promise<Read> {
  const from = input instanceof Request ? input : null;
  const signal = init.signal ?? from?.signal;
  if (signal?.aborted) {
    throw abortReason(signal);
  }
  const url = parse(from ? from.url : String(input));
  const asked = init.method ?? from?.method ?? 'GET';
  const method = NORMALIZED_METHODS.includes(asked.toUpperCase()) ? asked.toUpperCase() : asked;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) || ['CONNECT', 'TRACE', 'TRACK'].includes(method.toUpperCase())) {
    throw failure('EINVAL', `"${method}" is not a method that fetch sends`);
  }
  // Made this way, Headers takes the names that browsers keep to themselves.
  const headers = new Headers(init.headers ?? from?.headers);
  let given = init.body ?? null;
  if (given === null && from?.body) {
    given = await from.blob();
  }
  if (given !== null && (method === 'GET' || method === 'HEAD')) {
    throw failure('EINVAL', `${method} has no body`);
  }
  const body = given === null ? null : await extract(given);
  if (body?.contentType && !headers.has('content-type')) {
    headers.set('content-type', body.contentType);
  }
  if (url.username || url.password) {
    if (!headers.has('authorization')) {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      headers.set('authorization', `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`);
    }
    url.username = '';
    url.password = '';
  }
  return { url, method, headers, body, redirect: init.redirect ?? from?.redirect ?? 'follow', signal };
}

function parse(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base ?? globalThis.location?.href);
  } catch {
    throw failure('EINVAL', `"${text}" is not a URL`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw failure('EPROTO', `${url.protocol} is not supported, only https: and http:`);
  }
  return url;
}

/** One request and its answer. */
class Exchange {
  readonly #channel: Channel;
  readonly #uploads: Uploads;
  readonly #id: Id;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => {
    this.abort();
    this.#aborted?.(abortReason(this.#signal as AbortSignal));
  };
  #aborted: ((reason: unknown) => void) | null = null;

  constructor(channel: Channel, uploads: Uploads, signal: AbortSignal | undefined) {
    this.#channel = channel;
    this.#uploads = uploads;
    this.#id = channel.newId();
    this.#signal = signal;
  }

  /** Sends a request; resolves to the head of the answer. */
  async send(
    url: URL,
    method: string,
    headers: Headers,
    body: RequestBody | null,
    connectTimeout: number | null,
  ): Promise<HttpHead> {
    const signal = this.#signal;
    if (signal?.aborted) {
      throw abortReason(signal);
    }
    signal?.addEventListener('abort', this.#onAbort);
    if (body?.stream) {
      const stream = body.stream();
      if (!stream) {
        throw failure('EREDIRECT', 'the answer asks for the body once more, and a stream can be read only once');
      }
      this.#uploads.set(this.#id, new Pieces(stream));
    }
    const secure = url.protocol === 'https:';
    const request = {
      secure,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port || (secure ? 443 : 80)),
      method,
      target: url.pathname + url.search,
      headers: fieldsToSend(url, headers, method, body),
      body: body?.stream ? ('pieces' as const) : (body?.whole ?? null),
      bodyLength: body?.length ?? null,
      connectTimeout,
    };
    try {
      return await Promise.race([this.#channel.call('httpRequest', [this.#id, request]), this.#abortion()]);
    } catch (error) {
      this.#over();
      throw signal?.aborted ? error : failed(error, `${method} ${url.href}`);
    }
  }

  /** The answer's body. */
  body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = new ByteReader({
      credit: (bytes) => this.#channel.tell('httpCredit', [this.#id, bytes]),
      cancel: () => this.abort(),
      ended: () => this.#over(),
    });
    this.#aborted = (reason) => reader.fail(reason);
    this.#channel.receive(this.#id, {
      push: (piece) => reader.push(piece),
      end: () => reader.end(),
      fail: (error) => reader.fail(failed(error, 'the answer broke off')),
    });
    return reader.readable;
  }

  /** Nobody wants the body, or there is none: the connection may serve another request. */
  discard(): null {
    this.#channel.tell('httpDiscard', [this.#id]);
    this.#over();
    return null;
  }

  abort(): void {
    this.#channel.tell('httpAbort', [this.#id]);
    this.#over();
  }

  #abortion(): Promise<never> {
    return new Promise((_, reject) => {
      this.#aborted = reject;
    });
  }

  #over(): void {
    this.#channel.forget(this.#id);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#uploads.get(this.#id)?.cancel(new EthertabError('ECONNABORTED', 'the request is over'));
    this.#uploads.delete(this.#id);
  }
}

function fieldsToSend(url: URL, given: Headers, method: string, body: RequestBody | null): [string, string][] {
  const headers = new Headers(given);
  const fallback = (name: string, value: string) => {
    if (!headers.has(name)) {
      headers.set(name, value);
    }
  };
  fallback('accept', '*/*');
  fallback('user-agent', globalThis.navigator?.userAgent ?? 'ethertab');
  fallback('accept-encoding', headers.has('range') ? 'identity' : 'gzip, deflate');
  if (body === null && (method === 'POST' || method === 'PUT' || method === 'PATCH')) {
    fallback('content-length', '0');
  }
  const host = headers.get('host') ?? url.host;
  headers.delete('host');
  // How the message is framed is HTTP's business.
  for (const name of ['transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer']) {
    headers.delete(name);
  }
  if (body !== null) {
    headers.delete('content-length');
  }
  return [['host', host], ...headers];
}

/** Undoes the content codings that browsers undo, as far as the platform can. */
function decode(body: ReadableStream<Uint8Array<ArrayBuffer>>, head: HttpHead, wanted: boolean): ReadableStream {
  const codings = (header(head, 'content-encoding') ?? '').toLowerCase().split(',');
  const formats = codings.map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity');
  const known: Record<string, CompressionFormat> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' };
  if (!wanted || !formats.every((format) => format in known)) {
    return body;
  }
  return formats
    .reverse()
    .reduce<ReadableStream>(
      (stream, format) => stream.pipeThrough(new DecompressionStream(known[format] as CompressionFormat)),
      body,
    );
}

/** All values of a field, as Fetch joins them. */
function header(head: HttpHead, name: string): string | null {
  const values = head.headers.filter(([field]) => field === name).map(([, value]) => value);
  return values.length > 0 ? values.join(', ') : null;
}

function respond(head: HttpHead, body: ReadableStream | null, url: URL, redirected: boolean): Response {
  if (head.status < 200 || head.status > 599) {
    throw failure('EHTTP', `the server answered with status ${head.status}`);
  }
  const headers = new Headers();
  for (const [name, value] of head.headers) {
    headers.append(name, value);
  }
  const response = new Response(body, { status: head.status, statusText: head.statusText });
  const location = new URL(url);
  location.hash = '';
  return dress(response, headers, location.href, redirected);
}

/** What the constructor of Response does not let one say: where it came from, and every header (Set-Cookie too). */
function dress(response: Response, headers: Headers, url: string, redirected: boolean): Response {
  const platformClone = response.clone.bind(response);
  return Object.defineProperties(response, {
    url: { value: url, enumerable: true },
    redirected: { value: redirected, enumerable: true },
    type: { value: 'basic', enumerable: true },
    headers: { value: headers, enumerable: true },
    clone: { value: () => dress(platformClone(), new Headers(headers), url, redirected) },
    blob: {
      value: async () => new Blob([await response.arrayBuffer()], { type: headers.get('content-type') ?? '' }),
    },
  });
}

/** As `fetch` fails: a TypeError whose cause says more. */
function failure(code: ErrorCode, message: string): TypeError {
  return failed(new EthertabError(code, message), 'fetch failed');
}

function failed(error: unknown, what: string): TypeError {
  if (error instanceof TypeError) {
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TypeError(`${what}: ${message}`, { cause: error });
}
