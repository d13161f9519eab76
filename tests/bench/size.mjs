// What a page loads of the package, bundled and minified by Rolldown, and compressed by gzip -9: JavaScript of the page and the Worker, and wasm.
// One JSON object a line; with --check it says nothing unless there is too much, and --details lists every file on stderr.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { figure } from './runner.mjs';

const web = new URL('../../web/', import.meta.url);
const { rolldown } = await import(pathToFileURL(createRequire(new URL('package.json', web)).resolve('rolldown')));
/**
 * In kilobytes, what we want: of the stack's module with the glue that wasm-bindgen makes for it; of these with the package's own
 * JavaScript, in the page and in the Worker; of all that loads on first use as well.
 */
const LIMITS = { 'wasm-and-glue': 120, sockets: 120, together: 450 };
/** What --check takes for too much: the sockets with all JavaScript do not meet their limit yet, and must not move away from it. */
const ALLOWED = { ...LIMITS, sockets: 136 };

/** The scripts that a bundle of this entry consists of, and whether each is loaded with it or once it is asked for. */
async function bundle(entry) {
  const build = await rolldown({ input: fileURLToPath(new URL(entry, web)), logLevel: 'silent' });
  const { output } = await build.generate({ dir: 'nowhere', minify: true });
  const chunks = new Map(output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
  const first = new Set();
  const load = (name) => {
    if (!first.has(name)) {
      first.add(name);
      chunks.get(name).imports.forEach(load);
    }
  };
  load(output.find(({ isEntry }) => isEntry).fileName);
  return [...chunks.values()].map(({ fileName, code }) => [fileName, code, first.has(fileName)]);
}

// By the same program as the build says it: others differ by half a per cent.
const gzipped = (content) => execFileSync('gzip', ['-9', '-c'], { input: content, maxBuffer: 1 << 26 }).length / 1000;

const modules = ['ethertab', 'tls'].map((name) => {
  const file = `${name}_bg.wasm`;
  return [file, readFileSync(new URL(`src/generated/${file}`, web)), name === 'ethertab'];
});
const [[, glue]] = await bundle('src/generated/ethertab.js');
const sums = { 'wasm-and-glue': gzipped(glue) + gzipped(modules[0][1]), sockets: 0, together: 0 };
for (const [name, content, isFirst] of [...(await bundle('src/index.ts')), ...(await bundle('src/worker.ts')), ...modules]) {
  const size = gzipped(content);
  sums.together += size;
  sums.sockets += isFirst ? size : 0;
  if (process.argv.includes('--details')) {
    console.error(`${size.toFixed(1).padStart(7)} KB ${isFirst ? 'at once  ' : 'on demand'} ${name}`);
  }
}

for (const [part, limit] of Object.entries(LIMITS)) {
  if (!process.argv.includes('--check')) {
    figure(`gzipped-${part}`, sums[part], limit, 'KB', 'the limit we set ourselves');
  } else if (sums[part] > ALLOWED[part]) {
    console.error(
      `${part}: ${sums[part].toFixed(1)} KB gzipped, and at most ${ALLOWED[part]} are allowed (tests/bench/size.mjs --details)`,
    );
    process.exitCode = 1;
  }
}
