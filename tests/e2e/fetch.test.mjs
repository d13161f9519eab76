/** HTTP over our own TCP, from nginx on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { Nginx } from './stage/servers.mjs';
import { abortsUnderWay } from './stage/ways.mjs';

let relay;
let nginx;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  nginx = await Nginx.start();
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await nginx?.stop();
  await relay?.stop();
});

test('a text arrives as it is', async () => {
  const got = await tab.page.evaluate(async (url) => {
    const response = await net.fetch(url);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }, `${nginx.url}/text.txt`);
  assert.deepEqual(got, { status: 200, type: 'text/plain', text: Nginx.text });
});

test('what is not there is an answer, not an error', async () => {
  const status = await tab.page.evaluate(async (url) => (await net.fetch(url)).status, `${nginx.url}/nothing`);
  assert.equal(status, 404);
});

test('100 MB arrive with the right SHA-256, as the page itself shows', async () => {
  const { page } = tab;
  await page.locator('#fetch-url').fill(`${nginx.url}/large`);
  await page.locator('#fetch-url').press('Enter');
  await page.locator('#fetch-cancel').waitFor();
  await page.locator('#fetch-submit').waitFor({ timeout: 120_000 });
  assert.equal(await page.locator('[data-figure="hash"] dd').textContent(), nginx.largeHash);
  assert.equal(await page.locator('#fetch-progress').getAttribute('data-state'), 'done');
});

test('50 fetches at once all arrive', async () => {
  const wanted = Array.from({ length: 50 }, (_, index) => index + 1);
  const got = await tab.page.evaluate(
    ([url, numbers]) => Promise.all(numbers.map(async (number) => (await net.fetch(`${url}/numbered/${number}`)).text())),
    [nginx.url, wanted],
  );
  for (const number of wanted) assert.ok(got[number - 1] === Nginx.numbered(number), `fetch ${number} differs`);
});

test('a fetch that is aborted ends at once, and the next one works', async () => {
  const network = await tab.page.evaluateHandle(() => net);
  const got = await abortsUnderWay(network, nginx.url);
  assert.deepEqual(got, { error: 'AbortError', next: 200 });
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
