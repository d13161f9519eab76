/** Runs what may call a program's listeners: what one throws is the program's to hear of, and ends nothing of ours. Then it gives nothing. */
export function guarded<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return undefined;
  }
}
