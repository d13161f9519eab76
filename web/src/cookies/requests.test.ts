import { expect, test, vi } from 'vitest';
import { CookieJar } from './jar.js';
import { RequestCookies } from './requests.js';

const HERE = new URL('http://example.com/');

test('what an answer sets goes with the next request, by a jar of its own', async () => {
  const cookies = new RequestCookies(true);
  const headers = new Headers({ accept: '*/*' });
  expect(await cookies.added(headers, HERE)).toBe(headers);
  const answer: [string, string][] = [
    ['set-cookie', 'a=1'],
    ['x-other', 'set-cookie'],
    ['set-cookie', 'b=2; Path=/'],
    ['set-cookie', ''],
  ];
  await cookies.keep(answer, HERE);
  const sent = await cookies.added(headers, HERE);
  expect([...sent]).toEqual([
    ['accept', '*/*'],
    ['cookie', 'a=1; b=2'],
  ]);
  expect(headers.has('cookie')).toBe(false);
  expect(await new RequestCookies(true).added(headers, HERE)).toBe(headers);
});

test("the program's own Cookie goes in place of the jar's", async () => {
  const jar = new CookieJar();
  jar.setCookie('a=1', HERE.href);
  const headers = new Headers({ Cookie: 'own=1' });
  expect(await new RequestCookies(jar).added(headers, HERE)).toBe(headers);
});

test('a jar may be any that has both methods, and may refuse a cookie as it likes', async () => {
  const setCookie = vi
    .fn()
    .mockRejectedValueOnce(new Error('not this one'))
    .mockImplementationOnce(() => {
      throw new Error('nor this one');
    });
  const cookies = new RequestCookies({ getCookieString: async () => 'from=elsewhere', setCookie });
  await cookies.keep(
    ['a=1', 'b=2', 'c=3'].map((value): [string, string] => ['set-cookie', value]),
    HERE,
  );
  expect(setCookie.mock.calls).toEqual(['a=1', 'b=2', 'c=3'].map((value) => [value, 'http://example.com/']));
  expect((await cookies.added(new Headers(), HERE)).get('cookie')).toBe('from=elsewhere');
});
