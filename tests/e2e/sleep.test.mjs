/** A stalled network, a laptop's sleep, a tab in the background: connections survive, and the return is quiet. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Chromium } from './stage/chromium.mjs';
import { page, Relay } from './stage/relay.mjs';
import { Echo, Nginx } from './stage/servers.mjs';
import { soon, until } from './stage/until.mjs';

/** How long a stall lasts: several retransmissions on either side come due in it. Milliseconds. */
const stall = 20_000;
/** How long a sleep lasts: fifteen keep-alives of the tab's come due in it. Milliseconds. */
const sleep = 15_000;
/** How much more of a download has to come once its tab is hidden. Bytes. */
const more = 100_000_000;
/** Frames that a tab may send by itself until a second after it woke: a few for each thing that came due, not one for each time. */
const quiet = 8;
/** Frames that a tab may send into a network that stalls. */
const patient = 20;

let nginx;
let echo;
let relay;
let browser;

before(async () => {
  nginx = await Nginx.start();
  echo = await Echo.start();
});
after(async () => {
  await echo?.stop();
  await nginx?.stop();
});
afterEach(async () => {
  await browser?.stop();
  await relay?.stop();
  browser = undefined;
  relay = undefined;
});

async function open(...flags) {
  relay = await Relay.start(...flags);
  browser = await Chromium.start(page);
  await browser.run('net.opened.then(() => 0)');
}

/** Begins to fetch a file; in the page, `progress` says how it gets on, and `finished` its SHA-256 if it is kept. */
const download = (name, keep) =>
  browser.run(`(async () => {
    globalThis.progress = 0;
    const response = await net.fetch('${nginx.url}/${name}');
    globalThis.pieces = [];
    globalThis.finished = (async () => {
      for await (const piece of response.body) {
        progress += piece.length;
        if (${keep}) pieces.push(piece);
      }
      const hash = await crypto.subtle.digest('SHA-256', await new Blob(pieces).arrayBuffer());
      return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
    })();
    return 0;
  })()`);

test('a network that stalls in the middle of a download: it goes on, and nothing is lost', async () => {
  await open();
  await download('large', true);
  await until('the download is under way', () => browser.run('progress > 1_000_000'));
  relay.pause();
  await until('what was on its way is here', async () => {
    const before = await browser.run('progress');
    await pause(300);
    return (await browser.run('progress')) === before;
  });
  const before = await browser.run('net.counters()');
  assert.ok((await browser.run('progress')) < Nginx.largeLength, 'it was still under way');
  await pause(stall);
  const during = (await browser.run('net.counters()')).framesTransmitted - before.framesTransmitted;
  relay.resume();
  assert.equal(await soon('the download ends', browser.run('finished'), 60_000), nginx.largeHash);
  assert.equal(await browser.run('net.status.state'), 'online');
  assert.ok(during <= patient, `${during} frames into a stalled network`);
});

test('a path that leads nowhere any more is noticed by a tab that only waits; what was open goes on when it is back', async () => {
  await open();
  await browser.run(`(async () => {
    const kept = net.connect({ hostname: '${echo.host}', port: ${echo.port} });
    globalThis.reader = kept.readable.getReader();
    globalThis.writer = kept.writable.getWriter();
    await kept.opened;
    return 0;
  })()`);
  relay.pause();
  await until('it is noticed', async () => (await browser.run('net.status.state')) !== 'online', 90_000);
  relay.resume();
  await until('it is back', async () => (await browser.run('net.status.state')) === 'online', 60_000);
  await browser.run(`writer.write('again').then(() => 0)`);
  const { value } = await soon(
    'the echo comes',
    browser.run(`reader.read().then(({ value }) => ({ value: [...value] }))`),
    30_000,
  );
  assert.equal(String.fromCharCode(...value), 'again');
});

/**
 * What timers had a tab send, of the lines about what it sent: probes and what was sent again, whose numbers lie before others of
 * the connection, and questions. All else answers what others sent to it while it slept, or is new.
 */
function timed(lines) {
  const highest = new Map();
  return lines.filter((line) => {
    const [, connection, number] = /^(\d+ → \d+) \[.*\] Seq=(\d+)/.exec(line) ?? [];
    if (!connection) return /who has|DHCP/i.test(line);
    const before = highest.get(connection) ?? Number(number);
    const isBehind = ((Number(number) - before) | 0) < 0;
    if (!isBehind) highest.set(connection, Number(number));
    return isBehind;
  });
}

/** Has the tab asleep between two echoes on one connection, and lists what it sends until a second after it woke. */
async function sleeps(fall, wake) {
  await browser.run(`(async () => {
    globalThis.capture = net.capture();
    globalThis.sent = [];
    (async () => {
      for await (const packet of capture) if (packet.direction === 'out') sent.push(packet.summary);
    })();
    globalThis.kept = net.connect({ hostname: '${echo.host}', port: ${echo.port}, keepAliveDelay: 1_000 });
    globalThis.reader = kept.readable.getReader();
    globalThis.writer = kept.writable.getWriter();
    globalThis.echoed = async (text) => {
      await writer.write(text);
      let back = '';
      while (back.length < text.length) {
        const { done, value } = await reader.read();
        if (done) break;
        back += new TextDecoder().decode(value);
      }
      return back;
    };
    return 0;
  })()`);
  assert.equal(await browser.run(`echoed('before')`), 'before');
  await fall();
  await pause(sleep);
  await wake();
  const { sent, after } = await browser.run(`(async () => {
    await new Promise((later) => setTimeout(later, 1_000));
    return { sent, after: await net.counters() };
  })()`);
  assert.equal(await soon('the connection works again', browser.run(`echoed('after')`), 30_000), 'after');
  return { sent, reconnects: after.link.reconnects };
}

const lid = [() => browser.pause(), () => browser.resume()];

test('a laptop that sleeps for a while: the connection is kept, and no timers storm when it wakes', async () => {
  await open();
  const { sent, reconnects } = await sleeps(...lid);
  assert.equal(reconnects, 0);
  assert.ok(timed(sent).length <= quiet, sent.join('\n'));
});

test('a laptop that sleeps longer than the relay waits: it comes back, and the connection with it', async () => {
  await open('--ping-interval', '1', '--ping-timeout', '4');
  const { sent } = await sleeps(...lid);
  await until('the relay is there again', () => browser.run(`net.status.state === 'online'`));
  assert.equal((await browser.run('net.counters()')).link.reconnects, 1);
  assert.ok(timed(sent).length <= quiet, sent.join('\n'));
});

test('a tab that the browser froze and woke: the connection is kept, and no timers storm', async () => {
  await open();
  const { sent } = await sleeps(
    () => browser.freeze(true),
    () => browser.freeze(false),
  );
  assert.ok(timed(sent).length <= quiet, sent.join('\n'));
});

test('a download in a tab behind another one goes on', async () => {
  await open();
  await download('huge', false);
  await until('the download is under way', () => browser.run('progress > 1_000_000'));
  await browser.cover();
  await until('the tab is hidden', () => browser.run(`document.visibilityState === 'hidden'`));
  const before = await browser.run('progress');
  assert.ok(before + more < Nginx.hugeLength, 'it is still under way');
  await until('more of it comes', () => browser.run(`progress > ${before + more}`), 60_000);
  assert.equal(await browser.run('document.visibilityState'), 'hidden');
});
