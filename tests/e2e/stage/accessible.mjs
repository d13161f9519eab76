/** Whether everybody can use a page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails if axe finds fault with the page, or the part of it that a selector names, by WCAG 2.2 AA. */
export async function accessible(page, part) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    ([where, runOnly]) => globalThis.axe.run(where ?? document, { runOnly }),
    [part, tags],
  );
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`),
    [],
  );
}
