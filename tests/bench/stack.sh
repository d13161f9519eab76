#!/usr/bin/env bash
# Native figures, in a network namespace of their own. Arguments pick figures by name.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo bench --quiet -p ethertab-tests --bench stack --no-run
if [ "$(id -u)" = 0 ]; then
  exec unshare -n sh -c 'ip link set lo up && exec cargo bench --quiet --offline -p ethertab-tests --bench stack -- "$@"' sh "$@"
fi
exec unshare -Urn sh -c 'ip link set lo up && exec cargo bench --quiet --offline -p ethertab-tests --bench stack -- "$@"' sh "$@"
