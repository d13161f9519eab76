/** A jar for cookies, by RFC 6265bis. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CookieJar } from './jar.js';
import { parseDate } from './set-cookie.js';

let jar: CookieJar;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) });
  jar = new CookieJar();
});
afterEach(() => vi.useRealTimers());

const HERE = 'http://www.example.com/dir/page';
const SAFE = 'https://www.example.com/dir/page';

/** What goes to a URL after cookies were set from another. */
function sent(cookies: string[], to = HERE, from = HERE): string {
  for (const cookie of cookies) {
    jar.setCookie(cookie, from);
  }
  return jar.getCookieString(to);
}

describe('a cookie', () => {
  test.each([
    ['a=1', 'a=1'],
    [' a = 1 2 ; x', 'a=1 2'],
    ['a=b=c', 'a=b=c'],
    ['a=', 'a='],
    ['a="quoted; x"', 'a="quoted'],
    ['=1', '1'],
    ['nameless', 'nameless'],
    ['a=caf\xe9', 'a=caf\xe9'],
    ['', ''],
    ['=', ''],
    [' ; a=1', ''],
    ['a=1\0', ''],
    ['a=1\x7f; Path=/', ''],
    ['a=1\nb', ''],
    [`a=${'x'.repeat(4_095)}`, `a=${'x'.repeat(4_095)}`],
    [`a=${'x'.repeat(4_096)}`, ''],
  ])('is read from %j', (set, wanted) => {
    expect(sent([set])).toBe(wanted);
  });

  test('replaces its like and keeps its place', () => {
    expect(sent(['a=1', 'b=2', 'a=3'])).toBe('a=3; b=2');
    expect(sent(['a=4; Path=/', 'A=5; Path=/'])).toBe('a=3; b=2; a=4; A=5');
  });

  test('can be looked at', () => {
    jar.setCookie('a=1; Domain=.Example.com; Path=/x; Secure; HttpOnly; SameSite=LAX; Max-Age=10', SAFE);
    jar.setCookie('b=2; SameSite=other', HERE);
    expect(jar.cookies()).toEqual([
      {
        ...{ name: 'a', value: '1', domain: 'example.com', hostOnly: false, path: '/x' },
        ...{ expires: Date.now() + 10_000, secure: true, httpOnly: true, sameSite: 'lax' },
      },
      {
        ...{ name: 'b', value: '2', domain: 'www.example.com', hostOnly: true, path: '/dir' },
        ...{ expires: Number.POSITIVE_INFINITY, secure: false, httpOnly: false, sameSite: null },
      },
    ]);
    jar.clear();
    expect(jar.cookies()).toEqual([]);
  });
});

describe('the domain', () => {
  test.each([
    ['', 'http://www.example.com/dir/', true],
    ['', 'http://example.com/dir/', false],
    ['', 'http://a.www.example.com/dir/', false],
    ['example.com', 'http://example.com/dir/', true],
    ['.EXAMPLE.com', 'http://other.example.com:8080/dir/', true],
    ['example.com', 'http://badexample.com/dir/', false],
    ['www.example.com', 'http://a.www.example.com/dir/', true],
    ['other.example.com', HERE, false],
    ['a.www.example.com', HERE, false],
    ['com', HERE, false],
    ['', HERE, true],
    ['e\xe4', HERE, false],
  ])('%j sends it to %s: %s', (domain, to, reaches) => {
    expect(sent([`a=1; Domain=${domain}`], to)).toBe(reaches ? 'a=1' : '');
  });

  test('of an address is that address alone', () => {
    const [four, six] = ['http://10.0.0.1/', 'http://[::1]/'];
    expect(sent(['a=1'], four, four)).toBe('a=1');
    expect(sent(['b=2; Domain=10.0.0.1'], four, four)).toBe('a=1; b=2');
    expect(sent(['c=3; Domain=0.0.1'], four, four)).toBe('a=1; b=2');
    expect(sent(['a=1'], six, six)).toBe('a=1');
    expect(jar.cookies().every(({ hostOnly }) => hostOnly)).toBe(true);
  });

  test('of one label is a host of its own, as a public suffix is', () => {
    const local = 'http://gateway/';
    expect(sent(['a=1; Domain=gateway'], local, local)).toBe('a=1');
    expect(jar.getCookieString('http://x.gateway/')).toBe('');
    jar = new CookieJar({ isPublicSuffix: (domain) => domain === 'example.com' });
    expect(sent(['a=1; Domain=example.com'])).toBe('');
    expect(sent(['a=1; Domain=example.com'], 'http://example.com/', 'http://example.com/')).toBe('a=1');
    expect(jar.getCookieString('http://www.example.com/')).toBe('');
  });
});

describe('the path', () => {
  test.each([
    ['', '/dir', true],
    ['', '/dir/', true],
    ['', '/dir/sub/page', true],
    ['', '/directory', false],
    ['', '/', false],
    ['/', '/x', true],
    ['/dir/', '/dir/x', true],
    ['/dir/', '/dir', false],
    ['/Dir', '/dir', false],
    ['dir', '/dir/x', true],
    ['/a; Path=/b', '/b', true],
    ['/a; Path=', '/dir/', true],
  ])('%j sends it to %s: %s', (path, to, reaches) => {
    expect(sent([`a=1; Path=${path}`], `http://www.example.com${to}`)).toBe(reaches ? 'a=1' : '');
  });

  test('that is longer comes first', () => {
    expect(sent(['a=1; Path=/', 'b=2; Path=/dir/page', 'c=3; Path=/dir', 'd=4; Path=/'])).toBe('b=2; c=3; a=1; d=4');
  });
});

describe('the life of a cookie', () => {
  test.each([
    ['Max-Age=10', 9, true],
    ['Max-Age=10', 10, false],
    ['Max-Age=0', 0, false],
    ['Max-Age=-5', 0, false],
    ['Max-Age=x', 1_000_000, true],
    ['Max-Age=1.5', 1_000_000, true],
    ['Expires=Thu, 01 Jan 2026 00:00:10 GMT', 9, true],
    ['Expires=Thu, 01 Jan 2026 00:00:10 GMT', 10, false],
    ['Expires=Wed, 31 Dec 2025 23:59:59 GMT', 0, false],
    ['Expires=never', 1_000_000, true],
    ['Expires=Wed, 31 Dec 2025 23:59:59 GMT; Max-Age=10', 9, true],
    ['Max-Age=10; Max-Age=20', 19, true],
    ['Max-Age=99999999999', 400 * 86_400 - 1, true],
    ['Max-Age=99999999999', 400 * 86_400, false],
  ])('with %s, after %i seconds: %s', (attribute, seconds, lives) => {
    jar.setCookie(`a=1; ${attribute}`, HERE);
    vi.setSystemTime(Date.now() + seconds * 1_000);
    expect(jar.getCookieString(HERE)).toBe(lives ? 'a=1' : '');
    expect(jar.cookies()).toHaveLength(lives ? 1 : 0);
  });

  test('ends when it is set with a time that has passed', () => {
    expect(sent(['a=1', 'a=; Max-Age=0'])).toBe('');
    expect(jar.cookies()).toEqual([]);
  });

  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37Z'],
    ['6 nov 30 1:2:3', '2030-11-06T01:02:03Z'],
    ['1994 06th November 8:49:37z', '1994-11-06T08:49:37Z'],
    ['29 Feb 2028 00:00:00', '2028-02-29T00:00:00Z'],
    ['29 Feb 2027 00:00:00', null],
    ['06 Nov 1994', null],
    ['06 Nov 1994 24:00:00', null],
    ['06 Nov 1600 00:00:00', null],
    ['0 Nov 1994 00:00:00', null],
    ['06 Foo 1994 00:00:00', null],
    ['', null],
  ])('%s is the moment %s', (text, moment) => {
    expect(parseDate(text)).toBe(moment && Date.parse(moment));
  });
});

describe('secure cookies', () => {
  test('go over TLS alone, and come over it alone', () => {
    expect(sent(['a=1; Secure'], SAFE)).toBe('');
    expect(sent(['a=1; secure=x'], SAFE, SAFE)).toBe('a=1');
    expect(jar.getCookieString(HERE)).toBe('');
    expect(jar.getCookieString('wss://www.example.com/dir/')).toBe('a=1');
  });

  test('are not replaced or hidden by insecure ones', () => {
    jar.setCookie('a=safe; Secure; Domain=example.com; Path=/dir', SAFE);
    expect(sent(['a=no; Path=/dir', 'a=no; Path=/dir/page', 'a=no; Domain=example.com; Path=/dir'], SAFE)).toBe('a=safe');
    expect(sent(['a=yes; Path=/', 'b=yes'], SAFE)).toBe('a=safe; b=yes; a=yes');
  });

  test.each([
    ['__Secure-a=1; Secure', true],
    ['__Secure-a=1', false],
    ['__Host-a=1; Secure; Path=/', true],
    ['__host-a=1; Secure; Path=/', true],
    ['__Host-a=1; Path=/', false],
    ['__Host-a=1; Secure', false],
    ['__Host-a=1; Secure; Path=/; Domain=www.example.com', false],
    ['=__Host-a=1; Secure; Path=/', false],
    ['__Secure-a; Secure', false],
  ])('keep what their name promises: %s, %s', (cookie, accepted) => {
    expect(jar.setCookie(cookie, SAFE)).toBe(accepted);
    expect(jar.cookies()).toHaveLength(accepted ? 1 : 0);
  });
});

describe('the jar', () => {
  test('has room for so many cookies of a domain, and lets those go that were used longest ago', () => {
    for (let number = 0; number < 180; number += 1) {
      jar.setCookie(`c${number}=1; Path=/${number}`, 'http://www.example.com/');
    }
    jar.getCookieString('http://www.example.com/0');
    jar.setCookie('last=1; Path=/', HERE);
    expect(jar.cookies()).toHaveLength(180);
    expect(jar.getCookieString('http://www.example.com/0')).toBe('c0=1; last=1');
    expect(jar.getCookieString('http://www.example.com/1')).toBe('last=1');
  });

  test('has room for so many in all, and lets those go first that have expired', () => {
    for (let number = 0; number < 3_000; number += 1) {
      jar.setCookie(`a=1${number === 7 ? '; Max-Age=1' : ''}`, `http://host${number}.example/`);
    }
    expect(jar.cookies()).toHaveLength(3_000);
    vi.setSystemTime(Date.now() + 2_000);
    jar.setCookie('a=1', 'http://more.example/');
    expect(jar.getCookieString('http://host0.example/')).toBe('a=1');
    jar.setCookie('a=1', 'http://evenmore.example/');
    expect(jar.getCookieString('http://host1.example/')).toBe('');
    expect(jar.cookies()).toHaveLength(3_000);
  });
});
