#!/usr/bin/env bash
# Builds shapes, kernels and ops for a processor without an operating system, whose standard library is `core` and `alloc`
# alone, and the library without threads, SIMD and the memory map: see README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools/cpus/install.sh
# The compiler builds `core` and `alloc` from their source, as nightly ones do.
RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 cargo build --quiet -Z build-std=core,alloc --target thumbv7em-none-eabihf \
    --target-dir target/cpus -p trine-shapes -p trine-kernels -p trine-ops --no-default-features \
    --config profile.dev.debug=false --config profile.dev.package.trine-kernels.opt-level=0
echo "shapes, kernels and ops build for thumbv7em-none-eabihf"

text=$(cargo run --quiet -p trine --no-default-features --example story)
echo "without threads, SIMD and the memory map the library says: ${text:0:60}..."
# It prints what follows the prompt.
[[ $text = ", there was"* ]]
