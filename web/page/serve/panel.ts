/** The tab as a web server: it listens, and whoever asks gets a greeting. */
import type { Network, TcpListener, TcpSocket } from '../../src/types.js';
import { Log } from '../console/log.js';
import { element, field, find, say } from '../element.js';
import { problem } from '../format.js';
import { isHostless } from '../hostless/hostless.js';

/** Bytes of a request's head that are read. */
const longestHead = 16 * 1024;

export function servePanel(network: Network): void {
  const form = find('serve-form', HTMLFormElement);
  const button = find('serve-submit', HTMLButtonElement);
  const note = find('serve-note', HTMLElement);
  const command = find('serve-command', HTMLElement);
  const log = new Log(find('serve-log', HTMLElement));
  let listener: TcpListener | undefined;

  const accept = async (listening: TcpListener) => {
    for await (const socket of listening) {
      answer(socket).then(
        (line) => log.received(`${socket.remoteAddress}:${socket.remotePort} ${line}\n`),
        (error: unknown) => log.remark(problem(error)),
      );
    }
  };
  const listen = async (port: number) => {
    const listening = network.listen({ port });
    listener = listening;
    listening.closed.catch(() => undefined);
    try {
      await listening.opened;
      const { information } = network.status;
      const address = information?.address ?? 'this tab';
      const url = `http://${port === 80 ? address : `${address}:${port}`}/`;
      say(note, `Listening on port ${port}`);
      const asHost = ['On the host: ', element('code', {}, `curl ${url}`)];
      const asTab = ['In another tab, fetch ', element('code', {}, url)];
      command.replaceChildren(...(information && isHostless(information) ? asTab : asHost));
      log.restart();
      log.remark(`listening on port ${port}`);
      await accept(listening);
    } catch (error) {
      log.remark(problem(error));
    }
    if (listener === listening) listener = undefined;
    button.textContent = 'Listen';
    say(note, 'Not listening');
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (listener !== undefined) {
      void listener.close().catch(() => undefined);
      return;
    }
    button.textContent = 'Stop';
    void listen(Number(field(form, 'port').value));
  });
}

/** Reads one request, answers it, and says what was asked. */
async function answer(socket: TcpSocket): Promise<string> {
  socket.closed.catch(() => undefined);
  const line = await requestLine(socket);
  const body = [
    'Hello from a browser tab.',
    '',
    `This answer left a TCP/IP stack inside a web page at ${socket.localAddress}:${socket.localPort}.`,
    `You are ${socket.remoteAddress}:${socket.remotePort} and asked: ${line}`,
    '',
  ].join('\n');
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${new TextEncoder().encode(body).length}`,
    'Connection: close',
  ];
  const writer = socket.writable.getWriter();
  await writer.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await writer.close();
  return line;
}

async function requestLine(socket: TcpSocket): Promise<string> {
  const reader = socket.readable.getReader();
  const decoder = new TextDecoder();
  let head = '';
  while (!head.includes('\r\n\r\n') && head.length < longestHead) {
    const { done, value } = await reader.read();
    if (done) break;
    head += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return head.split('\r\n', 1)[0] ?? '';
}
