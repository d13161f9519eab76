/** The guide's examples do what they say: each is run in the page, and prints what stands behind its arrows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { SecureNginx } from './stage/secure.mjs';
import { Echo, UdpEcho } from './stage/servers.mjs';
import { GoodServer } from './stage/websocket.mjs';

const guide = readFileSync(new URL('../../web/guide.md', import.meta.url), 'utf8');
const stops = [];

let page;
let ca;

before(async () => {
  for (const Server of [Relay, Echo, UdpEcho, GoodServer, SecureNginx, Browser]) {
    const server = await (Server === GoodServer ? Server.start(7008) : Server.start());
    stops.unshift(() => server.stop());
    if (Server === SecureNginx) ca = server.ca;
    if (Server === Browser) ({ page } = await server.open());
  }
});
after(async () => {
  for (const stop of stops) await stop();
});

for (const section of guide.split(/^## /m).slice(1)) {
  const [title] = section.split('\n');
  for (const [at, [, code]] of [...section.matchAll(/^```js\n(.*?)^```$/gms)].entries()) {
    test(`${title}${at > 0 ? `, example ${at + 1}` : ''}`, async () => {
      const wanted = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);
      assert.ok(wanted.length > 0, 'an example says what it prints');
      const program = code.replace("import { Network } from 'ethertab';", '').replaceAll('ws://localhost:8080/tunnel', '$URL');
      const printed = await page.evaluate(
        async ([program, ca]) => {
          const printed = [];
          const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
          const console = { log: (...values) => printed.push(values.map(show).join(' ')) };
          const AsyncFunction = (async () => {}).constructor;
          // An example may have a network of its own by the name of the page's.
          const run = new AsyncFunction('Network', 'net', 'ca', 'console', `{ ${program.replaceAll('$URL', net.url)} }`);
          await run(ethertab.Network, net, ca, console);
          return printed;
        },
        [program, ca],
      );
      assert.deepEqual(printed, wanted);
    });
  }
}
