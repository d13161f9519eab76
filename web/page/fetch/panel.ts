/** The fetch form: what is asked for, how it gets on, and what came. */
import type { Network } from '../../src/types.js';
import { element, Figures, find, oncePerFrame, say } from '../element.js';
import { count, duration, problem, size, speed } from '../format.js';
import { Download, type Progress } from './download.js';
import { Views } from './views.js';

interface Suggestion {
  name: string;
  url: string;
  method?: string;
  /** Where the server says what the SHA-256 of the body is. */
  digest?: string;
}

const suggestions: readonly Suggestion[] = [
  { name: 'Page', url: 'http://demo.ethertab/' },
  { name: 'Picture', url: 'http://demo.ethertab/picture.svg' },
  { name: '100 MB', url: 'http://demo.ethertab/100mb', digest: 'http://demo.ethertab/100mb.sha256' },
  { name: 'Slow answer', url: 'http://demo.ethertab/slow' },
  { name: 'Echo', url: 'http://demo.ethertab/echo', method: 'POST' },
];

/** Sets the form up; answers a function that sends it. */
export function fetchPanel(network: Network): () => void {
  const panel = new FetchPanel(network);
  return () => panel.send();
}

class FetchPanel {
  private readonly network: Network;
  private readonly form = find('fetch-form', HTMLFormElement);
  private readonly method = find('fetch-method', HTMLSelectElement);
  private readonly url = find('fetch-url', HTMLInputElement);
  private readonly body = find('fetch-body', HTMLTextAreaElement);
  private readonly submit = find('fetch-submit', HTMLButtonElement);
  private readonly cancel = find('fetch-cancel', HTMLButtonElement);
  private readonly bar = find('fetch-progress', HTMLProgressElement);
  private readonly status = find('fetch-status', HTMLElement);
  private readonly figures = new Figures(find('fetch-figures', HTMLElement), {
    status: 'Status',
    received: 'Received',
    speed: 'Speed',
    time: 'Time',
    hash: 'SHA-256',
  });
  private readonly views: Views;
  private underWay: AbortController | undefined;
  /** Whose answer is shown, under way or not. */
  private latest: AbortController | undefined;

  constructor(network: Network) {
    this.network = network;
    this.views = new Views(
      (url, init) => network.fetch(url, init),
      (url) => this.ask('GET', url),
    );
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
    this.cancel.addEventListener('click', () => this.underWay?.abort());
    this.method.addEventListener('change', () => this.showBody());
    const offered = find('fetch-suggestions', HTMLElement);
    for (const { name, url, method } of suggestions) {
      const button = element('button', { type: 'button', class: 'small' }, name);
      button.addEventListener('click', () => this.ask(method ?? 'GET', url));
      offered.append(button);
    }
  }

  send(): void {
    this.underWay?.abort();
    const controller = new AbortController();
    this.underWay = controller;
    this.latest = controller;
    void this.run(controller).finally(() => {
      if (this.underWay === controller) this.rest();
    });
  }

  private ask(method: string, url: string): void {
    this.method.value = method;
    this.url.value = url;
    this.showBody();
    this.send();
  }

  private showBody(): void {
    find('fetch-body-label', HTMLElement).hidden = !['POST', 'PUT'].includes(this.method.value);
  }

  private rest(): void {
    this.underWay = undefined;
    this.submit.hidden = false;
    this.cancel.hidden = true;
  }

  private async run(controller: AbortController): Promise<void> {
    const method = this.method.value;
    const withBody = ['POST', 'PUT'].includes(method);
    const url = this.url.value;
    this.submit.hidden = true;
    this.cancel.hidden = false;
    this.views.clear();
    this.figures.clear();
    this.figures.name('hash', 'SHA-256');
    this.bar.removeAttribute('value');
    this.bar.dataset.state = 'busy';
    say(this.status, `Fetching ${url}`);
    let download: Download | undefined;
    const current = () => this.latest === controller;
    try {
      const started = performance.now();
      const response = await this.network.fetch(url, {
        method,
        signal: controller.signal,
        ...(withBody ? { body: this.body.value } : {}),
      });
      if (!current()) return;
      download = new Download(response, started);
      this.views.begin(download);
      await this.receive(download, current);
    } catch (error) {
      if (current()) this.failed(controller, error, download);
    }
  }

  private async receive(download: Download, current: () => boolean): Promise<void> {
    const { response, progress } = download;
    this.figures.set('status', `${response.status} ${response.statusText}`.trim());
    const draw = oncePerFrame(() => {
      if (!current()) return;
      this.showProgress(progress);
      this.views.more();
    });
    const hash = await download.read(draw);
    if (!current()) return;
    this.showProgress(progress);
    this.figures.set('hash', progress.received > 0 ? hash : '–');
    this.views.end();
    void this.compare(hash, current);
    this.bar.value = 1;
    this.bar.dataset.state = 'done';
    say(this.status, `${response.status} ${response.statusText}, ${size(progress.received)} in ${duration(progress.elapsed)}`);
  }

  /** Says whether the digest is the one that the server tells, if it tells one. */
  private async compare(hash: string, current: () => boolean): Promise<void> {
    const digest = suggestions.find(({ url }) => url === this.url.value)?.digest;
    if (digest === undefined) return;
    try {
      const told = (await (await this.network.fetch(digest)).text()).trim().split(/\s/, 1)[0];
      const verdict = told === hash ? '✓ as the server says' : '✕ not what the server says';
      if (current()) this.figures.name('hash', `SHA-256 ${verdict}`);
    } catch {
      // Then it stands alone.
    }
  }

  private showProgress(progress: Progress): void {
    const { received, promised, elapsed, first } = progress;
    if (promised !== undefined && promised > 0) this.bar.value = Math.min(1, received / promised);
    this.figures.set('received', received < 100_000 ? `${count(received)} bytes` : size(received));
    this.figures.set('time', duration(elapsed));
    this.figures.set('speed', received > 0 ? speed(received, elapsed - first || elapsed) : '–');
  }

  private failed(controller: AbortController, error: unknown, download: Download | undefined): void {
    const reason = controller.signal.aborted ? 'Cancelled.' : `Failed: ${problem(error)}`;
    this.bar.value = download?.progress.promised ? download.progress.received / download.progress.promised : 0;
    this.bar.dataset.state = 'failed';
    if (download === undefined) this.figures.set('status', controller.signal.aborted ? 'cancelled' : 'failed');
    this.views.failed(reason);
    say(this.status, reason);
  }
}
