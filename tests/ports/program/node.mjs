/** A program for Node.js in a page: its modules are the package's, by the aliases that a bundler was given. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Network } from 'ethertab';
import { use } from 'ethertab/node';

const once = (emitter, event) =>
  new Promise((resolve, reject) => emitter.once('error', reject).once(event, (value) => resolve(value)));

globalThis.program = async ({ relay, ca, hostname, echoPort, https }) => {
  const net = await Network.open(relay, { tls: { ca } });
  use(net);
  const socket = connect(echoPort, 'www.example.com');
  socket.write('over TCP');
  const tcp = String(await once(socket, 'data'));
  const closed = once(socket, 'close');
  socket.end();
  await closed;

  const datagrams = createSocket('udp4');
  datagrams.send('a datagram', echoPort, hostname);
  const datagram = String(await once(datagrams, 'message'));
  datagrams.close();

  const secure = connectSecurely(new URL(https.text).port, new URL(https.text).hostname);
  secure.end('GET / HTTP/1.0\r\n\r\n');
  const tls = String(await once(secure, 'data')).slice(0, 5);

  const { address } = await lookup('www.example.com');
  await net.close();
  return { tcp, datagram, tls, address };
};
