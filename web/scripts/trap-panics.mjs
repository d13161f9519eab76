// Makes what a panic would say go away: trap-panics.mjs IN OUT, with names in IN, and still in OUT.
//
// In a browser nobody hears it: what Rust's standard library prints goes nowhere, and then it traps. Here its functions trap at
// once, and wasm-opt, which runs next, takes away whatever prepared their arguments.

import { readFileSync, writeFileSync } from 'node:fs';
import binaryen from 'binaryen';

/** Functions of the standard library and hashbrown, by the names that Rust gives them. */
const PANICS =
  /^<?(core|std|alloc|hashbrown)\b.*(::panicking::|\bpanic_|slice_index_fail|unwrap_failed|expect_failed|assert_failed|len_mismatch_fail|rust_oom|handle_alloc_error|capacity_overflow|raw_vec::handle_error)/;

const [source, target] = process.argv.slice(2);
binaryen.setDebugInfo(true);
const module = binaryen.readBinary(readFileSync(source));
let found = 0;
for (let index = 0; index < module.getNumFunctions(); index += 1) {
  const reference = module.getFunctionByIndex(index);
  const { name, base, body } = binaryen.getFunctionInfo(reference);
  // None that may return, whatever its name.
  if (!base && PANICS.test(name) && binaryen.getExpressionType(body) === binaryen.unreachable) {
    binaryen.Function.setBody(reference, module.unreachable());
    found += 1;
  }
}
if (found < 10) {
  throw new Error(`only ${found} panics found: has the compiler changed their names?`);
}
writeFileSync(target, module.emitBinary());
