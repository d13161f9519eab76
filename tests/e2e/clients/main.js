/** A page with packages that were written for Node: each is loaded by the test that needs it. */

import { Network } from 'ethertab';
import { use } from 'ethertab/node';

Object.assign(globalThis, {
  /** Opens the network that all of them go through. */
  async open(options) {
    const network = await Network.open('ws://127.0.0.1:8080/tunnel', options);
    use(network);
    Object.assign(globalThis, { net: network });
  },
  packages: {
    pg: () => import('pg'),
    ioredis: () => import('ioredis'),
    mqtt: () => import('mqtt'),
    ftp: () => import('basic-ftp'),
    net: () => import('node:net'),
    tls: () => import('node:tls'),
    dgram: () => import('node:dgram'),
    dns: () => import('node:dns'),
    stream: () => import('node:stream'),
    buffer: () => import('node:buffer'),
  },
});
