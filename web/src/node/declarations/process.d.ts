/** What the shim uses of the package `process`, which brings no types. */

declare const process: {
  /** In a browser's stead of Node's object alone. */
  browser?: boolean;
  nextTick: (callback: (...values: unknown[]) => void, ...values: unknown[]) => void;
};
export default process;
