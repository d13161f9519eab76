/** The page of `clients/`, bundled by Vite for the browser, with the package's own aliases, on a server of its own. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Site } from './site.mjs';

const web = createRequire(new URL('../../../web/package.json', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const port = 8091;

/** Packages of which a page holds one, wherever they are asked for from. */
const shared = ['buffer', 'events', 'process', 'readable-stream'];

/** The package by its own name, as if it were installed: by what its `exports` say to a browser. */
const ethertab = {
  name: 'ethertab',
  enforce: 'pre',
  resolveId: (name) => {
    if (!/^ethertab(\/|$)/.test(name)) return null;
    const target = web('./package.json').exports[name.replace('ethertab', '.')];
    return fileURLToPath(new URL(`../../../web/${target.default ?? target}`, import.meta.url));
  },
};

export class Bundle {
  origin = `http://127.0.0.1:${port}`;
  #site;

  static async start() {
    const bundle = new Bundle();
    const folder = join(process.env.STAGE, `bundle-${process.pid}`);
    const { build } = await import(pathToFileURL(join(web.resolve('vite/package.json'), '../dist/node/index.js')));
    const { aliases } = await import(web.resolve('ethertab/node/aliases'));
    await build({
      root: fileURLToPath(new URL('../clients', import.meta.url)),
      configFile: false,
      logLevel: 'error',
      plugins: [ethertab],
      worker: { format: 'es' },
      resolve: { alias: aliases, dedupe: shared },
      build: { outDir: folder, target: 'es2023', minify: false, modulePreload: false },
    });
    bundle.#site = await Site.start(port, (path) => {
      const file = path === '/' ? '/index.html' : path;
      return [types[extname(file)] ?? 'application/octet-stream', readFileSync(join(folder, file))];
    });
    return bundle;
  }

  async stop() {
    await this.#site.stop();
  }
}
