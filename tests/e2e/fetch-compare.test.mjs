/**
 * Our fetch beside the browser's own and Node's (undici), from a server that does everything wrong. Each case is fetched by all
 * three; what comes of it must be the same, but for the differences that the case names, with the reason.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { codings } from './stage/bad/codings.mjs';
import { connections } from './stage/bad/connections.mjs';
import { differences } from './stage/bad/differences.mjs';
import { messages } from './stage/bad/messages.mjs';
import { firstPort, redirects, secondPort } from './stage/bad/redirects.mjs';
import { BadServer } from './stage/bad/server.mjs';
import { Browser } from './stage/browser.mjs';
import { compare, couldNotFetch, outcomeOf } from './stage/compare.mjs';
import { Relay } from './stage/relay.mjs';

const groups = { messages, connections, codings, redirects };
let asking = 0;
let relay;
let server;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  const cases = Object.entries(groups).flatMap(([group, all]) =>
    Object.entries(all).map(([name, { answer }]) => [encodeURIComponent(`${group}: ${name}`), answer]),
  );
  server = await BadServer.start(Object.fromEntries(cases), [firstPort, secondPort]);
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  await relay?.stop();
});

async function outcome(who, group, name, given) {
  asking += 1;
  const token = `${who}-${asking}`;
  const { from = '', hash = '' } = given;
  const path = `${token}/${encodeURIComponent(`${group}: ${name}`)}`;
  const url = `${firstPort}/${path}${from ? `/${from}` : ''}${hash}`;
  const got = await outcomeOf(who, tab.page, url, given, () => server.asked(token));
  return JSON.parse(JSON.stringify(got).replaceAll(token, 'TOKEN'));
}

compare(groups, differences, outcome);

test('nobody complained in the console but of what the browser could not fetch', () => {
  assert.deepEqual(
    tab.complaints.filter((complaint) => !couldNotFetch.test(complaint)),
    [],
  );
});
