/** What the npm package holds, as npm itself would pack it. `make build` compiles it first. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const web = new URL('..', import.meta.url);
const repository = new URL('../..', import.meta.url);

function packed(): string[] {
  const options = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const said = execFileSync('npm', options, { cwd: web, encoding: 'utf8' });
  const [{ files }] = JSON.parse(said) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

test('the package carries the program, both licences and a page that introduces it', () => {
  const files = packed();
  for (const path of [
    'pkg/index.js',
    'pkg/index.d.ts',
    'pkg/worker.js',
    'pkg/generated/ethertab_bg.wasm',
    'pkg/generated/tls_bg.wasm',
    'README.md',
  ]) {
    expect(files).toContain(path);
  }
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    expect(files).toContain(`pkg/${licence}`);
    expect(readFileSync(new URL(`pkg/${licence}`, web))).toEqual(readFileSync(new URL(licence, repository)));
  }
});

test('every entry point is carried, with its types', () => {
  const files = packed();
  const { exports } = JSON.parse(readFileSync(new URL('package.json', web), 'utf8')) as { exports: Record<string, unknown> };
  const targets = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? entry : Object.values(entry as object),
  );
  for (const target of targets) {
    const [start = '', end = ''] = target.replace('./', '').split('*');
    const found = files.some((file) => (target.includes('*') ? file.startsWith(start) && file.endsWith(end) : file === start));
    expect(found, target).toBe(true);
  }
});

test('the package is not published by mistake', () => {
  expect(JSON.parse(readFileSync(new URL('package.json', web), 'utf8')).private).toBe(true);
});
