/** WebSocket servers on the kernel's side of the TAP: one that does as it should, and one that does not. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { WebSocketServer } from 'ws';
import { accept } from './plain-relay.mjs';

/** A server that does what the path of the URL says; `heard`: how each of its connections ended, and the headers that it began with. */
export class GoodServer {
  heard = [];

  /** `secure`: certificate and key, for wss:. */
  static async start(port, secure) {
    const good = new GoodServer();
    good.server = secure ? createSecureServer(secure) : createHttpServer();
    good.sockets = new WebSocketServer({
      server: good.server,
      maxPayload: 32 << 20,
      verifyClient: ({ req }) => req.url !== '/refused',
      handleProtocols: (offered) => (offered.has('two') ? 'two' : false),
    });
    good.sockets.on('connection', (socket, request) => good.#serve(socket, request));
    good.server.listen(port, '0.0.0.0');
    await once(good.server, 'listening');
    return good;
  }

  async stop() {
    const closed = once(this.server, 'close');
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    this.server.close();
    await closed;
  }

  #serve(socket, { url, headers }) {
    const [path, ...args] = url.slice(1).split('/');
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => this.heard.push({ url, code, reason: String(reason), headers }));
    if (path === 'echo') socket.on('message', (data, binary) => socket.send(data, { binary }));
    if (path === 'greet') socket.send('hello');
    if (path === 'close') args[0] ? socket.close(Number(args[0]), decodeURIComponent(args[1] ?? '')) : socket.close();
    if (path === 'terminate') socket.terminate();
    if (path === 'ping') {
      socket.on('pong', (data) => socket.send(`pong ${data}`));
      socket.ping('are you there?');
    }
    if (path === 'fragments') {
      socket.send('in ', { fin: false });
      socket.ping();
      for (const piece of ['three', ' ']) socket.send(piece, { fin: false });
      socket.send('pieces: ä', { fin: true });
      socket.send(Buffer.from([1, 2]), { fin: false });
      socket.send(Buffer.from([3]), { fin: true });
    }
  }
}

/** What a server may answer with instead of what it should, and what it may send behind a right answer. */
const handshakes = {
  'wrong-accept': (answer) => answer.replace(/Accept: .*/, 'Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='),
  'no-accept': (answer) => answer.replace(/Sec-WebSocket-Accept: .*\r\n/, ''),
  'no-upgrade': (answer) => answer.replace('Upgrade: websocket\r\n', ''),
  'other-upgrade': (answer) => answer.replace('Upgrade: websocket', 'Upgrade: h2c'),
  'no-connection': (answer) => answer.replace('Connection: Upgrade\r\n', ''),
  extension: (answer) => answer.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: x-unknown\r\n\r\n'),
  subprotocol: (answer) => answer.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: other\r\n\r\n'),
  'status-200': (answer) => answer.replace('101 Switching Protocols', '200 OK'),
  redirect: () => 'HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n',
  garbage: () => 'SSH-2.0-OpenSSH\r\n\r\n',
  nothing: () => '',
  half: (answer) => answer.slice(0, 60),
};
const frames = {
  'reserved-bit': 'c10178',
  'reserved-opcode': '8300',
  'reserved-control': '8b00',
  masked: '81810000000078',
  'not-utf8': '8102c328',
  'half-utf8': '8101c3',
  'stray-continuation': '800178',
  'message-in-message': '010178810179',
  'fragmented-ping': '0900',
  'long-ping': `897e007e${'00'.repeat(126)}`,
  'close-of-one-byte': '880103',
  'close-1005': '880203ed',
  'close-not-utf8': '880303e8ff',
  'half-frame': '81054865',
  fin: '',
};
/** What is taken differently. (And at `/reset` the connection is reset when the client has said something.) */
const others = { 'close-999': '880203e7', 'message-behind-close': '880203e8810178' };

export class BadServer {
  /** The ways in which it is bad. */
  static ways = [...Object.keys(handshakes), ...Object.keys(frames)];
  #sockets = new Set();

  static async start(port) {
    const bad = new BadServer();
    bad.server = createServer((socket) => bad.#serve(socket));
    bad.server.listen(port, '0.0.0.0');
    await once(bad.server, 'listening');
    return bad;
  }

  async stop() {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket) {
    let head = '';
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const was = head;
      head += data.toString('latin1');
      if (was.includes('\r\n\r\n') && head.startsWith('GET /reset ')) socket.resetAndDestroy();
      if (was.includes('\r\n\r\n') || !head.includes('\r\n\r\n')) return;
      const [, way] = head.match(/^GET \/(\S*)/);
      const [, key] = head.match(/sec-websocket-key: (\S+)/i);
      const answer = [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept(key)}`,
        '',
        '',
      ].join('\r\n');
      socket.write(handshakes[way]?.(answer) ?? answer);
      // What is wrong within a frame is told at once; an end that comes too soon has to come.
      const more = frames[way] ?? others[way];
      if (more !== undefined || handshakes[way]) socket.end(Buffer.from(more ?? '', 'hex'));
    });
  }
}
