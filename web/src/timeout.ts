/** The longest time that a timer can wait, in milliseconds: the browser takes a longer one for none. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1;
