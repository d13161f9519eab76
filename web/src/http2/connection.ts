/**
 * A client's connection of HTTP/2 (RFC 9113) over a stream of bytes: many exchanges at once, no push, no priorities. In a page it costs
 * ten kilobytes where the well-kept Rust library would cost seventy, more than there is room for.
 *
 * What bounds it: windows bound the bytes that wait for the program; fields have a largest size; what the peer makes us answer (PING,
 * SETTINGS) is answered before more is read.
 */

import { EthertabError } from '../errors.js';
import { bytesOf, joined } from '../http/characters.js';
import type { RequestHead } from '../http/request.js';
import { type Bytes, LARGEST_PIECE } from '../messages.js';
import { type Carrier, MOST_AT_ONCE, Unprocessed, type Upload } from '../worker/exchange.js';
import type { Duplex } from '../worker/tls.js';
import { type Connection, Http2Exchange, requestFields } from './exchange.js';
import {
  ACK,
  ConnectionError,
  content,
  END_HEADERS,
  END_STREAM,
  ErrorCode,
  FRAME,
  type Frame,
  FrameReader,
  frame,
  PREFACE,
  Setting,
  settings,
  Type,
  word,
  words,
} from './frames.js';
import { Decoder, Encoder, HpackError } from './hpack.js';
import { expectConnection, expectLength, FieldBlock, protocol, settingsOf } from './rules.js';
import { FIRST_WINDOW, LARGEST_WINDOW, ReceiveWindow, SendWindow } from './window.js';

export type Line = Pick<Duplex, 'read' | 'write' | 'close' | 'abort'>;

/**
 * Bytes that one answer, and all together, may have that nobody took. Windows are opened again by the half: those whose program takes
 * nothing must leave the others some, however many they are (RFC 9113 §5.2.2).
 */
const STREAM_WINDOW = 4 * 1024 * 1024;
const CONNECTION_WINDOW = 2 * MOST_AT_ONCE * STREAM_WINDOW;
/** Bytes of an answer's fields, counted as RFC 9113 §6.5.2 does. */
const LARGEST_FIELDS = 64 * 1024;
/** Exchanges at once, as long as the server has not said how many it wants. */
const FIRST_EXCHANGES = 100;

export class Http2Connection implements Carrier, Connection {
  /** Hears that an exchange ended. */
  changed: () => void = () => {};

  readonly #line: Line;
  readonly #scheme: string;
  readonly #encoder = new Encoder();
  readonly #decoder = new Decoder(LARGEST_FIELDS);
  readonly #exchanges = new Map<number, Http2Exchange>();
  readonly #sending = new SendWindow(FIRST_WINDOW);
  readonly #receiving = new ReceiveWindow(CONNECTION_WINDOW, FIRST_WINDOW);
  #nextId = 1;
  /** A block of fields that is not complete. */
  #block: FieldBlock | null = null;
  /** What the server set. */
  #greeted = false;
  #mostExchanges = FIRST_EXCHANGES;
  #firstWindow = FIRST_WINDOW;
  /** The server takes no more requests, or the connection is over. */
  #leaving = false;
  #over = false;
  /** Those who wait for a window. */
  #waiting: (() => void)[] = [];

  constructor(line: Line, scheme = 'https') {
    this.#line = line;
    this.#scheme = scheme;
    this.#write(bytesOf(PREFACE));
    this.#write(
      settings([
        [Setting.EnablePush, 0],
        [Setting.InitialWindowSize, STREAM_WINDOW],
        [Setting.MaxHeaderListSize, LARGEST_FIELDS],
      ]),
    );
    this.taken(0, null, 0);
    void this.#run();
  }

  /** Exchanges under way. */
  get active(): number {
    return this.#exchanges.size;
  }

  /** Whether it may carry another request. */
  isReady(): boolean {
    return !this.#leaving && this.#exchanges.size < this.#mostExchanges && this.#nextId < LARGEST_WINDOW;
  }

  /** Begins an exchange (`length`: the bytes of a body that comes in pieces, if they are known); its head comes later. */
  begin(head: RequestHead, body: Upload, length: number | null): Http2Exchange {
    if (!this.isReady()) {
      throw new Unprocessed();
    }
    const known = typeof body === 'function' ? length : (body?.byteLength ?? null);
    // Fails where a field cannot be sent: then there is no exchange.
    const fields = requestFields(head, this.#scheme, known);
    const id = this.#nextId;
    this.#nextId += 2;
    const exchange = new Http2Exchange(this, id, head.method, this.#firstWindow, new ReceiveWindow(STREAM_WINDOW));
    this.#exchanges.set(id, exchange);
    const block = this.#encoder.encode(fields);
    const flags = body === null || (known === 0 && typeof body !== 'function') ? END_STREAM : 0;
    for (let at = 0; at === 0 || at < block.byteLength; at += FRAME) {
      const part = block.subarray(at, at + FRAME);
      const end = at + part.byteLength === block.byteLength ? END_HEADERS : 0;
      this.#write(frame(at === 0 ? Type.Headers : Type.Continuation, end | (at === 0 ? flags : 0), id, part));
    }
    if (flags) {
      this.#finished(exchange);
    } else {
      void this.#send(exchange, body, length);
    }
    return exchange;
  }

  /** Ends the connection; exchanges under way fail. */
  close(): void {
    this.#end(new EthertabError('ECONNABORTED', 'the connection was closed'), ErrorCode.None, '');
  }

  // ── What exchanges ask ─────────────────────────────────────────────────────────────────────────────────────────────────

  taken(stream: number, window: ReceiveWindow | null, bytes: number): void {
    const opened = window?.take(bytes) ?? 0;
    if (opened > 0) {
      this.#write(frame(Type.WindowUpdate, 0, stream, words(opened)));
    }
    const all = this.#receiving.take(bytes);
    if (all > 0) {
      this.#write(frame(Type.WindowUpdate, 0, 0, words(all)));
    }
  }

  reset(stream: number, code: number): void {
    this.#write(frame(Type.Reset, 0, stream, words(code)));
    this.#forget(stream);
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A failure to write ends the connection: the reader learns of it. */
  #write(bytes: Bytes): Promise<void> {
    return this.#over ? Promise.resolve() : this.#line.write(bytes).catch((error) => this.#fail(error));
  }

  async #send(exchange: Http2Exchange, body: Upload, length: number | null): Promise<void> {
    const next = typeof body === 'function' ? body : null;
    try {
      let left = length ?? Number.POSITIVE_INFINITY;
      for (let piece = next ? await next() : (body as Bytes); piece && !exchange.wantsNothing; piece = next && (await next())) {
        left -= piece.byteLength;
        if (left < 0) {
          throw new EthertabError('EINVAL', 'the body is longer than its length');
        }
        await this.#sendData(exchange, piece, next === null);
      }
      if (next && length !== null && left > 0 && !exchange.wantsNothing) {
        throw new EthertabError('EINVAL', 'the body is shorter than its length');
      }
    } catch (error) {
      // The server must not take what came so far for the whole.
      exchange.fail(error);
      this.reset(exchange.id, ErrorCode.Cancel);
      return;
    }
    if (exchange.isComplete) {
      // The whole answer came before the whole request: nobody wants the rest (RFC 9113 §8.1).
      this.reset(exchange.id, ErrorCode.None);
    } else if (next && !exchange.wantsNothing) {
      this.#write(frame(Type.Data, END_STREAM, exchange.id));
    }
    this.#finished(exchange);
  }

  async #sendData(exchange: Http2Exchange, piece: Bytes, last: boolean): Promise<void> {
    for (let at = 0; at < piece.byteLength; ) {
      // Whatever the server set: longer frames would keep others waiting.
      const room = Math.min(exchange.sending.left, this.#sending.left, FRAME);
      if (exchange.wantsNothing) {
        return;
      }
      if (room <= 0) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      const part = piece.subarray(at, at + room);
      at += part.byteLength;
      exchange.sending.left -= part.byteLength;
      this.#sending.left -= part.byteLength;
      await this.#write(frame(Type.Data, last && at === piece.byteLength ? END_STREAM : 0, exchange.id, part));
    }
  }

  #finished(exchange: Http2Exchange): void {
    exchange.finished();
    if (exchange.isOver) {
      this.#forget(exchange.id);
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      resolve();
    }
  }

  // ── Receiving ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #run(): Promise<void> {
    const reader = new FrameReader();
    try {
      for (let pieces = await this.#line.read(LARGEST_PIECE); pieces; pieces = await this.#line.read(LARGEST_PIECE)) {
        for (const piece of pieces) {
          for (const frame of reader.receive(piece)) {
            if (this.#over) {
              return;
            }
            await this.#frame(frame);
          }
        }
      }
      this.#fail(new EthertabError('EHTTP', 'the server closed the connection before its answer was complete'));
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof HpackError) {
        const code = error instanceof ConnectionError ? error.code : ErrorCode.Compression;
        this.#end(new EthertabError('EHTTP', `the server broke a rule of HTTP/2: ${error.message}`), code, error.message);
      } else {
        this.#fail(error);
      }
    }
  }

  /** Gives a promise where more must wait for it. */
  #frame(frame: Frame): Promise<void> | undefined {
    const { type, stream } = frame;
    if (this.#block && (type !== Type.Continuation || stream !== this.#block.stream)) {
      throw protocol('fields that are not complete');
    }
    if (!this.#greeted && (type !== Type.Settings || frame.flags & ACK)) {
      throw protocol('no settings at first');
    }
    this.#greeted = true;
    switch (type) {
      case Type.Data:
        this.#receiveData(frame);
        return;
      case Type.Headers:
        this.#receiveBlock(new FieldBlock(this.#known(stream), (frame.flags & END_STREAM) !== 0), content(frame), frame.flags);
        return;
      case Type.Continuation:
        if (!this.#block) {
          throw protocol('fields that never began');
        }
        this.#receiveBlock(this.#block, frame.payload, frame.flags);
        return;
      case Type.Reset:
        expectLength(frame, 4);
        this.#receiveReset(this.#known(stream), word(frame.payload));
        return;
      case Type.Settings:
        return this.#receiveSettings(frame);
      case Type.PushPromise:
        throw protocol('a push that we did not allow');
      case Type.Ping:
        expectLength(frame, 8);
        expectConnection(frame);
        return frame.flags & ACK ? undefined : this.#answer(Type.Ping, frame.payload);
      case Type.GoAway:
        expectConnection(frame);
        this.#receiveGoAway(frame.payload);
        return;
      case Type.WindowUpdate:
        expectLength(frame, 4);
        this.#receiveWindow(frame);
        return;
      case Type.Priority:
        expectLength(frame, 5);
        return;
      default:
        // RFC 9113 §5.5: what is unknown is ignored.
        return;
    }
  }

  #receiveData(frame: Frame): void {
    const length = frame.payload.byteLength;
    const exchange = this.#exchanges.get(this.#known(frame.stream));
    if (!this.#receiving.receive(length)) {
      throw new ConnectionError(ErrorCode.FlowControl, 'more than the window lets');
    }
    if (!exchange) {
      // One that was given up.
      this.taken(0, null, length);
      return;
    }
    const data = content(frame).slice();
    this.#guard(exchange, () => {
      if (!exchange.receiving.receive(length)) {
        throw new ConnectionError(ErrorCode.FlowControl, 'more than the window lets');
      }
      exchange.receiveData(data);
      this.taken(exchange.id, exchange.receiving, length - data.byteLength);
      if (frame.flags & END_STREAM) {
        exchange.receiveEnd();
      }
    });
  }

  #receiveBlock(block: FieldBlock, part: Bytes, flags: number): void {
    block.add(part);
    this.#block = flags & END_HEADERS ? null : block;
    if (this.#block) {
      return;
    }
    // Also for a stream that was given up: both ends must remember the same.
    const fields = this.#decoder.decode(joined(...block.parts));
    const exchange = this.#exchanges.get(block.stream);
    if (exchange) {
      this.#guard(exchange, () => {
        if (!fields) {
          throw new EthertabError('EHTTP', "the answer's headers are too long");
        }
        exchange.receiveFields(fields, block.last);
      });
    }
  }

  /** What is wrong with an answer ends its exchange alone. */
  #guard(exchange: Http2Exchange, receive: () => void): void {
    try {
      receive();
    } catch (error) {
      if (!(error instanceof EthertabError)) {
        throw error;
      }
      exchange.fail(error);
      this.reset(exchange.id, ErrorCode.Protocol);
    }
    if (exchange.isOver) {
      this.#forget(exchange.id);
    } else if (exchange.isComplete) {
      // What is sent of the request must learn of it.
      this.#wake();
    }
  }

  #receiveReset(stream: number, code: number): void {
    const exchange = this.#exchanges.get(stream);
    if (code === ErrorCode.Refused || code === ErrorCode.Http11Required) {
      exchange?.fail(new Unprocessed(code === ErrorCode.Http11Required));
    } else {
      exchange?.fail(new EthertabError('ECONNRESET', `the server reset the request (HTTP/2 error ${code})`));
    }
    this.#forget(stream);
  }

  #receiveSettings(frame: Frame): Promise<void> | undefined {
    const all = settingsOf(frame);
    if (!all) {
      return;
    }
    for (const [setting, value] of all) {
      this.#set(setting, value);
    }
    this.#wake();
    return this.#answer(Type.Settings, []);
  }

  #set(setting: number, value: number): void {
    if (setting === Setting.HeaderTableSize) {
      this.#encoder.limit(value);
    } else if (setting === Setting.MaxConcurrentStreams) {
      this.#mostExchanges = value;
    } else if (setting === Setting.InitialWindowSize) {
      // RFC 9113 §6.9.2: also for streams that are open, whose windows may become negative.
      for (const exchange of this.#exchanges.values()) {
        if (!exchange.sending.open(value - this.#firstWindow)) {
          throw new ConnectionError(ErrorCode.FlowControl, 'a window beyond all bounds');
        }
      }
      this.#firstWindow = value;
    }
  }

  #receiveGoAway(payload: Bytes): void {
    if (payload.byteLength < 8) {
      throw new ConnectionError(ErrorCode.FrameSize, 'a goodbye that is too short');
    }
    const last = word(payload) & LARGEST_WINDOW;
    this.#leaving = true;
    for (const [id, exchange] of [...this.#exchanges]) {
      if (id > last) {
        exchange.fail(new Unprocessed(word(payload, 4) === ErrorCode.Http11Required));
        this.#forget(id);
      }
    }
    this.changed();
  }

  #receiveWindow({ stream, payload }: Frame): void {
    const bytes = word(payload) & LARGEST_WINDOW;
    const exchange = stream === 0 ? null : this.#exchanges.get(this.#known(stream));
    const window = stream === 0 ? this.#sending : exchange?.sending;
    if (window && (bytes === 0 || !window.open(bytes))) {
      if (!exchange) {
        throw new ConnectionError(bytes === 0 ? ErrorCode.Protocol : ErrorCode.FlowControl, 'a window that cannot be');
      }
      exchange.fail(new EthertabError('EHTTP', 'the server opened a window that cannot be'));
      this.reset(stream, bytes === 0 ? ErrorCode.Protocol : ErrorCode.FlowControl);
    }
    this.#wake();
  }

  /** A stream that we opened, now or before. */
  #known(stream: number): number {
    if (stream % 2 === 0 || stream >= this.#nextId) {
      throw protocol('a frame for a stream that nobody opened');
    }
    return stream;
  }

  #answer(type: number, payload: ArrayLike<number>): Promise<void> {
    return this.#write(frame(type, ACK, 0, payload));
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #forget(stream: number): void {
    if (this.#exchanges.delete(stream)) {
      this.#wake();
      this.changed();
    }
  }

  /** In order: the server is told why. */
  #end(error: unknown, code: number, reason: string): void {
    if (!this.#over) {
      this.#write(frame(Type.GoAway, 0, 0, joined(words(0, code), bytesOf(reason))));
      this.#line.close();
      this.#stop(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#over) {
      this.#line.abort();
      this.#stop(error);
    }
  }

  #stop(error: unknown): void {
    this.#over = true;
    this.#leaving = true;
    const exchanges = [...this.#exchanges.values()];
    this.#exchanges.clear();
    for (const exchange of exchanges) {
      exchange.fail(error);
    }
    this.#wake();
    this.changed();
  }
}
