/** Numbers as people read them. */

const units = ['bytes', 'kB', 'MB', 'GB'] as const;
const grouped = new Intl.NumberFormat('en');

/** A whole number with its thousands marked: `12,345`. */
export function count(value: number): string {
  return grouped.format(Math.round(value));
}

/** A size in powers of a thousand: `104.9 MB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${count(value)} ${value === 1 ? 'byte' : 'bytes'}`;
  return `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** A speed, from bytes and milliseconds: `34.2 MB/s`. */
export function speed(bytes: number, milliseconds: number): string {
  return milliseconds > 0 ? `${size((bytes / milliseconds) * 1000)}/s` : '–';
}

/** A length of time: `0.42 ms`, `18 ms`, `3.2 s`, `12 min`, `24 h`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 1000) return `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
  if (milliseconds < 7_200_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${Math.round(milliseconds / 3_600_000)} h`;
}

/** A moment since the page was opened, in seconds: `3.142`. */
export function moment(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

/** What went wrong, in a line: the code first, if there is one. */
export function problem(error: unknown): string {
  const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (code === '' || cause.message.includes(code)) return cause.message;
  return `${cause.message} (${code})`;
}
