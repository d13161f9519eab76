/** `net.serve`: a tab as an HTTP server, asked by curl, wrk, raw sockets and another tab. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { curl } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';

const megabyte = 1 << 20;
let relay;
let browser;
let tab;
let address;
let url;
let file;
const noise = randomBytes(20 * megabyte);

before(async () => {
  file = join(process.env.STAGE, 'noise');
  writeFileSync(file, noise);
  relay = await Relay.start();
  browser = await Browser.start();
  tab = await browser.open();
  address = await tab.page.evaluate(start);
  url = `http://${address}`;
});
after(async () => {
  await browser?.stop();
  await relay?.stop();
});

/** In the page: the server of these tests; its address. */
async function start() {
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
  globalThis.aborted = new Promise((resolve) => {
    globalThis.tellAborted = resolve;
  });
  const routes = {
    '/': () => new Response('served by a tab'),
    '/headers': ({ headers }) => Response.json([...headers]),
    '/echo': ({ body }) => new Response(body),
    '/text': async (request) => new Response(await request.text()),
    '/hash': async (request) => new Response(hex(await crypto.subtle.digest('SHA-256', await request.arrayBuffer()))),
    '/form': async (request) => Response.json([...(await request.formData()).keys()]),
    '/unread': () => new Response('not read'),
    '/zeros': () => {
      let left = 64;
      const pull = (controller) => {
        left -= 1;
        left >= 0 ? controller.enqueue(new Uint8Array(1 << 20)) : controller.close();
      };
      return new Response(new ReadableStream({ pull }));
    },
    '/never': ({ signal }) => {
      signal.addEventListener('abort', () => globalThis.tellAborted(true));
      globalThis.tellAsked();
      return new Response(new ReadableStream());
    },
    '/throw': () => {
      throw new Error('on purpose');
    },
    '/peer': (_, { remoteAddress }) => new Response(remoteAddress),
    '/cookies': (_, { responseHeaders }) => {
      responseHeaders.append('Set-Cookie', 'a=1; HttpOnly');
      responseHeaders.append('Set-Cookie', 'b=2');
      return new Response('set');
    },
    '/gate': async () => {
      globalThis.tellAsked();
      await new Promise((resolve) => {
        globalThis.openGate = resolve;
      });
      return new Response('through the gate');
    },
    '/slow': async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return new Response('slow');
    },
  };
  const nothing = () => new Response('nothing here', { status: 404 });
  const onError = (error) => new Response(error.message, { status: 503 });
  globalThis.server = net.serve({ onError, headTimeout: 1_000 }, (request, info) =>
    (routes[new URL(request.url).pathname] ?? nothing)(request, info),
  );
  await globalThis.server.opened;
  return net.status.information.address;
}

/** Says something on a connection of its own, and hears until the server has finished. */
async function says(text, { finish = false } = {}) {
  const socket = connect(80, address);
  socket.write(text, 'latin1');
  if (finish) socket.end();
  const heard = [];
  socket.on('data', (data) => heard.push(data));
  await soon('the server finishes', once(socket, 'end'), 20_000);
  socket.destroy();
  return Buffer.concat(heard).toString('latin1');
}

/** Looks out for the next request that tells of itself; what it returns waits for it. */
async function nextAsked() {
  await tab.page.evaluate(() => {
    globalThis.asked = new Promise((resolve) => {
      globalThis.tellAsked = () => resolve(true);
    });
  });
  return () => tab.page.evaluate(() => globalThis.asked);
}

const statuses = (answer) => [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

test('a text has its length, a type and a date', async () => {
  const answer = await curl('--include', url);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\ncontent-type: text\/plain;charset=UTF-8\r\n/);
  assert.match(answer, /\r\ncontent-length: 15\r\n/);
  assert.match(answer, /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  assert.match(answer, /\r\n\r\nserved by a tab$/);
});

test('the handler sees every header, and who asks', async () => {
  const got = await curl('--header', 'Cookie: a=1', '--header', 'Origin: http://somewhere', `${url}/headers`);
  const headers = Object.fromEntries(JSON.parse(got));
  assert.equal(headers.host, address);
  assert.equal(headers.cookie, 'a=1');
  assert.equal(headers.origin, 'http://somewhere');
  assert.match(headers['user-agent'], /^curl/);
  assert.equal(await curl(`${url}/peer`), '10.77.0.1');
});

test('cookies are set beside the response, which drops them in browsers', async () => {
  const answer = await curl('--include', `${url}/cookies`);
  assert.deepEqual(answer.match(/^set-cookie: .*(?=\r$)/gm), ['set-cookie: a=1; HttpOnly', 'set-cookie: b=2']);
});

test('a connection serves several requests', async () => {
  const connects = await curl('--write-out', '%{num_connects}\n', '--output', '/dev/null', url, '--output', '/dev/null', url);
  assert.deepEqual(connects.trim().split('\n'), ['1', '0']);
});

test('requests that come at once are answered in their order', async () => {
  const request = (path, ...fields) => [`GET ${path} HTTP/1.1`, 'Host: tab', ...fields, '', ''].join('\r\n');
  const answer = await says(request('/slow') + request('/') + request('/slow', 'Connection: close'));
  assert.deepEqual(statuses(answer), [200, 200, 200]);
  assert.match(answer, /slow.*served by a tab.*slow$/s);
});

test('HEAD has no body, HTTP/1.0 no chunks, and what is not there is 404', async () => {
  assert.match(await curl('--head', url), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
  const old = await curl('--http1.0', '--include', '--data', 'old', `${url}/echo`);
  assert.doesNotMatch(old, /transfer-encoding/);
  assert.match(old, /\r\n\r\nold$/);
  assert.equal(await curl('--no-fail', '--write-out', '%{http_code}', `${url}/x`), 'nothing here404');
});

test('a GET may have a body', async () => {
  assert.equal(await curl('--request', 'GET', '--data', 'hello', `${url}/text`), 'hello');
});

test('a form arrives', async () => {
  assert.deepEqual(JSON.parse(await curl('--form', 'one=1', '--form', 'two=@/proc/self/status', `${url}/form`)), [
    'one',
    'two',
  ]);
});

test('uploads arrive whole: with a length, in chunks, and after 100 (Continue)', async () => {
  const hash = createHash('sha256').update(noise).digest('hex');
  const upload = ['--data-binary', `@${file}`, `${url}/hash`];
  assert.equal(await curl('--header', 'Expect:', ...upload), hash);
  assert.equal(await curl('--header', 'Expect:', '--header', 'Transfer-Encoding: chunked', ...upload), hash);
  const answer = await curl('--include', '--header', 'Expect: 100-continue', ...upload);
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.ok(answer.endsWith(hash));
  const refused = await curl('--include', '--header', 'Expect: 100-continue', '--data-binary', `@${file}`, `${url}/unread`);
  assert.deepEqual(statuses(refused), [200]);
  assert.match(refused, /\r\nconnection: close\r\n/);
});

test('64 MiB are streamed to the host, and a long body goes both ways at once', async () => {
  assert.equal(await curl('--output', '/dev/null', '--write-out', '%{size_download}', `${url}/zeros`), String(64 * megabyte));
  const back = join(process.env.STAGE, 'back');
  await curl('--header', 'Expect:', '--data-binary', `@${file}`, '--output', back, `${url}/echo`);
  await promisify(execFile)('cmp', [file, back]);
});

test('what the handler left of a body does not stand in the way', async () => {
  const body = 'x'.repeat(100_000);
  const answer = await says(
    `POST /unread HTTP/1.1\r\nHost: tab\r\nContent-Length: 100000\r\n\r\n${body}GET / HTTP/1.1\r\nHost: tab\r\nConnection: close\r\n\r\n`,
  );
  assert.deepEqual(statuses(answer), [200, 200]);
  assert.equal(await curl('--header', 'Expect:', '--data-binary', `@${file}`, `${url}/unread`), 'not read');
});

test('a client that has finished its half is answered, and one that is slow is told so', async () => {
  assert.match(await says('GET / HTTP/1.1\r\nHost: tab\r\n\r\n', { finish: true }), /served by a tab$/);
  assert.deepEqual(statuses(await says('GET / HTTP/1.1\r\nHost:')), [408]);
});

for (const [what, head, status] of [
  ['no Host', 'GET / HTTP/1.1\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: tab\r\nHost: other\r\n', 400],
  [
    'Content-Length and Transfer-Encoding',
    'POST / HTTP/1.1\r\nHost: tab\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n',
    400,
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: tab\r\nContent-Length: 6\r\nContent-Length: 5\r\n', 400],
  ['a coding in disguise', 'POST / HTTP/1.1\r\nHost: tab\r\nTransfer-Encoding : chunked\r\n', 400],
  ['a folded coding', 'POST / HTTP/1.1\r\nHost: tab\r\nTransfer-Encoding:\r\n chunked\r\n', 400],
  ['a line without CR', 'POST / HTTP/1.1\r\nHost: tab\nTransfer-Encoding: chunked\r\n', 400],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n', 400],
  ['headers without end', `GET / HTTP/1.1\r\nHost: tab\r\nX: ${'x'.repeat(20_000)}\r\n`, 431],
]) {
  test(`a request with ${what} is ${status}, and nothing is smuggled behind it`, async () => {
    const answer = await says(`${head}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: tab\r\n\r\n`);
    assert.deepEqual(statuses(answer), [status]);
  });
}

test('a handler that throws is answered by onError', async () => {
  assert.equal(await curl('--no-fail', '--write-out', '%{http_code}', `${url}/throw`), 'on purpose503');
});

test('a client that leaves aborts the signal of its request', async () => {
  const asked = await nextAsked();
  const socket = connect(80, address);
  socket.write('GET /never HTTP/1.1\r\nHost: tab\r\n\r\n');
  await soon('the request is there', asked());
  socket.resetAndDestroy();
  assert.equal(
    await soon(
      'the handler hears of it',
      tab.page.evaluate(() => globalThis.aborted),
    ),
    true,
  );
});

test('wrk, with 32 connections for two seconds, meets no error', async (context) => {
  const { stdout } = await promisify(execFile)('wrk', ['--connections', '32', '--threads', '1', '--duration', '2s', url]);
  assert.doesNotMatch(stdout, /Socket errors|Non-2xx/);
  const [, count] = stdout.match(/(\d+) requests in/);
  assert.ok(Number(count) > 32, stdout);
  context.diagnostic(stdout.match(/Requests\/sec: *[\d.]+/)[0]);
});

test('another tab fetches from it, and uploads to it', async () => {
  const other = await browser.open();
  const got = await other.page.evaluate(async (url) => {
    const text = await (await net.fetch(url)).text();
    const stream = new Blob([new Uint8Array(3_000_000)]).stream();
    const response = await net.fetch(`${url}/echo`, { method: 'POST', body: stream, duplex: 'half' });
    return [text, (await response.arrayBuffer()).byteLength];
  }, url);
  assert.deepEqual(got, ['served by a tab', 3_000_000]);
  assert.deepEqual(other.complaints, []);
  await other.page.close();
});

test('it ends in order: what is under way is answered, and nobody is let in any more', async () => {
  const idle = connect(80, address);
  idle.write('GET / HTTP/1.1\r\nHost: tab\r\n\r\n');
  await soon('the idle connection has been served', once(idle, 'data'));
  const asked = await nextAsked();
  const busy = curl('--include', `${url}/gate`);
  await soon('the request is there', asked());
  const finished = tab.page.evaluate(() => globalThis.server.shutdown());
  await soon('the idle connection is closed', once(idle, 'end'));
  await tab.page.evaluate(() => globalThis.openGate());
  assert.match(await busy, /\r\nconnection: close\r\n\r\nthrough the gate$/);
  await soon('the server has finished', finished, 20_000);
  await assert.rejects(curl(url), /Failed to connect|refused/);
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
