/** The running plot of round trips. */
import uPlot from 'uplot';
import { duration } from '../format.js';

/** Samples in view. */
const window = 60;
const height = 144;

type Sample = number | null;

export class Plot {
  private readonly box: HTMLElement;
  private plot: uPlot | undefined;
  private numbers: number[] = [];
  private trips: Sample[] = [];
  private losses: Sample[] = [];

  constructor(box: HTMLElement) {
    this.box = box;
    this.clear();
    this.build();
    new ResizeObserver(() => this.plot?.setSize({ width: box.clientWidth, height })).observe(box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.build());
  }

  clear(): void {
    this.numbers = [];
    this.trips = [];
    this.losses = [];
    this.draw();
  }

  /** Adds the answer to request `number`; `null`: there was none. */
  add(number: number, trip: Sample): void {
    this.numbers.push(number);
    this.trips.push(trip);
    this.losses.push(trip === null ? 0 : null);
    if (this.numbers.length > window) for (const list of [this.numbers, this.trips, this.losses]) list.shift();
    this.draw();
  }

  private draw(): void {
    this.plot?.setData([this.numbers, this.trips, this.losses]);
  }

  private build(): void {
    this.plot?.destroy();
    const colour = (name: string) => getComputedStyle(this.box).getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `11px ${colour('--mono') || 'monospace'}`,
    };
    this.plot = new uPlot(
      {
        width: this.box.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 8, 0, 0],
        scales: {
          x: { time: false, range: (_plot, _low, high) => [Math.max(0, (high ?? 1) - window), Math.max(window, high ?? 1)] },
          y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 1) * 1.25)] },
        },
        axes: [
          { ...axis, size: 24, values: (_plot, marks) => marks.map((mark) => (Number.isInteger(mark) ? String(mark) : '')) },
          { ...axis, size: 56, space: 32, values: (_plot, marks) => marks.map((mark) => label(mark)) },
        ],
        series: [
          {},
          {
            stroke: colour('--internet'),
            fill: colour('--internet-soft'),
            width: 2,
            spanGaps: false,
            points: { show: true, size: 5, fill: colour('--internet') },
          },
          { stroke: 'transparent', points: { show: true, size: 9, fill: colour('--bad'), stroke: colour('--bad') } },
        ],
      },
      [this.numbers, this.trips, this.losses],
      this.box,
    );
  }
}

function label(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  return duration(milliseconds)
    .replace(/\.0+(?= )/, '')
    .replace(/(\.\d*?)0+(?= )/, '$1');
}
