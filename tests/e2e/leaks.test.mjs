/** Sockets that are closed are forgotten: each kind, opened and closed by the hundred, leaves the page's heap as it was. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { Echo, UdpEcho } from './stage/servers.mjs';

const warm = 300;
const many = 1_000;
/** What may stay of each: less than any object that a socket is made of. */
const bytesEach = 200;

let relay;
let echo;
let udpEcho;
let browser;
let page;
let debug;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  udpEcho = await UdpEcho.start();
  browser = await Browser.start();
  ({ page } = await browser.open());
  debug = await page.context().newCDPSession(page);
  // The page's own network keeps packets to show; this one has nobody who looks.
  await page.evaluate(async () => {
    globalThis.bare = await ethertab.Network.open(net.url);
  });
});
after(async () => {
  await browser?.stop();
  await udpEcho?.stop();
  await echo?.stop();
  await relay?.stop();
});

/** In the page: `count` exchanges with an echo server, ten at a time. */
const exchange = async ([kind, hostname, port, count]) => {
  const one = {
    async own() {
      const socket = bare.connect({ hostname, port });
      const writer = socket.writable.getWriter();
      await writer.write('x');
      writer.releaseLock();
      await socket.readable.getReader().read();
      await socket.close();
    },
    async direct() {
      const socket = new bare.TCPSocket(hostname, port);
      const { readable, writable } = await socket.opened;
      const writer = writable.getWriter();
      await writer.write(new Uint8Array(1));
      writer.releaseLock();
      const reader = readable.getReader();
      await reader.read();
      reader.releaseLock();
      await socket.close();
    },
    async winter() {
      const socket = bare.sockets.connect({ hostname, port });
      await socket.writable.getWriter().write('x');
      await socket.readable.getReader().read();
      await socket.close();
    },
    async datagrams() {
      const socket = new bare.UDPSocket({ remoteAddress: hostname, remotePort: port });
      const { readable, writable } = await socket.opened;
      const writer = writable.getWriter();
      await writer.write({ data: new Uint8Array(1) });
      await writer.close();
      const reader = readable.getReader();
      await reader.read();
      await reader.cancel();
      await socket.closed;
    },
  }[kind];
  for (let done = 0; done < count; done += 10) await Promise.all(Array.from({ length: 10 }, one));
};

async function heap() {
  for (let round = 0; round < 3; round += 1) await debug.send('HeapProfiler.collectGarbage');
  return (await debug.send('Runtime.getHeapUsage')).usedSize;
}

for (const kind of ['own', 'direct', 'winter', 'datagrams']) {
  test(`${many} sockets of the kind "${kind}" leave nothing behind`, { timeout: 120_000 }, async () => {
    const { host, port } = kind === 'datagrams' ? udpEcho : echo;
    await page.evaluate(exchange, [kind, host, port, warm]);
    const before = await heap();
    await page.evaluate(exchange, [kind, host, port, many]);
    const each = Math.round(((await heap()) - before) / many);
    assert.ok(each <= bytesEach, `${each} bytes of each socket are still there`);
  });
}
