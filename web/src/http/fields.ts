/** Field lines (RFC 9112 §5) and what they are made of (RFC 9110 §5.5, §5.6). */

/** A field as it arrived: the name in lower case, the value without the white space around it, one character a byte. */
export type Field = [name: string, value: string];

/** RFC 9110 §5.6.2: a name, a method, a subprotocol. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** RFC 9110 §5.5: one character a byte, and no control character but the tab. */
export function isValue(text: string): boolean {
  return /^[\t -~\x80-\xff]*$/.test(text);
}

/** Reads field lines; `null` if one is none. */
export function parseFields(lines: string[]): Field[] | null {
  const fields: Field[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    const value = trimmed(line.slice(colon + 1));
    if (!isToken(name) || !isValue(value)) {
      return null;
    }
    fields.push([name.toLowerCase(), value]);
  }
  return fields;
}

/** Without optional white space (RFC 9110 §5.6.3) at either end. */
export function trimmed(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && '\t '.includes(text.charAt(from))) {
    from += 1;
  }
  while (from < to && '\t '.includes(text.charAt(to - 1))) {
    to -= 1;
  }
  return text.slice(from, to);
}

/** All values of a field, in their order. */
export function values(fields: Field[], name: string): string[] {
  return fields.filter(([field]) => field === name).map(([, value]) => value);
}

/** The elements of a list field (RFC 9110 §5.6.1) over all its lines, in lower case. */
export function list(fields: Field[], name: string): string[] {
  return values(fields, name)
    .flatMap((value) => value.split(','))
    .map((element) => trimmed(element).toLowerCase())
    .filter((element) => element !== '');
}
