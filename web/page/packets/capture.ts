/** Reads the capture at a pace at which people read and the page stays smooth. */
import type { Network, PacketSummary } from '../../src/types.js';

/**
 * Packets read in one go, and milliseconds until the next go when there were as many: nobody reads more than a few
 * hundred lines a second, and the download deserves the time. The capture counts what is passed over as missed.
 */
const mostAtOnce = 24;
const breath = 50;

/** Hands over what passed, at most once per repaint, while the page is in view. Ends with the network. */
export function watch(network: Network, passed: (batch: PacketSummary[]) => void): void {
  const reader = network.capture().getReader();
  let batch: PacketSummary[] = [];

  const deliver = () => {
    const full = batch;
    batch = [];
    passed(full);
    if (full.length >= mostAtOnce) setTimeout(read, breath);
  };
  const readOn = async () => {
    while (batch.length < mostAtOnce) {
      const { done, value } = await reader.read();
      if (done) return;
      batch.push(value);
      if (batch.length === 1) requestAnimationFrame(deliver);
    }
  };
  const read = () => void readOn().catch(() => undefined);
  read();
}
