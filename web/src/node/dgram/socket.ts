/** `dgram.Socket`: a UDP socket of the network in use. */

import { Buffer } from 'buffer';
import { EventEmitter } from 'events';
import type { UdpMessage, UdpOptions, UdpSocket } from '../../types.js';
import { addresses } from '../dns/questions.js';
import { argumentError, codeOf, SystemError, unsupported, validPort } from '../errors.js';
import { type AddressInfo, family, isIP } from '../net/address.js';
import { lookup } from '../net/dial.js';
import { network } from '../network.js';
import {
  type BindArguments,
  bindArguments,
  type Data,
  type SendArguments,
  type Sending,
  type SocketOptions,
  sendArguments,
} from './arguments.js';

export interface RemoteInfo extends AddressInfo {
  size: number;
}

/** Datagrams on their way to the network: more are refused. */
const MOST_UNDER_WAY = 1_024;

/** What a peer, or who is on the way to it, says of a datagram. */
const ABOUT_THE_PEER = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EMSGSIZE'];

const LOOPBACK = '127.0.0.1';

export class Socket extends EventEmitter {
  readonly type: 'udp4' | 'udp6';
  readonly #lookup: SocketOptions['lookup'];
  #udp: UdpSocket | null = null;
  /** From `bind()` (or the first use) on: settles when the socket can be used. */
  #bound: Promise<UdpSocket> | null = null;
  #local: AddressInfo | null = null;
  #remote: AddressInfo | 'connecting' | null = null;
  #closed = false;
  readonly #underWay = new Set<Promise<void>>();
  #bytesUnderWay = 0;

  constructor(options: SocketOptions | 'udp4' | 'udp6', listener?: (message: Buffer, remote: RemoteInfo) => void) {
    super();
    const { type, lookup, signal } = typeof options === 'string' ? { type: options } : { ...options };
    if (type !== 'udp4' && type !== 'udp6') {
      throw argumentError('ERR_SOCKET_BAD_TYPE', 'Bad socket type specified. Valid types are: udp4, udp6');
    }
    if (type === 'udp6') {
      throw unsupported('udp6');
    }
    this.type = type;
    this.#lookup = lookup;
    if (listener) {
      this.on('message', listener);
    }
    if (signal) {
      const abort = () => this.#closed || this.close();
      if (signal.aborted) {
        queueMicrotask(abort);
      } else {
        signal.addEventListener('abort', abort);
        this.once('close', () => signal.removeEventListener('abort', abort));
      }
    }
  }

  bind(...values: BindArguments): this {
    this.#mustBeOpen();
    const [{ port, address }, listener] = bindArguments(values);
    if (this.#bound) {
      throw argumentError('ERR_SOCKET_ALREADY_BOUND', 'Socket is already bound', Error);
    }
    if (listener) {
      this.once('listening', listener);
    }
    const localPort = validPort(port ?? 0, 'Port');
    this.#open(true, () => this.#bind({ localPort }, address)).catch((error) => {
      this.#fail(new SystemError('bind', error, { address: address ?? '0.0.0.0', port: port ?? 0 }));
    });
    return this;
  }

  /** From now on datagrams go to this peer, and from others none are heard. */
  connect(port: number, ...rest: [address?: string, listener?: () => void] | [listener?: () => void]): void {
    this.#mustBeOpen();
    const number = validPort(port, 'Port', false);
    if (this.#remote) {
      throw argumentError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected', Error);
    }
    const host = (typeof rest[0] === 'string' && rest[0]) || LOOPBACK;
    const listener = rest.findLast((value) => typeof value === 'function') as (() => void) | undefined;
    this.#remote = 'connecting';
    this.#connect(number, host).then(
      () => {
        listener?.();
        this.emit('connect');
      },
      (error) => {
        this.#remote = null;
        const told = error instanceof SystemError ? error : new SystemError('connect', error, { address: host, port });
        if (listener) {
          (listener as (error: Error) => void)(told);
        } else {
          this.emit('error', told);
        }
      },
    );
  }

  disconnect(): void {
    if (this.#remote === null || this.#remote === 'connecting') {
      throw notConnected();
    }
    this.#remote = null;
    this.#reopen().catch((error) => this.#fail(new SystemError('connect', error)));
  }

  /** `send(msg, [offset, length,] [port, [address,]] [callback])`. Without a callback a failure is an 'error'. */
  send(message: Data | readonly Data[], ...values: SendArguments): void {
    this.#mustBeOpen();
    const connected = this.#remote !== null && this.#remote !== 'connecting';
    const sending = sendArguments(message, values, connected);
    const port = connected ? 0 : validPort(sending.port, 'Port', false);
    if (!this.#bound) {
      this.bind();
    }
    const sent = this.#send(sending, port, this.#bound);
    this.#underWay.add(sent);
    sent.finally(() => this.#underWay.delete(sent));
  }

  address(): AddressInfo {
    if (!this.#local) {
      throw Object.assign(new Error('getsockname EBADF'), { code: 'EBADF', errno: -9, syscall: 'getsockname' });
    }
    return { ...this.#local };
  }

  remoteAddress(): AddressInfo {
    if (this.#remote === null || this.#remote === 'connecting') {
      throw notConnected();
    }
    return { ...this.#remote };
  }

  close(callback?: () => void): this {
    this.#mustBeOpen();
    if (callback) {
      this.once('close', callback);
    }
    this.#closed = true;
    const udp = this.#udp;
    const closed = udp ? udp.close() : this.#bound?.then((late) => late.close());
    Promise.resolve(closed)
      .catch(() => {})
      .then(() => this.emit('close'));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      await new Promise<void>((resolve) => this.close(resolve));
    }
  }

  getSendQueueCount(): number {
    return this.#underWay.size;
  }
  getSendQueueSize(): number {
    return this.#bytesUnderWay;
  }

  /** Broadcasts need no permission, and buffers have the network's sizes. */
  setBroadcast(): void {}
  setRecvBufferSize(): void {}
  setSendBufferSize(): void {}
  setTTL(): never {
    throw unsupported('setTTL()');
  }
  setMulticastTTL(): never {
    throw unsupported('multicast');
  }
  setMulticastLoopback(): never {
    throw unsupported('multicast');
  }
  setMulticastInterface(): never {
    throw unsupported('multicast');
  }
  addMembership(): never {
    throw unsupported('multicast');
  }
  dropMembership(): never {
    throw unsupported('multicast');
  }

  /** There is no process to keep alive. */
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  async #send({ data, address, callback }: Sending, port: number, bound: Promise<UdpSocket> | null): Promise<void> {
    const size = data.byteLength;
    this.#bytesUnderWay += size;
    let failure: Error | null = null;
    try {
      if (this.#underWay.size >= MOST_UNDER_WAY) {
        throw Object.assign(new Error('too many datagrams wait to be sent'), { code: 'ENOBUFS' });
      }
      const remoteAddress = port ? await this.#resolve(address ?? LOOPBACK) : undefined;
      const udp = await bound;
      await udp?.send(remoteAddress === undefined ? { data } : { data, remoteAddress, remotePort: port });
    } catch (error) {
      failure = error instanceof SystemError ? error : new SystemError('send', error, place(address, port));
    }
    this.#bytesUnderWay -= size;
    // What a listener throws is nobody's rejection.
    if (callback) {
      queueMicrotask(() => callback(failure, failure ? 0 : size));
    } else if (failure) {
      const told = failure;
      queueMicrotask(() => this.#fail(told));
    }
  }

  async #resolve(host: string): Promise<string> {
    const [found] = await lookup({ lookup: this.#lookup, family: 4 }, host, () => {});
    return found?.address ?? host;
  }

  async #connect(port: number, host: string): Promise<void> {
    const address = await this.#resolve(host);
    await this.#reopen({ remoteAddress: address, remotePort: port });
    this.#remote = { address, family: family(address), port };
  }

  /** The network's sockets are connected from the start or never: another takes the port over, when what was sent has left. */
  #reopen(remote: Pick<UdpOptions, 'remoteAddress' | 'remotePort'> = {}): Promise<UdpSocket> {
    const former = this.#bound;
    const sent = [...this.#underWay];
    return this.#open(former === null, async () => {
      const udp = await former;
      await Promise.all(sent);
      this.#udp = null;
      await udp?.close();
      return this.#bind({ localPort: this.#local?.port ?? 0, ...remote });
    });
  }

  /** `tell`: 'listening' follows. */
  #open(tell: boolean, bind: () => Promise<UdpSocket>): Promise<UdpSocket> {
    const bound = bind().then((udp) => {
      if (tell && !this.#closed) {
        queueMicrotask(() => this.emit('listening'));
      }
      return udp;
    });
    // Whoever needs it sees why it failed.
    bound.catch(() => {});
    this.#bound = bound;
    return bound;
  }

  async #bind(options: UdpOptions, host?: string): Promise<UdpSocket> {
    const any = host === undefined || host === '0.0.0.0' || host === '';
    const localAddress = any ? undefined : isIP(host) ? host : (await addresses(host))[0]?.address;
    const udp = network().udp({ ...options, ...(localAddress === undefined ? {} : { localAddress }) });
    const ends = await udp.opened;
    if (this.#closed) {
      await udp.close();
      return udp;
    }
    const address = ends.localAddress || localAddress || '0.0.0.0';
    this.#local = { address, family: family(address), port: ends.localPort };
    this.#udp = udp;
    void this.#read(udp);
    return udp;
  }

  async #read(udp: UdpSocket): Promise<void> {
    const reader = udp.readable.getReader();
    const current = () => this.#udp === udp && !this.#closed;
    for (;;) {
      let next: ReadableStreamReadResult<UdpMessage>;
      try {
        next = await reader.read();
      } catch (error) {
        if (current()) {
          const remote = this.#remote;
          if (remote && remote !== 'connecting' && ABOUT_THE_PEER.includes(codeOf(error))) {
            // It told of one datagram; those that follow may arrive.
            void this.#reopen({ remoteAddress: remote.address, remotePort: remote.port });
          }
          this.#fail(new SystemError('recvmsg', error));
        }
        return;
      }
      if (next.done || !current()) {
        return;
      }
      const { data, remoteAddress, remotePort } = next.value;
      const remote = { address: remoteAddress, family: family(remoteAddress), port: remotePort, size: data.byteLength };
      const message = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      // What a listener throws must not end the reading.
      queueMicrotask(() => current() && this.emit('message', message, remote));
    }
  }

  #fail(error: Error): void {
    if (!this.#closed) {
      this.emit('error', error);
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) {
      throw argumentError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'Not running', Error);
    }
  }
}

function notConnected(): Error {
  return argumentError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected', Error);
}

function place(address: string | undefined, port: number): { address?: string; port?: number } {
  return port ? { address: address ?? LOOPBACK, port } : {};
}
