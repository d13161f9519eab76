/** `ethertab/node/dns`: the shapes of Node's answers and errors, which are compared with Node's own where that asks nobody. */

import * as theirs from 'node:dns';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EthertabError } from '../../src/errors.js';
import * as ours from '../../src/node/dns.js';
import { type NodeNetwork, use } from '../../src/node/network.js';
import type { ErrorCode } from '../../src/types.js';

const NAMES: Record<string, string[] | ErrorCode> = {
  'one.example.com': ['10.77.0.1'],
  'two.example.com': ['10.77.0.1', '10.77.0.2'],
  'none.example.com': 'ENOTFOUND',
  'silent.example.com': 'EAI_AGAIN',
  'not a name': 'EINVAL',
};

beforeEach(() => {
  use({
    resolve: async (name: string) => {
      const answer = NAMES[name] ?? 'ENOTFOUND';
      if (typeof answer === 'string') {
        throw new EthertabError(answer, name);
      }
      return answer;
    },
    status: { information: { nameServers: ['10.77.0.254'] } },
  } as unknown as NodeNetwork);
});
afterEach(() => use(null));

/** What a callback gets. */
function answer(ask: (callback: (...values: unknown[]) => void) => void): Promise<unknown[]> {
  return new Promise((resolve) => ask((...values) => resolve(values)));
}

test('lookup gives the first address, or all', async () => {
  expect(await answer((back) => ours.lookup('two.example.com', back))).toEqual([null, '10.77.0.1', 4]);
  expect(await answer((back) => ours.lookup('one.example.com', 4, back))).toEqual([null, '10.77.0.1', 4]);
  expect(await answer((back) => ours.lookup('two.example.com', { all: true }, back))).toEqual([
    null,
    [
      { address: '10.77.0.1', family: 4 },
      { address: '10.77.0.2', family: 4 },
    ],
  ]);
  expect(await ours.promises.lookup('one.example.com')).toEqual({ address: '10.77.0.1', family: 4 });
  expect(await ours.promises.lookup('one.example.com', { all: true })).toEqual([{ address: '10.77.0.1', family: 4 }]);
});

test.each(['10.0.0.1', '::1', 'localhost', ''])('lookup of "%s" asks nobody, and says what Node says', async (name) => {
  for (const options of [{ family: 0 }, { all: true }]) {
    // A machine may know localhost by ::1 as well.
    const expected = await answer((back) =>
      theirs.lookup(name, { ...options, ...(name === 'localhost' ? { family: 4 } : {}) }, back),
    );
    expect(await answer((back) => ours.lookup(name, options, back))).toEqual(expected);
  }
});

test.each([
  ['none.example.com', 'ENOTFOUND', -3008],
  ['not a name', 'ENOTFOUND', -3008],
  ['silent.example.com', 'EAI_AGAIN', -3001],
])('lookup of "%s" fails with %s', async (hostname, code, errno) => {
  const expected = { code, errno, syscall: 'getaddrinfo', hostname, message: `getaddrinfo ${code} ${hostname}` };
  const [error] = await answer((back) => ours.lookup(hostname, back));
  expect(error).toMatchObject(expected);
  await expect(ours.promises.lookup(hostname)).rejects.toMatchObject(expected);
});

test('a name has no IPv6 address', async () => {
  const [error] = await answer((back) => ours.lookup('one.example.com', { family: 6 }, back));
  expect(error).toMatchObject({ code: ours.NOTFOUND });
  await expect(ours.promises.resolve6('one.example.com')).rejects.toMatchObject({ code: ours.NODATA });
});

test('resolve gives all addresses, and says which question failed', async () => {
  expect(await answer((back) => ours.resolve4('two.example.com', back))).toEqual([null, ['10.77.0.1', '10.77.0.2']]);
  expect(await answer((back) => ours.resolve('one.example.com', 'A', back))).toEqual([null, ['10.77.0.1']]);
  expect(await ours.promises.resolve4('one.example.com', { ttl: true })).toEqual([{ address: '10.77.0.1', ttl: 0 }]);
  expect(await new ours.promises.Resolver().resolve('one.example.com')).toEqual(['10.77.0.1']);
  for (const [hostname, code] of [
    ['none.example.com', 'ENOTFOUND'],
    ['silent.example.com', 'ETIMEOUT'],
    ['not a name', 'EBADNAME'],
  ] as const) {
    const expected = { code, syscall: 'queryA', hostname, message: `queryA ${code} ${hostname}` };
    await expect(ours.promises.resolve4(hostname)).rejects.toMatchObject(expected);
  }
  const [error] = await answer((back) => ours.resolveMx('one.example.com', back));
  expect(error).toMatchObject({ code: 'ENOTIMP', syscall: 'queryMx' });
});

test('the name servers are those of the lease', () => {
  expect(ours.getServers()).toEqual(['10.77.0.254']);
  expect(() => ours.setServers()).toThrow(/not supported/);
});

test('misuse is told as Node tells it', () => {
  for (const dns of [theirs, ours] as (typeof theirs)[]) {
    expect(() => dns.lookup('one.example.com', undefined as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  }
});

test('every code of Node has its name', () => {
  const codes = Object.entries(theirs).filter(([name, value]) => /^[A-Z]+$/.test(name) && typeof value === 'string');
  expect(codes.length).toBeGreaterThan(20);
  expect(ours).toMatchObject(Object.fromEntries(codes));
});
