/** The program in Node.js, Deno and Bun: the first argument says where, the result is printed. The process ends by itself. */
import { program } from './program.mjs';

console.log(JSON.stringify(await program(JSON.parse(process.argv[2]))));
