/** What becomes of a fetch. The function is handed to a page as its text: it refers to nothing outside itself. */

/**
 * Fetches by our network (`who` is "ours") or by the platform. Bodies are told apart by what describes them: `{ stream: ['a'] }`.
 * The outcome: `error`, or `status`, `statusText`, `headers`, `url`, `redirected` and `body` or `bodyError`.
 */
export async function observe({ who, url, init = {}, times = 1, limit = 60_000 }) {
  const encoder = new TextEncoder();
  const bodies = {
    text: (text) => text,
    bytes: (length) => new Uint8Array(length).fill(120),
    buffer: (length) => new ArrayBuffer(length),
    blob: ([text, type]) => new Blob([text], { type }),
    params: (pairs) => new URLSearchParams(pairs),
    form: (pairs) => {
      const form = new FormData();
      for (const [name, value] of pairs) form.set(name, value);
      return form;
    },
    stream: (pieces) =>
      new ReadableStream({
        pull(controller) {
          const piece = pieces.shift();
          if (piece === undefined) controller.close();
          else controller.enqueue(encoder.encode(piece));
        },
      }),
  };
  const given = () => {
    const [[kind, value]] = Object.entries(init.body);
    return bodies[kind](structuredClone(value));
  };
  const fetch = who === 'ours' ? net.fetch.bind(net) : globalThis.fetch;
  const digest = async (bytes) => {
    if (bytes.length <= 100) return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return `${bytes.length} bytes, ${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  };
  const ours = (error) => (who === 'ours' && error.cause ? { cause: error.cause.code } : {});
  const once = async () => {
    const signal = AbortSignal.timeout(limit);
    let response;
    try {
      response = await fetch(url, { credentials: 'omit', ...init, signal, ...(init.body ? { body: given() } : {}) });
    } catch (error) {
      return { error: error.name, ...ours(error) };
    }
    const { status, statusText, redirected } = response;
    const headers = [...response.headers].filter(([name]) => !name.startsWith('access-control-') && name !== 'set-cookie');
    const head = { status, statusText, headers, url: response.url, redirected };
    try {
      return { ...head, body: await digest(new Uint8Array(await response.arrayBuffer())) };
    } catch (error) {
      return { ...head, bodyError: error.name, ...ours(error) };
    }
  };
  let outcome;
  for (let time = 0; time < times; time += 1) {
    let timer;
    const hung = new Promise((resolve) => {
      timer = setTimeout(resolve, 2 * limit, { error: 'it hung' });
    });
    outcome = await Promise.race([once(), hung]);
    // Node would wait for it.
    clearTimeout(timer);
  }
  return outcome;
}
