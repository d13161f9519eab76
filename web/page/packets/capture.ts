/** Reads the capture at the pace of the screen. */
import type { Network, PacketSummary } from '../../src/types.js';

/** Frames read between two repaints. More than this is not worth the time: the capture counts the rest as missed. */
const mostPerFrame = 48;

/** Hands over what passed, at most once per repaint, while the page is in view. Ends with the network. */
export function watch(network: Network, passed: (batch: PacketSummary[]) => void): void {
  const reader = network.capture().getReader();
  let batch: PacketSummary[] = [];
  let asked = false;

  const deliver = () => {
    asked = false;
    const full = batch;
    batch = [];
    passed(full);
    if (full.length >= mostPerFrame) void read();
  };
  const readOn = async () => {
    while (batch.length < mostPerFrame) {
      const { done, value } = await reader.read();
      if (done) return;
      batch.push(value);
      if (!asked) {
        asked = true;
        requestAnimationFrame(deliver);
      }
    }
  };
  const read = () => readOn().catch(() => undefined);
  void read();
}
