/**
 * The letter of a key, small, as browsers take it for their own shortcuts: what it types, and where that is no Latin letter,
 * what its place types on a keyboard that has them.
 */
export function letterOf({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string {
  const letter = /^[a-z]$/i.test(key) ? key : /^Key([A-Z])$/.exec(code)?.[1];
  return letter?.toLowerCase() ?? '';
}
