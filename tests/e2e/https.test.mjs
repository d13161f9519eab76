/** https over our own TCP: TLS is spoken in the tab, nginx answers on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { refused, SecureNginx, Sums } from './stage/secure.mjs';
import { Nginx } from './stage/servers.mjs';
import { until } from './stage/until.mjs';
import { abortsUnderWay } from './stage/ways.mjs';

let relay;
let plain;
let nginx;
let sums;
let browser;
let tab;

before(async () => {
  relay = await Relay.start();
  plain = await Nginx.start();
  nginx = await SecureNginx.start();
  sums = await Sums.start(nginx.certificate);
  browser = await Browser.start();
  tab = await browser.open();
  // A network that trusts the test's CA, beside the page's own, which does not.
  await tab.page.evaluate(async (ca) => {
    globalThis.safe = await net.constructor.open(net.url, { tls: { ca } });
  }, nginx.ca);
});
after(async () => {
  await browser?.stop();
  await sums?.stop();
  await nginx?.stop();
  await plain?.stop();
  await relay?.stop();
});

/** What a fetch gives: status, text and the header in which nginx tells about TLS; or the code of the failure. */
function get(url, network = 'safe', init = {}) {
  return tab.page.evaluate(
    async ([url, network, init]) => {
      try {
        const response = await globalThis[network].fetch(url, init);
        return { status: response.status, text: await response.text(), tls: response.headers.get('x-tls') };
      } catch (error) {
        return { name: error.name, code: error.cause?.code, message: error.message };
      }
    },
    [url, network, init],
  );
}

test('a text arrives, over TLS 1.3 by itself', async () => {
  const got = await get(`${nginx.url('usual')}/text.txt`);
  assert.deepEqual(got, { status: 200, text: Nginx.text, tls: 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 www.example.com' });
});

test('a server may take for ever to connect, if it is let', async () => {
  // Another origin: a connection of its own.
  const got = await get(`${nginx.url('tls12')}/text.txt`, 'safe', { connectTimeout: Number.POSITIVE_INFINITY });
  assert.equal(got.status, 200, JSON.stringify(got));
});

test('without the CA nobody vouches for the server', async () => {
  const got = await get(`${nginx.url('usual')}/text.txt`, 'net');
  assert.deepEqual([got.name, got.code], ['TypeError', 'ETLSISSUER'], got.message);
});

test('a server that is refused learns why', async () => {
  assert.equal((await get(sums.url, 'net')).code, 'ETLSISSUER');
  await until('the alert arrives', async () => sums.refusals.length > 0);
  assert.deepEqual(sums.refusals, ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA']);
});

for (const [site, code] of refused) {
  test(`a server that is "${site}" is refused with ${code}`, async () => {
    const got = await get(`${nginx.url(site)}/text.txt`);
    assert.deepEqual([got.name, got.code], ['TypeError', code], JSON.stringify(got));
  });
}

test('a server that does not speak TLS is refused with ETLSPROTOCOL', async () => {
  const got = await get(`https://www.example.com:8000/text.txt`);
  // nginx says in clear text that it was asked in the wrong language.
  assert.equal(got.code, 'ETLSPROTOCOL', JSON.stringify(got));
});

test('a server of TLS 1.2 alone is understood, with RSA and AES too', async () => {
  const got = await get(`${nginx.url('tls12')}/text.txt`);
  assert.equal(got.tls, 'TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 www.example.com', JSON.stringify(got));
  assert.equal(got.text, Nginx.text);
});

test('a server of TLS 1.3 alone is understood, with another group and cipher', async () => {
  const got = await get(`${nginx.url('tls13')}/text.txt`);
  assert.equal(got.tls, 'TLSv1.3 TLS_AES_256_GCM_SHA384 www.example.com', JSON.stringify(got));
});

test('a second connection resumes the session of the first', async () => {
  for (const site of ['closing12', 'closing13']) {
    const reused = await tab.page.evaluate(
      async ([url, ca]) => {
        // A network that remembers nothing yet.
        const network = await net.constructor.open(net.url, { tls: { ca } });
        const answers = [await (await network.fetch(url)).text(), await (await network.fetch(url)).text()];
        await network.close();
        return answers;
      },
      [`${nginx.url(site)}/reused`, nginx.ca],
    );
    assert.deepEqual(reused, ['.', 'r'], site);
  }
});

test('a connection serves several requests', async () => {
  const numbers = new Set();
  for (let count = 0; count < 3; count += 1) numbers.add((await get(`${nginx.url('usual')}/connection`)).text);
  assert.equal(numbers.size, 1);
});

test('10 MB arrive with the right SHA-256', async () => {
  const hash = await tab.page.evaluate(
    async (url) => {
      const bytes = await (await safe.fetch(url)).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    },
    `${nginx.url('usual')}/large`,
  );
  assert.equal(hash, nginx.largeHash);
});

test('2 MB go up and are understood', async () => {
  const bytes = randomBytes(2_000_000);
  const said = await tab.page.evaluate(
    async ([url, text]) => {
      const body = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      return (await safe.fetch(url, { method: 'POST', body })).text();
    },
    [sums.url, bytes.toString('base64')],
  );
  assert.equal(said, createHash('sha256').update(bytes).digest('hex'));
});

test('the relay sees ciphertext alone', async () => {
  const [text, frames, seen] = await tab.page.evaluate(
    async ([url, host]) => {
      const reader = safe.capture().getReader();
      const text = await (await safe.fetch(url)).text();
      let frames = 0;
      let seen = false;
      const words = text.slice(0, 40);
      const decoder = new TextDecoder('latin1');
      const reading = (async () => {
        for (;;) {
          const { value } = await reader.read();
          frames += 1;
          seen ||= decoder.decode(value.bytes).includes(words);
          if (/^Echo reply .* 321 bytes/.test(value.summary)) return;
        }
      })();
      await (await safe.fetch(url)).text();
      // Packets come in order: behind this one's reply, those of the answer have been looked at.
      await safe.ping(host, { size: 321 });
      await reading;
      await reader.cancel();
      return [text, frames, seen];
    },
    [`${nginx.url('usual')}/text.txt`, host],
  );
  assert.equal(text, Nginx.text);
  assert.ok(frames > 4);
  assert.equal(seen, false);
});

test('a fetch that is aborted ends at once, and the next one works', async () => {
  const network = await tab.page.evaluateHandle(() => safe);
  const got = await abortsUnderWay(network, nginx.url('usual'));
  assert.deepEqual(got, { error: 'AbortError', next: 200 });
});

test('a CA that is none is refused', async () => {
  const got = await tab.page.evaluate(
    async (url) => {
      const network = await net.constructor.open(net.url, { tls: { ca: 'no certificate' } });
      const code = await network.fetch(url).catch((error) => error.cause.code);
      await network.close();
      return code;
    },
    `${nginx.url('usual')}/text.txt`,
  );
  assert.equal(got, 'EINVAL');
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
