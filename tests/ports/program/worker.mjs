/** The program in a Worker of a page, which starts the network's Worker within. */
import { program } from './program.mjs';

globalThis.onmessage = async ({ data }) => {
  try {
    globalThis.postMessage({ result: await program(data) });
  } catch (error) {
    globalThis.postMessage({ error: String(error?.stack ?? error) });
  }
};
