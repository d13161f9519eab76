/** A fetch that is aborted, in each of its phases: it ends at once, with the reason, and its connection is reset. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, inFirefox } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { Listening } from './stage/servers.mjs';
import { soon, until } from './stage/until.mjs';

const port = 8006;
let relay;
let server;
let browser;
let tab;
/** What the server does with the next connection. */
let next;

before(async () => {
  relay = await Relay.start();
  server = await Listening.start(port, (socket) => next(socket));
  browser = await Browser.start();
  tab = await browser.open();
  // How connections end is taken from the wire: of one that was not read to its end, Node reports a reset as an ordinary end.
  await tab.page.evaluate((port) => {
    globalThis.ends = [];
    (async () => {
      for await (const { summary, destination } of net.capture()) {
        const [end] = /RST|FIN/.exec(summary) ?? [];
        if (end && destination.endsWith(`:${port}`)) ends.push(end);
      }
    })();
  }, port);
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  await relay?.stop();
});

/** Has `act` serve the next connection; resolves when it says that the fetch is where it should be. */
const connection = (act) =>
  new Promise((reached) => {
    next = (socket) => {
      socket.on('error', () => undefined);
      act(socket, reached);
    };
  });

/** Begins a fetch; `body: 'endless'` is a stream without end. */
const begin = (url, { secure = false, body } = {}) =>
  tab.page.evaluate(
    ([url, body]) => {
      const controller = new AbortController();
      const cancelled = [];
      const endless = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: (reason) => void cancelled.push(reason?.name),
      });
      const upload = body ? { method: 'POST', body: endless, duplex: 'half' } : {};
      const done = net
        .fetch(url, { signal: controller.signal, ...upload })
        .then((response) => response.text())
        .catch((error) => error.name);
      globalThis.fetching = { controller, done, cancelled };
    },
    [url ?? `${secure ? 'https' : 'http'}://${host}:${port}/`, body],
  );

/** Aborts it; what has become of it then. */
const abort = (reason) =>
  soon(
    'the end of the fetch',
    tab.page.evaluate((reason) => {
      fetching.controller.abort(reason ? new RangeError(reason) : undefined);
      return fetching.done;
    }, reason),
  );

/** Nothing is left of it, and the next fetch works. */
async function allIsWell() {
  await until('no connection is left', () =>
    tab.page.evaluate(async (port) => {
      const { tcp } = await net.stats();
      return tcp.every(({ remoteAddress, remotePort }) => remotePort !== port && remoteAddress !== '10.77.0.99');
    }, port),
  );
  next = (socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  };
  await begin();
  assert.equal(await tab.page.evaluate(() => fetching.done), 'hello');
}

const phases = {
  'in the TLS handshake': { how: { secure: true }, act: (socket, reached) => socket.once('data', reached) },
  'while the body goes up': {
    how: { body: 'endless' },
    // Reads no more: what comes fills both windows.
    act: (socket, reached) =>
      socket.once('data', () => {
        socket.pause();
        reached();
      }),
  },
  'while the answer is waited for': { act: (socket, reached) => socket.once('data', reached) },
  'in the head': {
    act: (socket, reached) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-', reached)),
  },
  'in the body': {
    act: (socket, reached) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', reached)),
  },
  'behind a redirect': {
    act: (socket, reached) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n');
        socket.once('data', reached);
      }),
  },
};

for (const [phase, { how, act }] of Object.entries(phases)) {
  test(`${phase}, the connection is reset`, async () => {
    const reached = connection(act);
    await begin(undefined, how);
    await soon('the request', reached);
    await tab.page.evaluate(() => ends.splice(0));
    assert.equal(await abort(), 'AbortError');
    const [end] = await until('the end of the connection', () => tab.page.evaluate(() => (ends.length > 0 ? ends : null)));
    assert.equal(end, 'RST');
    const cancelled = await tab.page.evaluate(() => fetching.cancelled);
    assert.deepEqual(cancelled, how?.body ? ['AbortError'] : []);
    await allIsWell();
  });
}

test('before it begins, nobody is asked', async () => {
  let asked = 0;
  next = () => {
    asked += 1;
  };
  const error = await tab.page.evaluate(
    (url) => net.fetch(url, { signal: AbortSignal.abort() }).catch(({ name }) => name),
    `http://${host}:${port}/`,
  );
  assert.equal(error, 'AbortError');
  await allIsWell();
  assert.equal(asked, 0);
});

test('while the name is looked up', async () => {
  relay.pause();
  try {
    await begin(`http://nobody.example:${port}/`);
    assert.equal(await abort(), 'AbortError');
  } finally {
    relay.resume();
  }
  await allIsWell();
});

test('while it connects', async () => {
  // Nobody has this address.
  await begin('http://10.77.0.99/');
  await until('the attempt', () =>
    tab.page.evaluate(async () => (await net.stats()).tcp.some(({ remoteAddress }) => remoteAddress === '10.77.0.99')),
  );
  assert.equal(await abort(), 'AbortError');
  await allIsWell();
});

test('the reason is the one that was given', async () => {
  const reached = connection((socket, reached) => socket.once('data', reached));
  await begin();
  await soon('the request', reached);
  assert.equal(await abort('enough'), 'RangeError');
});

test('after its end, nothing is disturbed: the connection serves the next one', async () => {
  const asked = [];
  next = (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      asked.push(socket);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    });
  };
  await begin();
  assert.equal(await tab.page.evaluate(() => fetching.done), 'hello');
  assert.equal(await abort(), 'hello');
  await begin();
  assert.equal(await tab.page.evaluate(() => fetching.done), 'hello');
  assert.equal(asked.length, 2);
  assert.equal(asked[0], asked[1]);
});

test('nobody complained in the console', () => {
  // Firefox says there what the reader of a body was told.
  const told = inFirefox ? /^Failed to read data from the ReadableStream: .AbortError/ : /^$/;
  assert.deepEqual(
    tab.complaints.filter((complaint) => !told.test(complaint)),
    [],
  );
});
