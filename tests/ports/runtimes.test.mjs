/** The package outside the browser: the same program in Node.js, Deno and Bun. */
import { after, before, test } from 'node:test';
import { command, execute, Stage } from './stage.mjs';

let stage;

before(async () => {
  stage = await Stage.start();
});
after(() => stage?.stop());

for (const [name, file, ...options] of [
  ['Node.js 20, or whichever runs the tests', process.execPath],
  ['Node.js 24, which has a WebSocket by itself', command('node')],
  ['Deno', command('deno'), 'run', '--allow-read', '--allow-net', '--no-prompt'],
  ['Bun', command('bun')],
]) {
  test(`the program works in ${name}, and the process ends by itself`, async () => {
    const printed = await execute(file, [...options, 'command.mjs', JSON.stringify(stage.task)], { cwd: stage.folder });
    stage.check(JSON.parse(printed));
  });
}
