/**
 * What a bundler takes in place of Node's modules, as a plain object from names to names: `resolve.alias` of Vite and of webpack, `alias` of
 * esbuild. The modules of the network are ours. `stream` and the like are packages of npm; those that have a module's own name
 * (events, buffer, util, url, assert, string_decoder …) need no alias but must be installed. Each may be replaced:
 * `{ ...aliases, crypto: 'crypto-browserify' }`.
 *
 * webpack looks at `node:` before it looks at aliases: give it
 * `new NormalModuleReplacementPlugin(/^node:/, (found) => { found.request = found.request.slice(5); })` as well.
 */

const OURS = {
  net: 'ethertab/node/net',
  tls: 'ethertab/node/tls',
  dgram: 'ethertab/node/dgram',
  // What is longer comes first: bundlers take "dns" for the beginning of it.
  'dns/promises': 'ethertab/node/dns/promises',
  dns: 'ethertab/node/dns',
  // What no page has: enough for a program to be loaded.
  fs: 'ethertab/node/fs',
  crypto: 'ethertab/node/crypto',
  diagnostics_channel: 'ethertab/node/empty',
};

const PACKAGES = {
  'stream/promises': 'readable-stream/lib/stream/promises.js',
  stream: 'readable-stream',
  path: 'path-browserify',
  'util/types': 'util/support/types.js',
};

/** Packages that are called as Node's modules are. */
const NAMESAKES = ['assert', 'buffer', 'events', 'process', 'punycode', 'string_decoder', 'url', 'util'];

const plain: Record<string, string> = { ...OURS, ...PACKAGES };
const names = Object.keys(plain).concat(NAMESAKES);

export const aliases: Readonly<Record<string, string>> = Object.freeze({
  ...Object.fromEntries(names.map((name) => [`node:${name}`, plain[name] ?? name])),
  ...plain,
});

export default aliases;
