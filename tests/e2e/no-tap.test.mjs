/** A relay without a TAP interface: no host, no router, but a gateway that answers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, reached } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';

let relay;
let browser;

before(async () => {
  relay = await Relay.start('--no-tap');
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await relay?.stop();
});

test('without a TAP the whole ladder holds, and its gateway says how far it leads', async () => {
  const { page, complaints } = await browser.open();
  for (const step of ['relay', 'lease', 'gateway', 'names']) await reached(page, step, 'ok');
  const gateway = await page.locator('#ladder [data-step="gateway"]').textContent();
  assert.match(gateway, /Gateway answers/);
  assert.match(gateway, /10\.77\.0\.2 answers in .* only this network can be reached/);
  assert.ok(await page.locator('#trouble').isHidden());
  assert.deepEqual(complaints, []);
  await page.close();
});

test('without a TAP the page says that there is no host to fetch from, and offers what is there', async () => {
  const { page, complaints } = await browser.open();
  const said = await page.locator('#hostless').textContent();
  assert.match(said, /no host side .*--no-tap/);
  assert.equal(await page.locator('#fetch-url').inputValue(), '');
  assert.equal(await page.locator('#tools-example').textContent(), `await net.ping('10.77.0.2')`);
  assert.equal(await page.locator('#fetch-suggestions').getByText('100 MB').count(), 0);
  assert.equal(await page.locator('#fetch-figures [data-figure="status"] dd').textContent(), '–', 'nothing was fetched');

  await page.getByRole('button', { name: 'Ping the gateway' }).click();
  const answered = page.locator('#ping-figures [data-figure="received"] dd');
  await answered.filter({ hasText: /^[1-9]/ }).waitFor();

  const opened = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Open another tab' }).click();
  const other = await opened;
  await reached(other, 'names', 'ok');
  await other.locator('#serve-submit').click();
  const url = await other.locator('#serve-command code').textContent();
  await page.locator('#fetch-url').fill(url);
  await page.locator('#fetch-submit').click();
  await page.locator('#fetch-figures [data-figure="status"] dd').filter({ hasText: '200 OK' }).waitFor();
  assert.deepEqual(complaints, []);
  await other.close();
  await page.close();
});
