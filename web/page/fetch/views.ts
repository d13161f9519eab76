/** Three views of an answer: as a page or picture, as text, and its head. */
import { element, find } from '../element.js';
import { count } from '../format.js';
import type { Download } from './download.js';
import { renderPage } from './rendered.js';

type View = 'page' | 'text' | 'head';

const titles: Record<View, string> = { page: 'Page', text: 'Text', head: 'Head' };
/** Characters shown as text, and bytes shown of what is no text. */
const mostText = 100_000;
const mostBinary = 512;

export class Views {
  private readonly box = find('fetch-view', HTMLElement);
  private readonly tabs = new Map<View, HTMLButtonElement>();
  private readonly follow: (url: string) => void;
  private readonly fetch: (url: string, init: { signal: AbortSignal }) => Promise<Response>;
  private current: View = 'page';
  private download: Download | undefined;
  private finished = false;
  /** What is in view cannot change any more, however much of the body still comes. */
  private filled = false;
  private picture = '';
  /** The page is built once; going back to it shows the same. */
  private page: Promise<Node> | undefined;
  /** Ends what the page still fetches. */
  private leave = new AbortController();

  constructor(fetch: (url: string, init: { signal: AbortSignal }) => Promise<Response>, follow: (url: string) => void) {
    this.fetch = fetch;
    this.follow = follow;
    this.box.tabIndex = 0;
    const bar = find('fetch-views', HTMLElement);
    for (const view of ['page', 'text', 'head'] as const) {
      const tab = element(
        'button',
        { type: 'button', role: 'tab', id: `view-${view}`, 'aria-controls': 'fetch-view' },
        titles[view],
      );
      tab.addEventListener('click', () => this.choose(view));
      this.tabs.set(view, tab);
      bar.append(tab);
    }
    bar.addEventListener('keydown', (event) => this.key(event));
    this.choose('page');
  }

  /** Empties the views for a new request. */
  clear(): void {
    this.download = undefined;
    this.finished = false;
    this.filled = false;
    this.page = undefined;
    this.leave.abort();
    this.leave = new AbortController();
    if (this.picture !== '') URL.revokeObjectURL(this.picture);
    this.picture = '';
    this.box.replaceChildren();
  }

  /** The head is there; the body comes. */
  begin(download: Download): void {
    this.download = download;
    this.draw();
  }

  /** More of the body is there. */
  more(): void {
    if (this.current === 'head' || this.filled) return;
    const kind = this.shownAs();
    if (this.current === 'page' && (kind === 'page' || kind === 'picture')) return;
    this.filled = kind === 'binary' || this.download?.complete === false;
    this.draw();
  }

  end(): void {
    this.finished = true;
    this.draw();
  }

  failed(reason: string): void {
    const note = element('p', { class: 'failed' }, reason);
    if (this.download === undefined) this.box.replaceChildren(note);
    else this.box.append(note);
  }

  private choose(view: View): void {
    this.current = view;
    this.filled = false;
    for (const [name, tab] of this.tabs) {
      tab.setAttribute('aria-selected', String(name === view));
      tab.tabIndex = name === view ? 0 : -1;
    }
    this.box.setAttribute('aria-labelledby', `view-${view}`);
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const order = [...this.tabs.keys()];
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = order[(order.indexOf(this.current) + step + order.length) % order.length];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    this.choose(next);
    this.tabs.get(next)?.focus();
  }

  private shownAs(): 'page' | 'picture' | 'text' | 'binary' {
    const type = this.download?.response.headers.get('content-type') ?? '';
    if (/^text\/html\b/i.test(type)) return 'page';
    if (/^image\//i.test(type)) return 'picture';
    return /^text\/|json|xml|javascript|^$/i.test(type) ? 'text' : 'binary';
  }

  private draw(): void {
    const { download } = this;
    if (download === undefined) return;
    this.box.dataset.view = this.current;
    if (this.current === 'head') this.box.replaceChildren(headOf(download.response));
    else if (this.current === 'text') this.box.replaceChildren(textOf(download, this.shownAs() === 'binary'));
    else void this.drawPage(download);
  }

  private async drawPage(download: Download): Promise<void> {
    const kind = this.shownAs();
    if (kind === 'text' || kind === 'binary') {
      this.box.replaceChildren(textOf(download, kind === 'binary'));
      return;
    }
    if (!this.finished) return;
    this.page ??= kind === 'picture' ? Promise.resolve(this.image(download)) : this.html(download);
    const page = await this.page;
    if (this.download === download && this.current === 'page') this.box.replaceChildren(page);
  }

  private image(download: Download): Node {
    const type = download.response.headers.get('content-type') ?? '';
    this.picture = URL.createObjectURL(new Blob(download.kept, { type }));
    return element('img', { src: this.picture, alt: `The picture at ${download.response.url}` });
  }

  private async html(download: Download): Promise<Node> {
    const { signal } = this.leave;
    const text = await new Blob(download.kept).text();
    return renderPage(text, download.response.url, this.fetch, this.follow, signal);
  }
}

function headOf(response: Response): HTMLElement {
  const list = element('dl', { class: 'head' });
  const row = (name: string, value: string) =>
    list.append(element('div', {}, element('dt', {}, name), element('dd', {}, value)));
  row('status', `${response.status} ${response.statusText}`);
  if (response.redirected) row('redirected to', response.url);
  for (const [name, value] of response.headers) row(name, value);
  return list;
}

function textOf(download: Download, binary: boolean): HTMLElement {
  if (binary) return element('pre', {}, hexadecimal(download));
  const decoder = new TextDecoder();
  let text = '';
  for (const piece of download.kept) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > mostText) break;
  }
  const cut = text.length > mostText || !download.complete;
  return element('pre', {}, cut ? `${text.slice(0, mostText)}\n\n… the first ${count(mostText)} characters` : text);
}

function hexadecimal(download: Download): string {
  const first = download.kept[0]?.subarray(0, mostBinary) ?? new Uint8Array();
  const lines: string[] = [];
  for (let at = 0; at < first.length; at += 16) {
    const row = Array.from(first.subarray(at, at + 16));
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  if (download.progress.received > first.length) lines.push(`… of ${count(download.progress.received)} bytes`);
  return lines.join('\n');
}
