/** `net.WebSocket` beside the browser's own: the same servers, the same programs, and the same that they are told. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser, inFirefox } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { SecureNginx } from './stage/secure.mjs';
import { soon, until } from './stage/until.mjs';
import { BadServer, GoodServer } from './stage/websocket.mjs';

const [goodPort, badPort, securePort] = [9001, 9002, 9003];
let relay;
let good;
let bad;
let nginx;
let secure;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  good = await GoodServer.start(goodPort);
  bad = await BadServer.start(badPort);
  nginx = await SecureNginx.start();
  secure = await GoodServer.start(securePort, {
    cert: readFileSync(nginx.certificate.certificate),
    key: readFileSync(nginx.certificate.key),
  });
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await secure?.stop();
  await nginx?.stop();
  await bad?.stop();
  await good?.stop();
  await relay?.stop();
});

/**
 * What a WebSocket is told, from its beginning to its end. `open` and `message` are what the program does then: a list of calls, of
 * which `['bytes', N]` sends N bytes that are not all the same.
 */
async function told(whose, url, { protocols, open = [], message = [], binaryType = 'arraybuffer' } = {}) {
  const run = tab.page.evaluate(
    async ([whose, url, protocols, actions, binaryType]) => {
      const hash = async (data) => {
        const bytes = new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        return `${data.constructor.name} of ${bytes.length}: ${digest.slice(0, 8).join(' ')}`;
      };
      const Class = whose === 'ours' ? net.WebSocket : globalThis.WebSocket;
      const socket = protocols ? new Class(url, protocols) : new Class(url);
      socket.binaryType = binaryType;
      const events = [`${socket.readyState}`];
      const act = (type) => {
        for (const [name, ...args] of actions[type]) {
          if (name === 'bytes') socket.send(new Uint8Array(args[0]).map((_, index) => index * 31));
          else if (name === 'blob') socket.send(new Blob(args));
          else socket[name](...args);
        }
      };
      await new Promise((resolve) => {
        socket.onopen = () => {
          events.push(`open ${socket.readyState} "${socket.protocol}" "${socket.extensions}"`);
          act('open');
        };
        socket.onmessage = ({ data, origin }) => {
          events.push(typeof data === 'string' ? `"${data}" from ${new URL(origin).protocol}` : hash(data));
          act('message');
        };
        socket.onerror = () => events.push(`error ${socket.readyState}`);
        socket.onclose = ({ code, reason, wasClean }) => {
          events.push(`close ${socket.readyState} ${code} "${reason}" ${wasClean}`);
          resolve();
        };
      });
      return Promise.all(events);
    },
    [whose, url, protocols, { open, message }, binaryType],
  );
  return soon(`${whose} at ${url} has ended`, run, 60_000);
}

/** Both must be told the same. `standard`: what the standard has them told, if Firefox's own is told something else. */
async function same(port, path, program, standard) {
  const deviates = inFirefox && standard;
  const theirs = deviates ? standard : await told('theirs', `ws://127.0.0.1:${port}/${path}`, program);
  const ours = await told('ours', `ws://${host}:${port}/${path}`, program);
  const isOpen = (event) => event.startsWith('open ');
  // Where the end comes with the handshake, Firefox may leave `open` out.
  const leftOut = inFirefox && !deviates && theirs.length > 1 && !theirs.some(isOpen);
  assert.deepEqual(leftOut ? ours.filter((event) => !isOpen(event)) : ours, theirs);
  return ours;
}

const refused = ['0', 'error 3', 'close 3 1006 "" false'];
const failed = ['0', 'open 1 "" ""', 'error 3', 'close 3 1006 "" false'];
const dropped = ['0', 'open 1 "" ""', 'close 3 1006 "" false'];

/** Failures of which Firefox tells something else. */
const standards = {
  masked: failed,
  'close-of-one-byte': failed,
  'close-1005': failed,
  subprotocol: refused,
  reset: dropped,
};

test('texts come back', async () => {
  const got = await same(goodPort, 'echo', { open: [['send', 'Grüße, 世界 🎉']], message: [['close']] });
  assert.deepEqual(got, ['0', 'open 1 "" ""', '"Grüße, 世界 🎉" from ws:', 'close 3 1005 "" true']);
});

test('an empty text, and bytes as ArrayBuffer and Blob', async () => {
  await same(goodPort, 'echo', { open: [['send', '']], message: [['close', 1000]] });
  for (const binaryType of ['arraybuffer', 'blob']) {
    await same(goodPort, 'echo', { binaryType, open: [['bytes', 1_000]], message: [['close', 1000]] });
    await same(goodPort, 'echo', { binaryType, open: [['blob', 'of ', 'a blob']], message: [['close', 1000]] });
  }
});

test('16 MiB come back whole', async () => {
  const [, , message] = await same(goodPort, 'echo', { open: [['bytes', 16 << 20]], message: [['close']] });
  assert.match(message, /^ArrayBuffer of 16777216: /);
});

test('what is sent before close() arrives before the end', async () => {
  await same(goodPort, 'echo', {
    open: [
      ['bytes', 1 << 20],
      ['send', 'last'],
      ['close', 1000, 'done'],
      ['send', 'late'],
    ],
  });
});

test('a message in fragments, with a ping within', async () => {
  const got = await same(goodPort, 'fragments', { message: [['close']] });
  assert.equal(got[2], '"in three pieces: ä" from ws:');
});

test('a ping is answered', async () => {
  const got = await same(goodPort, 'ping', { message: [['close']] });
  assert.equal(got[2], '"pong are you there?" from ws:');
});

test('a message that comes with the handshake', async () => {
  await same(goodPort, 'greet', { message: [['close']] });
});

for (const path of [
  'close',
  'close/1000',
  'close/1001/going%20away',
  'close/1011/%C3%A4',
  'close/3000',
  'close/4999/x',
  'terminate',
]) {
  test(`the server ends it: ${path}`, async () => {
    await same(goodPort, path);
  });
}

for (const args of [[], [1000], [3000, 'a reason'], [4999, 'ä'.repeat(61)]]) {
  test(`the program ends it: close(${args.join(', ')})`, async () => {
    good.heard.length = 0;
    await same(goodPort, 'echo', { open: [['close', ...args]] });
    await until('the server has heard of both ends', () => good.heard.length === 2);
    const [theirs, ours] = good.heard.map(({ code, reason }) => ({ code, reason }));
    assert.deepEqual(ours, theirs);
  });
}

test('subprotocols: the one that is chosen, and none', async () => {
  assert.match((await same(goodPort, 'greet', { protocols: ['one', 'two'], message: [['close']] }))[1], /"two"/);
  // RFC 6455 §4.1 lets a client go on without any; the WebSockets standard, "establish a WebSocket connection", does not.
  assert.deepEqual(await same(goodPort, 'greet', { protocols: 'one', message: [['close']] }, refused), refused);
});

test('who refuses, and nobody', async () => {
  assert.deepEqual(await same(goodPort, 'refused'), refused);
  assert.deepEqual(await same(9, ''), refused);
});

for (const way of BadServer.ways) {
  test(`a bad server: ${way}`, async () => {
    await same(badPort, way, {}, standards[way]);
  });
}

test('a connection that is reset', async () => {
  await same(badPort, 'reset', { open: [['send', 'x']] }, standards.reset);
});

for (const [way, end, rule] of [
  ['message-behind-close', ['close 3 1000 "" true'], 'is passed over (RFC 6455 §1.4); Chromium fails the connection'],
  ['close-999', ['error 3', 'close 3 1006 "" false'], 'is a code that is not used (§7.4.2); Chromium takes it'],
]) {
  test(`where we differ: ${way} ${rule}`, async () => {
    assert.deepEqual(await told('ours', `ws://${host}:${badPort}/${way}`), ['0', 'open 1 "" ""', ...end]);
  });
}

test('what the constructor and the methods throw', async () => {
  const calls = [
    ['http://x/', []],
    ['ftp://x/'],
    ['ws://x/#'],
    ['//x'],
    ['ws://x y'],
    ['ws://x', ['a', 'a']],
    ['ws://x', 'a b'],
    ['ws://x', ''],
  ];
  const thrown = await tab.page.evaluate((calls) => {
    const attempt = (act) => {
      try {
        act();
        return 'nothing';
      } catch (error) {
        return `${error.constructor.name} ${error.name}`;
      }
    };
    return [net.WebSocket, globalThis.WebSocket].map((Class) =>
      calls
        .map((args) => attempt(() => new Class(...args).close()))
        .concat(
          attempt(() => new Class('ws://127.0.0.1:9').send('')),
          attempt(() => new Class('ws://127.0.0.1:9').close(1001)),
          attempt(() => new Class('ws://127.0.0.1:9').close(1000, 'x'.repeat(124))),
          attempt(() => Class('ws://127.0.0.1:9')),
          attempt(() => new Class()),
        ),
    );
  }, calls);
  assert.deepEqual(thrown[0], thrown[1]);
});

test("it takes headers of the program's, as the browser's own does not", async () => {
  good.heard.length = 0;
  await tab.page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const headers = { Cookie: 'a=1', Origin: 'http://anywhere', Authorization: 'Bearer x' };
        const socket = new net.WebSocket(url, { headers });
        socket.onmessage = () => socket.close();
        socket.onclose = resolve;
      }),
    `ws://${host}:${goodPort}/greet`,
  );
  const { headers } = await until('the server has heard of the end', () => good.heard[0]);
  assert.equal(headers.cookie, 'a=1');
  assert.equal(headers.origin, 'http://anywhere');
  assert.equal(headers.authorization, 'Bearer x');
});

test('wss: over TLS in the tab, and a certificate that nobody vouches for', async () => {
  const got = await tab.page.evaluate(
    async ([ca, url]) => {
      const safe = await net.constructor.open(net.url, { tls: { ca } });
      const said = (network) =>
        new Promise((resolve) => {
          const socket = new network.WebSocket(url);
          socket.onmessage = ({ data, origin }) => {
            socket.close();
            resolve(`${data} from ${origin}`);
          };
          socket.onerror = ({ error }) => resolve(error.code);
        });
      const both = [await said(safe), await said(net)];
      await safe.close();
      return both;
    },
    [nginx.ca, `wss://www.example.com:${securePort}/greet`],
  );
  assert.deepEqual(got, [`hello from wss://www.example.com:${securePort}`, 'ETLSISSUER']);
});

test('200 connections at once', async () => {
  const count = await tab.page.evaluate(
    (url) =>
      Promise.all(
        Array.from(
          { length: 200 },
          (_, number) =>
            new Promise((resolve, reject) => {
              const socket = new net.WebSocket(url);
              socket.onopen = () => socket.send(`number ${number}`);
              socket.onmessage = ({ data }) => {
                socket.close();
                resolve(data === `number ${number}`);
              };
              socket.onerror = ({ error }) => reject(error);
            }),
        ),
      ).then((all) => all.filter(Boolean).length),
    `ws://${host}:${goodPort}/echo`,
  );
  assert.equal(count, 200);
});
