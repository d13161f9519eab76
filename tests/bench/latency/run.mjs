// Starts the relay, longer ways to it, the peer and Chromium, hands out the plan, and prints one JSON object a line.
// Runs as root inside a network namespace: tests/bench/latency.sh.
//
// For experiments, from the environment: PARTS (of ping,animation,requests,down,up), ROUNDS, PINGS, SECONDS, TCP (JSON: options of the
// delayed transfers), RELAY_ARGS, and DETAILS=1 for what each round found.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Children, figure, median, quantile, Stage } from '../runner.mjs';

const [relayPath, peerPath, delayPath, pages] = process.argv.slice(2);
const environment = (name, otherwise) => process.env[name] ?? otherwise;
const ports = { page: 8000, relay: 8080, raw: 8001, tcp: 9001, http: 8002, delayed: 8100 };
const delays = [0, 20, 100];

const plan = {
  rounds: Number(environment('ROUNDS', 3)),
  echo: `ws://127.0.0.1:${ports.raw}/echo`,
  relay: `ws://127.0.0.1:${ports.relay}/tunnel`,
  delayed: delays.map((delay) => [delay, `ws://127.0.0.1:${ports.delayed + delay}/tunnel`]),
  host: '10.77.0.1',
  port: ports.tcp,
  pings: Number(environment('PINGS', 200)),
  http: ports.http,
  requests: Number(environment('REQUESTS', 1000)),
  seconds: Number(environment('SECONDS', 4)),
  animationBytes: 500_000_000,
  tcp: JSON.parse(environment('TCP', '{}')),
  parts: environment('PARTS', 'ping,animation,requests,down,up').split(','),
};

/** A small answer, to whoever asks. */
const server = createServer((_, response) => {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
  response.end(Buffer.alloc(1_000));
});

const children = new Children();
const stage = new Stage(pages, plan);
let results;
try {
  await children.relay(relayPath, ports.relay, stage.fail, environment('RELAY_ARGS', '').split(' ').filter(Boolean));
  await children.ready(peerPath, [ports.raw, ports.tcp].map(String));
  await children.ready(delayPath, [ports.relay, ...delays.flatMap((delay) => [ports.delayed + delay, delay])].map(String));
  server.listen(ports.http);
  await once(server, 'listening');
  results = await stage.play(children, ports.page, Number(environment('LIMIT', 400)));
} finally {
  children.stop();
  server.close();
  server.closeAllConnections();
}
const of = (part) => results.filter((result) => result.part === part);
/** The median of what each round says. */
const overRounds = (rounds, what) => median(rounds.map(what));

if (process.env.DETAILS) {
  const spread = (values) => [0, 0.5, 0.95, 1].map((share) => quantile(values, share).toFixed(2)).join(' ');
  for (const { part, delay, ours, raw, loaded, rest, trips, speed, firstSecond, information, atOnce, theirs } of results) {
    const lines = [];
    if (part === 'ping') {
      for (const [name, samples] of Object.entries({ ours, raw, loaded: loaded.ours })) {
        for (const side of ['page', 'inside']) lines.push(`${name} ${side} ${spread(samples.map((sample) => sample[side]))}`);
      }
      lines.push(`at ${loaded.speed.toFixed(1)} MB/s`);
    } else if (part === 'animation') {
      lines.push(`rest ${rest.length}: ${spread(rest)}; loaded ${loaded.length}: ${spread(loaded)}; ${speed.toFixed(1)} MB/s`);
    } else if (part === 'requests') {
      lines.push(`${atOnce} at once: ${ours.toFixed(0)}, the browser's own ${theirs.toFixed(0)}`);
    } else
      lines.push(
        `${delay} ms: ${speed.toFixed(1)} MB/s, first second ${firstSecond.toFixed(1)} MB; pings ${spread(trips)}`,
        JSON.stringify(information),
      );
    console.error(part, lines.join('\n     '));
  }
}

const pings = of('ping');
if (pings.length > 0) {
  const middle = (who, side) => overRounds(pings, (round) => median(round[who].map((sample) => sample[side])));
  const late = (samples, side) =>
    quantile(
      samples.map((sample) => sample[side]),
      0.95,
    );
  for (const [suffix, side, peerName] of [
    ['', 'page', 'echo of 98 bytes over a raw WebSocket in a Worker, both asked from the page (goal: 1.25)'],
    ['-in-worker', 'inside', 'the same, both timed inside the Worker'],
  ]) {
    const ratio = overRounds(
      pings,
      ({ ours, raw }) => median(ours.map((sample) => sample[side])) / median(raw.map((sample) => sample[side])),
    );
    figure(`browser-ping-at-rest${suffix}`, middle('ours', side), middle('raw', side), 'ms', peerName, ratio);
  }
  for (const [suffix, side, peerName] of [
    ['', 'page', 'the goal: so much more at the 95th percentile than at rest, as the page sees it'],
    ['-in-worker', 'inside', 'the same goal, as the stack sees it'],
  ]) {
    const more = overRounds(pings, ({ ours, loaded }) => late(loaded.ours, side) - late(ours, side));
    figure(`browser-ping-under-load${suffix}`, more, 5, 'ms', peerName);
  }
}

const animations = of('animation');
if (animations.length > 0) {
  for (const [suffix, which, peerName] of [
    ['', 'loaded', 'the goal: the latest frame of an animation while 500 MB come in'],
    ['-at-rest', 'rest', 'the same goal, with nothing to do beside the animation'],
  ]) {
    // The worst of all rounds: none may be later.
    figure(
      `browser-animation-longest-gap${suffix}`,
      Math.max(...animations.flatMap((round) => round[which])),
      50,
      'ms',
      peerName,
    );
  }
}

for (const atOnce of [1, 6]) {
  const rounds = of('requests').filter((result) => result.atOnce === atOnce);
  if (rounds.length === 0) continue;
  figure(
    `browser-requests-${atOnce}-at-once`,
    overRounds(rounds, ({ ours }) => ours),
    overRounds(rounds, ({ theirs }) => theirs),
    'requests/s',
    "the browser's own fetch, without a tunnel",
    overRounds(rounds, ({ ours, theirs }) => ours / theirs),
  );
}

for (const [part, name] of [
  ['down', 'download'],
  ['up', 'upload'],
]) {
  const speeds = (delay) => of(part).filter((result) => result.delay === delay);
  if (of(part).length === 0) continue;
  const undelayed = speeds(0);
  for (const delay of delays.slice(1)) {
    const delayed = speeds(delay);
    figure(
      `browser-${name}-${delay}ms`,
      overRounds(delayed, ({ speed }) => speed),
      overRounds(undelayed, ({ speed }) => speed),
      'MB/s',
      'the same path without the added round trip, after the first second (goal: 0.8)',
      median(delayed.map(({ speed }, round) => speed / undelayed[round].speed)),
    );
  }
}
