/** Ping: one echo request a second, plotted, until it is stopped. */
import type { Network } from '../../src/types.js';
import { Figures, field, find, say } from '../element.js';
import { count, duration, problem } from '../format.js';
import { Plot } from './plot.js';
import { isLoss, Statistics } from './statistics.js';

/** Milliseconds from one request to the next, at least. */
const interval = 1000;

export function pingPanel(network: Network): void {
  const form = find('ping-form', HTMLFormElement);
  const button = find('ping-submit', HTMLButtonElement);
  const note = find('ping-note', HTMLElement);
  const plot = new Plot(find('ping-plot', HTMLElement));
  const figures = new Figures(find('ping-figures', HTMLElement), {
    sent: 'Sent',
    received: 'Answered',
    loss: 'Lost',
    least: 'Min',
    average: 'Avg',
    most: 'Max',
  });
  let running: AbortController | undefined;

  const stop = () => {
    running?.abort();
    running = undefined;
    delete form.dataset.state;
    button.textContent = 'Start';
  };
  const show = (statistics: Statistics) => {
    figures.set('sent', count(statistics.sent));
    figures.set('received', count(statistics.received));
    figures.set('loss', `${statistics.loss.toFixed(statistics.loss > 0 && statistics.loss < 10 ? 1 : 0)} %`);
    if (statistics.received === 0) return;
    figures.set('least', duration(statistics.least));
    figures.set('average', duration(statistics.average));
    figures.set('most', duration(statistics.most));
  };
  const run = async (host: string, size: number, signal: AbortSignal) => {
    const statistics = new Statistics();
    figures.clear();
    plot.clear();
    say(note, `Pinging ${host}`);
    for (let number = 1; !signal.aborted; number += 1) {
      const next = new Promise((wake) => setTimeout(wake, interval));
      try {
        const reply = await network.ping(host, { size, signal });
        statistics.reply(reply.roundTripMs);
        plot.add(number, reply.roundTripMs);
        say(note, `${reply.address} answers, TTL ${reply.hopLimit}`);
      } catch (error) {
        if (signal.aborted) break;
        say(note, problem(error));
        if (isLoss(error)) {
          statistics.lost();
          plot.add(number, null);
        }
      }
      if (statistics.sent > 0) show(statistics);
      await next;
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running !== undefined) {
      stop();
      return;
    }
    running = new AbortController();
    form.dataset.state = 'running';
    button.textContent = 'Stop';
    void run(field(form, 'host').value.trim(), Number(field(form, 'size').value), running.signal);
  });
}
