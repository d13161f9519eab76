/** What every way of doing the same must do: run in a page, on what a test opened there by its own way. */

/** Whether a megabyte goes to an echo server and comes back whole, over `{ readable, writable, closed }`, with half-close. */
export const comesBackWhole = (socket) =>
  socket.evaluate(async ({ readable, writable, closed }) => {
    const sent = new Uint8Array(1 << 20).map((_, index) => (index * 31) & 255);
    const writer = writable.getWriter();
    const writing = writer.write(sent).then(() => writer.close());
    const back = new Uint8Array(await new Response(readable).arrayBuffer());
    await writing;
    await closed;
    return back.length === sent.length && back.every((byte, index) => byte === sent[index]);
  });

/** Aborts a fetch by `network` under way: the name of the error that its reader gets, and the status of the fetch behind it. */
export const abortsUnderWay = (network, url) =>
  network.evaluate(async (network, url) => {
    const controller = new AbortController();
    const response = await network.fetch(`${url}/large`, { signal: controller.signal });
    const reader = response.body.getReader();
    await reader.read();
    controller.abort();
    const error = await reader.read().then(
      () => 'no error',
      (reason) => reason.name,
    );
    return { error, next: (await network.fetch(`${url}/text.txt`)).status };
  }, url);

/**
 * Opens a connection in `page` by `connect`, which is given `port`, and acts on it by `act` as soon as it has sent something long:
 * what `act` returns, and how the connection ended on the wire, "RST" or "FIN".
 */
export async function endsDuringHandshake(page, port, connect, act) {
  const capture = await page.evaluateHandle(() => net.capture().getReader());
  const socket = await page.evaluateHandle(connect, port);
  const sent = (wanted) =>
    capture.evaluate(
      async (reader, [port, wanted]) => {
        for (;;) {
          const { value } = await reader.read();
          const [found] = RegExp(wanted).exec(value.summary) ?? [];
          if (found && value.destination.endsWith(`:${port}`)) return found;
        }
      },
      [port, wanted],
    );
  await sent('Len=\\d{3,}');
  const seen = await socket.evaluate(act);
  const end = await sent('RST|FIN');
  await capture.evaluate((reader) => reader.cancel());
  return [seen, end];
}
