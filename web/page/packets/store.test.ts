import { expect, test } from 'vitest';
import type { PacketSummary } from '../../src/types.js';
import { Held } from './held.js';
import { capacity, mostBytes } from './latest.js';
import { Store } from './store.js';

const packet = (changes: Partial<PacketSummary> = {}): PacketSummary => ({
  at: 0,
  direction: 'in',
  length: 60,
  protocol: 'TCP',
  source: '10.0.0.1:80',
  destination: '10.0.0.2:50000',
  summary: '[ACK]',
  layers: ['Ethernet', 'IPv4', 'TCP'],
  bytes: new Uint8Array(),
  missed: 0,
  ...changes,
});

test('all words of the filter must be there, wherever and however they are written', () => {
  const store = new Store();
  store.add([packet({ summary: '[SYN]' }), packet(), packet({ protocol: 'ARP', layers: ['Ethernet', 'ARP'] })]);
  store.filter('tcp 10.0.0.1');
  expect(store.shown).toHaveLength(2);
  store.filter(' SYN ');
  expect(store.shown.map((row) => row.packet.summary)).toEqual(['[SYN]']);
  store.filter('');
  expect(store.shown).toHaveLength(3);
});

test('packets that come later are filtered as well', () => {
  const store = new Store();
  store.filter('dns');
  store.add([packet(), packet({ protocol: 'DNS' })]);
  expect(store.shown).toHaveLength(1);
});

test('missed packets are counted and leave a gap in the numbers', () => {
  const store = new Store();
  store.add([packet(), packet({ missed: 10 })]);
  expect(store.total).toBe(12);
  expect(store.shown.map((row) => row.id)).toEqual([1, 12]);
});

test('the list is bounded, and says how many shown rows it gave up', () => {
  const store = new Store();
  store.filter('dns');
  let gone = 0;
  for (let batch = 0; batch < 100; batch += 1) {
    gone += store.add(Array.from({ length: 100 }, (_, index) => packet({ protocol: index % 2 === 0 ? 'DNS' : 'TCP' })));
  }
  expect(store.shown.length + gone).toBe(5000);
  store.filter('');
  expect(store.shown.length).toBeLessThanOrEqual(capacity);
  expect(store.shown.at(-1)?.id).toBe(10_000);
});

test('large frames are bounded by their bytes', () => {
  const store = new Store();
  for (let number = 0; number < 1000; number += 1) store.add([packet({ bytes: new Uint8Array(65_536) })]);
  const kept = store.shown.reduce((sum, row) => sum + row.packet.bytes.length, 0);
  expect(kept).toBeGreaterThan(mostBytes / 2);
  expect(kept).toBeLessThanOrEqual(mostBytes);
  expect(store.total).toBe(1000);
});

test('however long the list is paused, every packet counts, and the latest are listed', () => {
  const held = new Held();
  for (let at = 0; at < 10_000; at += 1) held.add([packet({ at, missed: at === 3 ? 5 : 0 })]);
  const store = new Store();
  store.add([packet()]);
  store.add(held.packets);
  expect(store.total).toBe(10_006);
  expect(store.shown.length).toBeGreaterThan(capacity / 2);
  expect(store.shown.at(-1)).toMatchObject({ id: 10_006, packet: { at: 9999 } });
});
