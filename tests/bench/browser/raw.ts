// The plain WebSocket in a Worker, where ours has its own.

import { type Job, move } from './move.ts';

self.onmessage = async ({ data }: MessageEvent<Job>) => self.postMessage(await move(data));
