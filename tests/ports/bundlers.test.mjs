/** The package in pages: by each bundler without plugins, and by none. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import webpack from 'webpack';
import { Browser } from '../e2e/stage/browser.mjs';
import { Program } from '../e2e/stage/program.mjs';
import { Site } from '../e2e/stage/site.mjs';
import { until } from '../e2e/stage/until.mjs';
import { command, execute, Stage } from './stage.mjs';

const port = 8090;
const tsc = fileURLToPath(new URL('../../web/node_modules/.bin/tsc', import.meta.url));
const origin = `http://127.0.0.1:${port}`;
const types = { '.html': 'text/html', '.wasm': 'application/wasm', '.js': 'text/javascript', '.mjs': 'text/javascript' };

let stage;
let browser;

before(async () => {
  stage = await Stage.start('--allow-origin', origin);
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await stage?.stop();
});

/** A copy of the installed program, with an HTML page that begins with `head`. */
function copy(name, head) {
  const folder = join(stage.folder, '..', `${name}-${process.pid}`);
  cpSync(stage.folder, folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), `<!doctype html>${head}`);
  return folder;
}

/** Runs the program in a page of the site at `origin`; `check` looks at what it found. */
async function runs(check = (found) => stage.check(found)) {
  const { page, complaints } = await browser.open({ address: `${origin}/`, online: false });
  try {
    // While the TAP interface is coming up, Chromium breaks off what it loads (ERR_NETWORK_CHANGED).
    const load = async () => {
      await page.goto(`${origin}/`);
      return page.waitForFunction(() => globalThis.program, { timeout: 5_000 });
    };
    await until('the page is loaded', load, 60_000).catch((error) => {
      throw new Error(`${error.message}\n${complaints.join('\n')}`);
    });
    check(await page.evaluate((task) => program(task), stage.task));
  } finally {
    await page.close();
  }
}

/** Serves a folder while the program runs in its page. */
async function runsIn(folder, check) {
  const site = await Site.start(port, (path) => {
    const file = path === '/' ? '/index.html' : path;
    return [types[extname(file)], readFileSync(join(folder, file))];
  });
  try {
    await runs(check);
  } finally {
    await site.stop();
  }
}

test('a plain <script type=module>, with an import map', async () => {
  const imports = {
    ethertab: '/node_modules/ethertab/pkg/index.js',
    'ethertab/sockets': '/node_modules/ethertab/pkg/sockets.js',
  };
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  await runsIn(copy('plain', `${map}<script type="module" src="/page.mjs"></script>`));
});

test('Vite builds it, without a configuration', async () => {
  const folder = copy('vite', '<script type="module" src="/page.mjs"></script>');
  await execute(command('vite'), ['build', '--logLevel', 'warn'], { cwd: folder });
  await runsIn(join(folder, 'dist'));
});

test("Vite's own server serves it, without a configuration", async () => {
  const folder = copy('vite-serve', '<script type="module" src="/page.mjs"></script>');
  const vite = new Program(command('vite'), ['--host', '127.0.0.1', '--port', String(port), '--strictPort'], { cwd: folder });
  try {
    await until('Vite answers', async () => {
      if (!vite.running) throw new Error(`Vite ended: ${vite.output}`);
      return (await fetch(origin)).ok;
    });
    await runs();
  } finally {
    await vite.stop();
  }
});

async function bundleByWebpack(folder, entry, more = {}) {
  const output = { path: join(folder, 'dist') };
  const compiler = webpack({ mode: 'production', context: folder, entry, output, ...more });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, stats) => (error ? reject(error) : resolve(stats)));
  });
  assert.ok(!stats.hasErrors(), stats.toString());
  cpSync(join(folder, 'index.html'), join(output.path, 'index.html'));
}

test('webpack bundles it, without plugins and loaders', async () => {
  const folder = copy('webpack', '<script type="module" src="/main.js"></script>');
  await bundleByWebpack(folder, './page.mjs');
  await runsIn(join(folder, 'dist'));
});

/** As the guide says it: the Worker and what it loads lie beside the program. */
const esbuild = async (folder, ...entries) => {
  const modules = ['ethertab', 'tls'].map((name) => `ethertab/${name}_bg.wasm`);
  const options = [
    '--bundle',
    '--format=esm',
    '--outdir=dist',
    '--entry-names=[name]',
    '--loader:.wasm=copy',
    '--log-level=warning',
  ];
  await execute(command('esbuild'), [...entries, 'ethertab/worker', ...modules, ...options], { cwd: folder });
};

test('esbuild bundles it by one command', async () => {
  const folder = copy('esbuild', '<script type="module" src="/page.js"></script>');
  await esbuild(folder, 'page.mjs');
  cpSync(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  await runsIn(join(folder, 'dist'));
});

/** What `ethertab/node` asks to be installed, with what that needs itself. */
const polyfills = ['abort-controller', 'base64-js', 'buffer', 'event-target-shim', 'events', 'ieee754', 'process'].concat([
  'readable-stream',
  'safe-buffer',
  'string_decoder',
]);

/** Each is given the same aliases, in its own way. */
const byAliases = {
  Vite: async (folder) => {
    const config = `import { aliases } from 'ethertab/node/aliases';\nexport default { resolve: { alias: aliases } };\n`;
    writeFileSync(join(folder, 'vite.config.mjs'), config);
    await execute(command('vite'), ['build', '--logLevel', 'warn'], { cwd: folder });
  },
  webpack: async (folder, aliases) => {
    const prefix = new webpack.NormalModuleReplacementPlugin(/^node:/, (found) => {
      found.request = found.request.slice(5);
    });
    await bundleByWebpack(folder, './node.mjs', { resolve: { alias: aliases }, plugins: [prefix] });
  },
  esbuild: async (folder, aliases) => {
    const flags = Object.entries(aliases).map(([name, replacement]) => `--alias:${name}=${replacement}`);
    await esbuild(folder, 'main=node.mjs', ...flags);
    cpSync(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  },
};

for (const [bundler, bundle] of Object.entries(byAliases)) {
  test(`${bundler} puts ethertab/node in place of Node's modules, by its aliases`, async () => {
    const source = bundler === 'Vite' ? '/node.mjs' : '/main.js';
    const folder = copy(`node-${bundler}`, `<script type="module" src="${source}"></script>`);
    for (const name of polyfills) {
      const installed = fileURLToPath(new URL(`node_modules/${name}`, import.meta.url));
      cpSync(installed, join(folder, 'node_modules', name), { recursive: true });
    }
    const { aliases } = await import(join(folder, 'node_modules/ethertab/pkg/node/aliases.js'));
    await bundle(folder, aliases);
    await runsIn(join(folder, 'dist'), (found) =>
      assert.deepEqual(found, { tcp: 'over TCP', datagram: 'a datagram', tls: 'HTTP/', address: stage.task.hostname }),
    );
  });
}

test("it works in a Worker of the page as well, from where it starts the network's own", async () => {
  const script = `globalThis.program = (task) => new Promise((resolve, reject) => {
    const worker = new Worker('/inside.js', { type: 'module' });
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(task);
  });`;
  const folder = copy('nested', `<script>${script}</script>`);
  await esbuild(folder, 'inside=worker.mjs');
  cpSync(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  await runsIn(join(folder, 'dist'));
});

for (const [module, resolution] of [
  ['esnext', 'bundler'],
  ['nodenext', 'nodenext'],
]) {
  test(`TypeScript finds the types, as "${resolution}" resolves modules`, async () => {
    const lib = 'es2023,esnext.disposable,dom,dom.iterable,dom.asynciterable';
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2023',
      '--lib',
      lib,
      '--module',
      module,
      '--moduleResolution',
      resolution,
    ];
    await execute(tsc, [...options, 'typed.ts'], { cwd: stage.folder });
  });
}
