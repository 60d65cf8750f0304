#!/usr/bin/env bash
# Checks that the workspace compiles for systems that this machine is not and has no linker for: see README.md.
#
#     tools/cpus/systems.sh [TARGET...]
#
# The standard library for them comes with `rustup target add`. Without that, Debian's compiler builds it from its
# source, as nightly ones do, where Debian's packages are to be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ $# -gt 0 ] || set -- x86_64-pc-windows-gnu aarch64-apple-darwin
for target in "$@"; do
    if timeout 120 rustup target add "$target" 2>/dev/null; then
        cargo check --quiet --workspace --target "$target"
    elif tools/cpus/install.sh rust; then
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 cargo check --quiet --workspace -Z build-std=std,panic_unwind \
            --target "$target" --target-dir target/cpus
    else
        echo "SKIPPED: $target (neither rustup nor Debian's packages have its standard library)"
        continue
    fi
    echo "the workspace compiles for $target"
done
