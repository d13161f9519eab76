/** Gigabytes go through, and WebAssembly's memory does not grow with them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium } from './stage/chromium.mjs';
import { page, Relay } from './stage/relay.mjs';
import { Nginx } from './stage/servers.mjs';

/** What a leak would exceed with every gigabyte: less than three bytes for each of its frames. */
const leak = 2 * 1024 * 1024;
/** A queue may come to hold more at a worse moment than any before, so memory may still take a step; it does not in every gigabyte. */
const gigabytes = 4;
/** All that the queues of one download may hold at once, and as much again for what lies between their parts. */
const most = 48 * 1024 * 1024;

let relay;
let nginx;
let browser;

before(async () => {
  relay = await Relay.start();
  nginx = await Nginx.start();
  browser = await Chromium.start(page);
});
after(async () => {
  await browser?.stop();
  await nginx?.stop();
  await relay?.stop();
});

test('wasm memory is flat over a gigabyte', { timeout: 300_000 }, async () => {
  await browser.run('net.opened.then(() => 0)');
  const drain = async (name) =>
    browser.run(`(async () => {
      const response = await net.fetch('${nginx.url}/${name}');
      let length = 0;
      for await (const piece of response.body) length += piece.length;
      return { length, memory: (await net.counters()).memoryBytes };
    })()`);
  // A page that does not read has every buffer on the way filled to its limit: until nothing comes any more.
  await browser.run(`(async () => {
    const response = await net.fetch('${nginx.url}/large');
    for (let before = -1, now = 0; before !== now; ) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      before = now;
      now = (await net.counters()).bytesReceived;
    }
    for await (const piece of response.body);
    return 0;
  })()`);
  // They also grow to what this stream needs, which takes a few hundred megabytes to be found out.
  for (let round = 0; round < 3; round += 1) assert.equal((await drain('large')).length, Nginx.largeLength);
  const sizes = [(await drain('large')).memory];
  do {
    const done = await drain('huge');
    assert.equal(done.length, Nginx.hugeLength);
    sizes.push(done.memory);
  } while (sizes.at(-1) - sizes.at(-2) > leak && sizes.length <= gigabytes);
  assert.ok(sizes.at(-1) - sizes.at(-2) <= leak, `memory grew with every gigabyte: ${sizes.join(', ')}`);
  assert.ok(sizes.at(-1) <= most, `memory took ${sizes.at(-1)} bytes`);
});
