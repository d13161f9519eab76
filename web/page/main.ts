/**
 * The demonstration page: one network, and a panel for each thing one can do with it. Every panel has a folder of its own
 * and knows nothing of the others.
 */
import * as ethertab from '../src/index.js';
import { consolePanel } from './console/panel.js';
import { fetchPanel } from './fetch/panel.js';
import { floorsPanel } from './floors/panel.js';
import { hostless, isHostless } from './hostless/hostless.js';
import { ladder } from './ladder/ladder.js';
import { watch } from './packets/capture.js';
import { packetsPanel } from './packets/panel.js';
import { pingPanel } from './ping/panel.js';
import { servePanel } from './serve/panel.js';
import { sshPanel } from './ssh/panel.js';

/** The tunnel of the relay that served the page, or the one named by `?relay=`. */
function relayUrl(): string {
  const named = new URLSearchParams(location.search).get('relay');
  return named ?? new URL('/tunnel', location.href.replace(/^http/, 'ws')).href;
}

const network = new ethertab.Network(relayUrl());
Object.assign(globalThis, { ethertab, net: network });

ladder(network);
const floors = floorsPanel(network);
const packets = packetsPanel();
watch(network, (batch) => {
  floors.passed(batch);
  packets.passed(batch);
});
const fetchNow = fetchPanel(network);
consolePanel(network);
sshPanel(network);
pingPanel(network);
servePanel(network);

network.opened.then(
  (information) => (isHostless(information) ? hostless(information) : fetchNow()),
  () => undefined,
);
