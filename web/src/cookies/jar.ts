/** `ethertab/cookies`: a jar for cookies (RFC 6265bis §5.7, §5.8), in memory. `types.ts` says where it differs. */

import { parseSetCookie, type SetCookie } from './set-cookie.js';
import type { CookieJar as Contract, Cookie, CookieJarOptions } from './types.js';

export type { Cookie, CookieJarOptions } from './types.js';

/** Cookies of one domain, and in all; beyond it, those that were used longest ago go. */
const MOST_OF_DOMAIN = 180;
const MOST = 3_000;

interface Kept extends Cookie {
  /** Counts up: which came first, and which was used last. */
  readonly made: number;
  used: number;
}

export class CookieJar implements Contract {
  readonly #isPublicSuffix: (domain: string) => boolean;
  /** By domain, then by what distinguishes cookies of one domain. */
  readonly #domains = new Map<string, Map<string, Kept>>();
  #count = 0;
  #clock = 0;

  constructor({ isPublicSuffix = (domain) => !domain.includes('.') }: CookieJarOptions = {}) {
    this.#isPublicSuffix = isPublicSuffix;
  }

  /** §5.8.3: the value of the Cookie header for a request; '' if there is none. */
  getCookieString(url: string): string {
    const { hostname, pathname, secure } = request(url);
    const now = Date.now();
    const chosen = this.#of(hostname).filter((cookie) => {
      const reaches = cookie.domain === hostname || !cookie.hostOnly;
      return reaches && cookie.expires > now && pathMatches(pathname, cookie.path) && (secure || !cookie.secure);
    });
    // Longer paths come first, and of the same length those that were made first.
    chosen.sort((a, b) => b.path.length - a.path.length || a.made - b.made);
    for (const cookie of chosen) {
      cookie.used = this.#tick();
    }
    return chosen.map(({ name, value }) => (name === '' ? value : `${name}=${value}`)).join('; ');
  }

  /** §5.7: takes the value of a Set-Cookie header; whether it was accepted. */
  setCookie(text: string, url: string): boolean {
    const { hostname, pathname, secure } = request(url);
    const now = Date.now();
    const said = parseSetCookie(text, now);
    const scope = said && this.#scope(said, hostname);
    if (!scope) {
      return false;
    }
    const path = said.path ?? defaultPath(pathname);
    if ((said.secure && !secure) || !keepsPrefix(said, scope.hostOnly, path)) {
      return false;
    }
    const { name, value, httpOnly, sameSite } = said;
    if (!secure && this.#overlaysSecure(name, scope.domain, path)) {
      return false;
    }
    const key = JSON.stringify([name, scope.hostOnly, path]);
    const before = this.#domains.get(scope.domain)?.get(key);
    this.#delete(scope.domain, key);
    const expires = said.expires ?? Number.POSITIVE_INFINITY;
    if (expires > now) {
      const used = this.#tick();
      const made = before?.made ?? used;
      this.#keep(key, { name, value, ...scope, path, expires, secure: said.secure, httpOnly, sameSite, made, used });
    }
    return true;
  }

  /** The cookies that have not expired. */
  cookies(): Cookie[] {
    const now = Date.now();
    return this.#all()
      .filter(({ expires }) => expires > now)
      .map(({ made: _, used: __, ...cookie }) => cookie);
  }

  clear(): void {
    this.#domains.clear();
    this.#count = 0;
  }

  /** Where a cookie goes (§5.7, steps 6 to 10); `null`: it is to be ignored. */
  #scope({ domain }: SetCookie, hostname: string): Pick<Cookie, 'domain' | 'hostOnly'> | null {
    const own = { domain: hostname, hostOnly: true };
    if (domain === '' || (domain === hostname && (isAddress(hostname) || this.#isPublicSuffix(domain)))) {
      return own;
    }
    const isWithin = domain === hostname || (hostname.endsWith(`.${domain}`) && !isAddress(hostname));
    return isWithin && !this.#isPublicSuffix(domain) ? { domain, hostOnly: false } : null;
  }

  /** Whether a cookie from an insecure origin would stand in the way of a secure one (§5.7, step 14). */
  #overlaysSecure(name: string, domain: string, path: string): boolean {
    return this.#all().some(
      (kept) =>
        kept.secure &&
        kept.name === name &&
        (kept.domain === domain || kept.domain.endsWith(`.${domain}`) || domain.endsWith(`.${kept.domain}`)) &&
        pathMatches(path, kept.path),
    );
  }

  /** The cookies of a host and of the domains that it is in. */
  #of(hostname: string): Kept[] {
    const cookies: Kept[] = [];
    for (let domain = hostname; domain !== ''; domain = isAddress(hostname) ? '' : parent(domain)) {
      cookies.push(...(this.#domains.get(domain)?.values() ?? []));
    }
    return cookies;
  }

  #all(): Kept[] {
    return [...this.#domains.values()].flatMap((cookies) => [...cookies.values()]);
  }

  #keep(key: string, cookie: Kept): void {
    const cookies = this.#domains.get(cookie.domain) ?? new Map<string, Kept>();
    this.#domains.set(cookie.domain, cookies);
    cookies.set(key, cookie);
    this.#count += 1;
    if (cookies.size > MOST_OF_DOMAIN) {
      this.#evict([...cookies.values()]);
    }
    if (this.#count > MOST) {
      this.#evict(this.#all());
    }
  }

  /** Expired ones go first (§5.7.1), then the one that was used longest ago. */
  #evict(among: Kept[]): void {
    const now = Date.now();
    const expired = among.filter(({ expires }) => expires <= now);
    const oldest = among.reduce((oldest, cookie) => (cookie.used < oldest.used ? cookie : oldest));
    for (const { name, hostOnly, path, domain } of expired.length > 0 ? expired : [oldest]) {
      this.#delete(domain, JSON.stringify([name, hostOnly, path]));
    }
  }

  #delete(domain: string, key: string): void {
    const cookies = this.#domains.get(domain);
    if (cookies?.delete(key)) {
      this.#count -= 1;
      if (cookies.size === 0) {
        this.#domains.delete(domain);
      }
    }
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }
}

function request(url: string): { hostname: string; pathname: string; secure: boolean } {
  const { hostname, pathname, protocol } = new URL(url);
  return { hostname, pathname, secure: protocol === 'https:' || protocol === 'wss:' };
}

/** What a name promises about its cookie (§5.7, steps 20 to 22). */
function keepsPrefix({ name, value, secure, path }: SetCookie, hostOnly: boolean, used: string): boolean {
  const promise = (name || value).toLowerCase();
  const isHost = promise.startsWith('__host-');
  if (!isHost && !promise.startsWith('__secure-')) {
    return true;
  }
  return name !== '' && secure && (!isHost || (hostOnly && path === '/' && used === '/'));
}

/** §5.1.4. */
function defaultPath(pathname: string): string {
  return pathname.slice(0, Math.max(pathname.lastIndexOf('/'), 1));
}

function pathMatches(pathname: string, path: string): boolean {
  return pathname === path || (pathname.startsWith(path) && (path.endsWith('/') || pathname[path.length] === '/'));
}

function parent(domain: string): string {
  const dot = domain.indexOf('.');
  return dot < 0 ? '' : domain.slice(dot + 1);
}

/** Of a URL's host, which writes every IPv4 address with four numbers, and IPv6 addresses in brackets. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}
