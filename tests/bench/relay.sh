#!/usr/bin/env bash
# Figures of the relay, in a network namespace of their own: relay.sh RELAY [GROUP]; groups are in bench/relay/main.rs.
set -euo pipefail
relay=$(realpath "$1")
shift
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p ethertab-tests --bin bench-relay
enter=(unshare -n)
[ "$(id -u)" = 0 ] || enter=(unshare -Urn)
exec "${enter[@]}" sh -c 'ip link set lo up && exec "$@"' sh target/release/bench-relay "$relay" "$@"
