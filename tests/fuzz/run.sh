#!/usr/bin/env bash
# Runs a fuzz target with the compiler that is there; a nightly one and cargo-fuzz are not needed.
#   run.sh TARGET [libFuzzer's flags]     TARGET: frame, dhcp, dns, tunnel, relay, tab, switch; for example: run.sh frame -max_total_time=600
# Coverage guides it, and overflows and debug assertions count as finds. Sanitizers would need a nightly compiler, and the
# stack forbids unsafe code. What it learns is kept in .work/fuzz.
set -euo pipefail
cd "$(dirname "$0")"
target=${1:?TARGET: frame, dhcp, dns, tunnel, relay, tab or switch}
shift
work=$PWD/../../.work/fuzz
mkdir -p "$work/$target" "$work/finds"
export CARGO_TARGET_DIR=$PWD/../../target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, the flags are not for build scripts.
RUSTFLAGS="$coverage --cfg fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1" \
  cargo build --quiet --release --target "$host" --bin "$target"
seeds=()
[ ! -d "seeds/$target" ] || seeds=("seeds/$target")
exec "$CARGO_TARGET_DIR/$host/release/$target" -artifact_prefix="$work/finds/" "$@" "$work/$target" "${seeds[@]}"
