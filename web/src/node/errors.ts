/** Errors as Node's modules give them: by the code, number and message of the system call that would have failed. */

/** Linux's numbers, and those that libuv gave to what getaddrinfo(3) says. */
const NUMBERS: Record<string, number> = {
  EPIPE: -32,
  EINVAL: -22,
  EMFILE: -24,
  EMSGSIZE: -90,
  EADDRINUSE: -98,
  EADDRNOTAVAIL: -99,
  ENETDOWN: -100,
  ENETUNREACH: -101,
  ECONNABORTED: -103,
  ECONNRESET: -104,
  ENOBUFS: -105,
  ETIMEDOUT: -110,
  ECONNREFUSED: -111,
  EHOSTUNREACH: -113,
  EAI_AGAIN: -3001,
  ENOTFOUND: -3008,
};

/** What Node adds to a failed `listen`. */
const DESCRIPTIONS: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EINVAL: 'invalid argument',
};

/** An error of a system call, with what Node tells about it. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number | undefined;
  readonly syscall: string;
  declare readonly address?: string;
  declare readonly port?: number;
  declare readonly hostname?: string;

  constructor(syscall: string, cause: unknown, details: { address?: string; port?: number; hostname?: string } = {}) {
    const code = codeOf(cause);
    const { address, port, hostname } = details;
    const place = address === undefined ? '' : port ? ` ${address}:${port}` : ` ${address}`;
    const description = syscall === 'listen' && code in DESCRIPTIONS ? `: ${DESCRIPTIONS[code]}` : '';
    super(`${syscall} ${code}${description}${place}${hostname === undefined ? '' : ` ${hostname}`}`, { cause });
    this.code = code;
    this.errno = NUMBERS[code];
    this.syscall = syscall;
    Object.assign(this, details);
  }
}

/** What went wrong below, by its stable code. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ECONNABORTED';
}

export interface ArgumentError extends Error {
  code: string;
}

/** An error with one of Node's own codes (`ERR_…`); a TypeError unless another class is named. */
export function argumentError(code: string, message: string, kind: new (message: string) => Error = TypeError): ArgumentError {
  return Object.assign(new kind(message), { code });
}

/** The error of what has no meaning in a browser, or is not there yet. */
export function unsupported(what: string): ArgumentError {
  return argumentError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', `${what} is not supported by ethertab/node`, Error);
}

/** What an aborted operation fails with. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/** A port as Node takes it: a number or its digits. */
export function validPort(port: unknown, name = 'options.port', allowZero = true): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof number !== 'number' && typeof port !== 'string') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type number or string`);
  }
  if (typeof number !== 'number' || !Number.isInteger(number) || number < (allowZero ? 0 : 1) || number > 65_535) {
    const least = allowZero ? '>= 0' : '> 0';
    throw argumentError('ERR_SOCKET_BAD_PORT', `${name} should be ${least} and < 65536. Received ${port}.`, RangeError);
  }
  return number;
}

/** A callback as Node takes it. */
export function validCallback<T>(callback: T, name = 'callback'): T {
  if (typeof callback !== 'function') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type function`);
  }
  return callback;
}
