/** The page's line to a Worker in which only TCP is real: what is below it, and TLS, are in the hands of a test. */
import { Channel } from '../src/channel.js';
import { EthertabError, toPlain } from '../src/errors.js';
import type { Network, TcpStream } from '../src/generated/ethertab.js';
import type { Bytes, FromWorker, Id, ToWorker } from '../src/messages.js';
import { TcpSockets } from '../src/worker/tcp.js';
import type { Duplex, Tls, TlsStream } from '../src/worker/tls.js';
import { Deferred, ENDS } from './fake-network.js';

export const bytes = (string: string): Bytes => new TextEncoder().encode(string);
export const string = (pieces: Bytes | Bytes[]): string =>
  [pieces].flat().reduce((text, piece) => text + new TextDecoder().decode(piece), '');

/** A connection of the stack. `done`: what was done to it, in order. */
export class Connection implements Duplex {
  done: string[] = [];
  /** What writes and the end fail with, if it is set. */
  broken: Error | null = null;
  readonly #said: (Bytes[] | undefined)[] = [];
  #waiting: Deferred<Bytes[] | undefined> | null = null;
  #over = false;

  /** The peer says something, or (without words) that it has finished. */
  say(text?: string): void {
    const pieces = text === undefined ? undefined : [bytes(text)];
    if (!this.#waiting || !pieces) {
      this.#said.push(pieces);
    }
    this.#waiting?.resolve(pieces);
    this.#waiting = null;
  }

  async read(): Promise<Bytes[] | undefined> {
    if (this.#over) {
      throw new EthertabError('ECONNABORTED', 'connection aborted');
    }
    if (this.#said.length > 0) {
      // An end stays an end.
      return this.#said[0] ? this.#said.shift() : undefined;
    }
    this.#waiting = new Deferred();
    return this.#waiting.promise;
  }
  async write(bytes: Bytes): Promise<void> {
    this.#check();
    this.done.push(string(bytes));
  }
  async finish(): Promise<void> {
    this.#check();
    this.done.push('<finish>');
  }
  close(): void {
    this.#end('<close>');
  }
  abort(): void {
    this.#end('<abort>');
  }
  ends(): unknown {
    return ENDS;
  }
  setNoDelay(): void {
    this.done.push('<noDelay>');
  }

  #check(): void {
    if (this.broken) {
      throw this.broken;
    }
  }

  #end(how: string): void {
    if (!this.#over) {
      this.#over = true;
      this.done.push(how);
      this.#waiting?.reject(new EthertabError('ECONNABORTED', 'connection aborted'));
    }
  }
}

/** "Encrypts" by capital letters, once the server has said "hello" and nothing else. */
async function secure(below: Duplex, host: string, protocols: readonly string[]): Promise<TlsStream> {
  await below.write(bytes(`<hello ${host} ${protocols}>`));
  try {
    let said = '';
    while (said.length < 5) {
      said += string((await below.read(5 - said.length)) ?? bytes('<end>'));
    }
    if (said !== 'hello') {
      throw new EthertabError('ETLSPROTOCOL', `"${said}" is no TLS`);
    }
  } catch (error) {
    below.close();
    throw error;
  }
  return Object.assign(Object.create(below), {
    information: () => ({ version: 'TLSv1.3', cipher: 'CAPITALS', protocol: protocols[0] ?? null, resumed: false }),
    read: async (limit: number) => (await below.read(limit))?.map((piece) => bytes(string(piece).toLowerCase())),
    write: (plain: Bytes) => below.write(bytes(string(plain).toUpperCase())),
    finish: () => below.finish(),
    close: () => below.close(),
    abort: () => below.abort(),
  });
}

/** Each connection that is asked for becomes the next of `connections`, when the test opens it. */
export function tcpWorker(): {
  channel: Channel;
  connections: Connection[];
  connecting: Deferred<void>[];
  /** What a test may put in the place of. */
  network: { configured: () => Promise<void> };
  /** How many listen. */
  readonly listeners: number;
} {
  const connections: Connection[] = [];
  const connecting: Deferred<void>[] = [];
  let listeners = 0;
  const network = {
    configured: async () => {},
    listen: () => {
      listeners += 1;
      return { end: () => ({ localAddress: '10.77.0.9', localPort: 80 }), close: () => (listeners -= 1) };
    },
    connect: async (_host: string, _port: number, _options: unknown, givenUp: Promise<void>) => {
      const opening = new Deferred<void>();
      connecting.push(opening);
      const stopped = await Promise.race([opening.promise, givenUp.then(() => true)]);
      if (stopped) {
        throw new EthertabError('ECONNABORTED', 'given up');
      }
      const connection = new Connection();
      connections.push(connection);
      return connection as unknown as TcpStream;
    },
  };
  const worker = { onmessage: null as ((event: { data: FromWorker }) => void) | null, postMessage, terminate: () => {} };
  const tell = (message: FromWorker, transfer: Transferable[] = []) => {
    const data = structuredClone(message, { transfer });
    setTimeout(() => worker.onmessage?.({ data }));
  };
  const sockets = new TcpSockets(
    network as unknown as Network,
    async () => ({ secure }) as unknown as Tls,
    (from: Id) => (pieces, error) => tell({ type: 'bytes', from, pieces, error }),
  );
  const handlers: Record<string, unknown> = {
    tcpConnect: sockets.connect,
    tcpCredit: sockets.credit,
    tcpDiscard: sockets.discard,
    tcpWrite: sockets.write,
    tcpFinish: sockets.finish,
    tcpClose: sockets.close,
    tcpAbort: sockets.abort,
    tcpSetNoDelay: sockets.setNoDelay,
    tcpPause: sockets.pause,
    tcpStartTls: sockets.startTls,
    tcpListen: sockets.listen,
    listenerClose: sockets.closeListener,
  };
  function postMessage(message: ToWorker, transfer: Transferable[] = []): void {
    const { id, call, args } = structuredClone(message, { transfer });
    setTimeout(async () => {
      try {
        const result = await (handlers[call] as (...args: unknown[]) => unknown).apply(sockets, args);
        tell({ type: 'answer', id, result });
      } catch (error) {
        tell({ type: 'failure', id, error: toPlain(error) });
      }
    });
  }
  return {
    channel: new Channel(worker as unknown as Worker),
    connections,
    connecting,
    network,
    get listeners() {
      return listeners;
    },
  };
}
