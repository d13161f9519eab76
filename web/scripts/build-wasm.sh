#!/bin/sh
# Builds the stack and TLS to WebAssembly, each a module of its own, into web/src/generated. Quick when nothing changed. Prints the sizes.
#
# Needs: cargo with the target wasm32-unknown-unknown; wasm-bindgen of the version that wasm/Cargo.toml pins, on the PATH or in
# .tools/bin; the npm packages of web/ (wasm-opt is one of them).
# WASM_OPT overrides wasm-opt's options.
set -eu
web=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$web/.." && pwd)
PATH="$root/.tools/bin:$PATH"
target=${CARGO_TARGET_DIR:-$root/target}
generated=$web/src/generated

wanted=$(sed -n 's/^wasm-bindgen = "=\([0-9.]*\)".*/\1/p' "$root/wasm/Cargo.toml")
have=$(wasm-bindgen --version 2>/dev/null | cut -d' ' -f2) || have=none
if [ "$have" != "$wanted" ]; then
  echo "wasm-bindgen $wanted is needed, found: ${have:-none}. Get it with:" >&2
  echo "  cargo install wasm-bindgen-cli --version $wanted --no-default-features --root .tools" >&2
  exit 1
fi

# SHA-2 not unrolled: 5 KB gzipped less, and nothing long is hashed.
flags='--cfg sha2_backend_soft="compact"'
# Nobody sees where a panic was, nor a value's `Debug`: in wasm a panic traps, and what it would print goes nowhere. Without the places
# 4 KB and 5 KB (TLS) gzipped less, without `Debug` 1.6 KB and 12 KB. The flags are unstable, so the compiler, which rust-toolchain.toml pins, has
# to be told that this is meant.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags -Zlocation-detail=none -Zfmt-debug=none"

# What a page loads is compressed: a function inlined into its one caller makes it longer there, not shorter.
# One of six bytes is no longer than its call. Alignments are hints that no engine heeds; without them instructions are more alike.
# The lowest kilobyte holds the end of the stack and no data. Functions sorted by name stand beside their like, which compresses
# better; the names themselves go afterwards.
options=${WASM_OPT:--Oz --converge --one-caller-inline-max-function-size=0 --always-inline-max-function-size=6 --low-memory-unused
  --dealign --reorder-functions-by-name}
features="--enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals --enable-sign-ext
  --enable-nontrapping-float-to-int --enable-reference-types --enable-multivalue --enable-simd"

# module CRATE NAME [CARGO-OPTION…]: builds a crate to NAME.js and NAME_bg.wasm.
module() {
  crate=$1 name=$2
  shift 2
  # The stack lies below the data, so that outgrowing it traps; it is an eighth of the usual size: nothing recurses here, and addresses
  # below a mebibyte are a byte shorter in each instruction.
  cargo rustc --quiet --manifest-path "$root/Cargo.toml" -p "$crate" --lib "$@" \
    --target wasm32-unknown-unknown --profile wasm -- -C link-arg=-zstack-size=131072
  built=$target/wasm32-unknown-unknown/wasm/$(echo "$crate" | tr - _).wasm
  wasm=$generated/${name}_bg.wasm
  stamp="$(cksum <"$built") $wanted $options $(cat "$web/scripts/build-wasm.sh" "$web/scripts/trap-panics.mjs" | cksum)"
  if [ ! -f "$wasm" ] || [ "$(cat "$generated/.$name.stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -f "$wasm" "$generated/.$name.stamp"
    wasm-bindgen --target web --out-dir "$generated" --out-name "$name" "$built"
    node "$web/scripts/trap-panics.mjs" "$wasm" "$wasm.quiet"
    # shellcheck disable=SC2086 # several options
    "$web/node_modules/.bin/wasm-opt" $features --debuginfo $options "$wasm.quiet" -o "$wasm.named"
    # shellcheck disable=SC2086
    "$web/node_modules/.bin/wasm-opt" $features --strip-debug --strip-producers --strip-target-features "$wasm.named" -o "$wasm.optimized"
    rm "$wasm.quiet" "$wasm.named"
    mv "$wasm.optimized" "$wasm"
    gzip -9 -c "$wasm" | wc -c >"$generated/.$name.size"
    echo "$stamp" >"$generated/.$name.stamp"
  fi
  size=$(tr -d ' ' <"$generated/.$name.size")
  together=$((${together:-0} + size))
  echo "${name}_bg.wasm: $(($(wc -c <"$wasm"))) bytes, $size gzipped"
}

module ethertab-wasm ethertab --features small-allocator
module ethertab-tls tls
echo "together: $together gzipped"
