/** The body of a request: what `fetch` was given, as bytes or as pieces that can be asked for. */

import { EthertabError, type PlainError, toPlain } from './errors.js';
import { type Bytes, LARGEST_PIECE } from './messages.js';
import { copyBytes } from './streams.js';

/** Larger blobs are not read into memory as a whole. */
const LARGEST_WHOLE = 1024 * 1024;

export interface RequestBody {
  /** The type that goes with it, unless the program named one. */
  contentType: string | null;
  /** The bytes, if they are at hand. */
  whole: Bytes | null;
  /** Otherwise: a fresh stream of them; `null` if it was given out before and cannot be had again. */
  stream: (() => ReadableStream<unknown> | null) | null;
  length: number | null;
}

/** Reads a body, whatever form it has. */
export async function extract(body: BodyInit): Promise<RequestBody> {
  if (body instanceof ReadableStream) {
    let given: ReadableStream<unknown> | null = body;
    const once = () => {
      const stream = given;
      given = null;
      return stream;
    };
    return { contentType: null, whole: null, stream: once, length: null };
  }
  // The platform knows how to write a form and which type goes with what.
  const written = new Response(body);
  const contentType = written.headers.get('content-type');
  const blob = await written.blob();
  if (blob.size > LARGEST_WHOLE) {
    return { contentType, whole: null, stream: () => blob.stream(), length: blob.size };
  }
  return { contentType, whole: new Uint8Array(await blob.arrayBuffer()), stream: null, length: blob.size };
}

/** Hands a stream out piece by piece, none larger than one call moves. */
export class Pieces {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #rest: Bytes = new Uint8Array(0);

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  async next(): Promise<Bytes | null | PlainError> {
    try {
      while (this.#rest.byteLength === 0) {
        const { value, done } = await this.#reader.read();
        if (done) {
          return null;
        }
        if (!(value instanceof Uint8Array)) {
          throw new EthertabError('EINVAL', "a request body's stream must be of Uint8Array");
        }
        this.#rest = copyBytes(value);
      }
      const piece = this.#rest.slice(0, LARGEST_PIECE);
      this.#rest = this.#rest.subarray(piece.byteLength);
      return piece;
    } catch (error) {
      return toPlain(error);
    }
  }

  cancel(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => {});
  }
}
