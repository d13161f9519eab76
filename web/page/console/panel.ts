/** The socket console: a TCP connection, one line at a time. */
import type { Network, TcpSocket } from '../../src/types.js';
import { field, find, say } from '../element.js';
import { problem } from '../format.js';
import { Log } from './log.js';

const endings: Record<string, string> = { crlf: '\r\n', lf: '\n', '': '' };
const intro = 'A TCP connection, line by line';

export function consolePanel(network: Network): void {
  new ConsolePanel(network);
}

class ConsolePanel {
  private readonly network: Network;
  private readonly address = find('console-connect', HTMLFormElement);
  private readonly line = find('console-send', HTMLFormElement);
  private readonly open = find('console-open', HTMLButtonElement);
  private readonly close = find('console-close', HTMLButtonElement);
  private readonly write = find('console-write', HTMLButtonElement);
  private readonly finish = find('console-finish', HTMLButtonElement);
  private readonly note = find('console-note', HTMLElement);
  private readonly log = new Log(find('console-log', HTMLElement));
  private socket: TcpSocket | undefined;
  private writer: WritableStreamDefaultWriter<Uint8Array | ArrayBuffer | string> | undefined;

  constructor(network: Network) {
    this.network = network;
    this.address.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.socket === undefined) void this.connect();
    });
    this.line.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
    this.finish.addEventListener('click', () => void this.endSending());
    this.close.addEventListener('click', () => this.hangUp());
  }

  private async connect(): Promise<void> {
    const hostname = field(this.address, 'hostname').value.trim();
    const port = Number(field(this.address, 'port').value);
    const socket = this.network.connect({ hostname, port });
    this.socket = socket;
    socket.closed.catch(() => undefined);
    this.log.restart();
    this.log.remark(`connecting to ${hostname}:${port}`);
    say(this.note, `Connecting to ${hostname}:${port}`);
    this.show('connecting');
    try {
      const opened = await socket.opened;
      if (this.socket !== socket) return;
      this.writer = socket.writable.getWriter();
      this.writer.closed.catch(() => undefined);
      const line = `${opened.localAddress}:${opened.localPort} → ${opened.remoteAddress}:${opened.remotePort}`;
      say(this.note, line);
      this.log.remark(`connected, ${line}`);
      this.show('open');
      field(this.line, 'line').focus();
      await this.listen(socket);
    } catch (error) {
      if (this.socket === socket) this.ended(problem(error));
    }
  }

  private async listen(socket: TcpSocket): Promise<void> {
    const decoder = new TextDecoder();
    const reader = socket.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (this.socket !== socket) return;
      if (done) break;
      this.log.received(decoder.decode(value, { stream: true }));
    }
    this.log.remark('the other side has finished sending');
    // A program that has nothing more to hear says goodbye as well.
    await this.writer?.close().catch(() => undefined);
    await socket.closed;
    if (this.socket === socket) this.ended('closed in order');
  }

  private async send(): Promise<void> {
    const input = field(this.line, 'line');
    const { writer } = this;
    if (writer === undefined) return;
    const text = input.value;
    input.value = '';
    this.log.sent(text);
    try {
      await writer.write(text + (endings[field(this.line, 'ending').value] ?? ''));
    } catch (error) {
      this.log.remark(problem(error));
    }
  }

  private async endSending(): Promise<void> {
    this.finish.disabled = true;
    this.write.disabled = true;
    this.log.remark('we have finished sending (FIN); replies still arrive');
    await this.writer?.close().catch((error: unknown) => this.log.remark(problem(error)));
  }

  private hangUp(): void {
    const { socket, writer } = this;
    if (socket === undefined) return;
    this.ended(writer === undefined ? 'given up' : 'closed by us');
    if (writer === undefined) socket.abort();
    else socket.close().catch(() => undefined);
  }

  private ended(how: string): void {
    this.log.remark(how);
    this.socket = undefined;
    this.writer = undefined;
    this.show('closed');
    say(this.note, `Closed: ${how}`);
  }

  private show(state: 'closed' | 'connecting' | 'open'): void {
    this.open.hidden = state !== 'closed';
    this.close.hidden = state === 'closed';
    say(this.close, state === 'connecting' ? 'Cancel' : 'Close');
    this.write.disabled = state !== 'open';
    this.finish.disabled = state !== 'open';
    if (state === 'closed' && this.note.textContent === '') say(this.note, intro);
  }
}
