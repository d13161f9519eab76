/**
 * The host keys that are remembered, as text in the form of OpenSSH's known_hosts: `host type base64`, and `[host]:port` for a
 * port other than 22. Lines that are not understood (comments, patterns, hashed names) stay as they are and match nothing.
 */
import type { HostKey } from './host-key.js';
import type { Kept } from './storage.js';
import { toBase64 } from './wire.js';

/** Where the text is kept. */
export const storageName = 'ethertab.known_hosts';

/** Lines that are kept at most. */
const mostLines = 2000;

const usualPort = 22;

export interface KnownHost {
  /** `host`, or `[host]:port`. */
  readonly name: string;
  readonly type: string;
  readonly base64: string;
}

/**
 * `known`: this very key is remembered · `unknown`: nothing is remembered of this host · `changed`: other keys are, and not this
 * one. A key of another type counts as changed too: the server was asked for the remembered types first.
 */
export type Verdict = { state: 'known' | 'unknown' } | { state: 'changed'; remembered: KnownHost[] };

export class KnownHosts {
  readonly #storage: Kept;

  constructor(storage: Kept) {
    this.#storage = storage;
  }

  get hosts(): KnownHost[] {
    return this.#lines.flatMap((line) => parse(line) ?? []);
  }

  check(host: string, port: number, key: HostKey): Verdict {
    const remembered = this.#of(host, port);
    if (remembered.length === 0) return { state: 'unknown' };
    const base64 = toBase64(key.blob);
    const same = remembered.some((known) => known.type === key.type && known.base64 === base64);
    return same ? { state: 'known' } : { state: 'changed', remembered };
  }

  /** Types of key that are remembered of a host: those to ask it for first. */
  types(host: string, port: number): string[] {
    return [...new Set(this.#of(host, port).map(({ type }) => type))];
  }

  /** Throws if the browser does not keep it. */
  remember(host: string, port: number, key: HostKey): void {
    const lines = this.#lines;
    if (lines.length >= mostLines) throw new Error(`${mostLines} host keys are remembered already: forget some of them`);
    this.#save([...lines, `${nameOf(host, port)} ${key.type} ${toBase64(key.blob)}`]);
  }

  /** Forgets the keys of one name, as `hosts` has it. */
  forget(name: string): void {
    this.#save(this.#lines.filter((line) => parse(line)?.name !== name));
  }

  #of(host: string, port: number): KnownHost[] {
    const name = nameOf(host, port);
    return this.hosts.filter((known) => known.name === name);
  }

  get #lines(): string[] {
    return (this.#storage.getItem(storageName) ?? '').split('\n').filter((line) => line !== '');
  }

  #save(lines: string[]): void {
    this.#storage.setItem(storageName, lines.map((line) => `${line}\n`).join(''));
  }
}

/** The name that a host is remembered by. */
export function nameOf(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === usualPort ? name : `[${name}]:${port}`;
}

function parse(line: string): KnownHost | undefined {
  const [name, type, base64] = line.trim().split(/\s+/);
  if (name === undefined || type === undefined || base64 === undefined) return undefined;
  return /^[#@|]/.test(name) ? undefined : { name: name.toLowerCase(), type, base64 };
}
