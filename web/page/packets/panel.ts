/** The packets as they pass: one line each, and everything about the one that is chosen. */
import type { PacketSummary } from '../../src/types.js';
import { find, oncePerFrame, say } from '../element.js';
import { count } from '../format.js';
import { Details } from './details.js';
import { Held } from './held.js';
import { List } from './list.js';
import { Store } from './store.js';

export interface PacketsPanel {
  passed(batch: PacketSummary[]): void;
}

export function packetsPanel(): PacketsPanel {
  const store = new Store();
  const details = new Details(find('packets-details', HTMLElement), () => list.deselect());
  const box = find('packets-list', HTMLElement);
  const list = new List(box, (row) => details.show(row));
  const filter = find('packets-filter', HTMLInputElement);
  const pause = find('packets-pause', HTMLButtonElement);
  const note = find('packets-note', HTMLElement);
  let held: Held | undefined;
  let gone = 0;

  const draw = oncePerFrame(() => {
    list.show(store.shown, gone);
    gone = 0;
    const empty =
      store.total > 0 ? 'No packet that is kept matches the filter.' : 'No packet yet. The first will be a DHCP discover.';
    if (store.shown.length > 0) delete box.dataset.empty;
    else box.dataset.empty = empty;
    const hidden = filter.value.trim() === '' ? '' : `, ${count(store.shown.length)} match`;
    const waiting = held === undefined ? '' : ', paused';
    say(note, `${count(store.total)} passed${hidden}${waiting}`);
  });
  const add = (batch: PacketSummary[]) => {
    gone += store.add(batch);
    draw();
  };

  filter.addEventListener('input', () => {
    store.filter(filter.value);
    draw();
  });
  pause.addEventListener('click', () => {
    const waited = held;
    held = waited === undefined ? new Held() : undefined;
    pause.setAttribute('aria-pressed', String(held !== undefined));
    say(pause, held === undefined ? 'Pause' : 'Resume');
    add(waited?.packets ?? []);
  });
  find('packets-clear', HTMLButtonElement).addEventListener('click', () => {
    store.clear();
    if (held !== undefined) held = new Held();
    details.close();
    draw();
  });
  draw();

  return {
    passed(batch) {
      if (held === undefined) add(batch);
      else held.add(batch);
    },
  };
}
