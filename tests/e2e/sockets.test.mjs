/** Sockets: by name, listening, and from tab to tab. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { curl, Echo } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';
import { comesBackWhole } from './stage/ways.mjs';

let relay;
let echo;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await echo?.stop();
  await relay?.stop();
});

test('a TCP socket to ("www.example.com", 80): connect by name, send a GET, receive, close', async () => {
  const data = await tab.page.evaluate(async () => {
    const socket = net.connect({ hostname: 'www.example.com', port: 80 });
    await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write('GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
    const reader = socket.readable.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(1024));
    reader.releaseLock();
    writer.releaseLock();
    await socket.close();
    return new TextDecoder().decode(value);
  });
  assert.match(data, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(data.length <= 1024);
});

test('a name has its addresses', async () => {
  assert.deepEqual(await tab.page.evaluate(() => net.resolve('www.example.com')), [host]);
});

test('a name that nobody has is said to be unknown', async () => {
  const code = await tab.page.evaluate(() => net.resolve('nobody.ethertab').catch((error) => error.code));
  assert.equal(code, 'ENOTFOUND');
});

test('a connection that is refused says so', async () => {
  const code = await tab.page.evaluate(
    (hostname) => net.connect({ hostname, port: 9 }).opened.catch((error) => error.code),
    host,
  );
  assert.equal(code, 'ECONNREFUSED');
});

test('a tab serves HTTP to curl on the host', async () => {
  const address = await tab.page.evaluate(async () => {
    const listener = net.listen({ port: 8080 });
    await listener.opened;
    (async () => {
      for await (const socket of listener) {
        const reader = socket.readable.getReader();
        await reader.read();
        const writer = socket.writable.getWriter();
        await writer.write('HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\nserved by a tab');
        await writer.close();
      }
    })();
    return net.status.information.address;
  });
  const answers = await Promise.all(Array.from({ length: 8 }, () => curl(`http://${address}:8080/`)));
  assert.deepEqual(new Set(answers), new Set(['served by a tab']));
});

test('two tabs talk to each other', async () => {
  const other = await browser.open();
  try {
    const address = await other.page.evaluate(async () => {
      const listener = net.listen({ port: 4000 });
      await listener.opened;
      (async () => {
        for await (const socket of listener) socket.readable.pipeTo(socket.writable);
      })();
      return net.status.information.address;
    });
    const said = await soon(
      'the other tab answers',
      tab.page.evaluate(async (hostname) => {
        const socket = net.connect({ hostname, port: 4000 });
        const writer = socket.writable.getWriter();
        await writer.write('hello, neighbour');
        await writer.close();
        return new Response(socket.readable).text();
      }, address),
    );
    assert.equal(said, 'hello, neighbour');
    assert.notEqual(address, await tab.page.evaluate(() => net.status.information.address));
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.page.close();
  }
});

test('a megabyte goes to an echo server and comes back whole, with half-close', async () => {
  const socket = await tab.page.evaluateHandle(([hostname, port]) => net.connect({ hostname, port }), [echo.host, echo.port]);
  const same = await comesBackWhole(socket);
  assert.ok(same);
});

test('a socket that is closed while its writable is closing delivers what was written', async () => {
  const [received, end] = await tab.page.evaluate(async () => {
    const peer = await ethertab.Network.open(net.url);
    const listener = peer.listen({ port: 4001 });
    await listener.opened;
    const socket = net.connect({ hostname: peer.status.information.address, port: 4001 });
    const writer = socket.writable.getWriter();
    for (let piece = 0; piece < 50; piece += 1) void writer.write(new Uint8Array(100_000));
    writer.releaseLock();
    const closing = Promise.allSettled([socket.writable.close(), socket.close()]);
    const [accepted] = await Promise.all([listener.readable.getReader().read(), socket.opened]);
    const bytes = await new Response(accepted.value.readable).arrayBuffer();
    const end = (await closing).map(({ status }) => status);
    await peer.close();
    return [bytes.byteLength, end];
  });
  assert.deepEqual([received, ...end], [5_000_000, 'fulfilled', 'fulfilled']);
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
