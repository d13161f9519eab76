/** WICG Direct Sockets: programs that know nothing of ethertab, once `net.install()` has been called. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { curl, Echo, UdpEcho } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';
import { comesBackWhole } from './stage/ways.mjs';

let relay;
let echo;
let udpEcho;
let browser;
let tab;
let page;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  udpEcho = await UdpEcho.start();
  browser = await Browser.start();
  tab = await browser.open();
  page = tab.page;
  await page.evaluate(() => void net.install(globalThis));
});
after(async () => {
  await browser?.stop();
  await udpEcho?.stop();
  await echo?.stop();
  await relay?.stop();
});

test('the classes are globals', async () => {
  const found = await page.evaluate(() => [
    TCPSocket === net.TCPSocket,
    UDPSocket === net.UDPSocket,
    TCPServerSocket === net.TCPServerSocket,
    Object.keys(globalThis).includes('TCPSocket'),
  ]);
  assert.deepEqual(found, [true, true, true, false]);
});

test('a TCPSocket connects by name, and tells both ends', async () => {
  const [answer, info, address] = await page.evaluate(async () => {
    const socket = new TCPSocket('www.example.com', 80, { noDelay: true, keepAliveDelay: 60_000, dnsQueryType: 'ipv4' });
    const { readable, writable, ...info } = await socket.opened;
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n'));
    // Some servers take an early FIN for somebody who has left.
    const answer = await new Response(readable).text();
    await writer.close();
    await socket.closed;
    return [answer, info, net.status.information.address];
  });
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  const { localPort, ...ends } = info;
  assert.deepEqual(ends, { remoteAddress: host, remotePort: 80, localAddress: address });
  assert.ok(localPort > 0);
});

test('a megabyte goes to an echo server and comes back whole, with half-close, through the smallest buffers', async () => {
  const socket = await page.evaluateHandle(
    async ([hostname, port]) => {
      const socket = new TCPSocket(hostname, port, { sendBufferSize: 1, receiveBufferSize: 1 });
      const { readable, writable } = await socket.opened;
      return { readable, writable, closed: socket.closed };
    },
    [echo.host, echo.port],
  );
  const same = await comesBackWhole(socket);
  assert.ok(same);
});

test('a BYOB reader fills the buffer that it is given', async () => {
  const [read, end] = await page.evaluate(
    async ([hostname, port]) => {
      const { readable, writable } = await new TCPSocket(hostname, port).opened;
      const writer = writable.getWriter();
      await writer.write(new Uint8Array([1, 2, 3, 4, 5]));
      const reader = readable.getReader({ mode: 'byob' });
      const read = [];
      let buffer = new ArrayBuffer(16);
      while (read.length < 5) {
        const { value } = await reader.read(new Uint8Array(buffer, 4, 2));
        read.push(...value);
        buffer = value.buffer;
      }
      await writer.close();
      const { value, done } = await reader.read(new Uint8Array(buffer));
      return [read, [done, value.byteLength, value.buffer.byteLength]];
    },
    [echo.host, echo.port],
  );
  assert.deepEqual(read, [1, 2, 3, 4, 5]);
  assert.deepEqual(end, [true, 0, 16]);
});

test('a connection that is refused is a NetworkError, which says why', async () => {
  const seen = await page.evaluate(async (hostname) => {
    const socket = new TCPSocket(hostname, 9);
    const errors = await Promise.all([socket.opened, socket.closed].map((promise) => promise.catch((error) => error)));
    const closing = await socket.close().catch((error) => error);
    return [...errors.map((error) => [error instanceof DOMException, error.name, error.cause.code]), closing.name];
  }, host);
  const refused = [true, 'NetworkError', 'ECONNREFUSED'];
  assert.deepEqual(seen, [refused, refused, 'InvalidStateError']);
});

test('a reset errors both streams and closed with NetworkError', async () => {
  const server = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()).on('error', () => undefined));
  server.listen(7008, '0.0.0.0');
  await once(server, 'listening');
  try {
    const seen = await page.evaluate(async (hostname) => {
      const socket = new TCPSocket(hostname, 7008);
      const { readable, writable } = await socket.opened;
      const reader = readable.getReader();
      const writer = writable.getWriter();
      await writer.write(new Uint8Array(1));
      const ends = [reader.read(), writer.closed, socket.closed];
      return Promise.all(ends.map((end) => end.catch((error) => `${error.name} ${error.cause.code}`)));
    }, host);
    assert.deepEqual(seen, Array(3).fill('NetworkError ECONNRESET'));
  } finally {
    server.close();
  }
});

test('close() waits for nobody: not before it is open, not while a stream is locked', async () => {
  const seen = await page.evaluate(
    async ([hostname, port]) => {
      const refused = (closing) => closing.then(() => 'closed').catch((error) => error.name);
      const socket = new TCPSocket(hostname, port);
      const seen = [await refused(socket.close())];
      const { readable, writable } = await socket.opened;
      const reader = readable.getReader();
      seen.push(await refused(socket.close()));
      reader.releaseLock();
      const writer = writable.getWriter();
      seen.push(await refused(socket.close()));
      writer.releaseLock();
      seen.push(await refused(socket.close()), await refused(socket.close()));
      return seen;
    },
    [echo.host, echo.port],
  );
  assert.deepEqual(seen, ['InvalidStateError', 'InvalidStateError', 'InvalidStateError', 'closed', 'closed']);
});

test('what was written before close() arrives', async () => {
  const heard = [];
  const server = createServer((socket) => heard.push(new Response(socket).text()));
  server.listen(7009, '0.0.0.0');
  await once(server, 'listening');
  try {
    const connected = once(server, 'connection');
    await page.evaluate(async (hostname) => {
      const socket = new TCPSocket(hostname, 7009);
      const { writable } = await socket.opened;
      const writer = writable.getWriter();
      writer.write(new TextEncoder().encode('a long '));
      writer.write(new TextEncoder().encode('message'));
      await writer.close();
      writer.releaseLock();
      await socket.close();
    }, host);
    await connected;
    assert.equal(await soon('the message arrives', heard[0]), 'a long message');
  } finally {
    server.close();
  }
});

/** In a page: answers HTTP on a port. */
const serve = async (localPort) => {
  const server = new TCPServerSocket('0.0.0.0', { localPort, backlog: 16 });
  const { readable, ...info } = await server.opened;
  const text = (string) => new TextEncoder().encode(string);
  (async () => {
    for await (const socket of readable) {
      const { readable, writable } = await socket.opened;
      await readable.getReader().read();
      const writer = writable.getWriter();
      await writer.write(text('HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\nserved by a tab'));
      await writer.close();
    }
  })();
  return { ...info, address: net.status.information.address };
};

test('a TCPServerSocket serves HTTP to curl on the host', async () => {
  const { localPort, address } = await page.evaluate(serve, 8081);
  assert.equal(localPort, 8081);
  const answers = await Promise.all(Array.from({ length: 8 }, () => curl(`http://${address}:8081/`)));
  assert.deepEqual(new Set(answers), new Set(['served by a tab']));
});

test('two tabs talk to each other, and the server stops when it is closed', async () => {
  const other = await browser.open();
  try {
    const address = await other.page.evaluate(async () => {
      const server = new net.TCPServerSocket('::', { localPort: 4001 });
      const { readable } = await server.opened;
      const reader = readable.getReader();
      globalThis.stop = async () => {
        reader.releaseLock();
        await server.close();
      };
      globalThis.serving = reader.read().then(async ({ value }) => {
        const { readable, writable } = await value.opened;
        await readable.pipeTo(writable);
        return value instanceof net.TCPSocket;
      });
      return net.status.information.address;
    });
    const speak = async (hostname) => {
      const { readable, writable } = await new TCPSocket(hostname, 4001).opened;
      const writer = writable.getWriter();
      await writer.write(new TextEncoder().encode('hello, neighbour'));
      await writer.close();
      return new Response(readable).text();
    };
    assert.equal(await soon('the other tab answers', page.evaluate(speak, address)), 'hello, neighbour');
    assert.ok(await other.page.evaluate(() => globalThis.serving));
    await other.page.evaluate(() => globalThis.stop());
    const refused = (hostname) => new TCPSocket(hostname, 4001).opened.catch((error) => error.name);
    assert.equal(await soon('nobody listens any more', page.evaluate(refused, address)), 'NetworkError');
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.page.close();
  }
});

test('a port that is taken is a NetworkError', async () => {
  const code = await page.evaluate(async () => {
    const first = new TCPServerSocket('0.0.0.0');
    const { localPort } = await first.opened;
    const second = new TCPServerSocket('0.0.0.0', { localPort });
    const error = await second.opened.catch((error) => error);
    await first.close();
    return `${error.name} ${error.cause.code}`;
  });
  assert.equal(code, 'NetworkError EADDRINUSE');
});

test('an address that is not ours is a NetworkError', async () => {
  const seen = await page.evaluate(async () => {
    const names = [];
    for (const localAddress of ['192.0.2.1', '::1', '::ffff:10.0.0.1']) {
      for (const socket of [new TCPServerSocket(localAddress), new UDPSocket({ localAddress })]) {
        names.push(
          await socket.opened.then(
            () => `opened ${localAddress}`,
            (error) => error.name,
          ),
        );
      }
    }
    return names;
  });
  assert.deepEqual(new Set(seen), new Set(['NetworkError']));
});

test('a connected UDPSocket hears its peer', async () => {
  const [message, info] = await page.evaluate(
    async ([remoteAddress, remotePort]) => {
      const socket = new UDPSocket({ remoteAddress, remotePort });
      const { readable, writable, ...info } = await socket.opened;
      const writer = writable.getWriter();
      await writer.write({ data: new Uint8Array([1, 2, 3]) });
      const reader = readable.getReader();
      const { value } = await reader.read();
      reader.releaseLock();
      writer.releaseLock();
      await socket.close();
      return [{ ...value, data: [...value.data] }, Object.keys(info).sort()];
    },
    ['www.example.com', udpEcho.port],
  );
  assert.deepEqual(message, { data: [1, 2, 3] });
  assert.deepEqual(info, ['localAddress', 'localPort', 'remoteAddress', 'remotePort']);
});

test('a bound UDPSocket talks to whom it likes', async () => {
  const [message, info] = await page.evaluate(
    async ([remoteAddress, remotePort]) => {
      const socket = new UDPSocket({ localAddress: '0.0.0.0', localPort: 5005 });
      const { readable, writable, ...info } = await socket.opened;
      const writer = writable.getWriter();
      await writer.write({ data: new Uint8Array([4, 5]), remoteAddress, remotePort });
      const { value } = await readable.getReader().read();
      return [{ ...value, data: [...value.data] }, info];
    },
    [udpEcho.host, udpEcho.port],
  );
  assert.deepEqual(message, { data: [4, 5], remoteAddress: host, remotePort: udpEcho.port });
  assert.equal(info.localPort, 5005);
  assert.equal('remoteAddress' in info, false);
});

test('a datagram that is too large is a NetworkError', async () => {
  const seen = await page.evaluate(
    async ([remoteAddress, remotePort]) => {
      const { writable } = await new UDPSocket({ remoteAddress, remotePort }).opened;
      const writing = writable.getWriter().write({ data: new Uint8Array(70_000) });
      return writing.catch((error) => `${error.name} ${error.cause.code}`);
    },
    [udpEcho.host, udpEcho.port],
  );
  assert.equal(seen, 'NetworkError EMSGSIZE');
});

test('a peer that is not there errors a connected UDPSocket', async () => {
  const seen = await page.evaluate(async (remoteAddress) => {
    const socket = new UDPSocket({ remoteAddress, remotePort: 9 });
    const { readable, writable } = await socket.opened;
    await writable.getWriter().write({ data: new Uint8Array(1) });
    const ends = [readable.getReader().read(), socket.closed];
    return Promise.all(ends.map((end) => end.catch((error) => `${error.name} ${error.cause.code}`)));
  }, host);
  assert.deepEqual(seen, Array(2).fill('NetworkError ECONNREFUSED'));
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
