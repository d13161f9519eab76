/** A relay that does not speak the negotiated form: the tab asks for it, is not given it, and makes do with the plain one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, reached } from './stage/browser.mjs';
import { PlainRelay } from './stage/plain-relay.mjs';
import { Relay } from './stage/relay.mjs';
import { until } from './stage/until.mjs';

let relay;
let plain;
let browser;

before(async () => {
  relay = await Relay.start();
  plain = await PlainRelay.start();
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await plain?.stop();
  await relay?.stop();
});

test('a relay that selects no subprotocol is spoken to in the plain form', async () => {
  const { page } = await browser.open({ query: `?relay=${plain.url}` });
  for (const step of ['relay', 'lease', 'gateway', 'names']) await reached(page, step, 'ok');
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  assert.equal(await page.locator('#fetch-figures [data-figure="status"] dd').textContent(), '200 OK');

  const fetched = await page.evaluate(async () => {
    const body = await (await net.fetch('http://demo.ethertab/bytes/1000000')).arrayBuffer();
    return { length: body.byteLength, counters: await net.counters() };
  });
  assert.equal(fetched.length, 1_000_000);
  assert.equal(fetched.counters.link.invalidMessages, 0);
  assert.equal(fetched.counters.link.sendDrops, 0);
  // A browser fails a WebSocket whose offers were passed over (WHATWG WebSockets §2): the tab comes back without one.
  assert.deepEqual(plain.offers, ['ethertab.v1', '']);
  await page.close();
});

test('a relay that has spoken the negotiated form is never spoken to in the plain one, where it could not tell who comes back', async () => {
  plain.negotiates = true;
  plain.offers = [];
  const { page } = await browser.open({ query: `?relay=${plain.url}` });
  const before = await page.evaluate(async () => {
    globalThis.socket = net.connect({ hostname: 'demo.ethertab', port: 80 });
    await socket.opened;
    return net.status.information.address;
  });
  plain.negotiates = false;
  plain.cut();
  await until('the tab has tried again and again', () => plain.offers.length >= 4);
  assert.deepEqual(new Set(plain.offers), new Set(['ethertab.v1']));
  plain.negotiates = true;
  await until('the tab is back', () => page.evaluate(() => net.status.state === 'online'));
  const after = await page.evaluate(async () => {
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'));
    const { value } = await socket.readable.getReader().read();
    return { address: net.status.information.address, text: new TextDecoder().decode(value) };
  });
  assert.equal(after.address, before);
  assert.match(after.text, /^HTTP\/1\.[01] 200/);
  await page.close();
});
