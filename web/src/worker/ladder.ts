/**
 * The ladder from the relay up to DNS: which rung holds, which one does not, and what to do about it.
 *
 * It is fed what the link and DHCP report, and asks the gateway and a name server itself.
 */

import { toPlain } from '../errors.js';
import type { LadderState, LadderStep, LadderStepName, NetworkInformation, NetworkStatus } from '../types.js';

/** What the stack reports of its own accord; `Notice` in wasm/src/bindings/network.rs. */
export type Notice =
  | { type: 'relay-connecting' }
  | { type: 'relay-open'; reconnects: number }
  | { type: 'relay-lost'; code: number; reason: string; delay: number; wasOpen: boolean }
  | { type: 'leased'; information: NetworkInformation | null }
  | { type: 'lease-lost' }
  | { type: 'address-conflict'; address: string; claimant: string };

/** What the ladder asks of the network. */
export interface Probes {
  information(): NetworkInformation | null;
  ping(address: string): Promise<{ roundTripMs: number }>;
  resolve(name: string): Promise<string[]>;
  now(): number;
}

export interface LadderOptions {
  url: string;
  probeName: string | null;
  /** Whether the page came over https, which forbids ws: to anything but this machine. */
  secure: boolean;
}

/** DHCP takes some 4 s on a quiet network that ignores the first message; later than this it is a failure to tell of. */
const LEASE_PATIENCE = 6_000;
const PINGS = 3;
/** A rung that failed is tried again after so long, then twice as long, up to the most. */
const FIRST_RETRY = 3_000;
const LONGEST_RETRY = 30_000;

type Finding = Pick<LadderStep, 'state'> & Partial<Pick<LadderStep, 'detail' | 'reason' | 'remedy'>>;

export class Ladder {
  readonly #options: LadderOptions;
  readonly #probes: Probes;
  readonly #show: (status: NetworkStatus) => void;
  #steps: Record<LadderStepName, LadderStep>;
  #state: NetworkStatus['state'] = 'connecting';
  #reconnects = 0;
  #leaseTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #retryDelay = FIRST_RETRY;
  /** Climbs are numbered, so that an older one does not write over a newer one's findings. */
  #climb = 0;
  #stopped = false;

  constructor(options: LadderOptions, probes: Probes, show: (status: NetworkStatus) => void) {
    this.#options = options;
    this.#probes = probes;
    this.#show = show;
    const step = (name: LadderStepName, state: LadderState, detail: string): LadderStep => {
      return { name, state, detail, reason: '', remedy: '', since: probes.now() };
    };
    this.#steps = {
      relay: step('relay', 'pending', `connecting to ${options.url}`),
      lease: step('lease', 'waiting', ''),
      gateway: step('gateway', 'waiting', ''),
      names: step('names', 'waiting', ''),
    };
  }

  get status(): NetworkStatus {
    const { relay, lease, gateway, names } = this.#steps;
    return {
      state: this.#state,
      steps: [relay, lease, gateway, names],
      information: this.#probes.information(),
      reconnects: this.#reconnects,
    };
  }

  notice(notice: Notice): void {
    switch (notice.type) {
      case 'relay-connecting':
        // While a lost relay is tried again its failure stays on show.
        if (this.#steps.relay.state !== 'failed') {
          this.#set('relay', { state: 'pending', detail: `connecting to ${this.#options.url}` });
        }
        break;
      case 'relay-open':
        this.#reconnects = notice.reconnects;
        this.#set('relay', { state: 'ok', detail: `connected to ${this.#options.url}` });
        this.#lookForLease();
        break;
      case 'relay-lost':
        this.#stopClimbing();
        clearTimeout(this.#leaseTimer);
        this.#state = this.#state === 'connecting' ? 'connecting' : 'reconnecting';
        this.#set('lease', { state: 'waiting' });
        this.#set('relay', relayFailure(notice, this.#options));
        break;
      case 'leased':
        this.#haveLease(notice.information);
        break;
      case 'lease-lost':
        this.#stopClimbing();
        this.#state = 'reconnecting';
        this.#lookForLease('the address was lost; asking the DHCP server for another');
        break;
      case 'address-conflict':
        this.#set('lease', {
          state: 'failed',
          reason: `${notice.address} is also used by ${notice.claimant}.`,
          remedy: 'Another address is asked for. If that goes on, look for a host with a fixed address in the DHCP range.',
        });
        break;
    }
    this.#show(this.status);
  }

  /** Looks at the gateway and at DNS once more. */
  async check(): Promise<NetworkStatus> {
    if (this.#steps.lease.state === 'ok') {
      this.#retryDelay = FIRST_RETRY;
      await this.#climbUp();
    }
    return this.status;
  }

  stop(): void {
    this.#stopped = true;
    this.#stopClimbing();
    clearTimeout(this.#leaseTimer);
  }

  #lookForLease(detail = 'asking for an address (DHCP)'): void {
    const information = this.#probes.information();
    if (information) {
      this.#haveLease(information);
      return;
    }
    this.#set('lease', { state: 'pending', detail });
    clearTimeout(this.#leaseTimer);
    this.#leaseTimer = setTimeout(() => {
      this.#set('lease', {
        state: 'failed',
        reason: 'The relay is reached, but no DHCP server answers on its network.',
        remedy:
          "Look at the relay's log: its own DHCP server may be switched off, or its range used up. Or give a fixed address.",
      });
      this.#show(this.status);
    }, LEASE_PATIENCE);
  }

  #haveLease(information: NetworkInformation | null): void {
    if (!information) {
      return;
    }
    clearTimeout(this.#leaseTimer);
    const from = information.lease ? ` from ${information.lease.server}` : ' (fixed)';
    const known = this.#steps.lease.state === 'ok' && this.#state === 'online';
    this.#state = 'online';
    this.#set('lease', { state: 'ok', detail: `${information.address}/${information.prefixLength}${from}` });
    // A lease that was only renewed says nothing new about the rungs above.
    if (!known) {
      this.#retryDelay = FIRST_RETRY;
      void this.#climbUp();
    }
  }

  #stopClimbing(): void {
    this.#climb += 1;
    clearTimeout(this.#retryTimer);
    this.#set('gateway', { state: 'waiting' });
    this.#set('names', { state: 'waiting' });
  }

  async #climbUp(): Promise<void> {
    this.#climb += 1;
    clearTimeout(this.#retryTimer);
    const climb = this.#climb;
    const information = this.#probes.information();
    if (!information) {
      return;
    }
    const found = (name: LadderStepName, finding: Finding) => {
      if (climb === this.#climb && !this.#stopped) {
        this.#set(name, finding);
        this.#show(this.status);
      }
    };
    const trying = (name: LadderStepName, detail: string) => {
      // What failed before stays on show until it is known better.
      if (this.#steps[name].state !== 'failed') {
        found(name, { state: 'pending', detail });
      }
    };
    const asked = information.gateway ?? information.lease?.server;
    trying('gateway', asked ? `pinging ${asked}` : 'looking for one');
    const gateway = await askGateway(this.#probes, information);
    found('gateway', gateway);
    trying('names', `asking for ${this.#options.probeName}`);
    const names = await askNames(this.#probes, information, this.#options.probeName);
    found('names', names);
    const failed = gateway.state === 'failed' || names.state === 'failed';
    if (failed && climb === this.#climb && !this.#stopped) {
      this.#retryTimer = setTimeout(() => void this.#climbUp(), this.#retryDelay);
      this.#retryDelay = Math.min(this.#retryDelay * 2, LONGEST_RETRY);
    }
  }

  #set(name: LadderStepName, finding: Finding): void {
    const old = this.#steps[name];
    const { state, detail = '', reason = '', remedy = '' } = finding;
    if (old.state !== state || old.detail !== detail || old.reason !== reason || old.remedy !== remedy) {
      const since = old.state === state ? old.since : this.#probes.now();
      this.#steps = { ...this.#steps, [name]: { name, state, detail, reason, remedy, since } };
    }
  }
}

async function askGateway(probes: Probes, { gateway, lease }: NetworkInformation): Promise<Finding> {
  if (!gateway) {
    return askServer(probes, lease?.server);
  }
  const roundTrip = await anyAnswer(probes, gateway);
  if (roundTrip !== null) {
    return { state: 'ok', detail: `${gateway} answers in ${roundTrip}` };
  }
  return {
    state: 'failed',
    reason: `The gateway ${gateway} does not answer a ping.`,
    remedy: "Hosts on this network may still be reached. Look at the relay's log, and at a firewall that drops ICMP.",
  };
}

/**
 * The network has no router: a relay without a TAP interface names none, since nobody there forwards. Its gateway is on
 * the network all the same and gave the lease, so its answer shows that packets pass both ways.
 */
async function askServer(probes: Probes, server: string | undefined): Promise<Finding> {
  const only = 'no router: only this network can be reached';
  const roundTrip = server === undefined ? null : await anyAnswer(probes, server);
  if (roundTrip !== null) {
    return { state: 'ok', detail: `${server} answers in ${roundTrip}; ${only}` };
  }
  return { state: 'skipped', detail: only };
}

/** The time that one of a few pings took. */
async function anyAnswer(probes: Probes, address: string): Promise<string | null> {
  for (let left = PINGS; left > 0; left -= 1) {
    try {
      const { roundTripMs } = await probes.ping(address);
      return `${roundTripMs.toFixed(1)} ms`;
    } catch {
      // Once more.
    }
  }
  return null;
}

async function askNames(probes: Probes, { nameServers }: NetworkInformation, name: string | null): Promise<Finding> {
  if (name === null) {
    return { state: 'skipped', detail: 'not asked for' };
  }
  if (nameServers.length === 0) {
    return {
      state: 'failed',
      reason: 'The network named no DNS server.',
      remedy: 'Addresses work, names do not. Give nameServers with a fixed address, or configure the DHCP server.',
    };
  }
  const servers = nameServers.join(', ');
  try {
    await probes.resolve(name);
  } catch (error) {
    const { code, message } = toPlain(error);
    // "No such name" is an answer.
    if (code !== 'ENOTFOUND') {
      return {
        state: 'failed',
        reason: `DNS at ${servers} does not work: ${message}.`,
        remedy: 'Addresses work, names do not. Is the relay told of a DNS server that can be reached from its host?',
      };
    }
  }
  return { state: 'ok', detail: `${servers} answers` };
}

function relayFailure(lost: Extract<Notice, { type: 'relay-lost' }>, { url, secure }: LadderOptions): Finding {
  const again = lost.delay >= 1_000 ? ` Trying again in ${Math.round(lost.delay / 1_000)} s.` : '';
  const { protocol, hostname, host } = new URL(url);
  if (lost.reason) {
    return {
      state: 'failed',
      reason: `The relay at ${host} ${lost.wasOpen ? 'closed the connection' : 'refused'}: ${lost.reason}.`,
      remedy: `The relay's log says more.${again}`,
    };
  }
  if (lost.wasOpen) {
    return {
      state: 'failed',
      reason: `The connection to the relay at ${host} was lost (code ${lost.code}).`,
      remedy: `Was the relay stopped? Connections are kept and go on when it is back.${again}`,
    };
  }
  if (secure && protocol === 'ws:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    return {
      state: 'failed',
      reason: 'This page came over https, and browsers do not let such a page open an unencrypted ws: connection.',
      remedy: 'Put TLS in front of the relay and use its wss: address, or open the page over http.',
    };
  }
  return {
    state: 'failed',
    reason: `No relay answers at ${host}.`,
    remedy: `Start it with "make demo" or "ethertab-relay", and check address, port and firewall.${again}`,
  };
}
