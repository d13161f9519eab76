// Gives what a module and its glue call each other the short names that wasm-opt chose: shorten-names.mjs NAMES MODULE GLUE,
// with the list that `--minify-imports-and-exports-and-modules` printed when it made MODULE. The glue is rewritten in place.
//
// wasm-bindgen's names end in hashes, which no compression makes shorter, and stand in both files.

import { readFileSync, writeFileSync } from 'node:fs';

const [namesPath, modulePath, gluePath] = process.argv.slice(2);
const names = JSON.parse(readFileSync(namesPath, 'utf8'));
let glue = readFileSync(gluePath, 'utf8');

/** Has `pattern` find names, and replaces those in the list, each of which must be there. */
function shorten(list, pattern, write) {
  const left = new Set(list.keys());
  glue = glue.replaceAll(pattern, (whole, name) => {
    left.delete(name);
    return list.has(name) ? write(list.get(name)) : whole;
  });
  if (left.size > 0) {
    throw new Error(`the glue does not use ${[...left].join(', ')}: has wasm-bindgen changed it?`);
  }
}

const [anyImport] = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(modulePath)));
const [[modulesOldName]] = names.imports;
shorten(new Map([[modulesOldName, anyImport.module]]), /"([^"]+)"(?=: import0)/g, (short) => `"${short}"`);
shorten(new Map(names.imports.map(([, name, short]) => [name, short])), /(?<=^ {8})(\w+)(?=: function\()/gm, (short) => short);
// Not each export is called from here: the start function is the engine's.
const exports = new Map(names.exports);
glue = glue.replaceAll(/\bwasm\.(\w+)/g, (whole, name) => (exports.has(name) ? `wasm.${exports.get(name)}` : whole));
writeFileSync(gluePath, glue);
