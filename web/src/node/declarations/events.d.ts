/** What the shim uses of the package `events`, which brings no types. Programs see those of `@types/node`. */

export class EventEmitter {
  // biome-ignore lint/suspicious/noExplicitAny: a listener knows its event
  on(event: string | symbol, listener: (...values: any[]) => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: a listener knows its event
  once(event: string | symbol, listener: (...values: any[]) => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: a listener knows its event
  off(event: string | symbol, listener: (...values: any[]) => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: an event knows its values
  emit(event: string | symbol, ...values: any[]): boolean;
  listenerCount(event: string | symbol): number;
}
