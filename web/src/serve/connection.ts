/** One connection of a server: requests are read, handed on and answered, one after the other (RFC 9112 §9.3). */

import { quiet } from '../errors.js';
import { ByteSource, TooLong, within } from '../http/source.js';
import type { TcpSocket } from '../types.js';
import { IncomingBody, incomingRequest, refusal } from './incoming.js';
import { ResponseWriter } from './outgoing.js';
import { parseRequestHead, Refusal, type RequestHead } from './request-head.js';
import type { ServeHandler, ServeInformation, ServeOptions } from './types.js';

/** A body that the handler left is read to its end if no more than this is left of it; otherwise the connection is closed. */
const MOST_UNREAD = 256 * 1024;
/** How long a client that we have done with may take to close its half, and what it may send until then. */
const LINGER = 2_000;
const LINGER_BYTES = 1024 * 1024;
/** Empty lines before a request. */
const MOST_LINE_ENDS = 4;

export type Limits = Required<Pick<ServeOptions, 'largestHead' | 'largestBody' | 'headTimeout' | 'idleTimeout'>>;

export class ServerConnection {
  readonly #socket: TcpSocket;
  readonly #handler: ServeHandler;
  readonly #onError: NonNullable<ServeOptions['onError']>;
  readonly #limits: Limits;
  readonly #source: ByteSource;
  readonly #writer: ResponseWriter;
  /** Aborted when the connection breaks. */
  #exchange: AbortController | null = null;
  #stopping = false;
  #leaving: Promise<void> | null = null;

  constructor(socket: TcpSocket, handler: ServeHandler, onError: NonNullable<ServeOptions['onError']>, limits: Limits) {
    this.#socket = socket;
    this.#handler = handler;
    this.#onError = onError;
    this.#limits = limits;
    this.#source = new ByteSource(socket.readable);
    this.#source.patience = limits.idleTimeout;
    this.#writer = new ResponseWriter(socket.writable, limits.idleTimeout);
    socket.closed.catch((error: unknown) => this.#exchange?.abort(error));
  }

  /** Serves it; resolves when it is over. */
  async run(): Promise<void> {
    try {
      // Whoever was told to keep the connection is not served after a stop.
      while ((await this.#serve()) && !this.#stopping) {
        this.#exchange = null;
      }
      await this.#leave();
    } catch (error) {
      this.#socket.abort(error);
    }
  }

  /** Ends it in order: at once if it is idle, otherwise after the response that is under way. */
  stop(): void {
    this.#stopping = true;
    if (!this.#exchange) {
      this.#leave().catch((error) => this.#socket.abort(error));
    }
  }

  abort(reason: unknown): void {
    this.#socket.abort(reason);
  }

  /** One request and its response; whether another may follow. What it throws breaks the connection off. */
  async #serve(): Promise<boolean> {
    const waited = await this.#source.skipLineEnds(MOST_LINE_ENDS).catch(() => false);
    if (!waited || this.#leaving) {
      return false;
    }
    this.#exchange = new AbortController();
    this.#writer.begun = false;
    let head: RequestHead;
    try {
      const { largestHead, largestBody, headTimeout } = this.#limits;
      const text = await within(headTimeout, this.#source.head(largestHead));
      head = parseRequestHead(text, `${this.#socket.localAddress}:${this.#socket.localPort}`);
      if (head.framing !== 'chunked' && head.framing > largestBody) {
        throw new Refusal(413, 'the body is too large');
      }
    } catch (error) {
      const isTarget = error instanceof TooLong && !error.hasLine;
      await this.#refuse(isTarget ? new Refusal(414, 'the request target is too long') : refusal(error));
      return false;
    }
    return this.#answer(head, this.#exchange.signal);
  }

  async #answer(head: RequestHead, signal: AbortSignal): Promise<boolean> {
    let mustContinue = head.expectsContinue;
    const body = new IncomingBody(this.#source, head.framing, this.#limits.largestBody, async () => {
      if (mustContinue) {
        mustContinue = false;
        await this.#writer.sendContinue();
      }
    });
    const keepAlive = () =>
      head.keepAlive &&
      !this.#stopping &&
      body.failure === undefined &&
      // Whether a client that was not told to go on sends its body nevertheless cannot be known (RFC 9110 §10.1.1).
      (!mustContinue || body.isComplete) &&
      (!body.exceeds(MOST_UNREAD) || body.stream?.locked === true);
    const { information, settle } = informationOf(this.#socket);
    const failed = (error: unknown) => this.#failed(error, body, signal);
    let response: Response;
    let besides: Headers | undefined = information.responseHeaders;
    try {
      response = usable(await this.#handler(incomingRequest(head, body.stream, signal), information));
    } catch (error) {
      response = await failed(error);
      besides = undefined;
    }
    try {
      const kept = await this.#writer.send(response, head, keepAlive, besides).catch(async (error: unknown) => {
        response = await failed(error);
        if (this.#writer.begun) {
          throw error;
        }
        return this.#writer.send(response, head, keepAlive);
      });
      settle.resolve();
      return kept && (await body.drain(MOST_UNREAD));
    } catch (error) {
      settle.reject(error);
      throw error;
    }
  }

  /** What is sent in place of a handler's response. */
  async #failed(error: unknown, body: IncomingBody, signal: AbortSignal): Promise<Response> {
    if (body.failure instanceof Refusal) {
      return plain(body.failure.status, body.failure.message);
    }
    try {
      // If the client has left, that is nobody's mistake.
      const response = signal.aborted ? undefined : await this.#onError(error);
      if (response !== undefined) {
        return usable(response);
      }
    } catch (further) {
      console.error(further);
    }
    return plain(500, 'Internal Server Error');
  }

  async #refuse(error: unknown): Promise<void> {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    await this.#writer.send(plain(error.status, error.message), { method: 'GET', minor: 1 }, () => false);
  }

  #leave(): Promise<void> {
    this.#leaving ??= this.#close();
    return this.#leaving;
  }

  /** RFC 9112 §9.6: a reset, which what the client still sends would bring about, could destroy the end of the response. */
  async #close(): Promise<void> {
    await this.#writer.finish();
    const rest = async () => {
      for (let left = LINGER_BYTES; left > 0; ) {
        const piece = await this.#source.some(left);
        left -= piece?.byteLength ?? left;
      }
    };
    await within(LINGER, rest()).catch(() => {});
    await this.#socket.close();
  }
}

function informationOf({ remoteAddress, remotePort }: TcpSocket) {
  let settle!: { resolve(): void; reject(error: unknown): void };
  const completed = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const remoteAddr = { transport: 'tcp', hostname: remoteAddress, port: remotePort } as const;
  const information: ServeInformation = {
    remoteAddress,
    remotePort,
    remoteAddr,
    responseHeaders: new Headers(),
    completed: quiet(completed),
  };
  return { information, settle };
}

/** Whether it can be sent. */
function usable(response: unknown): Response {
  if (!(response instanceof Response)) {
    throw new TypeError('a handler returns a Response');
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("the response's body has been used already");
  }
  if (response.status < 200) {
    throw new TypeError('Response.error() cannot be sent');
  }
  return response;
}

function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { 'content-type': 'text/plain' } });
}
