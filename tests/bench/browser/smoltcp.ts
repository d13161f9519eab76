// smoltcp in a Worker, as ours is, over the relay's plain form. The bytes end and begin in this Worker: ours are handed on to
// the page.

import start, { Peer } from '../../../.work/smoltcp-peer/smoltcp.js';

interface Job {
  /** The relay's tunnel. */
  url: string;
  /** The address that we take: one that DHCP does not hand out. */
  address: string;
  host: string;
  port: number;
  direction: 'down' | 'up';
  bytes: number;
}

/** Bytes that are read or written at once. */
const BLOCK = 64 * 1024;

/** How long to wait before looking again whether the browser has sent some of what it holds, as ours does. */
const UNSENT_PAUSE = 2;

// A promise that fails would be told to nobody.
self.onmessage = ({ data }: MessageEvent<Job>) => run(data).catch(reportError);

async function run({ url, address, host, port, direction, bytes }: Job): Promise<void> {
  await start();
  // Asks for no subprotocol: the plain form.
  const websocket = new WebSocket(url);
  websocket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    websocket.onopen = resolve;
    websocket.onerror = () => reject(new Error('no tunnel'));
  });

  const random = crypto.getRandomValues(new Uint16Array(3)) as Uint16Array & [number, number, number];
  const peer = new Peer(websocket, address, random[0] * 65_536 + random[1]);
  peer.connect(host, port, 49_152 + (random[2] % 16_384));

  const block = new Uint8Array(BLOCK).fill(7);
  const request = new TextEncoder().encode(`${direction} ${bytes}\n`);
  const expected = direction === 'down' ? bytes : 'done'.length;
  let toWrite = direction === 'down' ? 0 : bytes;
  let received = 0;
  let began = 0;
  let took = 0;

  /** What a program does with the connection. */
  function use() {
    if (began === 0) {
      if (!peer.isOpen) {
        if (peer.isOver) throw new Error('refused');
        return;
      }
      began = performance.now();
      peer.write(request);
    }
    for (let piece = peer.read(BLOCK); piece !== undefined; piece = peer.read(BLOCK)) received += piece.length;
    while (toWrite > 0) {
      const written = peer.write(toWrite < BLOCK ? block.subarray(0, toWrite) : block);
      if (written === 0) break;
      toWrite -= written;
    }
    if (took === 0 && received >= expected) {
      took = performance.now() - began;
      peer.close();
    }
    if (peer.isOver) {
      if (took === 0) throw new Error(`ended after ${received} bytes`);
      self.postMessage(took);
      self.close();
    }
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Number.POSITIVE_INFINITY;

  function poll() {
    peer.receive(performance.now());
    use();
    peer.transmit(performance.now());
    const now = performance.now();
    const delay = peer.delay(now);
    // A timer that comes early does no harm; setting one anew at each poll would.
    if (delay === undefined || now + delay >= due) return;
    clearTimeout(timer);
    const pause = Math.max(delay, UNSENT_PAUSE);
    due = now + pause;
    timer = setTimeout(() => {
      due = Number.POSITIVE_INFINITY;
      poll();
    }, pause);
  }

  // The browser hands over what has come message by message; the poll comes behind all of them.
  const turn = new MessageChannel();
  let asked = false;
  turn.port1.onmessage = () => {
    asked = false;
    poll();
  };
  websocket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
    peer.arrived(new Uint8Array(event.data));
    if (asked) return;
    asked = true;
    turn.port2.postMessage(undefined);
  };
  websocket.onclose = () => {
    if (took === 0) throw new Error('the tunnel closed');
  };
  poll();
}
