#!/usr/bin/env bash
# Builds the peer to WebAssembly, for speed: build.sh FOLDER, below the repository's root. Needs what web/scripts/build-wasm.sh needs.
set -euo pipefail
cd "$(dirname "$0")/../../.."
PATH="$PWD/.tools/bin:$PATH"
cargo build --quiet -p ethertab-smoltcp-peer --target wasm32-unknown-unknown --profile wasm-peer
built=${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/wasm-peer/ethertab_smoltcp_peer.wasm
wasm-bindgen --target web --out-dir "$1" --out-name smoltcp "$built"
web/node_modules/.bin/wasm-opt -O4 --enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals --enable-sign-ext \
  --enable-nontrapping-float-to-int --enable-reference-types --enable-multivalue "$1/smoltcp_bg.wasm" -o "$1/smoltcp_bg.wasm"
