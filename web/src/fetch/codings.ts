/**
 * Content codings (RFC 9110 §8.4): what is said to be understood, and undoing it. The platform does it where it can; Zstandard
 * has a decoder that is loaded with the first answer that needs it, and a program may bring others.
 */

import { joined } from '../http/characters.js';
import type { Bytes, HttpHead } from '../messages.js';
import type { Decoder, Decoders } from '../types.js';
import { failure } from './failure.js';
import { header } from './response.js';

/** The name of a coding where the platform has one. */
const PLATFORM: Record<string, string> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', br: 'brotli', zstd: 'zstd' };
const OFFERED = ['gzip', 'deflate', 'br', 'zstd'];
/** Each of them takes memory, and nobody needs as many. */
const MOST_CODINGS = 5;

/** What Accept-Encoding says: what can be undone. */
export function acceptEncoding(own: Decoders): string {
  return [...new Set([...OFFERED.filter(builtIn), ...Object.keys(own)])].join(', ');
}

/**
 * Undoes what has been done to a body; `broken` hears if it cannot be. As it is it stays if there is a coding that nobody knows, as
 * browsers have it.
 */
export async function decode(
  body: ReadableStream<Bytes>,
  head: HttpHead,
  own: Decoders,
  broken: (error: unknown) => void,
): Promise<ReadableStream<Bytes>> {
  const codings = (header(head, 'content-encoding') ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > MOST_CODINGS) {
    throw failure('EHTTP', `the answer is coded ${codings.length} times`);
  }
  if (!codings.every((coding) => coding in own || builtIn(coding))) {
    return body;
  }
  let stream = body;
  for (const coding of codings.reverse()) {
    const decoder = own[coding] ? () => (own[coding] as () => Decoder | Promise<Decoder>)() : await builtInDecoder(coding);
    stream = new Decoding(stream, coding, decoder, broken).readable;
  }
  return stream;
}

function builtIn(coding: string): boolean {
  return coding in PLATFORM && (coding === 'zstd' || platformHas(PLATFORM[coding] as string));
}

function platformHas(format: string): boolean {
  try {
    new DecompressionStream(format as CompressionFormat);
    return true;
  } catch {
    return false;
  }
}

/** What makes a decoder once the first bytes are known. */
async function builtInDecoder(coding: string): Promise<(first: Bytes) => Decoder> {
  const format = PLATFORM[coding] as string;
  if (!platformHas(format)) {
    return zstd();
  }
  // RFC 9110 §8.4.1.2: some send deflate without the zlib format (RFC 1950 §2.2) around it.
  return (first) => platform(format === 'deflate' && !isZlib(first) ? 'deflate-raw' : format);
}

function platform(format: string): Decoder {
  return new DecompressionStream(format as CompressionFormat) as unknown as Decoder;
}

function isZlib([method = 0, flags = 0]: Bytes): boolean {
  return (method & 0x0f) === 8 && method >> 4 <= 7 && ((method << 8) | flags) % 31 === 0;
}

async function zstd(): Promise<() => Decoder> {
  const { Decompress } = await import('../vendor/zstd.js');
  return () => {
    let decompress: InstanceType<typeof Decompress>;
    return new TransformStream<Bytes, Bytes>({
      start(controller) {
        // What it gives out may lie in its window, which it writes to again.
        decompress = new Decompress((data) => data.byteLength > 0 && controller.enqueue(new Uint8Array(data)));
      },
      transform: (piece) => decompress.push(piece),
      flush: () => decompress.push(new Uint8Array(0), true),
    });
  };
}

/** One coding undone. Nothing is made before the first bytes are there: an answer of none is whole, whatever its coding. */
class Decoding {
  readonly readable: ReadableStream<Bytes>;
  readonly #source: ReadableStreamDefaultReader<Bytes>;
  readonly #coding: string;
  readonly #tellBroken: (error: unknown) => void;
  readonly #make: (first: Bytes) => Decoder | Promise<Decoder>;
  #decoded: ReadableStreamDefaultReader<Bytes> | null = null;
  /** What the coded body failed with. */
  #broken: { error: unknown } | null = null;

  constructor(
    source: ReadableStream<Bytes>,
    coding: string,
    make: (first: Bytes) => Decoder | Promise<Decoder>,
    broken: (error: unknown) => void,
  ) {
    this.#source = source.getReader();
    this.#coding = coding;
    this.#make = make;
    this.#tellBroken = broken;
    this.readable = new ReadableStream(
      {
        type: 'bytes',
        pull: (controller: ReadableByteStreamController) => this.#pull(controller),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      this.#decoded ??= await this.#begin();
      const { value, done } = (await this.#decoded?.read()) ?? { value: undefined, done: true };
      if (!done) {
        controller.enqueue(value);
      } else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    } catch (error) {
      const coded = this.#broken;
      const reason = coded
        ? coded.error
        : failure('EHTTP', `the body is not ${this.#coding}, or not all of it: ${said(error)}`);
      this.#tellBroken(reason);
      this.#source.cancel(reason).catch(() => {});
      throw reason;
    }
  }

  async #cancel(reason: unknown): Promise<void> {
    await Promise.all([this.#source.cancel(reason), this.#decoded?.cancel(reason)]);
  }

  /** Reads the first two bytes, and begins. `null`: there are none. */
  async #begin(): Promise<ReadableStreamDefaultReader<Bytes> | null> {
    let first = await this.#next();
    while (first && first.byteLength < 2) {
      const more = await this.#next();
      if (!more) {
        break;
      }
      first = joined(first, more);
    }
    if (!first) {
      return null;
    }
    const { readable, writable } = await this.#make(first);
    void this.#feed(writable.getWriter(), first);
    return readable.getReader();
  }

  async #feed(writer: WritableStreamDefaultWriter<Bytes>, first: Bytes): Promise<void> {
    try {
      for (let piece: Bytes | null = first; piece; piece = await this.#next()) {
        await writer.write(piece);
      }
      await writer.close();
    } catch (error) {
      // Whoever reads learns of it.
      writer.abort(error).catch(() => {});
    }
  }

  async #next(): Promise<Bytes | null> {
    try {
      for (;;) {
        const { value, done } = await this.#source.read();
        if (done || value.byteLength > 0) {
          return done ? null : value;
        }
      }
    } catch (error) {
      this.#broken ??= { error };
      throw error;
    }
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
