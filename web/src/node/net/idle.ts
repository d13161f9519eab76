/** The timer of `socket.setTimeout()`: it fires once after a silence, and again only after something has passed. */
export class IdleTimer {
  /** Milliseconds; undefined until it was set. */
  delay: number | undefined;
  readonly #fire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** 0: never. */
  set(delay: number): void {
    this.delay = delay;
    this.active();
  }

  /** Something has passed. */
  active(): void {
    clearTimeout(this.#timer);
    this.#timer = this.delay ? setTimeout(this.#fire, this.delay) : undefined;
  }
}
