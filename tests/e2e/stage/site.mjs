/** A server of files for pages that do not come from the relay. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Site {
  /** The paths that were asked for. */
  asked = [];
  #server;

  /** `answer(path)`: the type and the body; what throws is not found. */
  static async start(port, answer) {
    const site = new Site();
    site.#server = createServer((request, response) => {
      site.asked.push(request.url);
      try {
        const [type, body] = answer(request.url);
        response.setHeader('content-type', type).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    site.#server.listen(port, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
