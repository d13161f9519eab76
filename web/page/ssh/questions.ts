/** What a server or its key makes the page ask, between the form and the terminal. One question at a time. */
import { element } from '../element.js';
import { fingerprint, type HostKey, kindOf } from './host-key.js';

export type Trust = 'remember' | 'once' | 'no';

export class Questions {
  readonly #box: HTMLElement;
  #giveUp: (() => void) | undefined;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  /** Whether to trust a key that nobody vouches for. */
  async trust(name: string, key: HostKey): Promise<Trust> {
    const kind = kindOf(key.type);
    const print = await fingerprint(key);
    const choice = (value: Trust, label: string, primary = false) =>
      element('button', { type: 'submit', value, class: primary ? 'primary' : undefined }, label);
    const answer = await this.#ask('Is this the server you mean?', [
      element('p', {}, element('strong', {}, name), ` is not known yet. Its ${kind} key has the fingerprint`),
      element('p', { class: 'fingerprint' }, element('code', {}, print)),
      element(
        'p',
        {},
        'On the server, ',
        element('code', {}, `ssh-keygen -lf /etc/ssh/ssh_host_${kind.toLowerCase()}_key.pub`),
        ' prints it.',
      ),
      element(
        'div',
        { class: 'choices' },
        choice('remember', 'Trust and remember', true),
        choice('once', 'Trust once'),
        choice('no', 'Cancel'),
      ),
    ]);
    return (answer?.value as Trust | undefined) ?? 'no';
  }

  /** Asks what the server asks; `null` when the user gives up. */
  async answers(questions: readonly { prompt: string; echo: boolean }[], instruction: string): Promise<string[] | null> {
    const fields = questions.map(({ echo }) =>
      element('input', { type: echo ? 'text' : 'password', autocomplete: 'off', spellcheck: 'false' }),
    );
    const labels = questions.map(({ prompt }, index) =>
      element('label', { class: 'field' }, element('span', {}, prompt.trim() || 'Answer'), fields[index] as HTMLElement),
    );
    const answer = await this.#ask('The server asks', [
      ...(instruction.trim() === '' ? [] : [element('p', {}, instruction.trim())]),
      ...labels,
      element(
        'div',
        { class: 'choices' },
        element('button', { type: 'submit', value: 'yes', class: 'primary' }, 'Answer'),
        element('button', { type: 'submit', value: 'no' }, 'Cancel'),
      ),
    ]);
    return answer?.value === 'yes' ? fields.map(({ value }) => value) : null;
  }

  /** Takes the question back: whoever waits for the answer gets a no. */
  withdraw(): void {
    this.#giveUp?.();
  }

  #ask(title: string, content: HTMLElement[]): Promise<HTMLButtonElement | undefined> {
    this.withdraw();
    const heading = element('h3', { id: 'ssh-question-title', tabindex: '-1' }, title);
    const form = element('form', {}, heading, ...content);
    this.#box.replaceChildren(element('div', { role: 'alertdialog', 'aria-labelledby': heading.id }, form));
    this.#box.hidden = false;
    (form.querySelector('input') ?? heading).focus();
    form.scrollIntoView({ block: 'nearest' });
    return new Promise((resolve) => {
      const done = (button: HTMLButtonElement | undefined) => {
        this.#giveUp = undefined;
        this.#box.hidden = true;
        this.#box.replaceChildren();
        resolve(button);
      };
      this.#giveUp = () => done(undefined);
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        done(event.submitter instanceof HTMLButtonElement ? event.submitter : undefined);
      });
      form.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') done(undefined);
      });
    });
  }
}
