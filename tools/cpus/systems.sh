#!/usr/bin/env bash
# Checks that the program compiles for systems that this machine is not and has no linker for: see README.md.
#
#     tools/cpus/systems.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."

tools/cpus/install.sh rust
[ $# -gt 0 ] || set -- x86_64-pc-windows-gnu aarch64-apple-darwin
for target in "$@"; do
    # The compiler builds the standard library from its source, as nightly ones do.
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 cargo check --quiet -Z build-std=std,panic_unwind --target "$target" \
        --target-dir target/cpus -p trine-runner
    echo "the program compiles for $target"
done
