/** A page that was fetched over the stack, shown in the page: as itself, and with nothing that goes past the stack. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { soon, until } from './stage/until.mjs';

const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="12" height="34"/>`;

let relay;
let browser;
let tab;
const servers = [];

before(async () => {
  relay = await Relay.start();
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  for (const server of servers) server.close().closeAllConnections();
  await relay?.stop();
});
afterEach(() => tab?.page.close());

/** A server that answers by `answer`, and the paths that it was asked for. */
async function serve(address, answer) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    answer(request.url, response, request);
  });
  servers.push(server);
  server.listen(0, address);
  await once(server, 'listening');
  return { asked, port: server.address().port };
}

/** Serves this page and shows it; answers its frame. */
async function show(html, others = {}) {
  const { port } = await serve('0.0.0.0', (path, response) => {
    if (path === '/') response.setHeader('content-type', 'text/html').end(html);
    else if (others[path]) others[path](response);
    else response.writeHead(404).end();
  });
  tab = await browser.open();
  await tab.page.locator('#fetch-progress[data-state="done"]').waitFor();
  await tab.page.locator('#fetch-url').fill(`http://${host}:${port}/`);
  await tab.page.locator('#fetch-submit').click();
  const frame = tab.page.frameLocator(`iframe[title="The page at http://${host}:${port}/"]`);
  await frame.locator('body').waitFor({ timeout: 20_000 });
  return frame;
}

test('a fetched page makes the browser itself ask for nothing', async () => {
  const { asked, port } = await serve('127.0.0.1', (_, response) => response.end());
  const past = `http://127.0.0.1:${port}`;
  const frame = await show(
    `<style>@import url(${past}/import.css); body { background: url(${past}/background.png) }</style>
     <p style="background: url(${past}/attribute.png)">Words</p>
     <img id="pretended" data-inlined="${past}/pretended.png">
     <svg width="10" height="10"><image width="10" height="10"><set attributeName="href" to="${past}/animated.png"/></image></svg>
     <style>p { color: rgb(1, 2, 3) }</style>
     <img id="own" src="/own.svg">`,
    { '/own.svg': (response) => response.setHeader('content-type', 'image/svg+xml').end(picture) },
  );
  await frame.locator('#own').waitFor();
  await tab.page.waitForTimeout(1500);
  assert.deepEqual(asked, []);
  // Its own style and its own picture are there.
  assert.equal(await frame.locator('p').evaluate((element) => getComputedStyle(element).color), 'rgb(1, 2, 3)');
  assert.deepEqual(
    await frame.locator('#own').evaluate(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]),
    [12, 34],
  );
});

test('a page is shown without the pictures that are too long or do not end, and those are not read on', async () => {
  const ended = {};
  const piece = Buffer.alloc(1 << 20);
  /** Sends a piece at once and another every `pause` ms; notes when the other side has gone. */
  const endless = (name, pause) => (response) => {
    const timer = setInterval(() => response.writableNeedDrain || response.write(pause < 100 ? piece : '.'), pause);
    ended[name] = once(response.setHeader('content-type', 'image/png'), 'close').then(() => clearInterval(timer));
  };
  const frame = await show('<h1>Camera</h1><img src="/slow"><img src="/fast"><img id="own" src="/own.svg">', {
    '/slow': endless('slow', 500),
    '/fast': endless('fast', 5),
    '/own.svg': (response) => response.setHeader('content-type', 'image/svg+xml').end(picture),
  });
  assert.equal(await frame.locator('h1').textContent(), 'Camera');
  assert.equal(await frame.locator('#own').evaluate(({ naturalWidth }) => naturalWidth), 12);
  assert.equal(await frame.locator('img[src]').count(), 1);
  await soon('both pictures are given up', Promise.all([ended.slow, ended.fast]), 5000);
});

test('leaving a page that is not shown yet ends what it fetches', async () => {
  let left;
  const { port } = await serve('0.0.0.0', (path, response) => {
    if (path === '/') response.setHeader('content-type', 'text/html').end('<img src="/mute.png">');
    else left = once(response.writeHead(200).write('.') && response, 'close');
  });
  tab = await browser.open();
  await tab.page.locator('#fetch-progress[data-state="done"]').waitFor();
  await tab.page.locator('#fetch-url').fill(`http://${host}:${port}/`);
  await tab.page.locator('#fetch-submit').click();
  await until('the picture is asked for', () => left !== undefined);
  const first = left;
  await tab.page.locator('#fetch-submit').click();
  await soon('the picture is given up', first, 5000);
});
