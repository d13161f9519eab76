/** Packets as they pass. */

import type { Channel } from './channel.js';
import type { CaptureOptions, PacketSummary } from './types.js';

/** Summaries that one call brings. */
const BATCH = 64;

export function capture(channel: Channel, options: CaptureOptions = {}): ReadableStream<PacketSummary> {
  const id = channel.newId();
  const kept = options.bytes === false ? 0 : (options.snapLength ?? 65_553);
  const started = channel.call('captureStart', [id]);
  return new ReadableStream<PacketSummary>(
    {
      pull: async (controller) => {
        await started;
        const packets = await channel.call('captureNext', [id, BATCH, kept]);
        if (!packets) {
          controller.close();
          return;
        }
        for (const packet of packets) {
          controller.enqueue(packet);
        }
      },
      cancel: () => channel.tell('captureStop', [id]),
    },
    { highWaterMark: BATCH },
  );
}
