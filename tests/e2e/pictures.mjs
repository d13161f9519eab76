/**
 * Takes the pictures of the page that the README shows, and a few more to judge it by, into the folder named by PICTURES.
 *
 *   PICTURES=/tmp/pictures tests/e2e/run.sh RELAY tests/e2e/pictures.mjs
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Browser, reached } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { SshPage } from './stage/ssh-page.mjs';
import { Sshd } from './stage/sshd.mjs';

const folder = process.env.PICTURES || join(process.env.STAGE, 'pictures');

const sizes = {
  desk: { width: 1440, height: 900 },
  tablet: { width: 900, height: 1200 },
  phone: { width: 360, height: 780 },
};

const scenes = {
  working: { query: '', prepare: work },
  details: { query: '', prepare: takeApart },
  'ssh-question': { query: '', prepare: (page) => meet(page).then(({ question }) => question.waitFor()) },
  'ssh-shell': { query: '', prepare: logIn },
  failing: { query: '?relay=ws://127.0.0.1:9/tunnel', prepare: (page) => reached(page, 'relay', 'failed') },
};

async function work(page) {
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  await page.locator('#ping-form [name=host]').fill(host);
  await page.locator('#ping-submit').click();
  await page.locator('#console-open').click();
  await page.locator('#console-write:enabled').click();
  await page.locator('#console-write').click();
  await page.locator('#console-log [data-kind="in"]').first().waitFor();
  await page
    .locator('#ping-figures [data-figure="received"] dd')
    .filter({ hasText: /^[4-9]$/ })
    .waitFor();
  await page.locator('#tools').evaluate((tools) => tools.scrollTo(0, 0));
}

async function takeApart(page) {
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  await page.locator('#ping-form [name=host]').fill(host);
  await page.locator('#ping-submit').click();
  // The rows move while packets pass: found by the filter, which is then taken away.
  await page.locator('#packets-filter').fill('GET / HTTP');
  await page.locator('.packet').first().click();
  await page.locator('#packets-filter').fill('');
  await page.locator('.packet:visible').nth(5).waitFor();
  await page.locator('#packets-list').press('ArrowDown');
  await page.locator('#packets-list').press('ArrowUp');
  await page.locator('#packets-details summary').filter({ hasText: 'HTTP' }).click();
  await page.locator('#packets-details summary').filter({ hasText: 'HTTP' }).hover();
  await page
    .locator('#ping-figures [data-figure="received"] dd')
    .filter({ hasText: /^[4-9]$/ })
    .waitFor();
  await page.locator('#tools').evaluate((tools) => tools.scrollTo(0, 0));
}

/** A server that is not known yet. */
async function meet(page) {
  const ssh = new SshPage(page, host);
  await ssh.logIn({ password: Sshd.password });
  return ssh;
}

async function logIn(page) {
  const ssh = await meet(page);
  await ssh.trust('Trust and remember');
  await ssh.prompt();
  await ssh.run('ls --color=always /usr; stty size');
  await ssh.shows(/^\d+ \d+$/);
  await page.locator('#ssh').scrollIntoViewIfNeeded();
}

mkdirSync(folder, { recursive: true });
const relay = await Relay.start();
const sshd = await Sshd.start();
const browser = await Browser.start();
try {
  for (const [scene, { query, prepare }] of Object.entries(scenes)) {
    for (const [size, viewport] of Object.entries(sizes)) {
      for (const colorScheme of ['light', 'dark']) {
        const { page } = await browser.open({ query, online: false, viewport, colorScheme });
        await prepare(page);
        const path = join(folder, `${scene}-${size}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: size !== 'desk' });
        await page.close();
      }
    }
  }
} finally {
  await browser.stop();
  await sshd.stop();
  await relay.stop();
}
