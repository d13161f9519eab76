// What tests/bench/smoltcp-peer becomes, so that types can be checked before it is built.

declare module '*/smoltcp.js' {
  export default function start(): Promise<unknown>;

  export class Peer {
    constructor(websocket: WebSocket, address: string, seed: number);
    connect(host: string, port: number, localPort: number): void;
    arrived(frame: Uint8Array): void;
    receive(now: number): void;
    transmit(now: number): void;
    delay(now: number): number | undefined;
    read(limit: number): Uint8Array | undefined;
    write(bytes: Uint8Array): number;
    close(): void;
    readonly isOpen: boolean;
    readonly isOver: boolean;
  }
}
