/** The packets that are kept, and those of them that pass the filter. */
import type { PacketSummary } from '../../src/types.js';
import { Latest } from './latest.js';

/** One row of the list: a packet, or a note of how many could not be listed. */
export interface Row {
  readonly id: number;
  readonly packet: PacketSummary;
  /** Packets that passed unseen just before this one. */
  readonly gap: number;
}

export class Store {
  /** Rows that pass the filter, the oldest first. */
  shown: Row[] = [];
  /** Everything that passed since the list was cleared, listed or not. */
  total = 0;
  private rows = new Latest<Row>(bytesOf);
  private words: string[] = [];
  private nextId = 1;

  /** Adds packets; answers how many shown rows were given up at the top. */
  add(packets: readonly PacketSummary[]): number {
    for (const packet of packets) {
      this.total += 1 + packet.missed;
      this.nextId += packet.missed;
      const row = { id: this.nextId, packet, gap: packet.missed };
      this.nextId += 1;
      this.rows.add(row);
      if (this.passes(row)) this.shown.push(row);
    }
    return this.rows.trim().length > 0 ? this.trim() : 0;
  }

  filter(text: string): void {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = this.rows.all.filter((row) => this.passes(row));
  }

  clear(): void {
    this.rows = new Latest(bytesOf);
    this.shown = [];
    this.total = 0;
    this.nextId = 1;
  }

  private trim(): number {
    const oldest = this.rows.all[0]?.id ?? 0;
    const first = this.shown.findIndex((row) => row.id >= oldest);
    const gone = first === -1 ? this.shown.length : first;
    this.shown.splice(0, gone);
    return gone;
  }

  private passes({ packet }: Row): boolean {
    if (this.words.length === 0) return true;
    const { protocol, source, destination, summary, layers } = packet;
    const text = `${protocol} ${source} ${destination} ${summary} ${layers.join(' ')}`.toLowerCase();
    return this.words.every((word) => text.includes(word));
  }
}

function bytesOf({ packet }: Row): number {
  return packet.bytes.length;
}
