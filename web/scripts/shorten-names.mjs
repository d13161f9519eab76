// Gives what a module and its glue call each other the short names that wasm-opt chose: shorten-names.mjs NAMES MODULE GLUE,
// with the list that `--minify-imports-and-exports-and-modules` printed when it made MODULE. The glue is rewritten in place.
//
// wasm-bindgen's names end in hashes, which no compression makes shorter, and stand in both files.

import { readFileSync, writeFileSync } from 'node:fs';

const [namesPath, modulePath, gluePath] = process.argv.slice(2);
const names = JSON.parse(readFileSync(namesPath, 'utf8'));
let glue = readFileSync(gluePath, 'utf8');

/** Replaces the names that `pattern` finds by those in the list, of which none may be missing. */
function shorten(list, pattern) {
  const left = new Set(list.keys());
  glue = glue.replaceAll(pattern, (name) => {
    left.delete(name);
    return list.get(name) ?? name;
  });
  if (left.size > 0) {
    throw new Error(`the glue does not use ${[...left].join(', ')}: has wasm-bindgen changed it?`);
  }
}

const [anyImport] = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(modulePath)));
const [[modulesOldName]] = names.imports;
shorten(new Map([[modulesOldName, anyImport.module]]), /(?<=")[^"]+(?=": import0)/g);
shorten(new Map(names.imports.map(([, name, short]) => [name, short])), /(?<=^ {8})\w+(?=: function\()/gm);
// Not each export is called from here: the start function is the engine's.
const exports = new Map(names.exports);
glue = glue.replaceAll(/(?<=\bwasm\.)\w+/g, (name) => exports.get(name) ?? name);
writeFileSync(gluePath, glue);
