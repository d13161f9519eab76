/** WinterTC's Sockets API: `net.sockets.connect()`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { Echo } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';
import { comesBackWhole } from './stage/ways.mjs';

let relay;
let echo;
let browser;
let tab;
let page;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  browser = await Browser.start();
  tab = await browser.open();
  page = tab.page;
});
after(async () => {
  await browser?.stop();
  await echo?.stop();
  await relay?.stop();
});

/** A server for one test, and one connection: `run` gets the promise of what `serve` finds. */
async function withServer(port, serve, run) {
  let served;
  const found = new Promise((resolve) => {
    served = resolve;
  });
  const server = createServer({ allowHalfOpen: true }, (socket) => served(serve(socket)));
  server.listen(port, '0.0.0.0');
  await once(server, 'listening');
  try {
    return await run(found);
  } finally {
    server.close();
  }
}

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

test('TLS is said not to be there', async () => {
  const seen = await page.evaluate(
    async ([hostname, port]) => {
      const said = (act) => {
        try {
          act();
          return 'nothing';
        } catch (error) {
          return error.message;
        }
      };
      const socket = net.sockets.connect({ hostname, port }, { secureTransport: 'starttls' });
      await socket.opened;
      const seen = [
        said(() => net.sockets.connect({ hostname, port }, { secureTransport: 'on' })),
        said(() => socket.startTls()),
      ];
      await socket.close();
      return seen;
    },
    [echo.host, echo.port],
  );
  assert.deepEqual(seen, Array(2).fill('SocketError: TLS is not there yet'));
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
