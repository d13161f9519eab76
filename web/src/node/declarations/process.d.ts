/** What the shim uses of the package `process`, which brings no types. */

declare const process: {
  nextTick: (callback: (...values: unknown[]) => void, ...values: unknown[]) => void;
};
export default process;
