/**
 * Takes a frame apart, floor by floor and field by field, for people to read. The stack itself never uses this: the first capture
 * loads it.
 */
import { ethernet } from './ethernet.js';
import { attempt, type Layers } from './layer.js';

export type { Field, Floor, Layer, Layers } from './layer.js';

/** The layers of a frame, the lowest first. Never throws: a header cut short becomes a layer that says so. */
export function dissect(frame: Uint8Array): Layers {
  return attempt('link', 0, frame.length, () => ethernet(frame));
}
