/**
 * How many segments carried something for the application. The stack counts segments, not what is in them, and of a fast
 * stream the page sees only some: of those that it did not see, as many are taken to carry something as of the last it saw.
 */

export type Direction = 'in' | 'out';
export type Flow = Record<Direction, number>;

/** Floors that a packet touches when it is a segment, and when it carries something. */
const segment = 3;
const message = 4;

/** Segments by which "lately" is meant. */
const memory = 32;

class Estimate {
  private seenSegments = 0;
  private seenMessages = 0;
  private batchSegments = 0;
  private batchMessages = 0;
  /** Messages to a segment, lately. */
  private share = 0;
  /** Segments that were not seen, as far as they are counted, and the messages they stand for. */
  private unseen = 0;
  private supposed = 0;
  private shown = 0;

  passed(height: number): void {
    if (height < segment) return;
    this.batchSegments += 1;
    if (height >= message) this.batchMessages += 1;
  }

  settle(): void {
    if (this.batchSegments === 0) return;
    const weight = Math.min(1, this.batchSegments / memory);
    this.share += (this.batchMessages / this.batchSegments - this.share) * weight;
    this.seenSegments += this.batchSegments;
    this.seenMessages += this.batchMessages;
    this.batchSegments = 0;
    this.batchMessages = 0;
  }

  /** The stack counts `segments`. What the page only sees later was unseen for a while, and is taken back. */
  counted(segments: number): void {
    const unseen = Math.max(0, segments - this.seenSegments);
    this.supposed = Math.max(0, this.supposed + (unseen - this.unseen) * this.share);
    this.unseen = unseen;
  }

  /** Never less than before, and never more than there were segments. */
  get value(): number {
    const value = Math.min(this.seenMessages + this.supposed, this.seenSegments + this.unseen);
    this.shown = Math.max(this.shown, Math.round(value));
    return this.shown;
  }
}

export class Messages {
  private readonly estimates: Record<Direction, Estimate> = { in: new Estimate(), out: new Estimate() };

  passed(direction: Direction, height: number): void {
    this.estimates[direction].passed(height);
  }

  /** A batch is over. */
  settle(): void {
    this.estimates.in.settle();
    this.estimates.out.settle();
  }

  counted(segments: Flow): void {
    this.estimates.in.counted(segments.in);
    this.estimates.out.counted(segments.out);
  }

  get flow(): Flow {
    return { in: this.estimates.in.value, out: this.estimates.out.value };
  }
}
