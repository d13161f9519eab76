/** A cable that can be cut: passes port 8081 on to the relay at 8080; a request to port 8082 breaks all that is under way. */
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';

const cables = new Set();

createServer((client) => {
  const relay = connect(8080, '127.0.0.1');
  const cut = () => {
    cables.delete(cut);
    client.destroy();
    relay.destroy();
  };
  cables.add(cut);
  for (const end of [client, relay]) {
    end.setNoDelay(true).on('error', cut).on('close', cut);
  }
  client.pipe(relay).pipe(client);
}).listen(8081, '127.0.0.1');

createHttpServer((_, response) => {
  const count = cables.size;
  for (const cut of [...cables]) {
    cut();
  }
  response.setHeader('access-control-allow-origin', '*').end(`${count}`);
}).listen(8082, '127.0.0.1');
