// As many bytes over a plain WebSocket, in messages of one size. Or over a proxy behind it that copies a connection of the host: no
// stack in the tab.

export interface Job {
  url: string;
  direction: 'down' | 'up';
  bytes: number;
  size: number;
  /** The port that a proxy is to connect to. */
  proxy?: number;
}

/** Bytes that may wait in the browser before we look again. */
const BUFFERED = 4 << 20;

/** Milliseconds that it takes, by the clock of this thread. */
export function move({ url, direction, bytes, size, proxy }: Job): Promise<number> {
  const plain = direction === 'down' ? `down/${size}/${bytes}` : `up/${bytes}`;
  const path = proxy === undefined ? plain : `proxy/${proxy}`;
  const socket = new WebSocket(`${url}/${path}`);
  socket.binaryType = 'arraybuffer';
  let began = 0;
  let received = 0;
  socket.onopen = () => {
    began = performance.now();
    if (proxy !== undefined) socket.send(new TextEncoder().encode(`${direction} ${bytes}\n`));
    if (direction === 'up') {
      const message = new Uint8Array(size).fill(7);
      let left = bytes;
      const fill = () => {
        while (left > 0 && socket.bufferedAmount < BUFFERED) {
          socket.send(message);
          left -= size;
        }
        if (left > 0) setTimeout(fill);
      };
      fill();
    }
  };
  return new Promise((resolve, reject) => {
    socket.onclose = () => reject(new Error(`the WebSocket ended after ${received} bytes`));
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      received += event.data.byteLength;
      if (direction === 'down' && received < bytes) return;
      resolve(performance.now() - began);
      socket.close();
    };
  });
}
