/** Errors with a stable code, and how they cross to and from the Worker. */

import type { ErrorCode } from './types.js';

/** What every call of ethertab fails with. */
export class EthertabError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EthertabError';
    this.code = code;
  }
}

/** An error on its way between page and Worker. */
export interface PlainError {
  code: ErrorCode;
  message: string;
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? (error.code as ErrorCode) : 'EWORKER';
    return { code, message: error.message };
  }
  return { code: 'EWORKER', message: String(error) };
}

export function fromPlain(plain: PlainError): EthertabError {
  return new EthertabError(plain.code, plain.message);
}

export function invalid(message: string): EthertabError {
  return new EthertabError('EINVAL', message);
}

/** What an aborted call rejects with: the signal's reason, as the platform's own calls do. */
export function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('The operation was aborted.', 'AbortError');
}

/** A promise whose rejection nobody has to handle: whoever awaits it still sees it. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
