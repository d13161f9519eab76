/** The house: the four floors of the TCP/IP model, and every packet on its way up or down. */

import type { Floor } from '../../src/dissect/index.js';
import type { Network, NetworkCounters, PacketSummary } from '../../src/types.js';
import { element, Figures, find, say } from '../element.js';
import { count, size } from '../format.js';
import { climb, floors } from './climb.js';
import { type Direction, type Flow, Messages } from './messages.js';

/** How often the stack's own counters are asked for, in milliseconds. */
const askEvery = 250;
/** A lamp burns this long, and the next floor's follows after `step`. */
const burn = 480;
const step = 40;
/** A lamp that was lit less than this ago is not lit again. */
const rest = 120;

const rooms: Record<Floor, { title: string; unit: string; protocols: string[] }> = {
  application: { title: 'Application', unit: 'messages', protocols: ['HTTP', 'DNS', 'DHCP', 'other'] },
  transport: { title: 'Transport', unit: 'segments, datagrams', protocols: ['TCP', 'UDP'] },
  internet: { title: 'Internet', unit: 'packets', protocols: ['IPv4', 'ICMP', 'IPv6'] },
  link: { title: 'Network interface', unit: 'frames', protocols: ['Ethernet', 'ARP'] },
};

export interface FloorsPanel {
  passed(batch: PacketSummary[]): void;
}

export function floorsPanel(network: Network): FloorsPanel {
  const house = find('floors', HTMLOListElement);
  const built = new Map(floors.map((floor) => [floor, new Room(floor)]));
  for (const floor of floors.toReversed()) {
    const room = built.get(floor);
    if (room !== undefined) house.append(room.item);
  }
  const figures = new Figures(find('figures', HTMLElement), {
    bytes: 'Bytes in, out',
    again: 'Sent again',
    dropped: 'Dropped',
    memory: 'Stack’s memory',
  });
  const messages = new Messages();
  void report(network, (counters) => {
    show(counters, figures, built);
    messages.counted({ in: counters.segmentsReceived, out: counters.segmentsTransmitted });
    built.get('application')?.show(messages.flow);
  });

  return {
    passed(batch) {
      for (const packet of batch) {
        const { height, protocols } = climb(packet);
        messages.passed(packet.direction, height);
        floors.slice(0, height).forEach((floor, level) => {
          const delay = packet.direction === 'in' ? level * step : (height - 1 - level) * step;
          built.get(floor)?.light(packet.direction, protocols, delay);
        });
      }
      messages.settle();
      built.get('application')?.show(messages.flow);
    },
  };
}

/** Asks for the stack's counters until the network ends; pauses while nobody looks. */
async function report(network: Network, tell: (counters: NetworkCounters) => void): Promise<void> {
  let open = true;
  network.closed.then(
    () => {
      open = false;
    },
    () => {
      open = false;
    },
  );
  while (open) {
    if (!document.hidden) {
      try {
        tell(await network.counters());
      } catch {
        // A network that has ended has no counters; one that is being opened has none yet.
      }
    }
    await new Promise((wake) => setTimeout(wake, askEvery));
  }
}

function show(counters: NetworkCounters, figures: Figures<string>, built: Map<Floor, Room>): void {
  built.get('link')?.show({ in: counters.framesReceived, out: counters.framesTransmitted });
  built.get('internet')?.show({ in: counters.packetsReceived, out: counters.packetsTransmitted });
  built.get('transport')?.show({ in: counters.segmentsReceived, out: counters.segmentsTransmitted });
  figures.set('bytes', `${size(counters.bytesReceived)}, ${size(counters.bytesTransmitted)}`);
  figures.set('again', count(counters.tcpTimeoutRetransmits + counters.tcpFastRetransmits));
  const drops = Object.values(counters.drops).reduce((sum, value) => sum + value, counters.link.receiveQueueDrops);
  figures.set('dropped', count(drops), reasons(counters.drops));
  figures.set('memory', size(counters.memoryBytes));
}

/** Which drops there were, the most frequent first. */
function reasons(drops: Record<string, number>): string {
  const sorted = Object.entries(drops).sort(([, one], [, other]) => other - one);
  return sorted.map(([reason, times]) => `${count(times)} ${reason}`).join(', ');
}

/** One floor: its protocols, its counters, its lamps. */
class Room {
  readonly item: HTMLLIElement;
  private readonly numbers: Record<Direction, HTMLElement>;
  private readonly lamps: Record<Direction, Lamp>;
  private readonly chips = new Map<string, Lamp>();

  constructor(floor: Floor) {
    const { title, unit, protocols } = rooms[floor];
    const chips = element('p', { class: 'chips' });
    for (const protocol of protocols) {
      const chip = element('span', {}, protocol);
      this.chips.set(protocol, new Lamp(chip));
      chips.append(chip);
    }
    const side = (direction: Direction) => {
      const number = element('b', {}, '0');
      const lamp = element('i', { 'aria-hidden': 'true' });
      return {
        number,
        lamp,
        box: element('p', { class: direction }, lamp, element('span', { class: 'hidden' }, direction), number),
      };
    };
    const [up, down] = [side('in'), side('out')];
    this.numbers = { in: up.number, out: down.number };
    this.lamps = { in: new Lamp(up.lamp), out: new Lamp(down.lamp) };
    this.item = element(
      'li',
      { class: 'floor', 'data-floor': floor },
      element('h3', {}, title),
      element('p', { class: 'unit' }, unit),
      chips,
      element('div', { class: 'flow' }, up.box, down.box),
    );
  }

  light(direction: Direction, protocols: readonly string[], delay: number): void {
    this.lamps[direction].light(delay);
    this.chips.get('Ethernet')?.light(delay);
    for (const protocol of protocols) this.chips.get(protocol)?.light(delay);
  }

  show(flow: Flow): void {
    say(this.numbers.in, count(flow.in));
    say(this.numbers.out, count(flow.out));
  }
}

class Lamp {
  private readonly bulb: HTMLElement;
  private last = Number.NEGATIVE_INFINITY;

  constructor(bulb: HTMLElement) {
    this.bulb = bulb;
    bulb.classList.add('bulb');
  }

  light(delay: number): void {
    const now = performance.now();
    if (now - this.last < rest) return;
    this.last = now;
    // Opacity alone: no style or paint is computed anew, however much passes.
    this.bulb.animate({ opacity: [1, 0] }, { duration: burn, delay, easing: 'ease-out', pseudoElement: '::after' });
  }
}
