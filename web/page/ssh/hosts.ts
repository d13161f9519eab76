/** The list of remembered host keys, each with a way to forget it. */
import { element, find, say } from '../element.js';
import { fingerprint, hostKey, kindOf } from './host-key.js';
import type { KnownHosts } from './known-hosts.js';
import { fromBase64 } from './wire.js';

export class HostsList {
  readonly #known: KnownHosts;
  readonly #box = find('ssh-hosts', HTMLDetailsElement);
  readonly #title = find('ssh-hosts-title', HTMLElement);
  readonly #list = find('ssh-hosts-list', HTMLElement);

  constructor(known: KnownHosts) {
    this.#known = known;
    void this.show();
  }

  async show(): Promise<void> {
    const { hosts } = this.#known;
    const rows = await Promise.all(hosts.map((host) => this.#row(host.name, host.type, host.base64)));
    this.#list.replaceChildren(...rows);
    this.#box.hidden = rows.length === 0;
    say(this.#title, rows.length === 1 ? '1 known host key' : `${rows.length} known host keys`);
  }

  open(): void {
    this.#box.open = true;
  }

  async #row(name: string, type: string, base64: string): Promise<HTMLElement> {
    const forget = element('button', { type: 'button', class: 'small', 'aria-label': `Forget ${name}` }, 'Forget');
    forget.addEventListener('click', () => {
      this.#known.forget(name);
      void this.show();
      this.#title.focus();
    });
    const print = await printOf(base64);
    return element('li', {}, element('span', { class: 'name' }, name), element('code', {}, `${kindOf(type)} ${print}`), forget);
  }
}

/** The fingerprint of a key in base64; of what is none, a word. */
export async function printOf(base64: string): Promise<string> {
  try {
    return await fingerprint(hostKey(fromBase64(base64)));
  } catch {
    return 'unreadable';
  }
}
