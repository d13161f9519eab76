/** What a series of pings comes to. */

export class Statistics {
  sent = 0;
  received = 0;
  least = Number.POSITIVE_INFINITY;
  most = 0;
  private sum = 0;

  reply(milliseconds: number): void {
    this.sent += 1;
    this.received += 1;
    this.sum += milliseconds;
    this.least = Math.min(this.least, milliseconds);
    this.most = Math.max(this.most, milliseconds);
  }

  lost(): void {
    this.sent += 1;
  }

  get average(): number {
    return this.sum / this.received;
  }

  /** Lost requests in per cent. */
  get loss(): number {
    return this.sent === 0 ? 0 : (100 * (this.sent - this.received)) / this.sent;
  }
}
