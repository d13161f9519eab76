#!/usr/bin/env bash
# Figures in Chromium, in a network namespace of their own: browser.sh RELAY
set -euo pipefail
relay=$(realpath "$1")
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p ethertab-tests --bin bench-peer
tests/bench/smoltcp-peer/build.sh .work/smoltcp-peer
web/node_modules/.bin/vite build tests/bench/browser --outDir "$PWD/.work/bench" --emptyOutDir --logLevel error
enter=(unshare -n)
[ "$(id -u)" = 0 ] || enter=(unshare -Urn)
exec "${enter[@]}" sh -c 'ip link set lo up && exec "$@"' sh \
  node tests/bench/browser/run.mjs "$relay" target/release/bench-peer .work/bench
