/**
 * Our fetch beside the browser's own and Node's (undici), from a server that does everything wrong. Each case is fetched by all
 * three; what comes of it must be the same, but for the differences that the case names, with the reason.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { codings } from './stage/bad/codings.mjs';
import { connections } from './stage/bad/connections.mjs';
import { differences } from './stage/bad/differences.mjs';
import { messages } from './stage/bad/messages.mjs';
import { observe } from './stage/bad/observe.mjs';
import { firstPort, redirects, secondPort } from './stage/bad/redirects.mjs';
import { BadServer } from './stage/bad/server.mjs';
import { Browser, inFirefox } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';

const groups = { messages, connections, codings, redirects };
const hosts = { ours: host, browser: '127.0.0.1', node: '127.0.0.1' };
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

async function outcome(who, group, name, { init, times, hash = '', from = '' }) {
  asking += 1;
  const token = `${who}-${asking}`;
  const path = `${token}/${encodeURIComponent(`${group}: ${name}`)}`;
  const asked = { who, url: `http://${hosts[who]}:${firstPort}/${path}${from ? `/${from}` : ''}${hash}`, init, times };
  const got = who === 'node' ? await observe(asked) : await tab.page.evaluate(observe, asked);
  const told = JSON.stringify({ ...got, asked: server.asked(token) });
  return JSON.parse(told.replaceAll(hosts[who], 'HOST').replaceAll(token, 'TOKEN'));
}

/** In what two outcomes differ. Where one failed, there is no more to compare than what the server was asked. */
function differing(ours, other) {
  const asked = JSON.stringify(ours.asked) === JSON.stringify(other.asked) ? [] : ['asked'];
  if (ours.error || other.error) return ours.error === other.error ? asked : ['error', ...asked];
  const fields = ['status', 'statusText', 'headers', 'url', 'redirected', 'body', 'bodyError'];
  return [...fields.filter((field) => JSON.stringify(ours[field]) !== JSON.stringify(other[field])), ...asked];
}

for (const [group, cases] of Object.entries(groups)) {
  describe(group, () => {
    for (const [name, given] of Object.entries(cases)) {
      test(name, async (t) => {
        const { cause, ...ours } = await outcome('ours', group, name, given);
        // Whatever fails says why.
        if (ours.error || ours.bodyError) assert.match(cause, /^E[A-Z]+$/);
        const others = ['browser', 'node'].filter((who) => who !== given.without);
        const theirs = await Promise.all(others.map((who) => outcome(who, group, name, given)));
        for (const [index, who] of others.entries()) {
          const names = who === 'browser' && inFirefox ? [who, 'firefox'] : [who];
          const named = differences.filter(
            ({ from, cases }) => names.some((one) => from.includes(one)) && cases.includes(`${group}: ${name}`),
          );
          const differ = differing(ours, theirs[index]);
          const allowed = named.flatMap(({ fields }) => fields);
          const beside = `ours ${JSON.stringify(ours)}, the ${who}'s ${JSON.stringify(theirs[index])}`;
          assert.deepEqual(
            differ.filter((field) => !allowed.includes(field)),
            [],
            beside,
          );
          for (const one of named) assert.deepEqual({ ...ours, ...one.ours }, ours, beside);
          if (who === 'browser' && named.length > 0 && differ.length === 0) t.diagnostic('the browser does as ours by now');
        }
      });
    }
  });
}

test('no difference is named of a case that is not there', () => {
  const names = Object.entries(groups).flatMap(([group, cases]) => Object.keys(cases).map((name) => `${group}: ${name}`));
  assert.deepEqual(
    differences.flatMap(({ cases }) => cases).filter((name) => !names.includes(name)),
    [],
  );
});

test('nobody complained in the console but of what the browser could not fetch', () => {
  const expected = inFirefox
    ? /^(Cross-Origin Request Blocked|Security Error|Failed to read data from the ReadableStream|The status line of the HTTP)/
    : /Failed to load resource|CORS policy/;
  assert.deepEqual(
    tab.complaints.filter((complaint) => !expected.test(complaint)),
    [],
  );
});
