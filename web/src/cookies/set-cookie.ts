/** Reading Set-Cookie (RFC 6265bis §5.1, §5.6). */

/** Bytes of name and value together, and of an attribute's value. */
const LONGEST_PAIR = 4_096;
const LONGEST_ATTRIBUTE = 1_024;
/** No cookie lives longer (§5.5). */
const LONGEST_LIFE = 400 * 24 * 60 * 60 * 1_000;

export interface SetCookie {
  name: string;
  value: string;
  /** Milliseconds since 1970; `null`: neither Expires nor Max-Age was said. */
  expires: number | null;
  /** In lower case and without a leading dot; '': none. */
  domain: string;
  /** `null`: none that could be used. */
  path: string | null;
  secure: boolean;
  httpOnly: boolean;
  sameSite: 'strict' | 'lax' | 'none' | null;
}

/** Reads it at the moment `now` (milliseconds since 1970); `null`: it is to be ignored. */
export function parseSetCookie(text: string, now: number): SetCookie | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) {
    return null;
  }
  const [pair = '', ...parts] = text.split(';');
  const [name, value] = pair.includes('=') ? halves(pair) : ['', pair.trim()];
  if (name + value === '' || name.length + value.length > LONGEST_PAIR) {
    return null;
  }
  const attributes = new Map<string, string>();
  let [expires, maxAge]: [number | null, number | null] = [null, null];
  for (const [attribute, said] of parts.map(halves).filter(([, said]) => said.length <= LONGEST_ATTRIBUTE)) {
    const key = attribute.toLowerCase();
    attributes.set(key, said);
    // What cannot be read counts as not said, and the last one that can counts.
    if (key === 'expires') {
      expires = parseDate(said) ?? expires;
    } else if (key === 'max-age' && /^-?[0-9]+$/.test(said)) {
      maxAge = now + Number(said) * 1_000;
    }
  }
  const end = maxAge ?? expires;
  const path = attributes.get('path') ?? '';
  const sameSite = attributes.get('samesite')?.toLowerCase();
  return {
    name,
    value,
    expires: end === null ? null : Math.min(end, now + LONGEST_LIFE),
    domain: (attributes.get('domain') ?? '').replace(/^\./, '').toLowerCase(),
    path: path.startsWith('/') ? path : null,
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'lax' || sameSite === 'none' ? sameSite : null,
  };
}

function halves(text: string): [string, string] {
  const equals = text.includes('=') ? text.indexOf('=') : text.length;
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** §5.1.1: whatever looks like a time, a day, a month and a year, in any order; `null`: it is no date. */
export function parseDate(text: string): number | null {
  let [time, day, month, year]: [number[] | null, number | null, number | null, number | null] = [null, null, null, null];
  for (const token of text.split(/[\t -/;-@[-`{-~]+/)) {
    const clock = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D.*)?$/s.exec(token);
    const number = /^(\d{1,4})(?:\D.*)?$/s.exec(token)?.[1] ?? '';
    const name = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    if (!time && clock) {
      time = clock.slice(1).map(Number);
    } else if (day === null && number !== '' && number.length <= 2) {
      day = Number(number);
    } else if (month === null && name >= 0) {
      month = name;
    } else if (year === null && number.length >= 2) {
      year = Number(number);
    }
  }
  if (!time || day === null || month === null || year === null) {
    return null;
  }
  year += year < 70 ? 2_000 : year < 100 ? 1_900 : 0;
  const [hours = 0, minutes = 0, seconds = 0] = time;
  const date = new Date(Date.UTC(year, month, day, hours, minutes, seconds));
  const exists = date.getUTCDate() === day && date.getUTCMonth() === month;
  return exists && year >= 1_601 && hours < 24 && minutes < 60 && seconds < 60 ? date.getTime() : null;
}
