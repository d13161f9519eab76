/** Cookies that a network keeps, between fetch, WebSocket and servers on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { SecureNginx } from './stage/secure.mjs';
import { until } from './stage/until.mjs';
import { GoodServer } from './stage/websocket.mjs';

const [port, securePort, socketPort] = [9010, 9011, 9012];
const name = 'www.example.com';
const plain = `http://${name}:${port}`;
const secure = `https://${name}:${securePort}`;
let relay;
let nginx;
let servers;
let sockets;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  nginx = await SecureNginx.start();
  const { certificate, key } = nginx.certificate;
  servers = [
    createServer(answer).listen(port, '0.0.0.0'),
    createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer).listen(securePort, '0.0.0.0'),
  ];
  sockets = await GoodServer.start(socketPort);
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await sockets?.stop();
  for (const server of servers ?? []) {
    server.close();
    server.closeAllConnections();
  }
  await nginx?.stop();
  await relay?.stop();
});

/** `/set?COOKIE&COOKIE…` sets cookies, `/go?WHERE` does and redirects, everything else says which came. */
function answer(request, response) {
  const { pathname, search } = new URL(request.url, plain);
  const args = search.slice(1).split('&').map(decodeURIComponent);
  if (pathname === '/set') response.setHeader('Set-Cookie', args);
  if (pathname === '/go') response.writeHead(302, { Location: args[0], 'Set-Cookie': ['hop=1; Path=/'] });
  response.end(request.headers.cookie ?? '');
}

/** Fetches one after the other by a network of its own; the texts. */
function texts(urls, options = { cookies: true }) {
  return tab.page.evaluate(
    async ([urls, options]) => {
      const network = await net.constructor.open(net.url, options);
      const texts = [];
      for (const [url, init] of urls.map((url) => [url].flat())) texts.push(await (await network.fetch(url, init)).text());
      await network.close();
      return texts;
    },
    [urls, { tls: { ca: nginx.ca }, ...options }],
  );
}

const set = (origin, ...cookies) => `${origin}/set?${cookies.map(encodeURIComponent).join('&')}`;

test('what a server sets comes back to it, where and while it should', async () => {
  const cookies = [
    'a=1',
    'b=2; Path=/dir',
    'c=3; Domain=example.com',
    'd=4; Max-Age=0',
    'e=5; Secure',
    'f=6; Domain=other.com',
  ];
  const got = await texts([set(plain, ...cookies), `${plain}/`, `${plain}/dir/x`, `http://${host}:${port}/`]);
  assert.deepEqual(got, ['', 'a=1; c=3', 'b=2; a=1; c=3', '']);
});

test('secure ones come over TLS and go over TLS, whatever the port', async () => {
  const got = await texts([
    set(secure, 'a=1; Secure', '__Host-b=2; Secure; Path=/'),
    `${secure}/`,
    `${plain}/`,
    set(plain, 'a=x'),
    `${secure}/`,
  ]);
  assert.deepEqual(got, ['', 'a=1; __Host-b=2', '', '', 'a=1; __Host-b=2']);
});

test('a redirect sets some that go on with it', async () => {
  const got = await texts([`${plain}/go?/end`, `${plain}/go?${encodeURIComponent(`http://${host}:${port}/`)}`, `${plain}/`]);
  assert.deepEqual(got, ['hop=1', '', 'hop=1']);
});

test('a request may have its own, or none', async () => {
  const own = { headers: { Cookie: 'own=1' } };
  const got = await texts([set(plain, 'a=1'), [`${plain}/`, own], [`${plain}/`, { credentials: 'omit' }], `${plain}/`]);
  assert.deepEqual(got, ['', 'own=1', '', 'a=1']);
  const omitted = await texts([[set(plain, 'a=1'), { credentials: 'omit' }], `${plain}/`]);
  assert.deepEqual(omitted, ['', '']);
});

test('without the option none are kept, and each network has its own', async () => {
  assert.deepEqual(await texts([set(plain, 'a=1'), `${plain}/`], {}), ['', '']);
  assert.deepEqual(await texts([`${plain}/`]), ['']);
});

test('two networks may share a jar, which need not be ours; WebSockets bring the cookies too', async () => {
  const got = await tab.page.evaluate(
    async ([first, second, socket]) => {
      const kept = [];
      const jar = {
        getCookieString: async () => kept.join('; '),
        setCookie: async (cookie) => kept.push(cookie),
      };
      const networks = await Promise.all([0, 1].map(() => net.constructor.open(net.url, { cookies: jar })));
      await networks[0].fetch(first);
      const text = await (await networks[1].fetch(second)).text();
      await new Promise((resolve) => {
        const opened = new networks[1].WebSocket(socket);
        opened.onmessage = () => opened.close();
        opened.onclose = resolve;
      });
      await Promise.all(networks.map((network) => network.close()));
      return text;
    },
    [set(plain, 'a=1'), `${plain}/`, `ws://${host}:${socketPort}/greet`],
  );
  assert.equal(got, 'a=1');
  // The server may see the end later than the tab does.
  await until('the server sees the end', async () => sockets.heard.length > 0);
  assert.equal(sockets.heard[0].headers.cookie, 'a=1');
});
