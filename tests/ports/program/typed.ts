// What a program in TypeScript may say; compiled, never run.
import { type EthertabError, Network, type NetworkOptions, type TcpSocket } from 'ethertab';
import { connect, type Socket } from 'ethertab/sockets';

const options: NetworkOptions = { mtu: 1500, worker: () => new Worker('/worker.js', { type: 'module' }) };
const net: Network = await Network.open('ws://localhost:8080/tunnel', options);
const socket: TcpSocket = net.connect({ hostname: 'www.example.com', port: 80 });
socket.opened.catch((error: EthertabError) => console.log(error.code));
export const other: Socket = connect('www.example.com:80');
export const { readable } = await new net.TCPSocket('www.example.com', 80).opened;
// @ts-expect-error A port is a number.
net.connect({ hostname: 'www.example.com', port: 'http' });
