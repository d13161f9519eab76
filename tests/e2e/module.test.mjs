/** The package as it is, without a bundler: a page of another server loads it by <script type=module>. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { SecureNginx } from './stage/secure.mjs';
import { Site } from './stage/site.mjs';
import { until } from './stage/until.mjs';

const origin = 'http://127.0.0.1:8090';
const page = `<!doctype html><script type="module">
  import { Network } from '/index.js';
  const open = (ca) => Network.open('ws://127.0.0.1:8080/tunnel', { tls: { ca } });
  globalThis.opening = fetch('/ca').then((answer) => answer.text()).then(open);
</script>`;

let relay;
let nginx;
let site;
let browser;

before(async () => {
  relay = await Relay.start('--allow-origin', origin);
  nginx = await SecureNginx.start();
  site = await Site.start(8090, answer);
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await site?.stop();
  await nginx?.stop();
  await relay?.stop();
});

function answer(path) {
  if (path === '/') return ['text/html', page];
  if (path === '/ca') return ['text/plain', nginx.ca];
  const type = path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
  return [type, readFileSync(new URL(`../../web/pkg${path}`, import.meta.url))];
}

test('TLS is loaded by the first secure request, and not before', async () => {
  const { page } = await browser.open({ address: `${origin}/`, online: false });
  // While the TAP interface is coming up, Chromium breaks off what it loads (ERR_NETWORK_CHANGED).
  const load = async () => {
    await page.goto(`${origin}/`);
    const opened = () => globalThis.opening.then((network) => Object.assign(globalThis, { net: network }) && true);
    return page.evaluate(opened).catch(() => false);
  };
  await until('the package is loaded', load, 30_000);
  await page.evaluate(async () => (await net.fetch('http://www.example.com/')).text());
  assert.ok(site.asked.includes('/generated/ethertab_bg.wasm'));
  assert.deepEqual(
    site.asked.filter((path) => path.includes('tls_bg')),
    [],
  );
  const status = await page.evaluate(async (url) => (await net.fetch(url)).status, `${nginx.url('usual')}/text.txt`);
  assert.equal(status, 200);
  assert.deepEqual(
    site.asked.filter((path) => path.includes('tls_bg')),
    ['/generated/tls_bg.wasm'],
  );
});
