/** The relay is missing, dies, and comes back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, became, reached } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { Echo, Nginx } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';

let relay;
let nginx;
let echo;
let browser;

before(async () => {
  relay = await Relay.start();
  nginx = await Nginx.start();
  echo = await Echo.start();
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await nginx?.stop();
  await echo?.stop();
  await relay?.stop();
});

/** The browser itself logs a WebSocket that cannot be opened or breaks; no page can keep it from that. */
const ours = (complaints) => complaints.filter((text) => !text.startsWith('WebSocket connection to'));

test('with no relay at the address, the page says what is missing and what to do', async () => {
  const { page, complaints } = await browser.open({ query: '?relay=ws://127.0.0.1:9/tunnel', online: false });
  await reached(page, 'relay', 'failed');
  for (const step of ['lease', 'gateway', 'names']) await reached(page, step, 'waiting');
  const trouble = page.locator('#trouble');
  await trouble.filter({ hasText: 'Relay not reached' }).waitFor();
  assert.match(await trouble.textContent(), /make demo|ethertab-relay/);
  assert.deepEqual(ours(complaints), []);
  await page.close();
});

test('a relay that dies during a download and comes back: the address and the connections live on', async () => {
  const { page, complaints } = await browser.open();
  const before = await page.evaluate(() => net.status.information.address);
  await page.evaluate(
    ([hostname, port]) => {
      globalThis.kept = net.connect({ hostname, port });
      globalThis.keptReader = kept.readable.getReader();
      globalThis.keptWriter = kept.writable.getWriter();
      globalThis.echoed = async (text) => {
        await keptWriter.write(text);
        let back = '';
        while (back.length < text.length) {
          const { done, value } = await keptReader.read();
          if (done) break;
          back += new TextDecoder().decode(value);
        }
        return back;
      };
    },
    [echo.host, echo.port],
  );
  assert.equal(await page.evaluate(() => echoed('before')), 'before');

  await page.evaluate((url) => {
    globalThis.progress = 0;
    globalThis.download = (async () => {
      const response = await net.fetch(url);
      for await (const piece of response.body) progress += piece.length;
      return progress;
    })();
    download.catch(() => undefined);
  }, `${nginx.url}/large`);
  await page.waitForFunction(() => progress > 4_000_000);
  await relay.kill();
  await became(page, 'reconnecting');
  const reachedAtDeath = await page.evaluate(() => progress);
  assert.ok(reachedAtDeath < Nginx.largeLength, 'the download was still under way');

  await relay.restart();
  await became(page, 'online', 60_000);
  for (const step of ['relay', 'lease', 'gateway', 'names']) await reached(page, step, 'ok', 30_000);
  assert.equal(await page.evaluate(() => net.status.information.address), before, 'the address is kept');
  const after = await soon(
    'the connection that was open before works again',
    page.evaluate(() => echoed('after')),
    60_000,
  );
  assert.equal(after, 'after');
  const length = await soon(
    'the download goes on',
    page.evaluate(() => download),
    180_000,
  );
  assert.equal(length, Nginx.largeLength, 'nothing of the download is lost');
  assert.equal(await page.evaluate(async (url) => (await net.fetch(url)).status, `${nginx.url}/text.txt`), 200);
  assert.deepEqual(ours(complaints), []);
  await page.close();
});
