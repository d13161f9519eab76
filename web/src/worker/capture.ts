/** Packets as they pass, in words: what wasm gives of a frame, and what it says. */

import { dissect } from '../dissect/index.js';
import type { Bytes } from '../messages.js';
import type { PacketSummary } from '../types.js';

/** A frame as wasm hands it over. */
export type Frame = Pick<PacketSummary, 'at' | 'direction' | 'missed' | 'bytes'>;

/** `ahead`: how much later than the page's the Worker's time line begins; `kept`: bytes of the frame that are handed on. */
export function summarize({ at, direction, missed, bytes }: Frame, ahead: number, kept: number): PacketSummary {
  return { at: at + ahead, direction, length: bytes.length, ...inWords(bytes), missed, bytes: bytes.slice(0, kept) };
}

export function inWords(frame: Bytes): Pick<PacketSummary, 'protocol' | 'source' | 'destination' | 'summary' | 'layers'> {
  const layers = dissect(frame);
  // Bytes that nobody can read are below no protocol, and a header that is cut off belongs to the one that carries it.
  const named = layers.findLast(({ protocol }) => protocol !== 'Data' && protocol !== 'Malformed');
  let [source, destination] = ['', ''];
  for (const { floor, between } of layers) {
    if (between) {
      const [from, to] = between;
      [source, destination] = floor === 'transport' ? [`${source}:${from}`, `${destination}:${to}`] : [from, to];
    }
  }
  const last = layers.at(-1);
  const told = last?.protocol === 'Malformed' ? last : named;
  return {
    protocol: named?.protocol ?? 'Ethernet',
    source,
    destination,
    summary: told?.summary ?? '',
    layers: layers.map(({ protocol, summary }) => `${protocol} ${summary}`),
  };
}
