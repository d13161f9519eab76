/** Options of sockets that act, as the wire and the stack show it, and `net.stats()`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, inFirefox } from './stage/browser.mjs';
import { host, Relay } from './stage/relay.mjs';
import { Echo } from './stage/servers.mjs';
import { soon, until } from './stage/until.mjs';

/** Nobody is there, and nobody says so: the host does not forward (addresses for documentation, RFC 5737). */
const nowhere = '192.0.2.1';

let relay;
let echo;
let browser;
let tab;
let page;

before(async () => {
  relay = await Relay.start();
  echo = await Echo.start();
  browser = await Browser.start();
  tab = await browser.open();
  page = tab.page;
  await page.evaluate(
    ([hostname, port, nowhere]) => {
      globalThis.echo = (options) => net.connect({ hostname, port }, options);
      globalThis.nobody = (options) => net.connect({ hostname: nowhere, port: 9 }, options);
      globalThis.connections = async (port) => (await net.stats()).tcp.filter(({ remotePort }) => remotePort === port);
      /** Segments of TCP that pass, with what their summaries say. */
      globalThis.Segments = class {
        #reader = net.capture().getReader();
        /** The next that `wanted` takes. */
        async next(wanted) {
          for (;;) {
            const { value } = await this.#reader.read();
            const number = (name) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(value.summary)?.[1] ?? Number.NaN);
            const port = (end) => Number(end.split(':')[1]);
            const segment = {
              out: value.direction === 'out',
              ports: [port(value.source), port(value.destination)],
              flags: /\[(.*?)\]/.exec(value.summary)?.[1] ?? '',
              sequence: number('Seq'),
              acknowledgement: number('Ack'),
              length: number('Len'),
            };
            if (value.summary.includes('Seq=') && wanted(segment)) return segment;
          }
        }
        stop() {
          return this.#reader.cancel();
        }
      };
    },
    [echo.host, echo.port, nowhere],
  );
});
after(async () => {
  relay?.resume();
  await browser?.stop();
  await echo?.stop();
  await relay?.stop();
});

/** Tries again, for a machine that was too slow to look in time. */
async function withRelayPaused(what, look) {
  await until(
    what,
    async () => {
      const socket = await page.evaluateHandle(async (what) => {
        const socket = globalThis.echo({ noDelay: what.includes('noDelay') });
        await socket.opened;
        globalThis.writer = socket.writable.getWriter();
        return socket;
      }, what);
      relay.pause();
      try {
        return await look(socket);
      } finally {
        relay.resume();
        await socket.evaluate((socket) => socket.abort());
      }
    },
    30_000,
  );
}

/** Writes two bytes one after the other, of which the first has left before the second comes; what the stack then says. */
const twoWrites = (socket) =>
  socket.evaluate(async (socket) => {
    await writer.write('a');
    while ((await socket.info()).inFlight < 1);
    await writer.write('b');
    let info;
    do info = await socket.info();
    while (info.sendQueued < 2);
    return info;
  });

test('short writes wait for the acknowledgement of those before, until setNoDelay(true)', async () => {
  await withRelayPaused("Nagle's algorithm holds the second one", async (socket) => {
    const held = await twoWrites(socket);
    const after = await socket.evaluate(async (socket) => {
      socket.setNoDelay(true);
      let info;
      do info = await socket.info();
      while (info.inFlight < 2);
      return info;
    });
    return held.inFlight === 1 && after.retransmits === 0;
  });
});

test('with noDelay they do not', async () => {
  await withRelayPaused('noDelay: both are under way', async (socket) => {
    await twoWrites(socket);
    const { inFlight, retransmits } = await socket.evaluate((socket) => socket.info());
    return inFlight === 2 && retransmits === 0;
  });
});

test('a connection that is idle is probed after keepAliveDelay, and no more after setKeepAlive(null)', async () => {
  const [probes, answer] = await soon(
    'two probes',
    page.evaluate(async (port) => {
      const segments = new Segments();
      const [probed, silent] = [globalThis.echo({ keepAliveDelay: 1_000 }), globalThis.echo({ keepAliveDelay: 1_000 })];
      silent.setKeepAlive(null);
      const [syns, probes] = [{}, []];
      while (probes.filter((at) => at === probed.localPort).length < 2) {
        const { ports, flags, sequence } = await segments.next(({ out, ports }) => out && ports[1] === port);
        if (flags.startsWith('SYN')) syns[ports[0]] = sequence;
        // RFC 9293 §3.8.4: a probe repeats the last sequence number, here that of the SYN.
        else if (syns[ports[0]] === sequence) probes.push(ports[0]);
      }
      const answer = await segments.next(({ out, ports }) => !out && ports[1] === probed.localPort);
      await segments.stop();
      const names = { [probed.localPort]: 'probed', [silent.localPort]: 'silent' };
      probed.abort();
      silent.abort();
      return [probes.map((at) => names[at]), answer.flags];
    }, echo.port),
    30_000,
  );
  assert.deepEqual(probes, ['probed', 'probed']);
  assert.equal(answer, 'ACK');
});

test('receiveBufferSize bounds what the peer may send ahead', async () => {
  const most = await page.evaluate(async () => {
    const segments = new Segments();
    const socket = globalThis.echo({ receiveBufferSize: 8_192 });
    await socket.opened;
    const writer = socket.writable.getWriter();
    const writing = writer.write(new Uint8Array(200_000)).then(() => writer.close());
    let acknowledged;
    let most = 0;
    const watching = (async () => {
      for (;;) {
        const segment = await segments.next(({ ports }) => ports.includes(socket.localPort));
        if (segment.out) {
          acknowledged = segment.acknowledgement;
        } else if (acknowledged !== undefined) {
          most = Math.max(most, (segment.sequence + segment.length - acknowledged) >>> 0);
          if (segment.flags.includes('FIN')) return;
        }
      }
    })();
    const back = await new Response(socket.readable).arrayBuffer();
    await writing;
    await watching;
    await segments.stop();
    if (back.byteLength !== 200_000) throw new Error(`${back.byteLength} bytes came back`);
    return most;
  });
  assert.ok(most > 1_000 && most <= 8_192, `${most} bytes were under way`);
});

test('sendBufferSize bounds what waits to be acknowledged', async () => {
  const socket = await page.evaluateHandle(async () => {
    const socket = globalThis.echo({ sendBufferSize: 8_192 });
    await socket.opened;
    return socket;
  });
  relay.pause();
  try {
    await socket.evaluate((socket) => {
      globalThis.writing = socket.writable.getWriter().write(new Uint8Array(100_000));
    });
    const queued = () => socket.evaluate(async (socket) => (await socket.info()).sendQueued);
    await until('the buffer is full', async () => (await queued()) === 8_192);
  } finally {
    relay.resume();
  }
  const back = await socket.evaluate(async (socket) => {
    await writing;
    const reader = socket.readable.getReader();
    let length = 0;
    while (length < 100_000) length += (await reader.read()).value.length;
    socket.abort();
    return length;
  });
  assert.equal(back, 100_000);
});

test('a connect timeout ends the attempt', async () => {
  const [code, elapsed, left] = await page.evaluate(async () => {
    const before = performance.now();
    const code = await nobody({ timeout: 700 }).opened.catch((error) => error.code);
    const elapsed = performance.now() - before;
    return [code, elapsed, (await connections(9)).length];
  });
  assert.equal(code, 'ETIMEDOUT');
  assert.ok(elapsed >= 690, `${elapsed} ms`);
  assert.equal(left, 0);
});

test('an AbortSignal ends the attempt: nobody asks any more', async () => {
  const [names, before, asked] = await page.evaluate(async () => {
    const segments = new Segments();
    const controller = new AbortController();
    const socket = nobody({ signal: controller.signal });
    const { flags } = await segments.next(({ out, ports }) => out && ports[1] === 9);
    const before = (await connections(9)).map(({ state }) => state);
    controller.abort();
    const names = await Promise.all([socket.opened, socket.closed].map((end) => end.catch(({ name }) => name)));
    await segments.stop();
    return [names, before, flags];
  });
  assert.match(asked, /^SYN/);
  assert.deepEqual(before, ['SYN-SENT']);
  assert.deepEqual(names, ['AbortError', 'AbortError']);
  await until('the attempt is given up', async () => (await page.evaluate(() => connections(9))).length === 0);
});

test('stats() tells of every connection, listener and UDP socket, and of none that is gone', async () => {
  const [statistics, address, gone] = await page.evaluate(async () => {
    const socket = globalThis.echo();
    const listener = net.listen({ port: 4444 });
    const [open, connected] = [net.udp({ localPort: 5555 }), net.udp({ remoteAddress: '10.77.0.1', remotePort: 7 })];
    await Promise.all([socket, listener, open, connected].map(({ opened }) => opened));
    const writer = socket.writable.getWriter();
    await writer.write('1234567');
    const reader = socket.readable.getReader();
    for (let length = 0; length < 7; ) length += (await reader.read()).value.length;
    const statistics = await net.stats();
    const own = { tcp: socket.localPort, udp: connected.localPort };
    socket.abort();
    await Promise.all([listener, open, connected].map((one) => one.close()));
    let gone;
    do gone = await net.stats();
    while (gone.tcp.some(({ localPort }) => localPort === own.tcp));
    const find = ({ tcp, udp, ...rest }) => ({
      ...rest,
      tcp: tcp.find(({ localPort }) => localPort === own.tcp),
      udp: udp.map((one) => (one.localPort === own.udp ? { ...one, localPort: 'own' } : one)),
    });
    return [find(statistics), net.status.information.address, gone];
  });
  const { state, bytesSent, bytesReceived, remoteAddress, remotePort, localAddress, roundTripMs } = statistics.tcp;
  assert.deepEqual([state, bytesReceived, remoteAddress, remotePort], ['ESTABLISHED', 7, host, echo.port]);
  assert.ok(bytesSent <= 7);
  assert.equal(localAddress, address);
  // Firefox's clock counts milliseconds.
  assert.ok(inFirefox ? roundTripMs >= 0 : roundTripMs > 0);
  assert.deepEqual(
    statistics.listeners.map(({ localPort }) => localPort),
    [4444],
  );
  assert.deepEqual(
    statistics.udp.map(({ localPort, remoteAddress, remotePort }) => [localPort, remoteAddress, remotePort]),
    [
      [5555, null, null],
      ['own', host, 7],
    ],
  );
  assert.ok(statistics.counters.framesReceived > 0);
  assert.deepEqual([gone.listeners, gone.udp], [[], []]);
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
