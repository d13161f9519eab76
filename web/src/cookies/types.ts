/**
 * Cookies that a network keeps, for `fetch` and `WebSocket`: RFC 6265bis. The option `cookies` of a network is `true`, or a jar: one of
 * `ethertab/cookies`, which can be looked into and shared between networks, or any other that has these two methods, as the jars of
 * tough-cookie do.
 *
 * Deviations:
 * - There is no list of public suffixes: it alone is as large as all of HTTP. Without `isPublicSuffix`, a cookie for a domain of one label
 *   ("com") is refused, one for "co.uk" is not.
 * - SameSite is kept and not looked at: there is no page of another site that asks.
 */

export interface CookieJar {
  /** The value of the Cookie header for a request; '': none is sent. */
  getCookieString(url: string): string | Promise<string>;
  /** Takes the value of a Set-Cookie header. What it fails with is nobody's business. */
  setCookie(cookie: string, url: string): unknown;
}

export interface CookieJarOptions {
  /** Whether domains below this one belong to different people: "co.uk", "github.io". */
  isPublicSuffix?: (domain: string) => boolean;
}

/** A cookie in the jar. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** The host that set it, or the domain that it named. */
  readonly domain: string;
  /** Whether it goes to that host alone. */
  readonly hostOnly: boolean;
  readonly path: string;
  /** Milliseconds since 1970; `Infinity`: it ends with the jar. */
  readonly expires: number;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none' | null;
}
