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

/** Nobody answered in time, or the network says that the host cannot be reached. */
const losses = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ECONNREFUSED']);

/** Whether a request was sent and not answered. With another error, such as that of an unknown name, none was sent. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && 'code' in error && losses.has(String(error.code));
}
