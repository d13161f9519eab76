/** The body of a request: what `fetch` was given, as bytes or as pieces that can be asked for. */

import { abortReason, EthertabError, type PlainError, toPlain } from './errors.js';
import { joined } from './http/characters.js';
import { type Bytes, LARGEST_PIECE } from './messages.js';
import { copyBytes } from './streams.js';

/** Larger blobs are not read into memory as a whole. */
const LARGEST_WHOLE = 1024 * 1024;

export interface RequestBody {
  /** The type that goes with it, unless the program named one. */
  contentType: string | null;
  /** The bytes, if they are at hand. */
  whole: Bytes | null;
  /** Otherwise: a fresh stream of them. */
  stream: (() => ReadableStream<unknown>) | null;
  /** Whether that can be had more than once. */
  again: boolean;
  length: number | null;
}

/** Reads a body, whatever form it has. */
export async function extract(body: BodyInit): Promise<RequestBody> {
  if (body instanceof ReadableStream) {
    return { contentType: null, whole: null, stream: () => body, again: false, length: null };
  }
  // The platform knows how to write a form and which type goes with what.
  const written = new Response(body);
  const contentType = written.headers.get('content-type');
  const blob = await written.blob();
  if (blob.size > LARGEST_WHOLE) {
    return { contentType, whole: null, stream: () => blob.stream(), again: true, length: blob.size };
  }
  return { contentType, whole: new Uint8Array(await blob.arrayBuffer()), stream: null, again: true, length: blob.size };
}

/**
 * Reads a stream of which nobody knows whether there is much behind it, as a Request gives one: a short one to its end, so that it
 * has a length and can be sent again.
 */
export async function extractStream(stream: ReadableStream<unknown>, signal?: AbortSignal): Promise<RequestBody> {
  const reader = stream.getReader();
  const onAbort = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', onAbort);
  const pieces: Bytes[] = [];
  try {
    for (let length = 0; length <= LARGEST_WHOLE; length += pieces.at(-1)?.byteLength ?? 0) {
      const { value, done } = await reader.read();
      if (signal?.aborted) {
        throw abortReason(signal);
      }
      if (done) {
        return { contentType: null, whole: joined(...pieces), stream: null, again: true, length };
      }
      pieces.push(bytes(value));
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  const rest = new ReadableStream({
    async pull(controller) {
      const { value, done } = pieces.length > 0 ? { value: pieces.shift(), done: false } : await reader.read();
      if (done) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return extract(rest);
}

function bytes(value: unknown): Bytes {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError("a request body's stream must be of Uint8Array");
  }
  return copyBytes(value);
}

/** Hands a stream out piece by piece, none larger than one call moves. */
export class Pieces {
  /** What the stream failed with. */
  failure: { thrown: unknown } | null = null;

  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #rest: Bytes = new Uint8Array(0);
  #cancelled = false;

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  async next(): Promise<Bytes | null | PlainError> {
    try {
      while (this.#rest.byteLength === 0) {
        const { value, done } = await this.#reader.read();
        if (this.#cancelled) {
          // The source's end is not the body's.
          return toPlain(new EthertabError('ECONNABORTED', 'the body is not wanted any more'));
        }
        if (done) {
          return null;
        }
        this.#rest = bytes(value);
      }
      const piece = this.#rest.slice(0, LARGEST_PIECE);
      this.#rest = this.#rest.subarray(piece.byteLength);
      return piece;
    } catch (error) {
      this.failure = { thrown: error };
      return toPlain(error);
    }
  }

  cancel(reason: unknown): void {
    this.#cancelled = true;
    this.#reader.cancel(reason).catch(() => {});
  }
}
