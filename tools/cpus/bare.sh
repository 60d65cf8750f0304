#!/usr/bin/env bash
# Builds shapes, kernels and ops for a processor without an operating system, whose standard library is `core` and `alloc`
# alone, and the library without its features: see README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

options=(build --quiet --target thumbv7em-none-eabihf --target-dir target/cpus --no-default-features)
options+=(-p trine-shapes -p trine-kernels -p trine-ops)
options+=(--config profile.dev.debug=false --config profile.dev.package.trine-kernels.opt-level=0)
if ! rustup target add thumbv7em-none-eabihf 2>/dev/null; then
    tools/cpus/install.sh rust
    # Debian's compiler builds `core` and `alloc` from their source, as nightly ones do.
    options+=(-Z build-std=core,alloc)
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
fi
cargo "${options[@]}"
unset RUSTC RUSTC_BOOTSTRAP
echo "shapes, kernels and ops build for thumbv7em-none-eabihf"

cargo check --quiet -p trine --no-default-features
echo "the library without any feature compiles"

text=$(cargo run --quiet -p trine --no-default-features --features text --example story)
echo "without threads, SIMD and the memory map the library says: ${text:0:60}..."
# It prints what follows the prompt.
[[ $text = ", there was"* ]]
