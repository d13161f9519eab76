import { expect, test } from 'vitest';
import type { PacketSummary } from '../../src/types.js';
import { capacity, Store } from './store.js';

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
