import { expect, it } from 'vitest';
import { hostKey } from './host-key.js';
import { KnownHosts } from './known-hosts.js';
import { browserStorage } from './storage.js';
import { joined, wireString } from './wire.js';

it('knows no host where the browser keeps nothing, and says why none can be remembered', () => {
  const denied = new DOMException('Access is denied for this document.', 'SecurityError');
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw denied;
    },
  });
  const hosts = new KnownHosts(browserStorage());
  const key = hostKey(joined(wireString('ssh-ed25519'), wireString(new Uint8Array(32))));
  expect(hosts.check('server', 22, key)).toEqual({ state: 'unknown' });
  expect(() => hosts.remember('server', 22, key)).toThrow(denied);
});

it('is the browser’s own otherwise', () => {
  const own = { getItem: () => 'kept', setItem: () => undefined };
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, value: own });
  expect(browserStorage()).toBe(own);
});
