#!/usr/bin/env bash
# How soon things come in Chromium, in a network namespace of their own: latency.sh RELAY
set -euo pipefail
relay=$(realpath "$1")
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p ethertab-tests --bin bench-peer --bin bench-delay
web/node_modules/.bin/vite build tests/bench/latency --outDir "$PWD/.work/bench-latency" --emptyOutDir --logLevel error
enter=(unshare -n)
[ "$(id -u)" = 0 ] || enter=(unshare -Urn)
# The host's kernel sends too: with its usual 4 MiB no receiver gets more than that in a round trip.
exec "${enter[@]}" sh -c 'ip link set lo up && echo "4096 65536 134217728" >/proc/sys/net/ipv4/tcp_wmem && echo "4096 131072 134217728" >/proc/sys/net/ipv4/tcp_rmem && exec "$@"' sh \
  node tests/bench/latency/run.mjs "$relay" target/release/bench-peer target/release/bench-delay .work/bench-latency
