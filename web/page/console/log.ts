/** A log of what was said, by whom and when; bounded. */
import { element } from '../element.js';
import { duration } from '../format.js';

/** Lines that are kept, and characters of one line. */
const mostLines = 400;
const longestLine = 2000;

export class Log {
  private readonly box: HTMLElement;
  private started = performance.now();
  /** The line that the other side has not ended yet. */
  private unfinished: HTMLElement | undefined;

  constructor(box: HTMLElement) {
    this.box = box;
    box.tabIndex = 0;
  }

  /** Time counts from now; what was said before stays. */
  restart(): void {
    this.started = performance.now();
    this.unfinished = undefined;
  }

  sent(text: string): void {
    this.unfinished = undefined;
    this.line('out', text);
  }

  received(text: string): void {
    const lines = text.split('\n');
    lines.forEach((line, index) => {
      const last = index === lines.length - 1;
      if (last && line === '') return;
      const open = this.unfinished ?? this.line('in', '');
      open.textContent = `${open.textContent}${line.replace(/\r$/, '')}`.slice(0, longestLine);
      this.unfinished = last ? open : undefined;
    });
    this.box.scrollTop = this.box.scrollHeight;
  }

  remark(text: string): void {
    this.unfinished = undefined;
    this.line('remark', text);
  }

  private line(kind: 'in' | 'out' | 'remark', text: string): HTMLElement {
    const mark = { in: '▲', out: '▼', remark: '·' }[kind];
    const said = element('span', { class: 'said' }, text);
    this.box.append(
      element(
        'p',
        { 'data-kind': kind },
        element('span', { class: 'at' }, duration(performance.now() - this.started)),
        element('span', { class: 'direction' }, mark),
        said,
      ),
    );
    while (this.box.childElementCount > mostLines) this.box.firstElementChild?.remove();
    this.box.scrollTop = this.box.scrollHeight;
    return said;
  }
}
