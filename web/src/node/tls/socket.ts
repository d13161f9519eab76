/** `tls.TLSSocket`: a connection of `node:net` that goes on as a secure one. The network speaks TLS, and verifies. */

import type { TcpSocket } from '../../types.js';
import { argumentError, codeOf, SystemError, unsupported } from '../errors.js';
import { adopt, giveUp, Socket } from '../net/socket.js';
import { type TlsSocketOptions, tlsOptions } from './options.js';

/** Node's codes for what is wrong with a certificate or a handshake. */
const CODES: Record<string, string> = {
  ETLSEXPIRED: 'CERT_HAS_EXPIRED',
  ETLSNOTYETVALID: 'CERT_NOT_YET_VALID',
  ETLSHOST: 'ERR_TLS_CERT_ALTNAME_INVALID',
  ETLSISSUER: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ETLSCERTIFICATE: 'CERT_SIGNATURE_FAILURE',
  ETLSVERSION: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  ETLSHANDSHAKE: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  ETLSPROTOCOL: 'ERR_SSL_WRONG_VERSION_NUMBER',
};

export class TLSSocket extends Socket {
  readonly encrypted = true;
  authorized = false;
  authorizationError: string | null = null;
  /** What the server picked of ALPNProtocols; false if nothing was picked or offered. */
  alpnProtocol: string | false | null = null;
  readonly servername: string | undefined;

  readonly #plain: Socket;
  #secure: TcpSocket | null = null;

  /** Starts the handshake when `socket` is connected. Throws if it is none of `node:net`, or for options that cannot be. */
  constructor(socket: Socket, options: TlsSocketOptions = {}) {
    if (!(socket instanceof Socket)) {
      throw unsupported('TLS over a stream that is no net.Socket');
    }
    const asked = tlsOptions(options, socket._host);
    super({ allowHalfOpen: socket.allowHalfOpen });
    this.servername = asked.servername;
    this.#plain = socket;
    // What is written waits until the handshake is over.
    this.connecting = true;
    for (const event of ['lookup', 'connect', 'ready']) {
      socket.once(event, (...values) => this.emit(event, ...values));
    }
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
    this.once('close', () => socket.destroy());
    const start = () => void this.#start(asked);
    if (socket.connecting) {
      socket.once('connect', start);
    } else {
      queueMicrotask(start);
    }
  }

  getProtocol(): string | null {
    return this.#secure?.tls?.version ?? null;
  }

  getCipher(): { name: string; standardName: string; version: string } | Record<string, never> {
    const tls = this.#secure?.tls;
    return tls ? { name: tls.cipher, standardName: tls.cipher, version: tls.version } : {};
  }

  /** The network has verified the certificate and keeps it: as for a peer that sent none, there is nothing in it. */
  getPeerCertificate(): Record<string, never> {
    return {};
  }
  getCertificate(): null {
    return null;
  }
  getPeerX509Certificate(): undefined {
    return undefined;
  }

  /** Sessions are remembered and resumed by the network itself. */
  isSessionReused(): boolean {
    return this.#secure?.tls?.resumed ?? false;
  }
  getSession(): undefined {
    return undefined;
  }
  setSession(): void {}
  getTLSTicket(): undefined {
    return undefined;
  }
  getEphemeralKeyInfo(): Record<string, never> {
    return {};
  }
  getFinished(): undefined {
    return undefined;
  }
  getPeerFinished(): undefined {
    return undefined;
  }
  setMaxSendFragment(): boolean {
    return false;
  }
  disableRenegotiation(): void {}
  enableTrace(): void {}
  renegotiate(): never {
    throw unsupported('renegotiation');
  }
  exportKeyingMaterial(): never {
    throw unsupported('exportKeyingMaterial()');
  }

  async #start(asked: ReturnType<typeof tlsOptions>): Promise<void> {
    try {
      // What was written in the clear comes before the handshake.
      await flushed(this.#plain);
      const tcp = this.destroyed ? null : giveUp(this.#plain);
      if (!tcp) {
        throw argumentError('ERR_SOCKET_CLOSED', 'Socket is closed', Error);
      }
      this.#secure = tcp.startTls(asked);
      const ends = await this.#secure.opened;
      if (this.destroyed) {
        this.#secure.abort();
        return;
      }
      this.authorized = true;
      this.alpnProtocol = ends.tls?.protocol ?? false;
      adopt(this, this.#secure, ends, ['secureConnect']);
    } catch (error) {
      this.authorizationError = CODES[codeOf(error)] ?? null;
      this.destroy(told(error));
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.#secure?.abort();
    }
    super._destroy(error, callback);
  }
}

function flushed(socket: Socket): Promise<void> {
  if (!socket.writable || socket.writableLength === 0) {
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => socket.write('', (error) => (error ? reject(error) : resolve())));
}

function told(error: unknown): Error {
  const code = codeOf(error);
  if (code in CODES && error instanceof Error) {
    return Object.assign(new Error(error.message, { cause: error }), { code: CODES[code] });
  }
  return error instanceof Error && /^(ERR_|EINVAL)/.test(code) ? error : new SystemError('read', error);
}
