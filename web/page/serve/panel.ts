/** The tab as a web server: it listens, and whoever asks gets a greeting. */
import type { HttpServer, ServeAddress, ServeInformation } from '../../src/serve/types.js';
import type { Network } from '../../src/types.js';
import { Log } from '../console/log.js';
import { element, field, find, say } from '../element.js';
import { problem } from '../format.js';
import { isHostless } from '../hostless/hostless.js';

export function servePanel(network: Network): void {
  const form = find('serve-form', HTMLFormElement);
  const button = find('serve-submit', HTMLButtonElement);
  const note = find('serve-note', HTMLElement);
  const command = find('serve-command', HTMLElement);
  const log = new Log(find('serve-log', HTMLElement));
  let server: HttpServer | undefined;

  const listen = async (port: number) => {
    const { information } = network.status;
    const address = information?.address ?? 'this tab';
    const serving: HttpServer = network.serve({ port }, (request, client) => {
      log.received(`${client.remoteAddress}:${client.remotePort} ${asked(request)}\n`);
      return greeting(request, client, { ...serving.addr, hostname: address });
    });
    server = serving;
    try {
      await serving.opened;
      const url = `http://${port === 80 ? address : `${address}:${port}`}/`;
      say(note, `Listening on port ${port}`);
      const asHost = ['On the host: ', element('code', {}, `curl ${url}`)];
      const asTab = ['In another tab, fetch ', element('code', {}, url)];
      command.replaceChildren(...(information && isHostless(information) ? asTab : asHost));
      log.restart();
      log.remark(`listening on port ${port}`);
      await serving.finished;
    } catch (error) {
      log.remark(problem(error));
    }
    if (server === serving) server = undefined;
    button.textContent = 'Listen';
    say(note, 'Not listening');
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (server !== undefined) {
      void server.shutdown().catch(() => undefined);
      return;
    }
    button.textContent = 'Stop';
    void listen(Number(field(form, 'port').value));
  });
}

/** What the tab has to say to whoever asks. */
function greeting(
  request: Request,
  { remoteAddress, remotePort }: ServeInformation,
  { hostname, port }: ServeAddress,
): Response {
  const lines = [
    'Hello from a browser tab.',
    '',
    `This answer left a TCP/IP stack inside a web page at ${hostname}:${port}.`,
    `You are ${remoteAddress}:${remotePort} and asked: ${asked(request)}`,
    '',
  ];
  return new Response(lines.join('\n'), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

function asked({ method, url }: Request): string {
  const { pathname, search } = new URL(url);
  return `${method} ${pathname}${search}`;
}
