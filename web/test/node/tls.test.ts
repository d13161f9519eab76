/** `ethertab/node/tls`: what goes to the network and what comes of it; the rest is compared with Node's own `node:tls`. */

import { once } from 'node:events';
import * as theirs from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EthertabError } from '../../src/errors.js';
import * as net from '../../src/node/net.js';
import { use } from '../../src/node/network.js';
import * as tls from '../../src/node/tls.js';
import { FakeNetwork, type FakeTcp, turn } from '../fake-network.js';

const AGREED = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', protocol: 'h2', resumed: true } as const;

let network: FakeNetwork;

beforeEach(() => {
  network = new FakeNetwork();
  use({
    connect: network.connect.bind(network),
    listen: network.listen.bind(network),
    udp: network.udp.bind(network),
    resolve: async () => ['10.77.0.1'],
  });
});
afterEach(() => use(null));

/** Notes what a socket says. */
function watch(socket: net.Socket): string[] {
  const trace: string[] = [];
  for (const event of ['lookup', 'connect', 'ready', 'secureConnect', 'data', 'end', 'finish'] as const) {
    socket.on(event, () => trace.push(event));
  }
  socket.on('error', (error: { code: string }) => trace.push(`error ${error.code}`));
  socket.on('close', (hadError: boolean) => trace.push(`close ${hadError}`));
  return trace;
}

/** The connection in the clear, once it is open, and the secure one that goes on with it. */
async function opened(): Promise<[FakeTcp, FakeTcp]> {
  await turn();
  const plain = network.tcp.at(-1) as FakeTcp;
  plain.open();
  await turn();
  return [plain, plain.secured?.socket as FakeTcp];
}

test('connects, shakes hands, and tells what was agreed on', async () => {
  const socket = tls.connect({ host: 'www.example.com', port: 443, ALPNProtocols: ['h2', 'http/1.1'], ca: 'PEM' });
  const trace = watch(socket);
  socket.write('early');
  const [plain, secure] = await opened();
  expect(plain.secured?.options).toEqual({ servername: 'www.example.com', alpn: ['h2', 'http/1.1'], ca: 'PEM' });
  expect([socket.authorized, socket.getProtocol(), socket.getCipher(), secure.text]).toEqual([false, null, {}, '']);
  // What the network says of TLS.
  Object.assign(secure, { tls: AGREED });
  secure.open(AGREED);
  await once(socket as never, 'secureConnect');
  expect([socket.authorized, socket.encrypted, socket.authorizationError]).toEqual([true, true, null]);
  expect([socket.alpnProtocol, socket.getProtocol(), socket.isSessionReused()]).toEqual(['h2', 'TLSv1.3', true]);
  expect(socket.getCipher()).toMatchObject({ name: AGREED.cipher, version: 'TLSv1.3' });
  expect([socket.remoteAddress, socket.remotePort]).toEqual(['10.77.0.1', 7]);
  await turn();
  expect([plain.text, secure.text]).toEqual(['', 'early']);
  secure.receive(1, 2, 3);
  await once(socket as never, 'data');
  secure.end();
  await once(socket as never, 'close');
  expect(trace).toEqual(['lookup', 'connect', 'ready', 'secureConnect', 'data', 'end', 'finish', 'close false']);
});

test('a connection that is open goes on as a secure one, after what was written in the clear', async () => {
  const plain = net.connect(7, '10.77.0.1');
  const before = watch(plain);
  await turn();
  const tcp = network.tcp[0] as FakeTcp;
  tcp.open();
  await once(plain as never, 'connect');
  let release = () => {};
  tcp.stuck = new Promise((resolve) => {
    release = resolve;
  });
  plain.write('STARTTLS');
  const socket = tls.connect({ socket: plain, servername: 'www.example.com' });
  await turn();
  expect(tcp.secured).toBe(null);
  release();
  await turn();
  expect(tcp.text).toBe('STARTTLS');
  expect(tcp.secured?.options).toEqual({ servername: 'www.example.com' });
  const secure = tcp.secured?.socket as FakeTcp;
  secure.open({ ...AGREED, protocol: null });
  await once(socket as never, 'secureConnect');
  expect(socket.alpnProtocol).toBe(false);
  socket.end('secret');
  secure.receive(1);
  secure.end();
  socket.resume();
  await once(socket as never, 'close');
  await turn();
  expect(secure.text).toBe('secret');
  // The socket below says nothing of what is secret, and ends with the one above.
  expect(before).toEqual(['connect', 'ready', 'close false']);
});

test('without a servername, who was connected to must prove it', async () => {
  tls.connect(443, 'by.name.example').on('error', () => {});
  const [named] = await opened();
  expect(named.secured?.options).toEqual({ servername: 'by.name.example' });
  tls.connect(443, '10.0.0.7', { servername: '' }).on('error', () => {});
  const [addressed] = await opened();
  expect(addressed.secured?.options).toEqual({ servername: '10.0.0.7' });
  const plain = net.connect(443, 'plain.example');
  tls.connect({ socket: plain }).on('error', () => {});
  const [wrapped] = await opened();
  expect(wrapped.secured?.options).toEqual({ servername: 'plain.example' });
});

test.each([
  ['ETLSEXPIRED', 'CERT_HAS_EXPIRED'],
  ['ETLSNOTYETVALID', 'CERT_NOT_YET_VALID'],
  ['ETLSHOST', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['ETLSISSUER', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['ETLSPROTOCOL', 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ['ECONNRESET', 'ECONNRESET'],
] as const)('a handshake that fails with %s is told as %s', async (code, expected) => {
  const socket = tls.connect(443, 'www.example.com');
  const trace = watch(socket);
  const lost = new Promise((resolve) => socket.write('lost', resolve));
  const [, secure] = await opened();
  secure.break(new EthertabError(code, 'why'));
  expect(await lost).toMatchObject({ code: 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION' });
  expect(trace.slice(-2)).toEqual([`error ${expected}`, 'close true']);
  expect([socket.authorized, trace.includes('secureConnect')]).toEqual([false, false]);
});

test('one that is destroyed during the handshake gives the connection up', async () => {
  const socket = tls.connect(443, 'www.example.com');
  const [, secure] = await opened();
  socket.destroy();
  await once(socket as never, 'close');
  expect(secure.aborted).not.toBe(null);
});

test('what cannot be is refused before anything is connected', () => {
  const asked: tls.TlsConnectionOptions[] = [
    { rejectUnauthorized: false },
    { cert: 'PEM', key: 'PEM' },
    { pfx: new Uint8Array(1) },
    { checkServerIdentity: () => undefined },
    { minVersion: 'TLSv1.3' },
    { maxVersion: 'TLSv1.2' },
    { secureContext: tls.createSecureContext({ key: 'PEM' }) },
  ];
  for (const options of asked) {
    const connect = () => tls.connect({ host: 'www.example.com', port: 443, ...options });
    expect(connect, JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' }));
  }
  expect(() => tls.createServer()).toThrow(/not supported/);
  expect(() => new tls.TLSSocket({} as net.Socket)).toThrow(/not supported/);
  expect(network.tcp).toEqual([]);
});

test('what changes nothing is let pass', async () => {
  const options = {
    rejectUnauthorized: true,
    checkServerIdentity: tls.checkServerIdentity,
    minVersion: 'TLSv1.2',
    ciphers: 'HIGH',
  };
  const bytes = [new TextEncoder().encode('-----BEGIN'), new Uint8Array([0x30, 1])];
  const secureContext = tls.createSecureContext({ ca: bytes });
  const ALPNProtocols = new Uint8Array([2, 0x68, 0x32]);
  tls.connect({ host: 'www.example.com', port: 443, ...options, secureContext, ALPNProtocols }).on('error', () => {});
  const [plain] = await opened();
  // PEM text is text, whatever it came as.
  expect(plain.secured?.options).toEqual({ servername: 'www.example.com', alpn: ['h2'], ca: ['-----BEGIN', bytes[1]] });
});

test.each([
  ['www.example.com', { subjectaltname: 'DNS:www.example.com' }],
  ['WWW.example.com.', { subjectaltname: 'DNS:www.example.com' }],
  ['www.example.com', { subjectaltname: 'DNS:*.example.com, DNS:example.com' }],
  ['a.www.example.com', { subjectaltname: 'DNS:*.example.com' }],
  ['example.com', { subjectaltname: 'DNS:*.example.com' }],
  ['example.com', { subjectaltname: 'DNS:*.com' }],
  ['www.example.com', { subjectaltname: 'DNS:other.example.com', subject: { CN: 'www.example.com' } }],
  ['www.example.com', { subject: { CN: 'www.example.com' } }],
  ['www.example.com', { subject: { CN: 'other.example.com' } }],
  ['10.0.0.1', { subjectaltname: 'IP Address:10.0.0.1' }],
  ['10.0.0.2', { subjectaltname: 'IP Address:10.0.0.1' }],
  ['10.0.0.1', { subjectaltname: 'DNS:10.0.0.1', subject: { CN: '10.0.0.1' } }],
])('checkServerIdentity of %s and %o says what Node says', (host, certificate) => {
  const expected = theirs.checkServerIdentity(host, { subject: {}, ...certificate } as theirs.PeerCertificate);
  const got = tls.checkServerIdentity(host, { subject: {}, ...certificate });
  expect([(got as { code?: string })?.code, !got]).toEqual([(expected as { code?: string })?.code, !expected]);
});
