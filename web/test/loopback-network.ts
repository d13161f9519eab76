/** A network that is this machine's own loopback, by the contract of `types.ts`: what the kernel does with connections, without a relay. */
import * as dgram from 'node:dgram';
import * as net from 'node:net';
import { EthertabError } from '../src/errors.js';
import { destination } from '../src/tcp.js';
import type {
  ErrorCode,
  TcpAddress,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TcpOpened,
  TcpSocket,
  UdpMessage,
  UdpOptions,
  UdpSocket,
} from '../src/types.js';
import { Deferred } from './fake-network.js';

const LOOPBACK = '127.0.0.1';

function failure(error: NodeJS.ErrnoException): EthertabError {
  return new EthertabError((error.code ?? 'ECONNABORTED') as ErrorCode, error.message);
}

function tcp(socket: net.Socket): TcpSocket {
  const opened = new Deferred<TcpOpened>();
  const closed = new Deferred<void>();
  const connected = () =>
    opened.resolve({
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      localAddress: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      tls: null,
    });
  if (socket.connecting) {
    socket.once('connect', connected);
  } else {
    connected();
  }
  let over = false;
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      socket.on('data', (piece) => {
        controller.enqueue(new Uint8Array(piece as Buffer));
        if ((controller.desiredSize ?? 0) <= 0) {
          socket.pause();
        }
      });
      socket.on('end', () => {
        over = true;
        controller.close();
      });
      socket.on('error', (error) => {
        const told = failure(error);
        opened.reject(told);
        closed.reject(told);
        if (!over) {
          over = true;
          controller.error(told);
        }
      });
      socket.on('close', () => {
        closed.resolve();
        if (!over) {
          over = true;
          controller.close();
        }
      });
    },
    pull: () => void socket.resume(),
    cancel: () => {
      over = true;
      socket.resume();
    },
  });
  const ended = (act: (callback: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => act((error) => (error ? reject(failure(error)) : resolve())));
  const writable = new WritableStream<Uint8Array | ArrayBuffer | string>({
    write: (chunk) => ended((callback) => void socket.write(chunk as Uint8Array, callback)),
    close: () => ended((callback) => void socket.end(callback)),
    abort: () => void socket.resetAndDestroy(),
  });
  const self: TcpSocket = {
    readable,
    writable,
    opened: opened.promise,
    closed: closed.promise,
    remoteAddress: '',
    remotePort: 0,
    localAddress: '',
    localPort: 0,
    tls: null,
    startTls: () => {
      throw new EthertabError('EINVAL', 'not here');
    },
    close: () => {
      socket.destroySoon();
      return closed.promise;
    },
    abort: () => void socket.resetAndDestroy(),
    info: () => Promise.reject(new Error('not here')),
    setNoDelay: (noDelay) => void socket.setNoDelay(noDelay),
    setKeepAlive: (delay) => void socket.setKeepAlive(delay !== null, delay ?? 0),
    [Symbol.asyncDispose]: () => self.close(),
  };
  return self;
}

function listen({ port, address }: TcpListenOptions): TcpListener {
  const opened = new Deferred<{ localAddress: string; localPort: number }>();
  const closed = new Deferred<void>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const self = { localAddress: '', localPort: 0 };
  const readable = new ReadableStream<TcpSocket>({
    start(controller) {
      server.on('connection', (socket) => controller.enqueue(tcp(socket)));
      server.on('error', (error) => {
        opened.reject(failure(error));
        controller.error(failure(error));
      });
      server.on('close', () => closed.resolve());
      closed.promise.then(() => controller.close()).catch(() => {});
    },
  });
  server.listen(port, address ?? '0.0.0.0', () => {
    const at = server.address() as net.AddressInfo;
    Object.assign(self, { localAddress: at.address, localPort: at.port });
    opened.resolve({ ...self });
  });
  // As the network does: what was accepted goes on, and is not waited for.
  const close = async () => {
    server.close();
    closed.resolve();
  };
  return Object.assign(self, {
    opened: opened.promise,
    closed: closed.promise,
    readable,
    close,
    [Symbol.asyncIterator]: () => readable[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: close,
  });
}

function udp({ localPort = 0, localAddress, remoteAddress, remotePort }: UdpOptions = {}): UdpSocket {
  const opened = new Deferred<Awaited<UdpSocket['opened']>>();
  const closed = new Deferred<void>();
  const socket = dgram.createSocket('udp4');
  const ends = () => {
    const { address, port } = socket.address();
    const remote = { remoteAddress: remoteAddress ?? null, remotePort: remotePort ?? null };
    opened.resolve({ localAddress: address, localPort: port, ...remote });
  };
  socket.bind(localPort, localAddress, () => (remotePort ? socket.connect(remotePort, remoteAddress, ends) : ends()));
  const readable = new ReadableStream<UdpMessage>({
    start(controller) {
      socket.on('message', (data, { address, port }) =>
        controller.enqueue({ data: new Uint8Array(data), remoteAddress: address, remotePort: port }),
      );
      socket.on('error', (error) => {
        opened.reject(failure(error));
        controller.error(failure(error));
      });
    },
  });
  const close = () => {
    socket.close(() => closed.resolve());
    return closed.promise;
  };
  return {
    readable,
    writable: new WritableStream(),
    opened: opened.promise,
    closed: closed.promise,
    localAddress: '',
    localPort: 0,
    send: ({ data, remoteAddress, remotePort }) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null) => (error ? reject(failure(error)) : resolve());
        const bytes = data as Uint8Array;
        if (remotePort === undefined) {
          socket.send(bytes, done);
        } else {
          socket.send(bytes, remotePort, remoteAddress, done);
        }
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const loopback = {
  connect(address: TcpAddress | string, options: TcpConnectOptions = {}): TcpSocket {
    const { hostname, port } = destination(address);
    const { localPort } = options;
    const own = localPort === undefined ? {} : { localPort, localAddress: LOOPBACK };
    return tcp(net.connect({ host: hostname, port, allowHalfOpen: true, autoSelectFamily: false, ...own }));
  },
  listen,
  udp,
  async resolve(name: string): Promise<string[]> {
    if (name === 'www.example.com') {
      return [LOOPBACK];
    }
    throw new EthertabError('ENOTFOUND', `no such name: ${name}`);
  },
};
