/** Sockets over TLS, from the start and by STARTTLS: spoken in the tab, answered by OpenSSL on the kernel's side of the TAP. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Relay } from './stage/relay.mjs';
import { host, refused, SecureNginx } from './stage/secure.mjs';
import { Listening, Mute, Nginx } from './stage/servers.mjs';
import { soon } from './stage/until.mjs';
import { mail, Socat } from './stage/upgrading.mjs';
import { comesBackWhole, endsDuringHandshake } from './stage/ways.mjs';

const echoPort = 7443;
const mailPort = 7025;

let relay;
let nginx;
let echo;
let post;
let mute;
let browser;
let tab;
let page;

before(async () => {
  relay = await Relay.start();
  nginx = await SecureNginx.start();
  echo = await Socat.start(echoPort, nginx.certificate, 'EXEC:cat');
  post = await Listening.start(mailPort, mail(nginx.certificate));
  mute = await Mute.start();
  browser = await Browser.start();
  tab = await browser.open();
  page = tab.page;
  await page.evaluate(
    async ([ca, hostname]) => {
      // A network that trusts the test's CA, beside the page's own, which does not.
      globalThis.safe = await net.constructor.open(net.url, { tls: { ca } });
      globalThis.to = (port) => ({ hostname, port });
      /** What both promises of a socket reject with. */
      globalThis.ends = async ({ opened, closed }) => {
        const code = (error) => (error instanceof DOMException ? error.name : error.code);
        return Promise.all([opened, closed].map((promise) => promise.then(() => 'in order', code)));
      };
      /** Speaks lines. */
      globalThis.Lines = class {
        #text = '';
        constructor({ readable, writable }) {
          this.reader = readable.getReader();
          this.writer = writable.getWriter();
        }
        async hear() {
          while (!this.#text.includes('\r\n')) {
            const { value, done } = await this.reader.read();
            if (done) return null;
            this.#text += new TextDecoder().decode(value);
          }
          const [line, ...rest] = this.#text.split('\r\n');
          this.#text = rest.join('\r\n');
          return line;
        }
        async say(line) {
          await this.writer.write(`${line}\r\n`);
          return this.hear();
        }
        release() {
          this.reader.releaseLock();
          this.writer.releaseLock();
        }
      };
    },
    [nginx.ca, host],
  );
});
after(async () => {
  await browser?.stop();
  await mute?.stop();
  await post?.stop();
  await echo?.stop();
  await nginx?.stop();
  await relay?.stop();
});

const request = `GET /text.txt HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test('a socket with tls: true is open when the handshake is over, and says what was agreed on', async () => {
  const [answer, opened, same, state] = await page.evaluate(
    async ([port, request]) => {
      const socket = safe.connect(to(port), { tls: { alpn: ['unheard-of', 'http/1.1'] } });
      const writer = socket.writable.getWriter();
      // Before the handshake: it waits.
      const writing = writer.write(request);
      const before = socket.tls;
      const opened = await socket.opened;
      await writing;
      const { state } = await socket.info();
      const answer = await new Response(socket.readable).text();
      await writer.close();
      await socket.closed;
      return [answer, opened, before === null && socket.tls === opened.tls, state];
    },
    [nginx.ports.usual, request],
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(answer.endsWith(Nginx.text));
  assert.deepEqual(opened.tls, {
    version: 'TLSv1.3',
    cipher: 'TLS_CHACHA20_POLY1305_SHA256',
    protocol: 'http/1.1',
    resumed: false,
  });
  assert.equal(opened.remotePort, nginx.ports.usual);
  assert.ok(same);
  assert.equal(state, 'ESTABLISHED');
});

test('a second connection resumes the session of the first', async () => {
  for (const site of ['closing12', 'closing13']) {
    const resumed = await page.evaluate(
      async ([port, request, ca]) => {
        // A network that remembers nothing yet.
        const network = await net.constructor.open(net.url, { tls: { ca } });
        const resumed = [];
        for (let count = 0; count < 2; count += 1) {
          const socket = network.connect(to(port), { tls: true });
          await socket.writable.getWriter().write(request);
          await new Response(socket.readable).text();
          resumed.push(socket.tls.resumed);
        }
        await network.close();
        return resumed;
      },
      [nginx.ports[site], request, nginx.ca],
    );
    assert.deepEqual(resumed, [false, true], site);
  }
});

test('10 MB go there and back whole, with half-close', async () => {
  const [sent, back, length] = await page.evaluate(
    async ([port]) => {
      const bytes = new Uint8Array(10_000_000);
      for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      const hash = async (data) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))].join();
      const socket = safe.connect(to(port), { tls: true });
      const writer = socket.writable.getWriter();
      const writing = (async () => {
        for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
        await writer.close();
      })();
      const heard = await new Response(socket.readable).arrayBuffer();
      await writing;
      await socket.closed;
      return [await hash(bytes), await hash(heard), heard.byteLength];
    },
    [echoPort],
  );
  assert.equal(length, 10_000_000);
  assert.equal(back, sent);
});

for (const [site, code] of refused) {
  test(`a server that is "${site}" is refused with ${code}`, async () => {
    const seen = await page.evaluate((port) => ends(safe.connect(to(port), { tls: true })), nginx.ports[site]);
    assert.deepEqual(seen, [code, code]);
  });
}

test('a server that is not there, or that speaks no TLS, says so', async () => {
  const seen = await page.evaluate(
    async ([plain]) => [await ends(safe.connect(to(9), { tls: true })), await ends(safe.connect(to(plain), { tls: true }))],
    [mailPort],
  );
  assert.deepEqual(seen, [Array(2).fill('ECONNREFUSED'), Array(2).fill('ETLSPROTOCOL')]);
});

test('the certificate is judged by the name that is asked for', async () => {
  const seen = await page.evaluate(
    async ([usual, other]) => {
      const asked = (port, servername) => ends(safe.connect(to(port), { tls: { servername } }));
      const fitting = safe.connect(to(other), { tls: { servername: 'other.example.com' } });
      const opened = await ends({ opened: fitting.opened, closed: fitting.opened.then(() => fitting.close()) });
      return [opened, await asked(usual, 'other.example.com'), await asked(usual, 'no name')];
    },
    [nginx.ports.usual, nginx.ports.other],
  );
  assert.deepEqual(seen, [Array(2).fill('in order'), Array(2).fill('ETLSHOST'), Array(2).fill('EINVAL')]);
});

test('a connection may trust a CA that its network does not', async () => {
  const seen = await page.evaluate(
    async ([port, ca]) => {
      const socket = net.connect(to(port), { tls: { ca } });
      const { tls } = await socket.opened;
      await socket.close();
      return [
        tls.version,
        await ends(net.connect(to(port), { tls: true })),
        await ends(net.connect(to(port), { tls: { ca: 'none' } })),
      ];
    },
    [nginx.ports.usual, nginx.ca],
  );
  assert.deepEqual(seen, ['TLSv1.3', Array(2).fill('ETLSISSUER'), Array(2).fill('EINVAL')]);
});

test('a connection that ends without a close_notify is broken', async () => {
  const greeter = await Socat.start(7444, nginx.certificate, 'SYSTEM:echo hello; exec cat');
  try {
    const socket = await page.evaluateHandle((port) => safe.connect(to(port), { tls: true }), 7444);
    const first = await socket.evaluate(async ({ readable }) => {
      globalThis.greeted = readable.getReader();
      return new TextDecoder().decode((await greeted.read()).value);
    });
    assert.equal(first, 'hello\n');
    greeter.kill();
    const seen = await soon(
      'both ends are told',
      socket.evaluate(async ({ closed }) => {
        const code = (error) => error.code;
        return [await greeted.read().then(() => 'in order', code), await closed.then(() => 'in order', code)];
      }),
    );
    assert.deepEqual(seen, Array(2).fill('ETLSTRUNCATED'));
  } finally {
    await greeter.stop();
  }
});

for (const [what, code, connect, act] of [
  [
    'a handshake that takes too long',
    'ETIMEDOUT',
    (port) => net.connect({ hostname: '10.77.0.1', port }, { tls: { timeout: 500 } }),
    (socket) => ends(socket),
  ],
  [
    'abort() during the handshake',
    'ECONNABORTED',
    (port) => net.connect({ hostname: '10.77.0.1', port }, { tls: true }),
    (socket) => {
      socket.abort();
      return ends(socket);
    },
  ],
  [
    'an AbortSignal during the handshake',
    'AbortError',
    (port) => {
      globalThis.controller = new AbortController();
      return net.connect({ hostname: '10.77.0.1', port }, { tls: true, signal: controller.signal });
    },
    (socket) => {
      controller.abort();
      return ends(socket);
    },
  ],
]) {
  test(`${what} resets the connection`, async () => {
    const seen = await soon('the connection ends', endsDuringHandshake(page, mute.port, connect, act));
    assert.deepEqual(seen, [[code, code], 'RST']);
  });
}

test('startTls() makes a connection secure, and what was written meanwhile is sent', async () => {
  const seen = await page.evaluate(async (port) => {
    const socket = safe.connect(to(port));
    const plain = new Lines(socket);
    const seen = [await plain.hear(), await plain.say('NOOP'), await plain.say('STARTTLS')];
    plain.release();
    const secure = socket.startTls();
    // At once: before there is a handshake.
    const lines = new Lines(secure);
    seen.push(await lines.say('NOOP'));
    await socket.closed;
    seen.push((await socket.readable.getReader().read()).done, socket.tls, secure.tls.version);
    seen.push((await secure.info()).state, secure.localPort === socket.localPort);
    // What has been left does not touch the connection any more.
    socket.abort();
    await socket.close();
    seen.push(await lines.say('NOOP'), await lines.say('QUIT'), await lines.hear());
    await lines.writer.close();
    await secure.closed;
    return seen;
  }, mailPort);
  assert.deepEqual(seen, [
    ...['220 ready', '250 NOOP (plain)', '220 go', '250 NOOP (secure)'],
    ...[true, null, 'TLSv1.3', 'ESTABLISHED', true],
    ...['250 NOOP (secure)', '221 bye', null],
  ]);
});

test('startTls() is refused while a stream is locked, twice, and for options that cannot be', async () => {
  const seen = await page.evaluate(async (port) => {
    const said = (act) => {
      try {
        act();
        return 'nothing';
      } catch (error) {
        return error.code;
      }
    };
    const socket = safe.connect(to(port));
    const plain = new Lines(socket);
    await plain.hear();
    const seen = [said(() => socket.startTls())];
    plain.release();
    seen.push(
      said(() => socket.startTls({ servername: '' })),
      said(() => socket.startTls({ alpn: [''] })),
    );
    // Still as it was.
    const again = new Lines(socket);
    seen.push(await again.say('NOOP'));
    await again.say('STARTTLS');
    again.release();
    const secure = socket.startTls();
    seen.push(
      said(() => socket.startTls()),
      said(() => secure.startTls()),
    );
    await secure.opened;
    seen.push(said(() => secure.startTls()));
    await secure.close();
    return seen;
  }, mailPort);
  assert.deepEqual(seen, ['EINVAL', 'EINVAL', 'EINVAL', '250 NOOP (plain)', 'EPIPE', 'EINVAL', 'EINVAL']);
});

test('plain text that was slipped in before the handshake fails it', async () => {
  const slippery = await Listening.start(7026, mail(nginx.certificate, '250 FORGED\r\n'));
  try {
    const seen = await page.evaluate(async (port) => {
      const socket = safe.connect(to(port));
      const line = async (length) => {
        const reader = socket.readable.getReader({ mode: 'byob' });
        const { value } = await reader.read(new Uint8Array(length), { min: length });
        reader.releaseLock();
        return new TextDecoder().decode(value);
      };
      const seen = [await line(11)];
      const writer = socket.writable.getWriter();
      await writer.write('STARTTLS\r\n');
      writer.releaseLock();
      seen.push(await line(8));
      return [...seen, ...(await ends(socket.startTls()))];
    }, 7026);
    assert.deepEqual(seen, ['220 ready\r\n', '220 go\r\n', 'ETLSPROTOCOL', 'ETLSPROTOCOL']);
  } finally {
    await slippery.stop();
  }
});

test('a server that is refused by startTls() fails the new socket alone', async () => {
  const seen = await page.evaluate(async (port) => {
    const socket = safe.connect(to(port));
    const plain = new Lines(socket);
    await plain.hear();
    await plain.say('STARTTLS');
    plain.release();
    const secure = socket.startTls({ servername: 'other.example.com' });
    return [...(await ends(secure)), ...(await ends(socket))];
  }, mailPort);
  assert.deepEqual(seen, ['ETLSHOST', 'ETLSHOST', 'in order', 'in order']);
});

test('the relay sees ciphertext alone', async () => {
  const words = 'What nobody between the tab and the server shall read. ';
  const [frames, seen] = await page.evaluate(
    async ([port, words]) => {
      const reader = safe.capture().getReader();
      const socket = safe.connect(to(port), { tls: true });
      const writer = socket.writable.getWriter();
      await writer.write(words);
      await writer.close();
      if ((await new Response(socket.readable).text()) !== words) throw new Error('something else came back');
      await socket.closed;
      let frames = 0;
      let seen = false;
      const decoder = new TextDecoder('latin1');
      const reading = (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          frames += 1;
          seen ||= decoder.decode(next.value.bytes).includes(words);
          // A ping that is looked for behind everything else.
          if (next.value.protocol === 'ICMP') break;
        }
      })();
      await safe.ping('10.77.0.1');
      await reading;
      await reader.cancel();
      return [frames, seen];
    },
    [echoPort, words],
  );
  assert.ok(frames > 10, `${frames} frames`);
  assert.equal(seen, false);
});

test('a megabyte comes back whole from an echo server', async () => {
  const socket = await page.evaluateHandle((port) => safe.connect(to(port), { tls: true }), echoPort);
  assert.ok(await comesBackWhole(socket));
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
