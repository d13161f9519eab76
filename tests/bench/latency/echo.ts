// The plain WebSocket, in a Worker as ours is: sends one message when asked, and tells how long its echo took to come.

let socket: WebSocket;
let began = 0;

self.onmessage = ({ data }: MessageEvent<{ url: string } | { size: number }>) => {
  if ('url' in data) {
    socket = new WebSocket(data.url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => self.postMessage(0);
    socket.onmessage = () => self.postMessage(performance.now() - began);
  } else {
    const message = new Uint8Array(data.size);
    began = performance.now();
    socket.send(message);
  }
};
