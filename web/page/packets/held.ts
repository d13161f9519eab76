/** Packets that pass while the list is paused: the latest of them, and how many passed before those. */
import type { PacketSummary } from '../../src/types.js';
import { Latest } from './latest.js';

export class Held {
  readonly #latest = new Latest<PacketSummary>(({ bytes }) => bytes.length);
  #before = 0;

  add(packets: readonly PacketSummary[]): void {
    for (const packet of packets) this.#latest.add(packet);
    for (const { missed } of this.#latest.trim()) this.#before += 1 + missed;
  }

  /** What is there to be listed; the first counts those before it as missed. */
  get packets(): PacketSummary[] {
    return this.#latest.all.map((packet, at) => (at === 0 ? { ...packet, missed: packet.missed + this.#before } : packet));
  }
}
