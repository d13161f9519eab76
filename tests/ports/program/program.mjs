/** What a program does with the package, the same on every platform. */
import { EthertabError, Network } from 'ethertab';
import { connect, setNetwork } from 'ethertab/sockets';

/** Sends bytes through a socket to an echo server; how many came back as they were. */
async function echo({ readable, writable }) {
  const sent = new Uint8Array(300_000).map((_, index) => (index * 31) & 255);
  const writer = writable.getWriter();
  const writing = writer.write(sent).then(() => writer.close());
  const back = new Uint8Array(await new Response(readable).arrayBuffer());
  await writing;
  return back.filter((byte, index) => byte === sent[index]).length;
}

async function text(net, url) {
  return (await net.fetch(url)).text();
}

/** Opens a network, uses each of its parts once and closes it; says what came of it. */
export async function program({ relay, ca, hostname, echoPort, http, https }) {
  const net = await Network.open(relay, { tls: { ca } });
  const address = net.status.information.address;

  const socket = net.connect({ hostname, port: echoPort });
  const tcp = await echo(socket);
  await socket.closed;

  const refused = await net.connect({ hostname, port: 9 }).opened.catch((error) => error);

  setNetwork(net);
  const winter = await echo(connect({ hostname, port: echoPort }));
  const direct = await echo(await new net.TCPSocket(hostname, echoPort).opened);

  const udp = net.udp({ remoteAddress: hostname, remotePort: echoPort });
  await udp.writable.getWriter().write({ data: new TextEncoder().encode('a datagram') });
  const { value } = await udp.readable.getReader().read();
  const datagram = new TextDecoder().decode(value.data);
  await udp.close();

  const posted = await net.fetch(https.sum, { method: 'POST', body: new Blob(['from ', 'anywhere']) });
  const results = {
    address,
    tcp,
    winter,
    direct,
    datagram,
    refused: refused instanceof EthertabError && refused.code,
    resolved: await net.resolve('www.example.com'),
    http: await text(net, http),
    https: await text(net, https.text),
    sum: await posted.text(),
    stranger: await net.fetch(https.stranger).catch((error) => error.cause.code),
    pinged: (await net.ping(hostname)).address,
  };
  await net.close();
  return { ...results, state: net.status.state };
}
