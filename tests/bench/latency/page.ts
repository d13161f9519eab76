// How soon things come: pings at rest and beside a download, a download over a longer way, frames of an animation beside a
// download. Does what the server's plan says and posts each round back. No debugger watches.

import { Network, type TcpConnectOptions, type TcpSocket } from '../../../web/src/index.ts';

interface Plan {
  rounds: number;
  /** Of the WebSocket's own server. */
  echo: string;
  relay: string;
  /** Relays behind a longer way: milliseconds of added round trip, and the URL. The first adds none. */
  delayed: [number, string][];
  host: string;
  port: number;
  pings: number;
  /** Seconds that a loaded or delayed transfer is watched. */
  seconds: number;
  animationBytes: number;
  /** What the port of the HTTP server is, and how many requests of each kind are made. */
  http: number;
  requests: number;
  /** For experiments: options of the delayed transfers. */
  tcp: TcpConnectOptions;
  /** Which measurements to make. */
  parts: string[];
}

const plan = (await (await fetch('/plan')).json()) as Plan;

/** An Ethernet frame that holds a ping of 56 bytes. */
const PING_FRAME = 98;
const ENDLESS = 1e15;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A download or an upload that runs by itself. */
interface Transfer {
  bytes: number;
  readonly socket: TcpSocket;
  readonly ended: Promise<void>;
  stop(): void;
}

async function transfer(network: Network, direction: 'down' | 'up', total: number, options = {}): Promise<Transfer> {
  const socket = network.connect({ hostname: plan.host, port: plan.port }, options);
  const writer = socket.writable.getWriter();
  await socket.opened;
  let stopped = false;
  const run = async () => {
    await writer.write(`${direction} ${total}\n`);
    const reader = socket.readable.getReader();
    const block = new Uint8Array(64 * 1024).fill(7);
    while (running.bytes < total) {
      if (direction === 'up') {
        await writer.write(block);
        running.bytes += block.length;
        continue;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended after ${running.bytes} bytes`);
      running.bytes += value.length;
    }
    socket.abort();
  };
  const running = {
    bytes: 0,
    socket,
    ended: run().catch((error) => {
      if (!stopped) throw error;
    }),
    stop: () => {
      stopped = true;
      socket.abort();
    },
  };
  return running;
}

/** A round trip of our ping: as the page sees it, and as the stack does. One that is lost counts as long as it was waited for. */
async function ping(network: Network): Promise<{ page: number; inside: number }> {
  const began = performance.now();
  try {
    const { roundTripMs } = await network.ping(plan.host);
    return { page: performance.now() - began, inside: roundTripMs };
  } catch {
    return { page: performance.now() - began, inside: performance.now() - began };
  }
}

/** The raw WebSocket, asked from the page as ours is. */
async function echoes(): Promise<() => Promise<{ page: number; inside: number }>> {
  const worker = new Worker(new URL('./echo.ts', import.meta.url), { type: 'module' });
  const ask = (message: unknown) =>
    new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(message);
    });
  await ask({ url: plan.echo });
  return async () => {
    const began = performance.now();
    const inside = await ask({ size: PING_FRAME });
    return { page: performance.now() - began, inside };
  };
}

async function atRest(network: Network, echo: Awaited<ReturnType<typeof echoes>>) {
  const ours = [];
  const raw = [];
  for (let n = 0; n < plan.pings; n++) {
    await sleep(10);
    ours.push(await ping(network));
    await sleep(10);
    raw.push(await echo());
  }
  return { ours, raw };
}

/** A ping each 20 ms, whether the one before has come back or not. */
async function underLoad(network: Network) {
  const download = await transfer(network, 'down', ENDLESS);
  await sleep(500);
  const before = download.bytes;
  const began = performance.now();
  const pings = [];
  while (performance.now() - began < plan.seconds * 1000) {
    pings.push(ping(network));
    await sleep(20);
  }
  const speed = (download.bytes - before) / 1e3 / (performance.now() - began);
  const ours = await Promise.all(pings);
  download.stop();
  await download.ended;
  return { ours, speed };
}

/** Megabytes a second, once the first second is over. */
async function settledSpeed(network: Network, direction: 'down' | 'up') {
  const running = await transfer(network, direction, ENDLESS, plan.tcp);
  await sleep(1000);
  const before = running.bytes;
  const began = performance.now();
  await sleep(plan.seconds * 1000);
  const speed = (running.bytes - before) / 1e3 / (performance.now() - began);
  const information = await running.socket.info();
  running.stop();
  await running.ended;
  return { speed, firstSecond: before / 1e6, information };
}

/** Milliseconds between frames of an animation, until `until` settles. */
async function frames(until: Promise<unknown>): Promise<number[]> {
  const ball = document.getElementById('ball') as HTMLElement;
  const gaps: number[] = [];
  let over = false;
  const end = () => {
    over = true;
  };
  until.then(end, end);
  const next = () => new Promise<number>((resolve) => requestAnimationFrame(() => resolve(performance.now())));
  for (let last = await next(); !over; ) {
    const now = await next();
    gaps.push(now - last);
    last = now;
    ball.style.transform = `translateX(${(now / 4) % 400}px)`;
  }
  return gaps;
}

async function animation(network: Network) {
  const rest = await frames(sleep(2000));
  const began = performance.now();
  const download = await transfer(network, 'down', plan.animationBytes);
  const loaded = await frames(download.ended);
  await download.ended;
  return { rest, loaded, speed: plan.animationBytes / 1e3 / (performance.now() - began) };
}

/** Requests a second of a small answer, so many under way at once: through the tunnel and, beside it, by the browser's own fetch. */
async function requests(network: Network, atOnce: number) {
  const perSecond = async (get: () => Promise<Response>) => {
    let left = plan.requests;
    const run = async () => {
      for (; left > 0; left--) await (await get()).arrayBuffer();
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: atOnce }, run));
    return (1000 * plan.requests) / (performance.now() - began);
  };
  const ours = await perSecond(() => network.fetch(`http://${plan.host}:${plan.http}/`));
  return { atOnce, ours, theirs: await perSecond(() => fetch(`http://127.0.0.1:${plan.http}/`, { cache: 'no-store' })) };
}

async function report(path: string, body: unknown): Promise<void> {
  await fetch(path, { method: 'POST', body: JSON.stringify(body) });
}

try {
  if (!crossOriginIsolated) throw new Error('the clock is too coarse: the page is not isolated');
  const network = await Network.open(plan.relay);
  const echo = await echoes();
  for (let round = 0; round < plan.rounds; round++) {
    if (plan.parts.includes('ping')) {
      const rest = await atRest(network, echo);
      await report('/result', { part: 'ping', ...rest, loaded: await underLoad(network) });
      await sleep(500);
    }
    if (plan.parts.includes('animation')) {
      await report('/result', { part: 'animation', ...(await animation(network)) });
    }
    for (const atOnce of plan.parts.includes('requests') ? [1, 6] : []) {
      await report('/result', { part: 'requests', ...(await requests(network, atOnce)) });
    }
    for (const direction of ['down', 'up'] as const) {
      for (const [delay, url] of plan.parts.includes(direction) ? plan.delayed : []) {
        const far = await Network.open(url);
        const trips = [];
        for (let n = 0; n < 5; n++) trips.push((await ping(far)).inside);
        await report('/result', { part: direction, delay, trips, ...(await settledSpeed(far, direction)) });
        await far.close();
      }
    }
  }
  await network.close();
  await report('/done', {});
} catch (error) {
  await report('/failed', { message: String(error) });
}
