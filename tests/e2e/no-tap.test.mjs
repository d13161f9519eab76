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
