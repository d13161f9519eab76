import { beforeEach, describe, expect, it } from 'vitest';
import { fingerprint, type HostKey, hostKey, kindOf } from './host-key.js';
import { KnownHosts, storageName } from './known-hosts.js';
import { fromBase64, joined, wireString } from './wire.js';

const key = (type: string, fill: number): HostKey =>
  hostKey(joined(wireString(type), wireString(new Uint8Array(32).fill(fill))));
const ed25519 = key('ssh-ed25519', 1);
const other = key('ssh-ed25519', 2);
const rsa = key('ssh-rsa', 3);

let kept: Map<string, string>;
let hosts: KnownHosts;

beforeEach(() => {
  kept = new Map();
  hosts = new KnownHosts({ getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) });
});

describe('known hosts', () => {
  it('knows nobody at first', () => {
    expect(hosts.check('10.0.0.1', 22, ed25519)).toEqual({ state: 'unknown' });
    expect(hosts.types('10.0.0.1', 22)).toEqual([]);
  });

  it('knows the key it remembered, whatever the case of the name', () => {
    hosts.remember('Server.Example.com', 22, ed25519);
    expect(hosts.check('server.example.COM', 22, ed25519)).toEqual({ state: 'known' });
    expect(hosts.types('server.example.com', 22)).toEqual(['ssh-ed25519']);
  });

  it('calls another key of the same type changed, and tells which was remembered', () => {
    hosts.remember('server', 22, ed25519);
    const verdict = hosts.check('server', 22, other);
    expect(verdict).toMatchObject({ state: 'changed', remembered: [{ name: 'server', type: 'ssh-ed25519' }] });
  });

  it('calls a key of another type changed: the remembered one was asked for first', () => {
    hosts.remember('server', 22, ed25519);
    expect(hosts.check('server', 22, rsa).state).toBe('changed');
  });

  it('takes either of two keys that it remembered', () => {
    hosts.remember('server', 22, ed25519);
    hosts.remember('server', 22, rsa);
    expect(hosts.check('server', 22, ed25519).state).toBe('known');
    expect(hosts.check('server', 22, rsa).state).toBe('known');
  });

  it('keeps servers on other ports of a host apart', () => {
    hosts.remember('server', 2222, ed25519);
    expect(kept.get(storageName)).toMatch(/^\[server\]:2222 ssh-ed25519 AAAA/);
    expect(hosts.check('server', 22, ed25519).state).toBe('unknown');
    expect(hosts.check('server', 2222, other).state).toBe('changed');
  });

  it('forgets one name and no other', () => {
    hosts.remember('server', 22, ed25519);
    hosts.remember('server', 2222, ed25519);
    hosts.forget('server');
    expect(hosts.check('server', 22, other).state).toBe('unknown');
    expect(hosts.check('server', 2222, ed25519).state).toBe('known');
  });

  it('leaves lines that it does not understand as they are, and matches nothing by them', () => {
    kept.set(storageName, '# my hosts\n@revoked server ssh-ed25519 AAAA\n|1|abc= ssh-rsa AAAA\nserver\n\n');
    expect(hosts.check('server', 22, ed25519).state).toBe('unknown');
    hosts.remember('server', 22, ed25519);
    hosts.forget('server');
    expect(kept.get(storageName)).toBe('# my hosts\n@revoked server ssh-ed25519 AAAA\n|1|abc= ssh-rsa AAAA\nserver\n');
  });

  it('remembers only so many', () => {
    kept.set(storageName, 'server ssh-rsa AAAA\n'.repeat(2000));
    expect(() => hosts.remember('another', 22, ed25519)).toThrow('forget some');
  });
});

describe('host keys', () => {
  // By `ssh-keygen -lf`.
  it('have the fingerprint that OpenSSH prints', async () => {
    const blob = fromBase64('AAAAC3NzaC1lZDI1NTE5AAAAIDpOSbH0VxkxWA+JqgsgM0ZqTv1jT/MH65T5gQtMnEl+');
    expect(hostKey(blob).type).toBe('ssh-ed25519');
    expect(await fingerprint(hostKey(blob))).toBe('SHA256:vQM5clrRPJMmlJ25n2Y73xETv4JyshHG7qduxUltAfw');
  });

  it('are called what OpenSSH calls them', () => {
    expect(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'].map(kindOf)).toEqual(['ED25519', 'ECDSA', 'RSA']);
  });

  it('without a type are refused', () => {
    expect(() => hostKey(new Uint8Array([0, 0, 0, 9, 1]))).toThrow('ends too early');
  });
});
