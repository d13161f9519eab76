/** HTTP over our own TCP, from nginx on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { Nginx } from './stage/servers.mjs';
import { abortsUnderWay } from './stage/ways.mjs';

let relay;
let nginx;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  nginx = await Nginx.start();
  browser = await Browser.start();
  tab = await browser.open();
});
after(async () => {
  await browser?.stop();
  await nginx?.stop();
  await relay?.stop();
});

test('a text arrives as it is', async () => {
  const got = await tab.page.evaluate(async (url) => {
    const response = await net.fetch(url);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  }, `${nginx.url}/text.txt`);
  assert.deepEqual(got, { status: 200, type: 'text/plain', text: Nginx.text });
});

test('what is not there is an answer, not an error', async () => {
  const status = await tab.page.evaluate(async (url) => (await net.fetch(url)).status, `${nginx.url}/nothing`);
  assert.equal(status, 404);
});

test('100 MB arrive with the right SHA-256, as the page itself shows', async () => {
  const { page } = tab;
  await page.locator('#fetch-url').fill(`${nginx.url}/large`);
  await page.locator('#fetch-url').press('Enter');
  await page.locator('#fetch-cancel').waitFor();
  await page.locator('#fetch-submit').waitFor({ timeout: 120_000 });
  assert.equal(await page.locator('[data-figure="hash"] dd').textContent(), nginx.largeHash);
  assert.equal(await page.locator('#fetch-progress').getAttribute('data-state'), 'done');
});

test('50 fetches at once all arrive', async () => {
  const wanted = Array.from({ length: 50 }, (_, index) => index + 1);
  const got = await tab.page.evaluate(
    ([url, numbers]) => Promise.all(numbers.map(async (number) => (await net.fetch(`${url}/numbered/${number}`)).text())),
    [nginx.url, wanted],
  );
  for (const number of wanted) assert.ok(got[number - 1] === Nginx.numbered(number), `fetch ${number} differs`);
});

test('a fetch that is aborted ends at once, and the next one works', async () => {
  const network = await tab.page.evaluateHandle(() => net);
  const got = await abortsUnderWay(network, nginx.url);
  assert.deepEqual(got, { error: 'AbortError', next: 200 });
});

test('data: and blob: URLs are what they are to the browser', async () => {
  const seen = await tab.page.evaluate(async () => {
    const blob = URL.createObjectURL(new Blob(['{"a":1}'], { type: 'application/json' }));
    const gone = URL.createObjectURL(new Blob(['gone']));
    URL.revokeObjectURL(gone);
    const asked = [
      ['data:,hello%20you'],
      ['data:text/html;charset=utf-8;base64,PGI+aGk8L2I+#fragment'],
      ['data:text/plain;base64,!'],
      ['data:nothing'],
      ['data:,head', { method: 'HEAD' }],
      [blob],
      [blob, { headers: { Range: 'bytes=2-4' } }],
      [blob, { method: 'POST', body: 'x' }],
      [gone],
      ['data:,right', { integrity: 'sha256-JwQvTm7KfQsqfuQCbfLs+lHTM55tEiqgmRGOzYVjutk=' }],
    ];
    const outcome = async (fetch, [url, init]) => {
      try {
        const response = await fetch(url, init);
        const { status, statusText, type, headers } = response;
        return { status, statusText, type, headers: [...headers], url: response.url, text: await response.text() };
      } catch (error) {
        return error.name;
      }
    };
    const both = async (one) => [await outcome(net.fetch.bind(net), one), await outcome(fetch, one)];
    return Promise.all(asked.map(both));
  });
  for (const [ours, browsers] of seen) assert.deepEqual(ours, browsers);
  // Of what cannot be loaded the browser complains, too.
  tab.complaints.splice(0);
  assert.equal(seen[0][0].text, 'hello you');
  assert.equal(seen.at(-1)[0].text, 'right');
  assert.equal(seen[5][0].headers.find(([name]) => name === 'content-type')[1], 'application/json');
});

/** Says what it was asked; `/trailers`, `/cookies` and `/early` are answered with what their names say. */
function answer(request, response) {
  const { method, url, headers } = request;
  if (url === '/trailers') {
    response.writeHead(200, { Trailer: 'X-Sum' });
    response.write('hello');
    response.addTrailers({ 'X-Sum': '12', 'X-Other': 'too' });
    response.end();
  } else if (url === '/cookies') {
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; HttpOnly']).end();
  } else if (url === '/early') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.writeProcessing();
    response.end('at last');
  } else {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      response.setHeader('Content-Type', headers['content-type'] ?? 'none');
      response.setHeader('X-Asked', `${method} ${headers['x-own'] ?? ''}`).end(Buffer.concat(pieces));
    });
  }
}

describe('from a server of Node.js', () => {
  const port = 8007;
  const url = `http://${host}:${port}`;
  let server;
  before(async () => {
    server = createServer(answer).listen(port);
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });

  test('trailers follow the body', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const response = await net.fetch(url);
      return [await response.text(), [...(await response.trailers)]];
    }, `${url}/trailers`);
    assert.deepEqual(got, [
      'hello',
      [
        ['x-other', 'too'],
        ['x-sum', '12'],
      ],
    ]);
  });

  test('every Set-Cookie can be seen', async () => {
    const got = await tab.page.evaluate(async (url) => (await net.fetch(url)).headers.getSetCookie(), `${url}/cookies`);
    assert.deepEqual(got, ['a=1; Path=/', 'b=2; HttpOnly']);
  });

  test('interim answers are passed over', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const response = await net.fetch(url);
      return [response.status, await response.text()];
    }, `${url}/early`);
    assert.deepEqual(got, [200, 'at last']);
  });

  test('a Request, and what init changes of it', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const request = new Request(`${url}/`, { method: 'PUT', body: 'of the request', headers: { 'X-Own': 'one' } });
      const said = async (response) => [response.headers.get('x-asked'), await response.text()];
      const changed = await said(await net.fetch(request.clone(), { body: 'of init', headers: { 'X-Own': 'two' } }));
      const plain = await said(await net.fetch(request));
      const again = await net.fetch(request).catch((error) => error.name);
      return { changed, plain, used: request.bodyUsed, again };
    }, url);
    assert.deepEqual(got, {
      changed: ['PUT two', 'of init'],
      plain: ['PUT one', 'of the request'],
      used: true,
      again: 'TypeError',
    });
  });

  test('a form with a file comes back as it went', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const form = new FormData();
      form.append('name', 'gr\u00fc\u00dfe "quoted"\r\n');
      form.append('name', 'twice');
      form.append('file', new File([new Uint8Array([0, 13, 10, 255])], 'a "b".bin', { type: 'image/png' }));
      const read = async (response) => {
        const back = await response.formData();
        const file = back.get('file');
        return [...back.getAll('name'), file.name, file.type, ...new Uint8Array(await file.arrayBuffer())];
      };
      return [await read(await net.fetch(url, { method: 'POST', body: form })), await read(new Response(form))];
    }, url);
    assert.deepEqual(got[0], got[1]);
    assert.deepEqual(got[0].slice(0, 2), ['gr\u00fc\u00dfe "quoted"\r\n', 'twice']);
  });

  test('integrity is checked', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const ask = (integrity) =>
        net.fetch(url, { method: 'POST', body: 'hello', integrity }).then(
          (response) => response.text(),
          ({ name, cause }) => [name, cause.code],
        );
      return [await ask('sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='), await ask(`sha256-${'A'.repeat(43)}=`)];
    }, url);
    assert.deepEqual(got, ['hello', ['TypeError', 'EINTEGRITY']]);
  });

  test('an answer is read twice by its clone, and in whatever shape', async () => {
    const got = await tab.page.evaluate(async (url) => {
      const post = (body) => net.fetch(url, { method: 'POST', body });
      const response = await post('{"a":[1]}');
      const clone = response.clone();
      const json = await response.json();
      const bytes = new Uint8Array(await (await clone.blob()).arrayBuffer());
      return [json, bytes.length, response.bodyUsed, await response.text().catch((error) => error.name)];
    }, url);
    assert.deepEqual(got, [{ a: [1] }, 9, true, 'TypeError']);
  });
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
