/** What a program gets: the platform's Response, which says more than its constructor lets one say. */

import type { HttpHead } from '../messages.js';
import type { FetchResponse } from '../types.js';
import { failure } from './failure.js';

/** All values of a field, as Fetch joins them. */
export function header(head: HttpHead, name: string): string | null {
  const values = head.headers.filter(([field]) => field === name).map(([, value]) => value);
  return values.length > 0 ? values.join(', ') : null;
}

/** What goes with a Response beside what the constructor takes. */
interface Dress {
  status: number;
  /** Every header, Set-Cookie too. */
  headers: Headers;
  url: string;
  redirected: boolean;
  trailers: Promise<Headers>;
  /** What the body failed with: read as a whole, some browsers tell of their own error instead. */
  broken(): { error: unknown } | null;
}

const READ_WHOLE = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

export function respond(
  head: HttpHead,
  body: ReadableStream | ArrayBuffer | null,
  url: URL,
  redirected: boolean,
  { trailers, broken }: Pick<Dress, 'trailers' | 'broken'>,
): FetchResponse {
  const { status, statusText } = head;
  if (status < 200) {
    throw failure('EHTTP', `the server answered with status ${status}`);
  }
  const headers = new Headers();
  for (const [name, value] of head.headers) {
    headers.append(name, value);
  }
  // The constructor takes no status beyond 599. It drops Set-Cookie, and needs Content-Type for what it reads.
  const response = new Response(body, { status: status > 599 ? 200 : status, statusText, headers });
  const location = new URL(url);
  location.hash = '';
  return dress(response, { status, headers, url: location.href, redirected, trailers, broken });
}

function dress(response: Response, given: Dress): FetchResponse {
  const { status, headers, url, redirected, trailers } = given;
  const platformClone = response.clone.bind(response);
  for (const name of READ_WHOLE) {
    const read: (() => Promise<unknown>) | undefined = response[name]?.bind(response);
    if (read) {
      const value = () => read().catch((error) => Promise.reject(given.broken()?.error ?? error));
      Object.defineProperty(response, name, { value, enumerable: true });
    }
  }
  return Object.defineProperties(response, {
    status: { value: status, enumerable: true },
    ok: { value: status >= 200 && status <= 299, enumerable: true },
    url: { value: url, enumerable: true },
    redirected: { value: redirected, enumerable: true },
    type: { value: 'basic', enumerable: true },
    headers: { value: headers, enumerable: true },
    trailers: { value: trailers, enumerable: true },
    clone: { value: () => dress(platformClone(), { ...given, headers: new Headers(headers) }) },
  }) as FetchResponse;
}
