/** Waits for conditions; never for time. */
import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer is truthy, and returns it. Fails after `within` milliseconds, with what went wrong last. */
export async function until(what, ask, within = 15_000) {
  const end = performance.now() + within;
  let last;
  do {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await pause(20);
  } while (performance.now() < end);
  throw new Error(`${what}: not within ${within} ms${last ? ` (${last.message})` : ''}`, { cause: last });
}

/** Fails if `promise` takes longer than `within` milliseconds. */
export async function soon(what, promise, within = 15_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${within} ms`)), within);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
