/** What a program asks for: the arguments of `fetch`, read as the Fetch standard reads them. */

import { extract, extractStream, type RequestBody } from '../body.js';
import { abortReason } from '../errors.js';
import type { FetchInit } from '../types.js';
import { failure } from './failure.js';

const NORMALIZED_METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'];
const REDIRECT_MODES = ['follow', 'error', 'manual'];

export interface Asked {
  url: URL;
  method: string;
  headers: Headers;
  body: RequestBody | null;
  redirect: RequestRedirect;
  signal: AbortSignal | undefined;
  integrity: string;
}

/** Reads the arguments; a body in pieces is not read yet. */
export async function read(input: string | URL | Request, init: FetchInit): Promise<Asked> {
  const from = input instanceof Request ? input : null;
  const url = parse(from ? from.url : String(input));
  const signal = (init.signal === undefined ? from?.signal : init.signal) ?? undefined;
  const redirect = init.redirect ?? from?.redirect ?? 'follow';
  if (!REDIRECT_MODES.includes(redirect)) {
    throw failure('EINVAL', `redirect is "follow", "error" or "manual", not "${redirect}"`);
  }
  const asked = init.method ?? from?.method ?? 'GET';
  const method = NORMALIZED_METHODS.includes(asked.toUpperCase()) ? asked.toUpperCase() : asked;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) || ['CONNECT', 'TRACE', 'TRACK'].includes(method.toUpperCase())) {
    throw failure('EINVAL', `"${method}" is not a method that fetch sends`);
  }
  const headers = readHeaders(init.headers ?? from?.headers);
  takeCredentials(url, headers);
  const body = await readBody(from, init, method, signal);
  if (body?.contentType && !headers.has('content-type')) {
    headers.set('content-type', body.contentType);
  }
  if (signal?.aborted) {
    throw abortReason(signal);
  }
  return { url, method, headers, body, redirect, signal, integrity: init.integrity ?? from?.integrity ?? '' };
}

/** Made this way, Headers takes the names that browsers keep to themselves. */
function readHeaders(given: HeadersInit | undefined): Headers {
  try {
    return new Headers(given);
  } catch (error) {
    throw failure('EINVAL', `not headers that HTTP can carry: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readBody(
  from: Request | null,
  init: FetchInit,
  method: string,
  signal: AbortSignal | undefined,
): Promise<RequestBody | null> {
  const given = init.body ?? (from ? await inherited(from) : null);
  if (given === null) {
    return null;
  }
  if (method === 'GET' || method === 'HEAD') {
    throw failure('EINVAL', `${method} has no body`);
  }
  if (!(given instanceof ReadableStream)) {
    return extract(given);
  }
  if (given === init.body && init.duplex !== 'half') {
    throw failure('EINVAL', 'a stream as body needs duplex: "half"');
  }
  if (given.locked || (given !== init.body && from?.bodyUsed)) {
    throw failure('EINVAL', 'the body has been used, or somebody else reads it');
  }
  if (signal?.aborted) {
    throw abortReason(signal);
  }
  return given === init.body ? extract(given) : extractStream(given, signal);
}

/** A Request's body. Some browsers do not show it as a stream. */
async function inherited(from: Request): Promise<ReadableStream | Blob | null> {
  if ('body' in from) {
    return from.body;
  }
  const { method } = from as Request;
  return ['GET', 'HEAD'].includes(method) ? null : (from as Request).blob();
}

/** Where to go first or, with `base`, next. */
export function parse(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base ?? globalThis.location?.href);
  } catch {
    throw failure('EINVAL', `"${text}" is not a URL`);
  }
  const local = !base && ['data:', 'blob:'].includes(url.protocol);
  if (url.protocol !== 'http:' && url.protocol !== 'https:' && !local) {
    throw failure('EPROTO', `${url.protocol} is not supported${base ? ' behind a redirect' : ''}, only https: and http:`);
  }
  return url;
}

/** Makes a header of the name and the password in a URL (RFC 7617). */
export function takeCredentials(url: URL, headers: Headers): void {
  if (url.username || url.password) {
    if (!headers.has('authorization')) {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      headers.set('authorization', `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`);
    }
    url.username = '';
    url.password = '';
  }
}

/** What goes out with a request besides what was asked for, and without what is HTTP's business. */
export function fieldsToSend(asked: Asked, acceptEncoding: string): [string, string][] {
  const { url } = asked;
  const headers = new Headers(asked.headers);
  const fallback = (name: string, value: string) => {
    if (!headers.has(name)) {
      headers.set(name, value);
    }
  };
  fallback('accept', '*/*');
  fallback('user-agent', globalThis.navigator?.userAgent ?? 'ethertab');
  fallback('accept-encoding', headers.has('range') ? 'identity' : acceptEncoding);
  const host = headers.get('host') ?? url.host;
  // How the message is framed is HTTP's business.
  for (const name of ['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer']) {
    headers.delete(name);
  }
  return [['host', host], ...headers];
}
