/** HTTP/2 over TLS over our own TCP: nginx and Node's server answer on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { SecureNginx, Sums } from './stage/secure.mjs';
import { Nginx } from './stage/servers.mjs';
import { abortsUnderWay } from './stage/ways.mjs';

let relay;
let nginx;
let sums;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  nginx = await SecureNginx.start();
  sums = await Sums.start(nginx.certificate, { http2: true });
  browser = await Browser.start();
  tab = await browser.open();
  await tab.page.evaluate(async (ca) => {
    globalThis.safe = await net.constructor.open(net.url, { tls: { ca } });
  }, nginx.ca);
});
after(async () => {
  await browser?.stop();
  await sums?.stop();
  await nginx?.stop();
  await relay?.stop();
});

/** The texts of some fetches, one after the other or at once. */
function texts(url, count, atOnce) {
  return tab.page.evaluate(
    async ([url, count, atOnce]) => {
      const one = async () => (await safe.fetch(url)).text();
      if (atOnce) return Promise.all(Array.from({ length: count }, one));
      const texts = [];
      for (let n = 0; n < count; n += 1) texts.push(await one());
      return texts;
    },
    [url, count, atOnce],
  );
}

test('it is spoken where the server knows it, and HTTP/1.1 where not', async () => {
  assert.deepEqual(await texts(`${nginx.url('http2')}/version`, 1), ['HTTP/2.0']);
  assert.deepEqual(await texts(`${nginx.url('usual')}/version`, 1), ['HTTP/1.1']);
  assert.deepEqual(await texts(`${nginx.url('http2')}/text.txt`, 1), [Nginx.text]);
});

test('requests at once share a connection, also those that come before it is open', async () => {
  const numbers = await tab.page.evaluate(
    async ([url, ca]) => {
      const network = await net.constructor.open(net.url, { tls: { ca } });
      const answers = Array.from({ length: 40 }, async () => (await network.fetch(url)).text());
      const numbers = await Promise.all(answers);
      await network.close();
      return numbers;
    },
    [`${nginx.url('http2')}/connection`, nginx.ca],
  );
  assert.equal(numbers.length, 40);
  assert.equal(new Set(numbers).size, 1);
});

test('three downloads of 10 MB at once have the right SHA-256', async () => {
  const hashes = await tab.page.evaluate(
    (url) =>
      Promise.all(
        [1, 2, 3].map(async () => {
          const bytes = await (await safe.fetch(url)).arrayBuffer();
          const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
          return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
        }),
      ),
    `${nginx.url('http2')}/large`,
  );
  assert.deepEqual(hashes, [nginx.largeHash, nginx.largeHash, nginx.largeHash]);
});

test('5 MB go up, as a whole and as a stream', async () => {
  const length = 5_000_000;
  const said = await tab.page.evaluate(
    async ([url, length]) => {
      const bytes = new Uint8Array(length).map((_, at) => at * 7);
      const stream = () =>
        new ReadableStream({
          start: (controller) => {
            for (let at = 0; at < length; at += 70_000) controller.enqueue(bytes.slice(at, at + 70_000));
            controller.close();
          },
        });
      const answers = [];
      for (const body of [bytes, stream()]) {
        const response = await safe.fetch(url, { method: 'POST', body, duplex: 'half' });
        answers.push([response.headers.get('x-version'), await response.text()]);
      }
      return answers;
    },
    [sums.url, length],
  );
  const bytes = new Uint8Array(length).map((_, at) => at * 7);
  const hash = createHash('sha256').update(bytes).digest('hex');
  assert.deepEqual(said, [
    ['2.0', hash],
    ['2.0', hash],
  ]);
});

test('a server that wants HTTP/1.1 for a request gets it', async () => {
  const version = await tab.page.evaluate(async (url) => (await safe.fetch(url)).headers.get('x-version'), `${sums.url}old`);
  assert.equal(version, '1.1');
});

test('a server that leaves after a few requests costs none of many', async () => {
  const url = `${nginx.url('leaving')}/text.txt`;
  for (const atOnce of [false, true]) {
    assert.deepEqual(await texts(url, 20, atOnce), Array(20).fill(Nginx.text));
  }
});

test('a fetch that is aborted ends at once, and its connection goes on', async () => {
  const url = nginx.url('http2');
  const [before] = await texts(`${url}/connection`, 1);
  const network = await tab.page.evaluateHandle(() => safe);
  assert.deepEqual(await abortsUnderWay(network, url), { error: 'AbortError', next: 200 });
  assert.deepEqual(await texts(`${url}/connection`, 1), [before]);
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
