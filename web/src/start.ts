/** How a network's Worker is started. */

let start: () => Worker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'ethertab' });

/** Starts the Worker, as the platform does it. */
export function startWorker(): Worker {
  return start();
}

/** On a platform without the Web's Workers: how else. */
export function startWorkersBy(how: () => Worker): void {
  start = how;
}
