/**
 * `ethertab` in Node.js, by the package's condition `node`: its Workers are threads, which differ from the Web's. Deno and Bun have the
 * Web's.
 */

import { startWorkersBy } from '../start.js';
import { Thread } from './thread.js';

startWorkersBy(() => new Thread() as unknown as Worker);

export * from '../index.js';
