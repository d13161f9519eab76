/** A network, as the page holds it. */
import { afterEach, expect, test, vi } from 'vitest';
import { Network } from './index.js';

afterEach(() => vi.useRealTimers());

test('close() ends a Worker that never answers', async () => {
  vi.useFakeTimers();
  const terminate = vi.fn();
  const network = new Network('ws://relay.test/tunnel', {
    worker: () => ({ postMessage() {}, terminate }) as unknown as Worker,
  });
  const closed = vi.fn();
  network.close().then(closed);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(closed).toHaveBeenCalled();
  expect(terminate).toHaveBeenCalled();
  await network.closed;
});
