/** What a visitor sees: each panel does what it says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { accessible } from './stage/accessible.mjs';
import { Browser, reached } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { curl, Echo } from './stage/servers.mjs';

let relay;
let echo;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await echo?.stop();
  await relay?.stop();
});
afterEach(async () => {
  const complaints = tab?.complaints ?? [];
  await tab?.page.close();
  tab = undefined;
  assert.deepEqual(complaints, [], 'the page complained in the console');
});

const figure = (page, name) => page.locator(`[data-figure="${name}"] dd`);
const waitForText = (locator, text) => locator.filter({ hasText: text }).first().waitFor({ timeout: 15_000 });

test('opening the page gets an address and fetches the demonstration site, with no click', async () => {
  tab = await browser.open();
  const { page } = tab;
  for (const step of ['relay', 'lease', 'gateway', 'names']) await reached(page, step, 'ok');
  await waitForText(page.locator('#state-text'), /^Online as 10\.77\./);
  await waitForText(figure(page, 'status'), '200 OK');
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  const text = await page.frameLocator('#fetch-view iframe').locator('body').textContent();
  assert.ok(text.trim().length > 0, 'the fetched page is shown');
  assert.ok(await page.locator('#trouble').isHidden());
});

test('the four floors count, and the list shows what passed', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  for (const floor of ['link', 'internet', 'transport', 'application']) {
    for (const direction of ['in', 'out']) {
      await waitForText(page.locator(`[data-floor="${floor}"] .${direction} b`), /[1-9]/);
    }
  }
  await page.locator('#packets-filter').fill('dhcp');
  // The list is drawn with the next frame, its note last.
  await waitForText(page.locator('#packets-note'), 'match');
  await waitForText(page.locator('.packet .protocol'), 'DHCP');
  assert.equal(await page.locator('.packet:visible .protocol:not(:text("DHCP"))').count(), 0);
});

test('the list follows what passes, until it is paused', async () => {
  tab = await browser.open();
  const { page } = tab;
  const atEnd = () => {
    const list = document.querySelector('#packets-list');
    return list.scrollHeight > 1.5 * list.clientHeight && list.scrollTop + list.clientHeight > list.scrollHeight - 24;
  };
  const more = (path) => page.evaluate((url) => net.fetch(url).then((response) => response.text().then(() => 0)), path);
  for (let number = 0; number < 8; number += 1) await more('http://demo.ethertab/bytes/20000');
  await page.waitForFunction(atEnd);
  await page.locator('#packets-pause').click();
  await waitForText(page.locator('#packets-note'), 'paused');
  const shown = await page.locator('#packets-note').textContent();
  await more('http://demo.ethertab/bytes/20000');
  assert.equal(await page.locator('#packets-note').textContent(), shown);
  await page.locator('#packets-pause').click();
  await page.waitForFunction((before) => document.querySelector('#packets-note').textContent !== before, shown);
  await page.waitForFunction(atEnd);
});

test('a chosen packet is taken apart, and its bytes are shown', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.locator('#packets-filter').fill('dhcp');
  await page.locator('.packet').first().click();
  await waitForText(page.locator('#packets-details summary'), 'IPv4');
  await waitForText(page.locator('#packets-details summary'), 'DHCP');
  await waitForText(page.locator('.dump .offset'), '0000');
  await page.locator('#packets-list').press('ArrowDown');
  assert.equal(await page.locator('.packet[aria-selected="true"]').count(), 1);
  await page.locator('#packets-details summary').first().press('Escape');
  assert.ok(await page.locator('#packets-details').isHidden());
});

/** Says whom the socket console is to connect to. */
async function dial(page, hostname, port) {
  await page.locator('#console-connect [name=hostname]').fill(hostname);
  await page.locator('#console-connect [name=port]').fill(String(port));
}

test('the socket console speaks with a server, line by line, and half-closes', async () => {
  tab = await browser.open();
  const { page } = tab;
  await dial(page, echo.host, echo.port);
  await page.locator('#console-connect [name=port]').press('Enter');
  await page.locator('#console-write:enabled').waitFor();
  await page.locator('#console-send [name=line]').fill('is anybody there?');
  await page.locator('#console-send [name=line]').press('Enter');
  await waitForText(page.locator('#console-log [data-kind="in"] .said'), 'is anybody there?');
  await page.locator('#console-finish').click();
  await waitForText(page.locator('#console-log [data-kind="remark"] .said'), 'closed in order');
  await page.locator('#console-open').waitFor();
});

test('the socket console keeps up with a server that sends many short lines', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).end(`${'y\n'.repeat(200_000)}the end\n`));
  server.listen(8300, '0.0.0.0');
  await once(server, 'listening');
  try {
    tab = await browser.open();
    const { page } = tab;
    await dial(page, host, 8300);
    await page.locator('#console-open').click();
    await waitForText(page.locator('#console-log [data-kind="in"] .said'), 'the end');
    assert.ok((await page.locator('#console-log p').count()) <= 400);
  } finally {
    server.close();
  }
});

test('the socket console says why it cannot connect', async () => {
  tab = await browser.open();
  const { page } = tab;
  await dial(page, host, 9);
  await page.locator('#console-open').click();
  await waitForText(page.locator('#console-note'), 'ECONNREFUSED');
});

test('ping measures the way to the host', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.locator('#ping-form [name=host]').fill(host);
  await page.locator('#ping-submit').click();
  await waitForText(page.locator('#ping-figures [data-figure="received"] dd'), /^[2-9]$/);
  assert.equal(await page.locator('#ping-figures [data-figure="loss"] dd').textContent(), '0 %');
  await page.locator('#ping-submit').click();
});

test('a ping to an unknown name says so, and counts nothing as sent', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.locator('#ping-form [name=host]').fill('nobody.ethertab');
  await page.locator('#ping-submit').click();
  await waitForText(page.locator('#ping-note'), 'ENOTFOUND');
  await page.waitForTimeout(1500);
  for (const name of ['sent', 'received', 'loss']) {
    assert.equal(await page.locator(`#ping-figures [data-figure="${name}"] dd`).textContent(), '–');
  }
});

test('the tab serves HTTP to the host', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.locator('#serve-submit').click();
  const command = await page.locator('#serve-command code').textContent();
  const answer = await curl(command.replace('curl ', ''));
  assert.match(answer, /^Hello from a browser tab\./);
  await waitForText(page.locator('#serve-log .said'), /:[0-9]+ GET \/$/);
});

test('where the browser keeps nothing for the page, every panel is there', async () => {
  tab = await browser.open();
  const { page } = tab;
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, 'localStorage', {
      get: () => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
  });
  await page.reload();
  await waitForText(figure(page, 'status'), '200 OK');
  await page.locator('#ping-submit').click();
  await waitForText(page.locator('#ping-submit'), 'Stop');
});

for (const colorScheme of ['light', 'dark']) {
  test(`the page is accessible (WCAG 2.2 AA), ${colorScheme}`, async () => {
    tab = await browser.open({ colorScheme });
    const { page } = tab;
    await page.locator('#fetch-progress[data-state="done"]').waitFor();
    await page.locator('.packet').first().click();
    await accessible(page);
  });
}

test('on a phone nothing sticks out', async () => {
  tab = await browser.open({ viewport: { width: 360, height: 740 } });
  const { page } = tab;
  await page.locator('#fetch-progress[data-state="done"]').waitFor();
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(excess, 0);
});
