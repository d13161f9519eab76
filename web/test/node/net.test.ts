/** `ethertab/node/net` beside Node's own `node:net`: the same program, over the same loopback, must see the same. */

import { once } from 'node:events';
import * as theirs from 'node:net';
import { describe, expect, test } from 'vitest';
import * as ours from '../../src/node/net.js';
import { use } from '../../src/node/network.js';
import { loopback } from '../loopback-network.js';
import { alikeOf, codeOf, type Trace } from './alike.js';

type Net = typeof theirs;

const HOST = '127.0.0.1';

const alike = alikeOf<Net>(theirs, ours as unknown as Net);

const EVENTS = ['lookup', 'connect', 'ready', 'end', 'finish', 'timeout', 'drain'];

/** Notes a socket's events. */
function watch(socket: theirs.Socket, trace: Trace, events = EVENTS): void {
  for (const event of events) {
    socket.on(event, () => trace.push(event));
  }
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const { code, errno, syscall, message } = error;
    const { address } = error as { address?: string };
    trace.push(['error', error.name, code, errno, syscall, address, message.replace(/:\d+/g, ':port')]);
  });
  socket.on('close', (hadError) => trace.push(`close ${hadError}`));
}

async function serve(net: Net, listener: (socket: theirs.Socket) => void, options: theirs.ServerOpts = {}) {
  const server = net.createServer(options, listener);
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as theirs.AddressInfo;
  const stop = async () => {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  };
  return { server, port, stop };
}

const closed = (socket: theirs.Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
const text = async (socket: theirs.Socket) => {
  let all = '';
  for await (const piece of socket.setEncoding('utf8')) {
    all += piece;
  }
  return all;
};

/** What the peer says, once all is over. */
const whole = async (socket: theirs.Socket) => (await Promise.all([text(socket), closed(socket)]))[0];

/** A port where nobody listens. */
async function nobody(net: Net): Promise<number> {
  const { port, stop } = await serve(net, () => {});
  await stop();
  return port;
}

describe('a socket', () => {
  alike('connects, sends, receives and ends', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => void peer.pipe(peer), { allowHalfOpen: true });
    const socket = net.connect(port, HOST);
    watch(socket, trace);
    trace.push([socket.connecting, socket.pending, socket.readyState, socket.remoteAddress]);
    await once(socket, 'connect');
    trace.push([socket.connecting, socket.pending, socket.readyState]);
    trace.push([socket.remoteAddress, socket.remotePort === port, socket.remoteFamily, socket.localAddress]);
    const { address, family, port: own } = socket.address() as theirs.AddressInfo;
    trace.push([address, family, own === socket.localPort]);
    socket.end('hello');
    trace.push([await whole(socket), socket.bytesRead, socket.bytesWritten]);
    trace.push([socket.readyState, socket.destroyed]);
    await stop();
  });

  alike('sends what was written before it was connected, and calls back in order', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => void peer.pipe(peer), { allowHalfOpen: true });
    const socket = new net.Socket();
    watch(socket, trace, ['connect', 'finish', 'end']);
    socket.connect({ port, host: HOST }, () => trace.push('connected'));
    socket.write('one ', () => trace.push('wrote one'));
    socket.write(Buffer.from('two '), () => trace.push('wrote two'));
    trace.push(socket.bytesWritten);
    socket.end('three', () => trace.push('ended'));
    trace.push(await whole(socket), socket.bytesWritten);
    await stop();
  });

  alike('that nobody answers fails with ECONNREFUSED', async (net, trace) => {
    const socket = net.connect({ port: await nobody(net), host: HOST });
    watch(socket, trace);
    socket.write('lost', (error) => trace.push((error as NodeJS.ErrnoException | null)?.code));
    await closed(socket);
    trace.push([socket.destroyed, socket.readyState]);
  });

  alike('is told when the peer resets', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.once('data', () => peer.resetAndDestroy()));
    const socket = net.connect(port, HOST);
    watch(socket, trace);
    socket.write('now');
    socket.resume();
    await closed(socket);
    await stop();
  });

  alike('ends when the peer has ended, unless it may be half open', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.resume().end('bye'));
    for (const allowHalfOpen of [false, true]) {
      const socket = net.connect({ port, host: HOST, allowHalfOpen });
      watch(socket, trace);
      const over = closed(socket);
      socket.resume();
      await once(socket, 'end');
      trace.push(['writable', socket.writable]);
      if (allowHalfOpen) {
        socket.end('more');
      }
      await over;
    }
    await stop();
  });

  alike('that is destroyed before it is connected fails what was written', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.on('error', () => {}));
    const socket = net.connect(port, HOST);
    watch(socket, trace);
    socket.write('lost', (error) => trace.push((error as NodeJS.ErrnoException | null)?.code));
    socket.destroy();
    trace.push(socket.connecting);
    await closed(socket);
    await stop();
  });

  alike('is ended by an error of the program', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.resume().on('error', () => {}));
    const socket = net.connect(port, HOST);
    watch(socket, trace);
    await once(socket, 'connect');
    socket.destroy(new Error('enough'));
    await closed(socket);
    await stop();
  });

  alike('is ended by an AbortSignal', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.resume().on('error', () => {}));
    const controller = new AbortController();
    const socket = net.connect({ port, host: HOST, signal: controller.signal } as theirs.NetConnectOpts);
    watch(socket, trace);
    await once(socket, 'connect');
    controller.abort();
    await closed(socket);
    await stop();
  });

  alike('tells of silence, once, and goes on', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => void peer.pipe(peer), { allowHalfOpen: true });
    const socket = net.connect(port, HOST);
    await once(socket, 'connect');
    watch(socket, trace);
    socket.setTimeout(20);
    trace.push(socket.timeout);
    await once(socket, 'timeout');
    socket.setTimeout(0);
    socket.end('still here');
    trace.push(await whole(socket));
    await stop();
  });

  alike('says when to wait, and when to go on', async (net, trace) => {
    const { server, port, stop } = await serve(net, (peer) => peer.pause());
    const socket = net.connect(port, HOST);
    const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    watch(socket, trace);
    // More than the kernel takes from a program whose peer does not read.
    trace.push(socket.write(Buffer.alloc(32 * 1024 * 1024)), socket.writableNeedDrain);
    peer.resume();
    await once(socket, 'drain');
    socket.end();
    await closed(socket.resume());
    await stop();
  });

  alike('does not read ahead without limit', async (net, trace) => {
    const size = 16 * 1024 * 1024;
    let left = 0;
    const { port, stop } = await serve(net, (peer) => {
      peer.write(Buffer.alloc(size));
      left = peer.writableLength;
      peer.on('error', () => {}).end();
    });
    const socket = net.connect(port, HOST).pause();
    await once(socket, 'connect');
    const length = await new Promise<number>((resolve) => {
      let sum = 0;
      socket.on('end', () => resolve(sum));
      socket.once('readable', () => {
        trace.push(socket.readableLength < 1024 * 1024);
        socket.on('data', (piece) => {
          sum += piece.length;
        });
      });
    });
    trace.push(left === size, length === size, socket.bytesRead === size);
    await stop();
  });

  alike('takes the address from a lookup of the program', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.end());
    const lookup = (name: string, _options: unknown, callback: (...values: unknown[]) => void) =>
      setImmediate(() => (name === 'there' ? callback(null, HOST, 4) : callback(new Error('nowhere'))));
    for (const host of ['there', 'not there']) {
      const socket = net.connect({ port, host, lookup, autoSelectFamily: false } as theirs.NetConnectOpts);
      watch(socket, trace);
      socket.on('lookup', (...values) => trace.push(values.map(String)));
      await closed(socket.resume());
    }
    await stop();
  });

  alike('connects again after it has ended', async (net, trace) => {
    const { port, stop } = await serve(net, (peer) => peer.end('again'));
    const socket = new net.Socket();
    for (let round = 0; round < 2; round += 1) {
      socket.connect(port, HOST);
      let all = '';
      const gather = (piece: Buffer) => {
        all += piece;
      };
      socket.on('data', gather);
      await closed(socket);
      socket.off('data', gather);
      trace.push(all, socket.bytesRead);
    }
    await stop();
  });
});

describe('a server', () => {
  alike('tells its address, counts its connections, and closes when they have ended', async (net, trace) => {
    const peers: theirs.Socket[] = [];
    const { server, port } = await serve(net, (peer) => void peers.push(peer.resume()));
    const { address, family } = server.address() as theirs.AddressInfo;
    trace.push(address, family, server.listening);
    const socket = net.connect(port, HOST);
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    server.on('close', () => trace.push('close'));
    server.close((error) => trace.push(['closed', error]));
    trace.push(server.listening, server.address());
    trace.push(await new Promise((resolve) => server.getConnections((_, count) => resolve(count))));
    const over = once(server, 'close');
    socket.end();
    await over;
    trace.push(peers.length);
  });

  alike('refuses a port that is taken', async (net, trace) => {
    const { port, stop } = await serve(net, () => {});
    const second = net.createServer();
    second.listen(port, HOST);
    const [error] = await once(second, 'error');
    trace.push(error.code, error.errno, error.syscall, error.address, error.port === port, second.listening);
    trace.push(error.message.replace(/:\d+/, ':port'));
    await stop();
  });

  alike('drops connections beyond the most', async (net, trace) => {
    const { server, port, stop } = await serve(net, (peer) => peer.resume());
    server.maxConnections = 1;
    const first = net.connect(port, HOST);
    await once(server, 'connection');
    const second = net.connect(port, HOST).on('error', () => {});
    const [dropped] = await once(server, 'drop');
    trace.push(Object.keys(dropped).sort(), dropped.localPort === port, dropped.remoteFamily);
    second.destroy();
    first.end();
    await closed(first.resume());
    await stop();
  });

  alike('may leave a connection paused', async (net, trace) => {
    const { server, port, stop } = await serve(net, () => {}, { pauseOnConnect: true });
    const socket = net.connect(port, HOST);
    socket.end('waiting');
    const [peer] = await once(server, 'connection');
    trace.push(peer.isPaused(), peer.readableLength);
    trace.push(await text(peer));
    peer.end();
    await closed(socket.resume());
    await stop();
  });

  alike('says when it is misused', async (net, trace) => {
    const { server, stop } = await serve(net, () => {});
    trace.push(codeOf(() => server.listen(0, HOST)));
    await stop();
    trace.push(await new Promise((resolve) => server.close((error) => resolve((error as NodeJS.ErrnoException).code))));
    const wrong = [70_000, -1, 1.5, 'x1', {}, undefined] as number[];
    for (const port of wrong.slice(0, 3)) {
      trace.push(codeOf(() => net.connect(port, HOST)));
      trace.push(codeOf(() => net.createServer().listen(port)));
    }
    trace.push(codeOf(() => new net.Socket().connect({} as theirs.NetConnectOpts)));
    trace.push(codeOf(() => new net.Socket().setTimeout(-1)));
  });
});

test('without a network there is a clear error', () => {
  use(null);
  expect(() => ours.connect(1, HOST)).toThrow(/call use\(\)/);
  expect(() => ours.createServer().listen(0)).toThrow(/call use\(\)/);
});

test('local sockets are refused with a clear error', () => {
  use(loopback);
  expect(() => ours.connect({ path: '/run/redis' })).toThrow(/path.*not supported/);
  expect(() => ours.createServer().listen('/run/redis')).toThrow(/path.*not supported/);
});

test.each([
  ['127.0.0.1', '0.0.0.0', '255.255.255.255', '256.1.1.1', '01.2.3.4', '1.2.3', '1.2.3.4.5', '', ' 1.2.3.4', '1.2.3.4 '],
  ['::', '::1', '1::', 'fe80::1%eth0', 'fe80::1%', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:8::'],
  ['::ffff:1.2.3.4', '::1.2.3.4', '1.2.3.4::', '::1.2.3.256', '1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:7:1.2.3.4', '1::2::3'],
  [':::', ':1', '1:', 'g::', '12345::', '::%', 'a%b', '::1%e%f', '1:2:3:4:5:6::1.2.3.4', 'localhost', 'null', '::1]'],
])('addresses are told from other text as Node does (%s …)', (...texts) => {
  for (const text of texts) {
    expect([text, ours.isIP(text), ours.isIPv4(text), ours.isIPv6(text)]).toEqual([
      text,
      theirs.isIP(text),
      theirs.isIPv4(text),
      theirs.isIPv6(text),
    ]);
  }
});
