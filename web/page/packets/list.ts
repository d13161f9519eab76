/** A list of any length that draws only the rows in view. */
import { element } from '../element.js';
import { moment } from '../format.js';
import { floorOf } from './protocol.js';
import type { Row } from './store.js';

/** Height of a row in CSS pixels; the style sheet knows it as well. */
const rowHeight = 24;

interface Drawn {
  line: HTMLElement;
  id: number;
  index: number;
}

export class List {
  private rows: readonly Row[] = [];
  private selected: number | undefined;
  private following = true;
  private readonly pool: Drawn[] = [];
  private readonly sheet = element('div', { class: 'sheet', role: 'presentation' });
  private readonly box: HTMLElement;
  private readonly chosen: (row: Row) => void;

  constructor(box: HTMLElement, chosen: (row: Row) => void) {
    this.box = box;
    this.chosen = chosen;
    box.append(this.sheet);
    box.addEventListener('scroll', () => {
      this.following = this.atEnd();
      this.draw();
    });
    box.addEventListener('click', (event) => this.click(event));
    box.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.show(this.rows, 0)).observe(box);
  }

  /** Shows these rows, of which `gone` were taken away at the top since the last time. */
  show(rows: readonly Row[], gone: number): void {
    this.rows = rows;
    this.sheet.style.height = `${rows.length * rowHeight}px`;
    if (this.following) this.box.scrollTop = rows.length * rowHeight;
    else if (gone > 0) this.box.scrollTop -= gone * rowHeight;
    this.draw();
  }

  /** Marks no row any more. */
  deselect(): void {
    this.selected = undefined;
    this.box.removeAttribute('aria-activedescendant');
    this.draw();
  }

  /** Draws again what is in view. */
  private draw(): void {
    const first = Math.max(0, Math.floor(this.box.scrollTop / rowHeight));
    const visible = Math.ceil(this.box.clientHeight / rowHeight) + 1;
    for (let slot = 0; slot < Math.max(visible, this.pool.length); slot += 1) {
      const drawn = this.slot(slot);
      const row = slot < visible ? this.rows[first + slot] : undefined;
      drawn.line.hidden = row === undefined;
      if (row === undefined) {
        drawn.id = -1;
        drawn.line.replaceChildren();
        continue;
      }
      if (drawn.index !== first + slot) {
        drawn.index = first + slot;
        drawn.line.style.transform = `translateY(${drawn.index * rowHeight}px)`;
      }
      if (drawn.id !== row.id) {
        drawn.id = row.id;
        drawn.line.id = `packet-${row.id}`;
        fill(drawn.line, row);
      }
      drawn.line.setAttribute('aria-selected', String(row.id === this.selected));
    }
  }

  private slot(index: number): Drawn {
    const there = this.pool[index];
    if (there !== undefined) return there;
    const line = element('div', { class: 'packet', role: 'option' });
    const made = { line, id: -1, index: -1 };
    this.sheet.append(line);
    this.pool.push(made);
    return made;
  }

  private atEnd(): boolean {
    // What is drawn counts: there may be rows already that the next show() brings.
    return this.box.scrollTop + this.box.clientHeight >= this.sheet.offsetHeight - rowHeight;
  }

  private click(event: MouseEvent): void {
    const line = event.target instanceof Element ? event.target.closest('.packet') : null;
    const drawn = this.pool.find((candidate) => candidate.line === line);
    if (drawn !== undefined) this.select(drawn.index);
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.box.clientHeight / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.rows.length,
      End: this.rows.length,
    };
    const step = steps[event.key];
    if (step === undefined || this.rows.length === 0) return;
    event.preventDefault();
    const now = this.rows.findIndex((row) => row.id === this.selected);
    const from = now === -1 ? this.rows.length : now;
    this.select(Math.min(this.rows.length - 1, Math.max(0, from + step)));
  }

  private select(index: number): void {
    const row = this.rows[index];
    if (row === undefined) return;
    this.selected = row.id;
    this.following = false;
    this.chosen(row);
    const top = index * rowHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const bottom = top + rowHeight - this.box.clientHeight;
    if (bottom > this.box.scrollTop) this.box.scrollTop = bottom;
    this.draw();
    this.box.setAttribute('aria-activedescendant', `packet-${row.id}`);
  }
}

function fill(line: HTMLElement, { packet, gap }: Row): void {
  line.dataset.floor = floorOf(packet.protocol);
  line.dataset.direction = packet.direction;
  // The ports stand beside the addresses already.
  const text = packet.summary.replace(/^\d+ → \d+ /, '');
  const cell = (name: string, text: string) => element('span', { class: name }, text);
  line.replaceChildren(
    cell('at', moment(packet.at)),
    cell('direction', packet.direction === 'in' ? '▲' : '▼'),
    cell('protocol', packet.protocol),
    cell('who', `${packet.source} → ${packet.destination}`),
    cell('what', gap > 0 ? `(${gap} unlisted before) ${text}` : text),
  );
}
