/** The errors of the Sockets API. */

import { EthertabError } from '../errors.js';

/** What a socket fails with. */
export class SocketError extends TypeError {
  constructor(message: string, options?: ErrorOptions) {
    super(`SocketError: ${message}`, options);
  }
}

const known = new WeakMap<EthertabError, SocketError>();

/** What the network did wrong, as the standard names it. The same error stays the same; a program's own reasons are left alone. */
export function socketError(error: unknown): unknown {
  if (!(error instanceof EthertabError)) {
    return error;
  }
  let named = known.get(error);
  if (!named) {
    named = new SocketError(error.message, { cause: error });
    known.set(error, named);
  }
  return named;
}
