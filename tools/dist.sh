#!/usr/bin/env bash
# Builds one stripped binary for each target into target/dist, with checksums: see docs/cpus.md.
#
#     tools/dist.sh [x86_64|aarch64]...
#
# For aarch64 it takes Debian's compiler (tools/cpus/install.sh). Each binary continues a text, as this machine's does.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=15000000
dist=target/dist
mkdir -p "$dist"

[ $# -gt 0 ] || set -- x86_64 aarch64
for architecture in "$@"; do
    target=$architecture-unknown-linux-gnu
    options=(build --quiet --release --package trine-cli --target "$target" --config profile.release.strip=true)
    environment=() run=""
    if [ "$architecture" != "$(uname -m)" ]; then
        tools/cpus/install.sh rust
        environment=(RUSTC=/usr/bin/rustc "CARGO_TARGET_${architecture^^}_UNKNOWN_LINUX_GNU_LINKER=$architecture-linux-gnu-gcc")
        options+=(--target-dir "target/dist/$architecture")
        run=qemu-$architecture-static
    fi
    env "${environment[@]}" cargo "${options[@]}"
    built=target/$target/release/trine
    [ -z "$run" ] || built=$dist/$architecture/$target/release/trine
    binary=$dist/trine-$target
    cp "$built" "$binary"
    bytes=$(stat --format %s "$binary")
    [ "$bytes" -lt "$limit" ] || { echo "$binary has $bytes bytes, $limit or more" >&2; exit 1; }
    text=$($run "$binary" run --greedy -n 60 -p "Once upon a time" 2>/dev/null)
    [ "${expected:=$text}" = "$text" ] || { printf '%s\n%s\ninstead of\n%s\n' "$binary says" "$text" "$expected" >&2; exit 1; }
    echo "$binary: $bytes bytes"
done
(cd "$dist" && sha256sum trine-*-linux-gnu | tee SHA256SUMS)
