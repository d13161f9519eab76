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
    this.append(this.line('out', text));
  }

  received(text: string): void {
    // A segment can hold tens of thousands of short lines; only the last are there to be read.
    const all = text.split('\n');
    const lines = all.slice(-mostLines - 1);
    if (lines.length < all.length) this.unfinished = undefined;
    const rest = lines.pop() ?? '';
    const fresh = lines.flatMap((line) => this.say(line.replace(/\r$/, ''), true));
    if (rest !== '') fresh.push(...this.say(rest, false));
    this.append(...fresh);
  }

  remark(text: string): void {
    this.unfinished = undefined;
    this.append(this.line('remark', text));
  }

  /** Goes on with the line that is not ended yet, or begins one; answers the new line, if there is one. */
  private say(text: string, ends: boolean): HTMLElement[] {
    const begun = this.unfinished;
    const line = begun ?? this.line('in', '');
    const said = line.lastElementChild;
    if (said !== null) said.textContent = `${said.textContent}${text}`.slice(0, longestLine);
    this.unfinished = ends ? undefined : line;
    return begun === undefined ? [line] : [];
  }

  private line(kind: 'in' | 'out' | 'remark', text: string): HTMLElement {
    const mark = { in: '▲', out: '▼', remark: '·' }[kind];
    return element(
      'p',
      { 'data-kind': kind },
      element('span', { class: 'at' }, duration(performance.now() - this.started)),
      element('span', { class: 'direction' }, mark),
      element('span', { class: 'said' }, text),
    );
  }

  /** All at once: to scroll, the browser has to lay the log out. */
  private append(...lines: HTMLElement[]): void {
    this.box.append(...lines);
    while (this.box.childElementCount > mostLines) this.box.firstElementChild?.remove();
    this.box.scrollTop = this.box.scrollHeight;
  }
}
