/** As `fetch` fails: with a TypeError whose cause says more. */

import { EthertabError } from '../errors.js';
import type { ErrorCode } from '../types.js';

export function failure(code: ErrorCode, message: string): TypeError {
  return failed(new EthertabError(code, message), 'fetch failed');
}

export function failed(error: unknown, what: string): TypeError {
  if (error instanceof TypeError) {
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TypeError(`${what}: ${message}`, { cause: error });
}
