#!/bin/sh
# wasm-pack's headless tests of the bindings and of the example, with a real relay beside them, in a network namespace of its
# own: nothing outside can be reached and nothing stays behind.
#
#   wasm/tests/run.sh RELAY [TEST-NAME …]
#
# RELAY is a built relay. Needs wasm-pack, wasm-bindgen-test-runner, Chromium, chromedriver, node, and root or a user
# namespace in which a TAP interface may be made.
set -eu
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
  echo "usage: wasm/tests/run.sh RELAY [TEST-NAME …]; RELAY is a built ethertab-relay" >&2
  exit 2
fi
RELAY=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
export RELAY PATH="$PATH:/usr/sbin:/sbin"

# What the registry has to give must come before the namespace closes the door.
cargo fetch --quiet
for crate in . examples/headless; do
  cargo build --quiet --manifest-path "$crate/Cargo.toml" --tests --target wasm32-unknown-unknown
done

[ "$(id -u)" = 0 ] && user= || user=--map-root-user
# shellcheck disable=SC2086 # $user is one word or none
exec unshare $user --net --pid --fork --kill-child --mount-proc sh -eu -c '
  ip link set lo up
  log=$(mktemp)
  "$RELAY" --listen 127.0.0.1:8080 --host www.example.com=10.77.0.1 >"$log" 2>&1 &
  node tests/cutter.mjs &
  tries=0
  until ip addr show ethertab0 2>/dev/null | grep -q "inet 10.77.0.1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the relay did not start:" >&2; cat "$log" >&2; exit 1; }
    sleep 0.1
  done
  for crate in . examples/headless; do
    CARGO_NET_OFFLINE=true wasm-pack --log-level warn test --headless --chrome --chromedriver "$(command -v chromedriver)" \
      --mode no-install "$crate" ${1:+-- "$@"} || { echo "--- relay" >&2; tail -40 "$log" >&2; exit 1; }
  done
' sh "$@"
