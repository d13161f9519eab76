/** Packages that were written for Node, in a page: each talks to the real server that it was written for. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Browser } from './stage/browser.mjs';
import { Bundle } from './stage/bundle.mjs';
import { Authority } from './stage/certificates.mjs';
import { Mosquitto, Postgres, Redis, Vsftpd } from './stage/daemons.mjs';
import { host as address, Relay } from './stage/relay.mjs';
import { curl, UdpEcho } from './stage/servers.mjs';
import { until } from './stage/until.mjs';

const host = 'www.example.com';
const running = [];
let ca;
let page;
let tab;
let vsftpd;

before(async () => {
  const authority = new Authority(join(process.env.STAGE, `clients-${process.pid}`));
  const certificate = authority.issue('server', host);
  ca = authority.pem;
  const bundle = await start(Bundle);
  await start(Relay, '--allow-origin', bundle.origin);
  await start(Postgres, certificate);
  await start(Redis, certificate);
  await start(UdpEcho);
  await start(Mosquitto, certificate);
  vsftpd = await start(Vsftpd, certificate);
  tab = await (await start(Browser)).open({ address: `${bundle.origin}/`, online: false });
  page = tab.page;
  // While the TAP interface is coming up, Chromium breaks off what it loads (ERR_NETWORK_CHANGED).
  await until(
    'the page is loaded',
    async () => {
      await page.goto(`${bundle.origin}/`);
      return page.evaluate(() => open({}).then(() => true));
    },
    60_000,
  );
  tab.complaints.length = 0;
});
after(async () => {
  for (const each of running.reverse()) await each.stop();
});

async function start(what, ...options) {
  const started = await what.start(...options);
  running.push(started);
  return started;
}

test('pg asks PostgreSQL, with a password', async () => {
  const got = await page.evaluate(
    async ([host, port, user, password]) => {
      const { Client } = (await packages.pg()).default;
      const client = new Client({ host, port, user, password, database: 'postgres' });
      await client.connect();
      await client.query('create table birds (id serial primary key, name text, weight float8, seen timestamptz)');
      const insert = 'insert into birds (name, weight, seen) values ($1, $2, $3) returning id';
      const { rows: ids } = await client.query(insert, ['kingfisher', 0.034, new Date(0)]);
      const { rows } = await client.query('select * from birds');
      const { rows: many } = await client.query("select n, repeat('x', 1000) as text from generate_series(1, 1000) n");
      const failure = await client.query('select nothing').catch((error) => error.code);
      await client.end();
      const length = many.reduce((sum, { text }) => sum + text.length, 0);
      return { ids, rows: JSON.parse(JSON.stringify(rows)), length, last: many.at(-1).n, failure };
    },
    [host, Postgres.port, Postgres.user, Postgres.password],
  );
  assert.deepEqual(got, {
    ids: [{ id: 1 }],
    rows: [{ id: 1, name: 'kingfisher', weight: 0.034, seen: '1970-01-01T00:00:00.000Z' }],
    length: 1_000_000,
    last: 1000,
    failure: '42703',
  });
});

test('pg asks PostgreSQL over TLS, which names the CA; without it the server is refused', async () => {
  const got = await page.evaluate(
    async ([host, port, user, password, ca]) => {
      const { Client } = (await packages.pg()).default;
      const ask = async (ssl) => {
        const client = new Client({ host, port, user, password, database: 'postgres', ssl });
        try {
          await client.connect();
          const answer = await client.query('select version, ssl from pg_stat_ssl where pid = pg_backend_pid()');
          await client.end();
          return answer.rows[0];
        } catch (error) {
          return error.code;
        }
      };
      return [await ask({ ca }), await ask(true), await ask({ rejectUnauthorized: false })];
    },
    [host, Postgres.port, Postgres.user, Postgres.password, ca],
  );
  assert.deepEqual(got, [
    { version: 'TLSv1.3', ssl: true },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  ]);
});

for (const [way, port, tls] of [
  ['as it is', Redis.port, () => undefined],
  ['over TLS', Redis.securePort, () => ({ ca })],
]) {
  test(`ioredis asks Redis: many commands at once, and a subscription, ${way}`, async () => {
    const got = await page.evaluate(
      async ([host, port, password, tls]) => {
        const { Redis } = await packages.ioredis();
        const redis = new Redis({ host, port, password, tls });
        await redis.set('greeting', 'hello');
        await redis.del('count');
        const counts = await Promise.all(Array.from({ length: 1000 }, () => redis.incr('count')));
        const large = 'y'.repeat(500_000);
        await redis.set('large', large);
        const same = (await redis.get('large')) === large;
        const listener = redis.duplicate();
        const heard = new Promise((resolve) => listener.on('message', (...message) => resolve(message)));
        await listener.subscribe('news');
        await redis.publish('news', 'a tab listens');
        const answer = { greeting: await redis.get('greeting'), last: counts.at(-1), same, heard: await heard };
        await Promise.all([redis.quit(), listener.quit()]);
        return answer;
      },
      [host, port, Redis.password, tls()],
    );
    assert.deepEqual(got, { greeting: 'hello', last: 1000, same: true, heard: ['news', 'a tab listens'] });
  });
}

test('ioredis refuses a Redis whose CA it does not know', async () => {
  const got = await page.evaluate(
    async ([host, port, password]) => {
      const { Redis } = await packages.ioredis();
      const redis = new Redis({ host, port, password, tls: {}, retryStrategy: null });
      const failed = new Promise((resolve) => redis.on('error', (error) => resolve(error.code)));
      const asked = redis.get('greeting').catch((error) => error.message);
      return [await failed, await asked];
    },
    [host, Redis.securePort, Redis.password],
  );
  assert.deepEqual(got, ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'Connection is closed.']);
});

test('mqtt publishes by mosquitto, and hears what it subscribed to', async () => {
  const got = await page.evaluate(
    async ([host, port]) => {
      const { MqttClient } = (await packages.mqtt()).default;
      const net = await packages.net();
      // mqtt.connect() knows WebSockets alone in a page; a client over a stream of one's own is its way out.
      const client = new MqttClient(() => net.connect({ host, port }), { clientId: 'tab', reconnectPeriod: 0 });
      const heard = [];
      const all = new Promise((resolve, reject) => {
        client.on('error', reject);
        client.on('message', (topic, payload) => heard.push([topic, payload.length, payload.at(-1)]) === 3 && resolve());
      });
      await client.subscribeAsync('birds/#', { qos: 2 });
      for (const qos of [0, 1, 2]) await client.publishAsync(`birds/${qos}`, new Uint8Array(100_000).fill(qos), { qos });
      await all;
      await client.endAsync();
      return heard;
    },
    [host, Mosquitto.port],
  );
  assert.deepEqual(got, [
    ['birds/0', 100_000, 0],
    ['birds/1', 100_000, 1],
    ['birds/2', 100_000, 2],
  ]);
});

test('mqtt reaches mosquitto over TLS', async () => {
  const got = await page.evaluate(
    async ([host, port, ca]) => {
      const { MqttClient } = (await packages.mqtt()).default;
      const tls = await packages.tls();
      let socket;
      const connect = () => {
        socket = tls.connect({ host, port, ca });
        return socket;
      };
      const client = new MqttClient(connect, { clientId: 'tab', reconnectPeriod: 0 });
      const heard = new Promise((resolve, reject) => client.on('error', reject).on('message', (_, text) => resolve(`${text}`)));
      await client.subscribeAsync('secret');
      await client.publishAsync('secret', 'nobody listens');
      const answer = [await heard, socket.authorized, socket.getProtocol()];
      await client.endAsync();
      return answer;
    },
    [host, Mosquitto.securePort, ca],
  );
  assert.deepEqual(got, ['nobody listens', true, 'TLSv1.3']);
});

for (const [way, options] of [
  ['as it is', () => ({})],
  ['over TLS', () => ({ secure: true, secureOptions: { ca } })],
]) {
  test(`basic-ftp lists, downloads and uploads files by vsftpd, ${way}`, async () => {
    const { name, bytes, hash } = servedFile();
    const got = await page.evaluate(transfer, { host, port: Vsftpd.port, name, ...options() });
    assert.equal(got.error, undefined);
    assert.deepEqual(got.listed, [{ name, size: bytes.length }]);
    assert.equal(got.hash, hash);
    assert.equal(hashOf(readFileSync(join(vsftpd.root, 'copy'))), hash);
    rmSync(join(vsftpd.root, 'copy'));
  });
}

/** A file of noise on the FTP server. */
function servedFile() {
  const name = 'noise.bin';
  const bytes = randomBytes(1_000_000);
  writeFileSync(join(vsftpd.root, name), bytes);
  return { name, bytes, hash: hashOf(bytes) };
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** In the page: lists the files of an FTP server, downloads one and uploads it again as `copy`. */
async function transfer({ host, port, name, secure = false, secureOptions = {} }) {
  const { Client } = await packages.ftp();
  const { PassThrough, Readable } = (await packages.stream()).default;
  const client = new Client(20_000);
  try {
    await client.access({ host, port, secure, secureOptions });
    const listed = (await client.list()).map(({ name, size }) => ({ name, size }));
    const pieces = [];
    const download = new PassThrough().on('data', (piece) => pieces.push(piece));
    await client.downloadTo(download, name);
    const bytes = await new Blob(pieces).arrayBuffer();
    await client.uploadFrom(Readable.from(pieces), 'copy');
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return { listed, hash: [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
  } catch (error) {
    return { error: error.stack };
  } finally {
    client.close();
  }
}

test('node:dgram sends to a host by name, and hears its answer', async () => {
  const got = await page.evaluate(async (host) => {
    const dgram = await packages.dgram();
    const socket = dgram.createSocket('udp4');
    const heard = new Promise((resolve, reject) => {
      socket
        .on('error', reject)
        .on('message', (message, { address, port, size }) => resolve([`${message}`, address, port, size]));
    });
    socket.send('to a name', 7007, host);
    const answer = await heard;
    await new Promise((resolve) => socket.close(resolve));
    return answer;
  }, host);
  assert.deepEqual(got, ['to a name', address, 7007, 9]);
});

test('node:dns asks the name server of the network', async () => {
  const got = await page.evaluate(async (host) => {
    const { promises: dns } = await packages.dns();
    const failure = await dns.lookup('nobody.ethertab').catch(({ code, syscall, message }) => [code, syscall, message]);
    return [await dns.lookup(host), await dns.resolve4(host), failure, dns.getServers().length];
  }, host);
  const failure = ['ENOTFOUND', 'getaddrinfo', 'getaddrinfo ENOTFOUND nobody.ethertab'];
  assert.deepEqual(got, [{ address, family: 4 }, [address], failure, 1]);
});

test('node:net serves in a tab, and says why nobody answers', async () => {
  const [own, refused] = await page.evaluate(async (host) => {
    const { connect, createServer } = await packages.net();
    const server = createServer((peer) => {
      peer.once('data', () => peer.end('HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\nserved by a tab'));
    });
    await new Promise((resolve) => server.listen(8080, resolve));
    const refused = await new Promise((resolve) =>
      connect(9, host).on('error', ({ message, errno }) => resolve([message, errno])),
    );
    globalThis.server = server;
    return [net.status.information.address, refused];
  }, host);
  assert.equal(await curl(`http://${own}:8080/`), 'served by a tab');
  assert.deepEqual(refused, [`connect ECONNREFUSED ${address}:9`, -111]);
  await page.evaluate(() => new Promise((resolve) => server.close(resolve)));
});

test('nobody complained in the console', () => {
  assert.deepEqual(tab.complaints, []);
});
