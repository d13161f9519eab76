#!/bin/sh
# Compiles the npm package into web/pkg: plain ES modules that a bundler or <script type=module> can load.
set -eu
web=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$web/pkg"
"$web/node_modules/.bin/tsc" -p "$web/tsconfig.package.json"
mkdir -p "$web/pkg/generated"
cp "$web"/src/generated/*.js "$web"/src/generated/*.ts "$web"/src/generated/*.wasm "$web/pkg/generated/"
# Both ask that their text goes with every copy.
cp "$web/../LICENSE-MIT" "$web/../LICENSE-APACHE" "$web/pkg/"
# The decoder of zstd in place of the file that names it: the package loads without a bundler.
for pair in esm/index.mjs=zstd.js lib/index.d.ts=zstd.d.ts LICENSE=LICENSE-fzstd; do
  cp "$web/node_modules/fzstd/${pair%%=*}" "$web/pkg/vendor/${pair##*=}"
done
