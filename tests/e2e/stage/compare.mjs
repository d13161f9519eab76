/** Our fetch beside the browser's own and Node's (undici): tests of what each makes of the same. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inFirefox } from './browser.mjs';
import { observe } from './observe.mjs';
import { host } from './relay.mjs';

/** Where each of the three finds the kernel's servers. */
const hosts = { ours: host, browser: '127.0.0.1', node: '127.0.0.1' };

/**
 * What `who` (`ours`, `browser`, `node`) makes of a URL, of which `path` follows `http://HOST:`, and what the server says then that it
 * was asked. `page` is the tab that the first two fetch in. The host, which is not the same for all, is worded as "HOST".
 */
export async function outcomeOf(who, page, path, { init, times }, asked = () => undefined) {
  const wanted = { who, url: `http://${hosts[who]}:${path}`, init, times };
  const got = who === 'node' ? await observe(wanted) : await page.evaluate(observe, wanted);
  return JSON.parse(JSON.stringify({ ...got, asked: asked() }).replaceAll(hosts[who], 'HOST'));
}

/** In what two outcomes differ. Where one failed, there is no more to compare than what the server was asked. */
function differing(ours, other) {
  const asked = JSON.stringify(ours.asked) === JSON.stringify(other.asked) ? [] : ['asked'];
  if (ours.error || other.error) return ours.error === other.error ? asked : ['error', ...asked];
  const fields = ['status', 'statusText', 'headers', 'url', 'redirected', 'body', 'bodyError'];
  return [...fields.filter((field) => JSON.stringify(ours[field]) !== JSON.stringify(other[field])), ...asked];
}

/**
 * A test for each case of each group: `outcome(who, group, name, given)` must be the same for all three, but for the `differences`
 * that name the case, with the reason.
 */
export function compare(groups, differences, outcome) {
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
}

/** What the browser says in the console of what it could not fetch. */
export const couldNotFetch = inFirefox
  ? /^(Cross-Origin Request Blocked|Security Error|Failed to read data from the ReadableStream|The status line of the HTTP)/
  : /Failed to load resource|CORS policy/;
