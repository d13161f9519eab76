/** WinterTC's Sockets API: `net.sockets.connect()`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { SecureNginx, host as secureHost } from './stage/secure.mjs';
import { Echo, Listening, Mute, withServer } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';
import { database } from './stage/upgrading.mjs';
import { comesBackWhole, endsDuringHandshake } from './stage/ways.mjs';

const databasePort = 7432;

let relay;
let echo;
let nginx;
let postgres;
let browser;
let tab;
let page;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  nginx = await SecureNginx.start();
  postgres = await Listening.start(databasePort, database(nginx.certificate));
  browser = await Browser.start();
  tab = await browser.open();
  page = tab.page;
  // A network that trusts the test's CA, beside the page's own, which does not.
  await page.evaluate(async (ca) => {
    globalThis.safe = await net.constructor.open(net.url, { tls: { ca } });
  }, nginx.ca);
});
after(async () => {
  await browser?.stop();
  await postgres?.stop();
  await nginx?.stop();
  await echo?.stop();
  await relay?.stop();
});

test('a socket connects by name, and closes itself when the peer has finished', async () => {
  const [answer, info, address] = await page.evaluate(async () => {
    const socket = net.sockets.connect('www.example.com:80');
    const writer = socket.writable.getWriter();
    writer.write('GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
    const info = await socket.opened;
    const answer = await new Response(socket.readable).text();
    await socket.closed;
    return [answer, info, net.status.information.address];
  });
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(info.remoteAddress, `${host}:80`);
  assert.match(info.localAddress, new RegExp(`^${address}:\\d+$`));
  assert.equal(info.alpn, null);
});

test('a megabyte goes to an echo server and comes back whole', async () => {
  const socket = await page.evaluateHandle(
    ([hostname, port]) => net.sockets.connect({ hostname, port }),
    [echo.host, echo.port],
  );
  const same = await comesBackWhole(socket);
  assert.ok(same);
});

test('with allowHalfOpen the tab goes on after the peer has finished', async () => {
  const peer = (socket) => {
    socket.end('that was all');
    return text(socket);
  };
  await withServer(7010, peer, async (heard) => {
    const said = await page.evaluate(async (hostname) => {
      const socket = net.sockets.connect({ hostname, port: 7010 }, { allowHalfOpen: true });
      const said = await new Response(socket.readable).text();
      const writer = socket.writable.getWriter();
      await writer.write('not for me');
      await writer.close();
      await socket.closed;
      return said;
    }, host);
    assert.equal(said, 'that was all');
    assert.equal(await soon('the peer hears the rest', heard), 'not for me');
  });
});

test('close() sends what was written before, though the streams are locked', async () => {
  const peer = (socket) => {
    socket.on('end', () => socket.end());
    return text(socket);
  };
  await withServer(7011, peer, async (heard) => {
    await page.evaluate(async (hostname) => {
      const socket = net.sockets.connect({ hostname, port: 7011 });
      await socket.opened;
      const reading = socket.readable.getReader().read();
      const writer = socket.writable.getWriter();
      writer.write('QUIT');
      writer.write('\r\n');
      await socket.close();
      await reading;
    }, host);
    assert.equal(await soon('the peer hears all of it', heard), 'QUIT\r\n');
  });
});

test('close() with a reason resets the connection', async () => {
  const peer = (socket) => {
    socket.resume();
    return once(socket, 'error').then(([error]) => error.code);
  };
  await withServer(7012, peer, async (ended) => {
    await page.evaluate(async (hostname) => {
      const socket = net.sockets.connect({ hostname, port: 7012 });
      await socket.opened;
      await socket.close(new Error('enough'));
    }, host);
    assert.equal(await soon('the peer hears of it', ended), 'ECONNRESET');
  });
});

test('a connection that is refused is a SocketError, which says why', async () => {
  const seen = await page.evaluate(async (hostname) => {
    const socket = net.sockets.connect({ hostname, port: 9 });
    const ends = [socket.opened, socket.closed, socket.readable.getReader().read()];
    const errors = await Promise.all(ends.map((end) => end.catch((error) => error)));
    return errors.map((error) => [error instanceof TypeError, error.message, error.cause.code]);
  }, host);
  for (const [isTypeError, message, code] of seen) {
    assert.ok(isTypeError);
    assert.match(message, /^SocketError: /);
    assert.equal(code, 'ECONNREFUSED');
  }
});

test("secureTransport 'on' speaks TLS from the start, and says which protocol was agreed on", async () => {
  const [answer, info, secureTransport] = await page.evaluate(
    async ([hostname, port]) => {
      const socket = safe.sockets.connect({ hostname, port }, { secureTransport: 'on', alpn: ['http/1.1'] });
      const writer = socket.writable.getWriter();
      writer.write(`GET /text.txt HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
      const answer = await new Response(socket.readable).text();
      await socket.closed;
      return [answer, await socket.opened, socket.secureTransport];
    },
    [secureHost, nginx.ports.usual],
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(info.alpn, 'http/1.1');
  assert.equal(info.remoteAddress, `${host}:${nginx.ports.usual}`);
  assert.equal(secureTransport, 'on');
});

test('a socket is upgraded as drivers for PostgreSQL do it', async () => {
  const seen = await page.evaluate(
    async ([hostname, port, servername]) => {
      const socket = safe.sockets.connect({ hostname, port }, { secureTransport: 'starttls', alpn: ['postgresql'] });
      let reader = socket.readable.getReader();
      let writer = socket.writable.getWriter();
      await writer.write(new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]));
      const seen = [new TextDecoder().decode((await reader.read()).value)];
      reader.releaseLock();
      writer.releaseLock();
      const secure = socket.startTls({ servername });
      seen.push(socket.upgraded, secure.upgraded, secure.secureTransport);
      await socket.closed;
      reader = secure.readable.getReader();
      writer = secure.writable.getWriter();
      await writer.write('a question');
      seen.push(new TextDecoder().decode((await reader.read()).value), (await secure.opened).alpn);
      await secure.close();
      return seen;
    },
    [host, databasePort, secureHost],
  );
  assert.deepEqual(seen, ['S', true, false, 'on', 'a question', 'postgresql']);
});

test('a server that cannot be trusted is a SocketError everywhere, which says why', async () => {
  const seen = await page.evaluate(
    async ([hostname, port]) => {
      const socket = net.sockets.connect({ hostname, port }, { secureTransport: 'on' });
      const writing = socket.writable.getWriter().write('a secret');
      const ends = [socket.opened, socket.closed, socket.readable.getReader().read(), writing];
      const errors = await Promise.all(ends.map((end) => end.catch((error) => error)));
      return errors.map((error) => [error instanceof TypeError, error.message.slice(0, 13), error.cause?.code]);
    },
    [secureHost, nginx.ports.usual],
  );
  assert.deepEqual(seen, Array(4).fill([true, 'SocketError: ', 'ETLSISSUER']));
});

test('close() during the handshake resets the connection', async () => {
  const mute = await Mute.start();
  try {
    const connect = (port) => net.sockets.connect({ hostname: '10.77.0.1', port }, { secureTransport: 'on' });
    const act = async (socket) => {
      await socket.close();
      return socket.opened.catch((error) => error.message);
    };
    const seen = await soon('the connection ends', endsDuringHandshake(page, mute.port, connect, act));
    assert.deepEqual(seen, ['SocketError: the socket was closed', 'RST']);
  } finally {
    await mute.stop();
  }
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
