/**
 * A relay of the older kind in front of ours: it knows no subprotocol and says so by selecting none, and one message is
 * one frame. What it hears goes on to our relay in the plain form, WebSocket frame by WebSocket frame. It can learn the
 * negotiated form, and forget it.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { pipeline } from 'node:stream';
import { page } from './relay.mjs';

/** RFC 6455 §4.2.2. */
export const accept = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export class PlainRelay {
  /** The subprotocols that each client offered, one string a client. */
  offers = [];
  /** Whether it selects what is offered to it. */
  negotiates = false;
  #server = createServer();
  #sockets = new Set();

  static async start() {
    const relay = new PlainRelay();
    relay.#server.on('upgrade', (asked, socket, head) => relay.#join(asked, socket, head));
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    relay.url = `ws://127.0.0.1:${relay.#server.address().port}/tunnel`;
    return relay;
  }

  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Ends all tunnels. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(asked, socket, head) {
    const offer = asked.headers['sec-websocket-protocol'] ?? '';
    this.offers.push(offer);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const key = asked.headers['sec-websocket-key'];
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': key,
    };
    const selected = this.negotiates && offer ? `Sec-WebSocket-Protocol: ${offer}\r\n` : '';
    if (selected) headers['Sec-WebSocket-Protocol'] = offer;
    const upstream = request(new URL('/tunnel', page), { headers });
    upstream.on('upgrade', (_, relay, first) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept(key)}\r\n${selected}\r\n`,
      );
      socket.write(first);
      relay.write(head);
      this.#sockets.add(relay);
      pipeline(socket, relay, socket, () => undefined);
    });
    upstream.on('error', () => socket.destroy());
    upstream.end();
  }
}
