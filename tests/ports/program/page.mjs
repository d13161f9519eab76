/** The program in a page. */
import { program } from './program.mjs';

globalThis.program = program;
