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
flags="$flags -Zlocation-detail=none -Zfmt-debug=none"
# Each crate has copies of its own of what it calls of others, and LLVM makes of these what the calls need: 10 KB less.
flags="$flags -Zcross-crate-inline-threshold=always"
# The standard library comes compiled for speed and for panics that say something. From its source it is built as the rest is, with
# panics that are a trap and nothing else: 6 KB less.
library=$(rustc --print sysroot)/lib/rustlib/src/rust/library
standard=
if [ -d "$library/std" ]; then
  flags="$flags -Zunstable-options -Cpanic=immediate-abort"
  standard="-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size"
else
  echo "without the source of the standard library (rustup component add rust-src) the modules are larger" >&2
fi
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags"

# What a page loads is compressed: from here on, a function inlined into its one caller makes it longer there, not shorter.
# One of six bytes is no longer than its call. Alignments are hints that no engine heeds; without them instructions are more alike.
# The lowest kilobyte holds the end of the stack and no data. Functions sorted by name stand beside their like, which compresses
# better; the names themselves go afterwards.
# What is flattened and looped anew first is simplified further.
options=${WASM_OPT:---flatten --rereloop --simplify-locals-notee-nostructure -Oz --converge --one-caller-inline-max-function-size=0 --always-inline-max-function-size=6 --low-memory-unused
  --dealign --reorder-functions-by-name}
features="--enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals --enable-sign-ext
  --enable-nontrapping-float-to-int --enable-reference-types --enable-multivalue --enable-simd"

# module CRATE NAME [CARGO-OPTION…]: builds a crate to NAME.js and NAME_bg.wasm.
module() {
  crate=$1 name=$2
  shift 2
  # The stack lies below the data, so that outgrowing it traps; it is an eighth of the usual size: nothing recurses here, and addresses
  # below a mebibyte are a byte shorter in each instruction.
  # shellcheck disable=SC2086 # several options
  cargo rustc --quiet --manifest-path "$root/Cargo.toml" -p "$crate" --lib "$@" $standard \
    --target wasm32-unknown-unknown --profile wasm -- -C link-arg=-zstack-size=131072
  built=$target/wasm32-unknown-unknown/wasm/$(echo "$crate" | tr - _).wasm
  wasm=$generated/${name}_bg.wasm
  stamp="$(cksum <"$built") $wanted $options $(cat "$web/scripts/build-wasm.sh" "$web/scripts/shorten-names.mjs" | cksum)"
  if [ ! -f "$wasm" ] || [ "$(cat "$generated/.$name.stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -f "$wasm" "$generated/.$name.stamp"
    wasm-bindgen --target web --out-dir "$generated" --out-name "$name" "$built"
    # shellcheck disable=SC2086
    "$web/node_modules/.bin/wasm-opt" $features --debuginfo $options "$wasm" -o "$wasm.named"
    # shellcheck disable=SC2086
    "$web/node_modules/.bin/wasm-opt" $features --strip-debug --strip-producers --strip-target-features \
      --minify-imports-and-exports-and-modules "$wasm.named" -o "$wasm.optimized" >"$wasm.names"
    node "$web/scripts/shorten-names.mjs" "$wasm.names" "$wasm.optimized" "$generated/$name.js"
    rm "$wasm.named" "$wasm.names"
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
