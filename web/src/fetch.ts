/**
 * `fetch` over our own TCP, after the WHATWG Fetch standard where a page without an origin can follow it: redirects, bodies,
 * content codings, integrity, abort. HTTP/1.1 itself is spoken in the Worker.
 */

import type { Channel } from './channel.js';
import type { RequestCookies } from './cookies/requests.js';
import { abortReason } from './errors.js';
import { acceptEncoding, decode } from './fetch/codings.js';
import { Exchange, type Exchanges } from './fetch/exchange.js';
import { failure } from './fetch/failure.js';
import { check } from './fetch/integrity.js';
import { type Asked, parse, read, takeCredentials } from './fetch/request.js';
import { header, respond } from './fetch/response.js';
import type { HttpHead } from './messages.js';
import type { Decoders, FetchInit, FetchResponse } from './types.js';

const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];
const NULL_BODY = [101, 204, 205, 304];

/** What the requests of a network share. */
export interface FetchContext {
  channel: Channel;
  exchanges: Exchanges;
  decoders: Decoders;
  /** Where its cookies are kept, if anywhere. */
  cookies: RequestCookies | null;
}

export async function fetch(
  context: FetchContext,
  input: string | URL | Request,
  init: FetchInit = {},
): Promise<FetchResponse> {
  const asked = await read(input, init);
  if (asked.url.protocol === 'data:' || asked.url.protocol === 'blob:') {
    return fetchLocally(asked);
  }
  const credentials = init.credentials ?? (input instanceof Request ? input.credentials : undefined);
  const jar = credentials === 'omit' ? null : context.cookies;
  for (let redirects = 0; ; redirects += 1) {
    const exchange = new Exchange(context.channel, context.exchanges, asked.signal);
    const headers = (await jar?.added(asked.headers, asked.url)) ?? asked.headers;
    const head = await exchange.send({ ...asked, headers }, acceptEncoding(context.decoders), init.connectTimeout ?? null);
    try {
      await jar?.keep(head.headers, asked.url);
      if (asked.signal?.aborted) {
        throw abortReason(asked.signal);
      }
      const next = asked.redirect === 'manual' ? null : redirection(head, asked);
      if (!next) {
        return await answer(context, exchange, head, asked, init.decompress ?? true, redirects > 0);
      }
      if (redirects === MOST_REDIRECTS) {
        throw failure('EREDIRECT', `more than ${MOST_REDIRECTS} redirects`);
      }
      exchange.discard();
      follow(asked, head.status, next);
    } catch (error) {
      exchange.abort(error);
      throw error;
    }
  }
}

/** What names its own content never comes by our network. */
async function fetchLocally({ url, method, headers, body, signal, integrity }: Asked): Promise<FetchResponse> {
  const content = body?.whole ?? (body?.stream ? await new Response(body.stream() as ReadableStream).blob() : null);
  const response = await globalThis.fetch(url, { method, headers, body: content, integrity, ...(signal ? { signal } : {}) });
  return Object.defineProperty(response, 'trailers', { value: Promise.resolve(new Headers()) }) as FetchResponse;
}

async function answer(
  { decoders }: FetchContext,
  exchange: Exchange,
  head: HttpHead,
  { method, url, integrity }: Asked,
  decompress: boolean,
  redirected: boolean,
): Promise<FetchResponse> {
  const said = { trailers: exchange.trailers, broken: () => exchange.broken };
  if (method === 'HEAD' || NULL_BODY.includes(head.status)) {
    exchange.discard();
    return respond(head, null, url, redirected, said);
  }
  const body = exchange.body();
  const stream = decompress ? await decode(body, head, decoders, (error) => exchange.break(error)) : body;
  if (!integrity) {
    return respond(head, stream, url, redirected, said);
  }
  const bytes = await respond(head, stream, url, redirected, said).arrayBuffer();
  await check(bytes, integrity);
  return respond(head, bytes, url, redirected, said);
}

/** Where an answer sends one ("location URL"); `null`: nowhere. */
function redirection(head: HttpHead, { url, redirect }: Asked): URL | null {
  const locations = REDIRECTS.includes(head.status) ? head.headers.filter(([name]) => name === 'location') : [];
  const [location = '', ...others] = new Set(locations.map(([, value]) => value));
  if (location === '') {
    return null;
  }
  if (redirect === 'error') {
    throw failure('EREDIRECT', `${url.href} redirects to ${location}, and redirect is "error"`);
  }
  if (others.length > 0) {
    throw failure('EREDIRECT', `${url.href} redirects to several places: ${header(head, 'location')}`);
  }
  const next = parse(utf8(location), url);
  if (!next.hash) {
    next.hash = url.hash;
  }
  return next;
}

/** Makes the request that a redirect asks for ("HTTP-redirect fetch"). */
function follow(asked: Asked, status: number, next: URL): void {
  const { url, method, headers, body } = asked;
  if (status !== 303 && body?.stream && !body.again) {
    throw failure('EREDIRECT', 'the answer asks for the body once more, and a stream can be read only once');
  }
  if ((status === 303 && method !== 'GET' && method !== 'HEAD') || (status < 303 && method === 'POST')) {
    asked.method = 'GET';
    asked.body = null;
    for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']) {
      headers.delete(name);
    }
  }
  headers.delete('host');
  if (next.origin !== url.origin) {
    headers.delete('authorization');
    headers.delete('proxy-authorization');
    headers.delete('cookie');
  }
  takeCredentials(next, headers);
  asked.url = next;
}

/** Fields are bytes, one a character; what browsers take for a URL among them is UTF-8. */
function utf8(text: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  } catch {
    return text;
  }
}
