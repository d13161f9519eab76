/** The page of `clients/`, bundled by Vite for the browser, with the package's own aliases, on a server of its own. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const web = createRequire(new URL('../../../web/package.json', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const port = 8091;

/** Packages of which a page holds one, wherever they are asked for from. */
const shared = ['buffer', 'events', 'process', 'readable-stream'];

/** The package by its own name, as if it were installed: by what its `exports` say. */
const ethertab = {
  name: 'ethertab',
  enforce: 'pre',
  resolveId: (name) => (/^ethertab(\/|$)/.test(name) ? web.resolve(name) : null),
};

export class Bundle {
  origin = `http://127.0.0.1:${port}`;
  #server;

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
    bundle.#server = createServer((request, response) => {
      const path = request.url === '/' ? '/index.html' : request.url;
      try {
        const body = readFileSync(join(folder, path));
        response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream').end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    bundle.#server.listen(port, '127.0.0.1');
    await once(bundle.#server, 'listening');
    return bundle;
  }

  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
