/** SSH: a form to log in by, and a terminal on the server. What it takes is loaded when somebody connects. */
import type { Network, TcpSocket } from '../../src/types.js';
import { element, field, find, say } from '../element.js';
import { problem } from '../format.js';
import { fingerprint, type HostKey, kindOf } from './host-key.js';
import { HostsList, printOf } from './hosts.js';
import { type KnownHost, KnownHosts, nameOf } from './known-hosts.js';
import { PrivateKeyError, readPrivateKey } from './private-key.js';
import type { Login } from './protocol/session.js';
import type { Ending, Shell } from './protocol/shell.js';
import { Questions } from './questions.js';
import { browserStorage } from './storage.js';
import type { PageTerminal } from './terminal.js';

export function sshPanel(network: Network): void {
  new SshPanel(network);
}

/** One try to log in, and the shell that comes of it. */
interface Attempt {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  socket?: TcpSocket;
  shell?: Shell;
}

class SshPanel {
  readonly #network: Network;
  readonly #known = new KnownHosts(browserStorage());
  readonly #hosts = new HostsList(this.#known);
  readonly #panel = find('ssh', HTMLElement);
  readonly #form = find('ssh-form', HTMLFormElement);
  readonly #submit = find('ssh-submit', HTMLButtonElement);
  readonly #key = find('ssh-key', HTMLTextAreaElement);
  readonly #note = find('ssh-note', HTMLElement);
  readonly #alert = find('ssh-alert', HTMLElement);
  readonly #box = find('ssh-terminal', HTMLElement);
  readonly #controls = find('ssh-controls', HTMLElement);
  readonly #enlarge = find('ssh-enlarge', HTMLButtonElement);
  readonly #disconnect = find('ssh-disconnect', HTMLButtonElement);
  readonly #questions = new Questions(find('ssh-question', HTMLElement));
  #terminal: PageTerminal | undefined;
  #attempt: Attempt | undefined;

  constructor(network: Network) {
    this.#network = network;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#attempt === undefined) void this.#connect();
      else this.#hangUp();
    });
    this.#disconnect.addEventListener('click', () => this.#hangUp());
    this.#enlarge.addEventListener('click', () => this.#resize(!this.#panel.classList.contains('large')));
    field(this.#form, 'method').addEventListener('change', () => this.#showMethod());
    this.#chooseFile();
    this.#suggestHost();
    if (globalThis.isSecureContext) return;
    // Browsers keep their cryptography to such pages; a password typed into another could be read on the way as well.
    this.#submit.disabled = true;
    this.#warn('SSH needs a page that came by https, or from this machine (localhost).');
  }

  /** The host behind the relay, unless somebody has typed another. */
  #suggestHost(): void {
    const host = field(this.#form, 'host');
    const suggest = () => {
      if (host.value === '') host.value = this.#network.status.information?.gateway ?? '';
    };
    this.#network.opened.then(suggest, () => undefined);
  }

  #showMethod(): void {
    const method = field(this.#form, 'method').value;
    for (const part of this.#form.querySelectorAll<HTMLElement>('[data-for]')) part.hidden = part.dataset.for !== method;
  }

  #chooseFile(): void {
    const file = find('ssh-file', HTMLInputElement);
    find('ssh-choose', HTMLButtonElement).addEventListener('click', () => file.click());
    file.addEventListener('change', async () => {
      const [chosen] = file.files ?? [];
      if (chosen) this.#key.value = chosen.size <= 65_536 ? await chosen.text() : 'This file is too long for a key.';
      file.value = '';
    });
  }

  async #connect(): Promise<void> {
    const value = (name: string) => field(this.#form, name).value;
    const attempt: Attempt = { host: value('host').trim(), port: Number(value('port')), user: value('user').trim() };
    this.#attempt = attempt;
    this.#calm();
    this.#show('connecting');
    say(this.#note, `Connecting to ${nameOf(attempt.host, attempt.port)}`);
    try {
      const secret = await this.#secret();
      const [{ logIn }, { PageTerminal }] = await Promise.all([import('./protocol/session.js'), import('./terminal.js')]);
      if (this.#attempt !== attempt) return;
      const { host: hostname, port } = attempt;
      const socket = this.#network.connect({ hostname, port }, { noDelay: true });
      attempt.socket = socket;
      socket.closed.catch(() => undefined);
      await socket.opened;
      if (this.#attempt !== attempt) return;
      await this.#logIn(attempt, socket, secret, logIn, PageTerminal);
    } catch (error) {
      if (this.#attempt === attempt) this.#failed(error);
    }
  }

  /** What is logged in with. It stays in the form until a server is there to log in to, so that it can be corrected. */
  async #secret(): Promise<Login['secret']> {
    if (field(this.#form, 'method').value === 'password') return { password: field(this.#form, 'password').value };
    return { key: await readPrivateKey(this.#key.value, field(this.#form, 'passphrase').value) };
  }

  /** However it goes on: who sits here later finds neither a password nor a key. */
  #forgetSecret(): void {
    for (const part of [field(this.#form, 'password'), field(this.#form, 'passphrase'), this.#key]) part.value = '';
  }

  async #logIn(
    attempt: Attempt,
    socket: TcpSocket,
    secret: Login['secret'],
    logIn: typeof import('./protocol/session.js').logIn,
    Terminal: typeof import('./terminal.js').PageTerminal,
  ): Promise<void> {
    const { host, port, user } = attempt;
    this.#box.hidden = false;
    this.#terminal ??= this.#openTerminal(Terminal);
    const terminal = this.#terminal;
    terminal.clear();
    this.#box.hidden = true;
    this.#forgetSecret();
    const shell = await logIn(
      socket,
      { user, secret, rememberedTypes: this.#known.types(host, port), size: terminal.size },
      {
        accepts: (key) => this.#accepts(attempt, key),
        answers: (questions, instruction) => this.#questions.answers(questions, instruction),
        banner: (text) => terminal.plain(text),
        output: (bytes) => terminal.write(bytes),
      },
    );
    if (this.#attempt !== attempt) {
      shell.close();
      return;
    }
    attempt.shell = shell;
    this.#show('open');
    say(this.#note, `${user}@${nameOf(host, port)}`);
    terminal.focus();
    const ending = await shell.ended;
    if (this.#attempt === attempt) this.#ended(said(ending));
  }

  #openTerminal(Terminal: typeof import('./terminal.js').PageTerminal): PageTerminal {
    const terminal = new Terminal(this.#box, {
      typed: (text) => this.#type(text),
      resized: (size) => this.#attempt?.shell?.resize(size),
      left: () => this.#disconnect.focus(),
    });
    // For the developer tools, as `net` is.
    Object.assign(globalThis, { terminal: terminal.terminal });
    return terminal;
  }

  #type(text: string): void {
    try {
      this.#attempt?.shell?.write(text);
    } catch (error) {
      say(this.#note, problem(error));
    }
  }

  async #accepts({ host, port }: Attempt, key: HostKey): Promise<boolean> {
    const verdict = this.#known.check(host, port, key);
    if (verdict.state === 'known') return true;
    if (verdict.state === 'changed') {
      await this.#alarm(nameOf(host, port), key, verdict.remembered);
      return false;
    }
    say(this.#note, 'Waiting for your decision');
    const trust = await this.#questions.trust(nameOf(host, port), key);
    if (trust === 'remember') {
      try {
        this.#known.remember(host, port, key);
      } catch (error) {
        this.#warn(`The key could not be remembered: ${problem(error)}`);
      }
      await this.#hosts.show();
    }
    if (trust !== 'no') say(this.#note, 'Logging in');
    return trust !== 'no';
  }

  /** Another key than the one that is remembered: as loud as ssh. */
  async #alarm(name: string, key: HostKey, remembered: KnownHost[]): Promise<void> {
    const keys = remembered.map(async ({ type, base64 }) => `${kindOf(type)} ${await printOf(base64)}`);
    const line = (label: string, text: string) => element('div', {}, element('dt', {}, label), element('dd', {}, text));
    const [shown, ...known] = await Promise.all([fingerprint(key).then((print) => `${kindOf(key.type)} ${print}`), ...keys]);
    this.#alert.replaceChildren(
      element('h3', {}, `The host key of ${name} has changed!`),
      element(
        'p',
        {},
        'Somebody may be between you and the server, or the server was set up anew. The connection was refused; neither your ' +
          'name nor your password was sent.',
      ),
      element('dl', {}, ...known.map((text) => line('Remembered', text)), line('Shown now', shown)),
      element(
        'p',
        {},
        'If you know why it changed, forget the old key under “known host keys” below, as ',
        element('code', {}, `ssh-keygen -R ${name.startsWith('[') ? `'${name}'` : name}`),
        ' does for ssh, and connect again.',
      ),
    );
    this.#alert.dataset.kind = 'alarm';
    this.#alert.hidden = false;
    this.#hosts.open();
  }

  #failed(error: unknown): void {
    const alarmed = this.#alert.dataset.kind === 'alarm' && !this.#alert.hidden;
    const reason = reasonOf(error);
    this.#close();
    if (alarmed) {
      say(this.#note, 'Refused: the host key has changed');
      return;
    }
    const cancelled = reason === 'host-key' || reason === 'given-up';
    say(this.#note, cancelled ? 'Cancelled' : 'Not connected');
    if (cancelled) return;
    this.#warn(reason === '' ? `Could not connect: ${problem(error)}` : problem(error));
    const wrong = {
      passphrase: 'passphrase',
      wrong: 'passphrase',
      refused: field(this.#form, 'method').value === 'key' ? '' : 'password',
    }[reason];
    if (!wrong) return;
    field(this.#form, wrong).value = '';
    field(this.#form, wrong).focus();
  }

  #hangUp(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#questions.withdraw();
    if (attempt.shell === undefined) {
      this.#close();
      say(this.#note, 'Cancelled');
      attempt.socket?.abort();
      return;
    }
    attempt.shell.close();
    this.#ended('You disconnected');
  }

  #ended(how: string): void {
    this.#close();
    this.#terminal?.remark(how);
    say(this.#note, how);
  }

  #close(): void {
    const focused = this.#box.contains(document.activeElement) || document.activeElement === this.#disconnect;
    this.#questions.withdraw();
    this.#resize(false);
    this.#show(this.#attempt?.shell === undefined ? 'idle' : 'ended');
    this.#attempt = undefined;
    if (focused) this.#submit.focus();
  }

  #resize(large: boolean): void {
    this.#panel.classList.toggle('large', large);
    this.#enlarge.setAttribute('aria-pressed', String(large));
    say(this.#enlarge, large ? 'Make small' : 'Enlarge');
    if (this.#attempt?.shell) this.#terminal?.focus();
  }

  #show(state: 'idle' | 'connecting' | 'open' | 'ended'): void {
    this.#panel.dataset.state = state;
    this.#form.hidden = state === 'open';
    this.#controls.hidden = state !== 'open';
    this.#box.hidden = state === 'idle' || state === 'connecting';
    say(this.#submit, state === 'connecting' ? 'Cancel' : 'Connect');
    for (const part of this.#form.querySelectorAll<HTMLInputElement>('input, select, textarea'))
      part.disabled = state === 'connecting';
  }

  #warn(text: string): void {
    this.#alert.replaceChildren(element('p', {}, text));
    this.#alert.dataset.kind = 'trouble';
    this.#alert.hidden = false;
  }

  #calm(): void {
    this.#alert.hidden = true;
    this.#alert.replaceChildren();
  }
}

/** `LoginError` and `PrivateKeyError` say why; the former's module is not loaded yet, or it cannot be thrown. */
function reasonOf(error: unknown): string {
  if (error instanceof PrivateKeyError) return error.reason;
  return error instanceof Error && 'reason' in error ? String(error.reason) : '';
}

function said({ status, signal, message }: Ending): string {
  if (message !== undefined) return `Connection lost: ${message}`;
  if (signal !== undefined) return `Ended by SIG${signal}`;
  return status === undefined ? 'Closed by the server' : `Logged out with status ${status}`;
}
