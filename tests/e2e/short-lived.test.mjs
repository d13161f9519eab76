/** Ten thousand sockets are opened and closed, and WebAssembly's memory and JavaScript's heaps are as before. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium } from './stage/chromium.mjs';
import { page, Relay } from './stage/relay.mjs';
import { Echo } from './stage/servers.mjs';

const many = 10_000;
/** Connections that TIME-WAIT remembers at most (`TcpConfig::time_waits`), and what they may take in memory that grows by doubling. */
const remembered = 8_192;
const rememberedBytes = remembered * 256;
/** WebAssembly's memory grows by pages; one may be for something else. */
const wasmPage = 64 * 1024;
/** What may stay of each socket: less than any object that it is made of. */
const bytesEach = 20;

let relay;
let echo;
let browser;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  browser = await Chromium.start(page);
  // The page's own network keeps packets to show; this one has nobody who looks.
  await browser.run(`(async () => {
    globalThis.bare = await ethertab.Network.open(net.url);
    await net.close();
  })()`);
});
after(async () => {
  await browser?.stop();
  await echo?.stop();
  await relay?.stop();
});

/** So many exchanges with the echo server, twenty at a time, from the tab's side closed; what is taken afterwards. */
async function exchange(count) {
  const wasm = await browser.run(`(async () => {
    const one = async () => {
      const socket = bare.connect({ hostname: '${echo.host}', port: ${echo.port} });
      const writer = socket.writable.getWriter();
      await writer.write('x');
      writer.releaseLock();
      await socket.readable.getReader().read();
      await socket.close();
    };
    for (let done = 0; done < ${count}; done += 20) await Promise.all(Array.from({ length: 20 }, one));
    return (await bare.counters()).memoryBytes;
  })()`);
  return { wasm, ...(await browser.heaps()) };
}

test(`${many} sockets leave nothing behind but what TIME-WAIT remembers, and that has a limit`, {
  timeout: 600_000,
}, async () => {
  const start = await exchange(200);
  const full = await exchange(many);
  assert.ok(full.wasm - start.wasm <= rememberedBytes, `TIME-WAIT took ${full.wasm - start.wasm} bytes`);
  const end = await exchange(many);
  assert.ok(end.wasm - full.wasm <= wasmPage, `WebAssembly's memory grew from ${full.wasm} to ${end.wasm}`);
  for (const heap of ['page', 'workers']) {
    const each = (end[heap] - full[heap]) / many;
    assert.ok(each <= bytesEach, `${each} bytes of each socket are still there (${heap})`);
  }
});
