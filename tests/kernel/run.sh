#!/usr/bin/env bash
# The stack against the Linux kernel and ordinary servers, in a network namespace that ends with the run.
# Arguments pick cases by name.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet -p ethertab-tests --bin kernel
program=$PWD/target/debug/kernel
enter=(unshare -n -m)
[ "$(id -u)" = 0 ] || enter=(unshare -Urnm)
# /run/netns must be ours, so that inner namespaces vanish with this one.
exec "${enter[@]}" sh -c 'mount -t tmpfs none /run && ip link set lo up && exec "$@"' sh "$program" "$@"
