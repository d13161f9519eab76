import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EthertabError } from '../errors.js';
import type { NetworkInformation, NetworkStatus } from '../types.js';
import { Ladder, type LadderOptions, type Probes } from './ladder.js';

const INFORMATION: NetworkInformation = {
  hardwareAddress: '02:00:00:00:00:01',
  address: '10.77.0.100',
  prefixLength: 20,
  gateway: '10.77.0.2',
  nameServers: ['10.77.0.2'],
  domain: null,
  mtu: 1500,
  lease: { server: '10.77.0.2', duration: 3_600_000 },
};

let information: NetworkInformation | null;
let shown: NetworkStatus[];
let ping: (address: string) => Promise<{ roundTripMs: number }>;
let resolve: () => Promise<string[]>;

beforeEach(() => {
  vi.useFakeTimers();
  information = null;
  shown = [];
  ping = async () => ({ roundTripMs: 0.4 });
  resolve = async () => ['10.77.0.2'];
});
afterEach(() => {
  vi.useRealTimers();
});

function climb(options: Partial<LadderOptions> = {}): Ladder {
  const probes: Probes = {
    information: () => information,
    ping: (address) => ping(address),
    resolve: () => resolve(),
    now: () => Date.now(),
  };
  const all = { url: 'ws://127.0.0.1:8080/tunnel', probeName: 'gateway.ethertab', secure: false, ...options };
  return new Ladder(all, probes, (status) => shown.push(status));
}

const states = (ladder: Ladder) => ladder.status.steps.map(({ state }) => state).join(' ');
const settle = () => vi.advanceTimersByTimeAsync(0);

async function online(ladder: Ladder): Promise<void> {
  ladder.notice({ type: 'relay-open', reconnects: 0 });
  information = INFORMATION;
  ladder.notice({ type: 'leased', information });
  await settle();
}

describe('the ladder', () => {
  test('is climbed rung by rung', async () => {
    const ladder = climb();
    expect(states(ladder)).toBe('pending waiting waiting waiting');
    ladder.notice({ type: 'relay-open', reconnects: 0 });
    expect(states(ladder)).toBe('ok pending waiting waiting');
    expect(ladder.status.state).toBe('connecting');
    await online(ladder);
    expect(states(ladder)).toBe('ok ok ok ok');
    expect(ladder.status).toMatchObject({ state: 'online', information: INFORMATION });
    expect(shown.at(-1)?.steps[1]?.detail).toBe('10.77.0.100/20 from 10.77.0.2');
  });

  test('says which relay is not there and what to do, and keeps saying so while it tries again', () => {
    const ladder = climb();
    ladder.notice({ type: 'relay-lost', code: 1006, reason: '', delay: 250, wasOpen: false });
    ladder.notice({ type: 'relay-connecting' });
    const [relay] = ladder.status.steps;
    expect(relay).toMatchObject({ state: 'failed', reason: 'No relay answers at 127.0.0.1:8080.' });
    expect(relay?.remedy).toContain('make demo');
  });

  test('knows that a page from https may not open ws:', () => {
    const ladder = climb({ secure: true, url: 'ws://relay.example/tunnel' });
    ladder.notice({ type: 'relay-lost', code: 1006, reason: '', delay: 250, wasOpen: false });
    expect(ladder.status.steps[0]?.remedy).toContain('wss:');
  });

  test('repeats what the relay said when it closed', () => {
    const ladder = climb();
    ladder.notice({ type: 'relay-lost', code: 1013, reason: 'the relay is full', delay: 5_000, wasOpen: false });
    expect(ladder.status.steps[0]).toMatchObject({ reason: 'The relay at 127.0.0.1:8080 refused: the relay is full.' });
    expect(ladder.status.steps[0]?.remedy).toContain('again in 5 s');
  });

  test('says that nobody gives an address, after a while', async () => {
    const ladder = climb();
    ladder.notice({ type: 'relay-open', reconnects: 0 });
    await vi.advanceTimersByTimeAsync(5_999);
    expect(states(ladder)).toBe('ok pending waiting waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(states(ladder)).toBe('ok failed waiting waiting');
    await online(ladder);
    expect(states(ladder)).toBe('ok ok ok ok');
  });

  test('tells a gateway that is silent from DNS that does not work, and tries again', async () => {
    ping = () => Promise.reject(new EthertabError('ETIMEDOUT', 'no answer in time'));
    resolve = () => Promise.reject(new EthertabError('EAI_AGAIN', 'no name server answered'));
    const ladder = climb();
    await online(ladder);
    expect(states(ladder)).toBe('ok ok failed failed');
    expect(ladder.status.state).toBe('online');
    ping = async () => ({ roundTripMs: 1 });
    resolve = () => Promise.reject(new EthertabError('ENOTFOUND', 'no such name'));
    await vi.advanceTimersByTimeAsync(3_000);
    // "No such name" is an answer.
    expect(states(ladder)).toBe('ok ok ok ok');
  });

  test('asks the one that gave the lease when the network has no router', async () => {
    const asked: string[] = [];
    ping = async (address) => {
      asked.push(address);
      return { roundTripMs: 0.4 };
    };
    const ladder = climb();
    ladder.notice({ type: 'relay-open', reconnects: 0 });
    information = { ...INFORMATION, gateway: null };
    ladder.notice({ type: 'leased', information });
    expect(ladder.status.steps[2]).toMatchObject({ state: 'pending', detail: 'pinging 10.77.0.2' });
    await settle();
    expect(states(ladder)).toBe('ok ok ok ok');
    expect(asked).toEqual(['10.77.0.2']);
    expect(ladder.status.steps[2]?.detail).toBe('10.77.0.2 answers in 0.4 ms; no router: only this network can be reached');
  });

  test('does not blame a DHCP server for not answering pings', async () => {
    ping = () => Promise.reject(new EthertabError('ETIMEDOUT', 'no answer in time'));
    const ladder = climb();
    ladder.notice({ type: 'relay-open', reconnects: 0 });
    information = { ...INFORMATION, gateway: null };
    ladder.notice({ type: 'leased', information });
    await settle();
    expect(states(ladder)).toBe('ok ok skipped ok');
  });

  test('skips what there is not', async () => {
    const ladder = climb({ probeName: null });
    ladder.notice({ type: 'relay-open', reconnects: 0 });
    information = { ...INFORMATION, gateway: null, nameServers: [], lease: null };
    ladder.notice({ type: 'leased', information });
    await settle();
    expect(states(ladder)).toBe('ok ok skipped skipped');
  });

  test('comes down when the relay goes, and is climbed again when it is back', async () => {
    const ladder = climb();
    await online(ladder);
    ladder.notice({ type: 'relay-lost', code: 1006, reason: '', delay: 250, wasOpen: true });
    expect(states(ladder)).toBe('failed waiting waiting waiting');
    expect(ladder.status.state).toBe('reconnecting');
    ladder.notice({ type: 'relay-open', reconnects: 1 });
    await settle();
    expect(states(ladder)).toBe('ok ok ok ok');
    expect(ladder.status).toMatchObject({ state: 'online', reconnects: 1 });
  });

  test('is not climbed again when a lease is only renewed', async () => {
    let pings = 0;
    ping = async () => {
      pings += 1;
      return { roundTripMs: 1 };
    };
    const ladder = climb();
    await online(ladder);
    ladder.notice({ type: 'leased', information });
    await settle();
    expect(pings).toBe(1);
    await ladder.check();
    expect(pings).toBe(2);
  });

  test('does not let an old answer write over a newer state', async () => {
    let answer: (reply: { roundTripMs: number }) => void = () => {};
    ping = () =>
      new Promise((done) => {
        answer = done;
      });
    const ladder = climb();
    await online(ladder);
    ladder.notice({ type: 'relay-lost', code: 1006, reason: '', delay: 250, wasOpen: true });
    answer({ roundTripMs: 1 });
    await settle();
    expect(states(ladder)).toBe('failed waiting waiting waiting');
  });
});
