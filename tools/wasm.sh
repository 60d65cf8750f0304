#!/usr/bin/env bash
# Builds the page that runs the embedded model in a browser (target/wasm/page), and compares the logits that the model
# has in WebAssembly with those of the `trine` command, bit by bit, in Node. Needs the target wasm32-unknown-unknown and
# Node; where there is none, it says so.
#
#     tools/wasm.sh [TRINE]        TRINE is the command to compare with, target/release/trine if none is given
set -euo pipefail
cd "$(dirname "$0")/.."

trine="${1:-target/release/trine}"
version=0.2.130
tools="$PWD/target/tools"
export CARGO_TARGET_DIR="$PWD/target/wasm"

if ! rustup target add wasm32-unknown-unknown 2>/dev/null; then
    echo "SKIPPED: rustup has no standard library for wasm32-unknown-unknown"
    exit 0
fi
if ! "$tools/bin/wasm-bindgen" --version 2>/dev/null | grep -qF "$version"; then
    CARGO_TARGET_DIR="$tools/build" cargo install --quiet --root "$tools" "wasm-bindgen-cli@$version" || {
        echo "SKIPPED: wasm-bindgen-cli $version is not to be had"
        exit 0
    }
fi

# Vectors of 128 bits, which all browsers have: the compiler makes them of the portable loops, whose bits stay.
(cd wasm && RUSTFLAGS="-C target-feature=+simd128" cargo build --quiet --release --target wasm32-unknown-unknown)
mkdir -p target/wasm/page
"$tools/bin/wasm-bindgen" --target web --no-typescript --out-dir target/wasm/page \
    target/wasm/wasm32-unknown-unknown/release/trine_wasm.wasm
cp wasm/page/index.html wasm/page/page.js target/wasm/page/
# Node takes the modules of a browser for modules.
echo '{ "type": "module" }' > target/wasm/page/package.json
echo "the page is in target/wasm/page: python3 -m http.server -d target/wasm/page"

if ! command -v node >/dev/null; then
    echo "SKIPPED: no Node to compare bits in"
elif [ ! -x "$trine" ]; then
    echo "SKIPPED: no $trine to compare bits with (cargo build --release)"
else
    node wasm/bits.mjs target/wasm/page "$trine"
fi
