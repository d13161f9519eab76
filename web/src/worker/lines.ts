/** Connections to HTTP servers: those that wait are used again, and those of HTTP/2 by many exchanges at once. */

import { EthertabError } from '../errors.js';
import type { Network, TcpStream } from '../generated/ethertab.js';
import type { Http2Connection } from '../http2/connection.js';
import type { HttpRequest } from '../messages.js';
import { onDemand } from './demand.js';
import { type Carrier, HttpConnection } from './exchange.js';
import type { Duplex, Tls } from './tls.js';

/** How long a connection of HTTP/1.1 waits for another request; less than servers usually allow. */
const IDLE = 4_000;
/** The same for HTTP/2, whose servers say when they leave. */
const IDLE_HTTP2 = 30_000;
/** Idle connections to one server, and in all. */
const IDLE_MOST = 8;
const IDLE_MOST_TOGETHER = 64;
/** Servers of which is remembered that they want HTTP/1.1. */
const HTTP1_MOST = 256;

type Ends = Pick<Duplex, 'close' | 'abort'>;
type Server = Pick<HttpRequest, 'secure' | 'hostname' | 'port' | 'connectTimeout'>;

export interface Line {
  readonly key: string;
  readonly stream: Ends;
  readonly http: Carrier;
  /** Carries many exchanges at once. */
  readonly http2: Http2Connection | null;
  /** Whether it has carried a request before. */
  used: boolean;
  /** Closes it when it waited too long. */
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whoever waits for a connection, and may give up. */
export interface Claim {
  aborted: boolean;
  /** Fails as soon as nobody wants it any more. */
  gone: Promise<never>;
  /** The connection whose TLS handshake is under way for it. */
  securing: Ends | null;
}

const loadHttp2 = onDemand(async () => (await import('../http2/connection.js')).Http2Connection);

/** What connections to the same server have in common. */
export function serverKey({ secure, hostname, port }: Server): string {
  return `${secure ? 'https' : 'http'}://${hostname}:${port}`;
}

export class Lines {
  readonly #network: Network;
  readonly #tls: () => Promise<Tls>;
  /** Those that wait for a request, and those of HTTP/2 that carry some. */
  readonly #open = new Map<string, Line[]>();
  /** Secure connections that are being opened: whether many may share what comes of it. */
  readonly #opening = new Map<string, Promise<boolean>>();
  /** Servers that refused HTTP/2 for a request. */
  readonly #http1 = new Set<string>();

  /** `tls` loads what makes connections secure. */
  constructor(network: Network, tls: () => Promise<Tls>) {
    this.#network = network;
    this.#tls = tls;
  }

  /** Finds a connection for a request, one that is open or a new one, and has `begin` take it before anybody else can. */
  async take(claim: Claim, server: Server, begin: (line: Line) => void): Promise<void> {
    const key = serverKey(server);
    for (;;) {
      const line = this.#ready(key);
      if (line) {
        return begin(line);
      }
      // Whether the server speaks HTTP/2 shows when the first connection is secure.
      const opening = this.#opening.get(key);
      if (!opening) {
        return this.#connect(claim, server, key, server.secure, begin);
      }
      const shared = await Promise.race([opening, claim.gone]);
      check(claim);
      if (!shared && !this.#opening.has(key)) {
        return this.#connect(claim, server, key, false, begin);
      }
    }
  }

  /** The exchange is over: the connection waits for another one, if the server keeps it open. */
  give(line: Line): void {
    if (line.http2) {
      this.#settle(line, line.http2);
    } else if (line.http.isReady() && this.#lines(line.key).length < IDLE_MOST) {
      this.#wait(line, IDLE);
    } else {
      line.stream.close();
    }
  }

  /** From now on, HTTP/1.1 is spoken with the server. */
  avoidHttp2({ key }: Line): void {
    if (this.#http1.size >= HTTP1_MOST) {
      this.#http1.clear();
    }
    this.#http1.add(key);
  }

  #lines(key: string): Line[] {
    return this.#open.get(key) ?? [];
  }

  /** One that may carry another request; the one that waited least, since servers close those that waited long. */
  #ready(key: string): Line | undefined {
    for (const line of this.#lines(key).toReversed()) {
      if (line.http2 && this.#http1.has(key)) {
        continue;
      }
      if (line.http.isReady()) {
        clearTimeout(line.timer);
        line.timer = undefined;
        if (!line.http2) {
          this.#remove(line);
        }
        return line;
      }
      if (!line.http2) {
        this.#end(line);
      }
    }
    return undefined;
  }

  /** `first`: others wait for what comes of it. */
  async #connect(claim: Claim, server: Server, key: string, first: boolean, begin: (line: Line) => void): Promise<void> {
    let opened: (shared: boolean) => void = () => {};
    if (first) {
      this.#opening.set(key, new Promise((resolve) => (opened = resolve)));
    }
    let shared = false;
    try {
      await Promise.race([this.#network.configured(), claim.gone]);
      const stream = await connect(this.#network, server, claim.gone);
      if (claim.aborted) {
        stream.abort();
      }
      check(claim);
      const line = server.secure ? await this.#secure(claim, key, stream, server) : plain(key, stream);
      shared = line.http2 !== null;
      if (claim.aborted) {
        // While HTTP/2 was loaded: the connection waits for another request.
        line.used = true;
        this.give(line);
      }
      check(claim);
      begin(line);
    } finally {
      if (first) {
        this.#opening.delete(key);
        opened(shared);
      }
    }
  }

  async #secure(claim: Claim, key: string, below: TcpStream, server: Server): Promise<Line> {
    claim.securing = below;
    const protocols = this.#http1.has(key) ? ['http/1.1'] : ['h2', 'http/1.1'];
    const tls = await this.#tls().catch(abandon(below));
    const stream = await tls.secure(below, server.hostname, protocols, server.connectTimeout);
    claim.securing = null;
    if (stream.information().protocol !== 'h2') {
      return plain(key, stream);
    }
    const http2 = new (await loadHttp2().catch(abandon(stream)))(stream);
    const line: Line = { key, stream, http: http2, http2, used: false, timer: undefined };
    this.#add(line);
    http2.changed = () => this.#settle(line, http2);
    return line;
  }

  /** Whether a connection of HTTP/2 goes on carrying, waits, or is done with. */
  #settle(line: Line, http2: Http2Connection): void {
    if (http2.active > 0) {
      return;
    }
    if (http2.isReady()) {
      clearTimeout(line.timer);
      line.timer = setTimeout(() => this.#end(line), IDLE_HTTP2);
    } else {
      this.#end(line);
    }
  }

  #wait(line: Line, longest: number): void {
    this.#add(line);
    line.timer = setTimeout(() => this.#end(line), longest);
  }

  #add(line: Line): void {
    this.#open.set(line.key, [...this.#lines(line.key), line]);
    const idle = [...this.#open.values()].flat().filter(({ timer }) => timer !== undefined);
    if (idle[0] && idle.length >= IDLE_MOST_TOGETHER) {
      this.#end(idle[0]);
    }
  }

  #remove(line: Line): void {
    const others = this.#lines(line.key).filter((other) => other !== line);
    if (others.length > 0) {
      this.#open.set(line.key, others);
    } else {
      this.#open.delete(line.key);
    }
  }

  #end(line: Line): void {
    clearTimeout(line.timer);
    this.#remove(line);
    if (line.http2) {
      line.http2.close();
    } else {
      line.stream.close();
    }
  }
}

/** What it was for could not be loaded. */
const abandon = (stream: Pick<Duplex, 'abort'>) => (error: unknown) => {
  stream.abort();
  throw error;
};

function plain(key: string, stream: Pick<Duplex, 'read' | 'write' | 'close' | 'abort'>): Line {
  return { key, stream, http: new HttpConnection(stream), http2: null, used: false, timer: undefined };
}

/** Connects, unless `gone` fails first: then nothing is tried any more. */
async function connect(network: Network, { hostname, port, connectTimeout }: Server, gone: Promise<never>): Promise<TcpStream> {
  let settle = () => {};
  // Settles in any case: who waits for it must not be forgotten with its memory.
  const abandoned = new Promise<void>((resolve) => {
    settle = resolve;
  });
  gone.catch(settle);
  try {
    return await network.connect(hostname, port, { noDelay: true, timeout: connectTimeout }, abandoned);
  } finally {
    settle();
  }
}

function check(claim: Claim): void {
  if (claim.aborted) {
    throw new EthertabError('ECONNABORTED', 'the request was aborted');
  }
}
