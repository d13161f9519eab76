/** One packet taken apart: every layer, every field, and the bytes that hold them. */
import { dissect, type Field, type Layer } from '../../src/dissect/index.js';
import { element } from '../element.js';
import { count, moment } from '../format.js';
import type { Row } from './store.js';

/** Bytes that are shown; a frame can be longer. */
const mostBytes = 2048;
/** The narrowest box in which sixteen bytes fit in a row. */
const wideEnough = 560;

export class Details {
  private readonly box: HTMLElement;
  private readonly closed: () => void;
  private bytes: HTMLElement[] = [];

  constructor(box: HTMLElement, closed: () => void) {
    this.box = box;
    this.closed = closed;
    box.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  show({ id, packet }: Row): void {
    const layers = dissect(packet.bytes);
    const close = element('button', { type: 'button', class: 'small', 'aria-label': 'Close the details' }, '✕');
    close.addEventListener('click', () => this.close());
    const way = packet.direction === 'in' ? 'received' : 'sent';
    const cut = packet.bytes.length < packet.length ? `, ${count(packet.bytes.length)} kept` : '';
    this.box.hidden = false;
    this.box.replaceChildren(
      element(
        'header',
        {},
        element('h3', {}, `Frame ${count(id)}`),
        element('p', {}, `${way} at ${moment(packet.at)} s, ${count(packet.length)} bytes${cut}`),
        close,
      ),
      ...layers.map((layer) => this.layer(layer)),
      this.dump(packet.bytes, layers),
    );
    this.box.scrollTop = 0;
  }

  close(): void {
    if (this.box.hidden) return;
    this.box.hidden = true;
    this.box.replaceChildren();
    this.bytes = [];
    this.closed();
  }

  private layer(layer: Layer): HTMLElement {
    const summary = element('summary', {}, element('b', {}, layer.protocol), ` ${layer.summary}`);
    const fields = element('dl');
    for (const field of layer.fields) fields.append(this.field(field));
    const box = element('details', { 'data-floor': layer.floor }, summary, fields);
    this.lights(summary, layer);
    return box;
  }

  private field(field: Field): HTMLElement {
    const row = element('div', {}, element('dt', {}, field.name), element('dd', {}, field.value || '–'));
    this.lights(row, field);
    return row;
  }

  /** While the pointer or the focus is on `target`, its bytes are marked. */
  private lights(target: HTMLElement, range: { start: number; end: number }): void {
    const mark = (on: boolean) => () => {
      for (const byte of this.bytes.slice(range.start, range.end)) byte.classList.toggle('lit', on);
    };
    target.addEventListener('pointerenter', mark(true));
    target.addEventListener('pointerleave', mark(false));
    target.addEventListener('focus', mark(true));
    target.addEventListener('blur', mark(false));
  }

  private dump(bytes: Uint8Array, layers: readonly Layer[]): HTMLElement {
    const width = this.box.clientWidth >= wideEnough ? 16 : 8;
    const shown = bytes.subarray(0, mostBytes);
    this.bytes = Array.from(shown, (byte, index) =>
      element('i', { 'data-floor': floorAt(layers, index) }, byte.toString(16).padStart(2, '0')),
    );
    const table = element('div', { class: 'dump', role: 'img', 'aria-label': `The ${bytes.length} bytes in hexadecimal` });
    for (let start = 0; start < shown.length; start += width) {
      const row = shown.subarray(start, start + width);
      table.append(
        element(
          'div',
          { class: 'row' },
          element('span', { class: 'offset' }, start.toString(16).padStart(4, '0')),
          element('span', { class: 'hex' }, ...this.bytes.slice(start, start + width)),
          element('span', { class: 'text' }, readable(row)),
        ),
      );
    }
    if (bytes.length > mostBytes) table.append(element('p', {}, `and ${count(bytes.length - mostBytes)} bytes more`));
    return table;
  }
}

function floorAt(layers: readonly Layer[], index: number): string | undefined {
  return layers.findLast((layer) => layer.start <= index && index < layer.end)?.floor;
}

function readable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
}
