/**
 * Our fetch beside the browser's own and Node's (undici), from a stock nginx: what it does with files, ranges, conditions, codings,
 * redirects, uploads, limits and connections. Each case is fetched by all three, and must come to the same.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { compare, couldNotFetch, outcomeOf } from './stage/compare.mjs';
import { cases, differences, NginxOfCases, port } from './stage/nginx-cases.mjs';
import { Relay } from './stage/relay.mjs';

let relay;
let nginx;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  nginx = await NginxOfCases.start();
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await nginx?.stop();
  await relay?.stop();
});

compare(cases, differences, async (who, _group, _name, given) => {
  // Each has its own place for what it uploads. What a cache knows is not what nginx said.
  const asked = { ...given, init: { cache: 'no-store', ...given.init } };
  const got = await outcomeOf(who, tab.page, `${port}${given.path.replace('WHO', who)}`, asked);
  const told = JSON.parse(JSON.stringify(got).replaceAll(`/${who}/`, '/WHO/'));
  const times = ['date', 'expires', ...(given.path.includes('WHO') ? ['etag', 'last-modified'] : [])];
  const headers = told.headers?.map(([name, value]) => [name, times.includes(name) ? 'some time' : value]);
  return { ...told, headers };
});

test('nobody complained in the console but of what the browser could not fetch', () => {
  assert.deepEqual(
    tab.complaints.filter((complaint) => !couldNotFetch.test(complaint)),
    [],
  );
});
