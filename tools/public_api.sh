#!/usr/bin/env bash
# Compares what the crates offer to other programs with the listings in docs/api, so that no change of it goes unseen.
#
#     tools/public_api.sh           names what differs, and fails if anything does
#     tools/public_api.sh --write   writes the listings anew
#
# The listings are made by cargo-public-api from rustdoc's JSON. The JSON is that of the pinned compiler, which needs
# leave for it, as a nightly one would list other things every night.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.52.0
tools="$PWD/target/tools"
if ! "$tools/bin/cargo-public-api" public-api --version 2>/dev/null | grep -qF "$version"; then
    cargo install --quiet --locked --root "$tools" --target-dir target/tools/build "cargo-public-api@$version" || {
        echo "SKIPPED: cargo-public-api $version is not to be had"
        exit 0
    }
fi

# rustdoc alone gets leave, so that nothing that was compiled before is compiled again.
mkdir -p "$tools"
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' > "$tools/rustdoc"
chmod +x "$tools/rustdoc"
RUSTDOC="$tools/rustdoc" RUSTDOCFLAGS="-Zunstable-options --output-format json" \
    cargo doc --workspace --lib --exclude trine-ui-tests --no-deps --quiet

status=0
for crate in trine trine_memory trine_shapes trine_kernels trine_ops trine_loader trine_text trine_model trine_server; do
    listing="docs/api/$crate.txt"
    # Without what the compiler derives and implements for all types.
    "$tools/bin/cargo-public-api" public-api -sss --rustdoc-json "target/doc/$crate.json" > "target/tools/$crate.txt"
    if [ "${1:-}" = --write ]; then
        cp "target/tools/$crate.txt" "$listing"
    elif ! diff -U0 "$listing" "target/tools/$crate.txt"; then
        status=1
    fi
done
if [ "$status" != 0 ]; then
    echo "The interface is not the one that docs/api lists: tools/public_api.sh --write, and a line in CHANGELOG.md" >&2
fi
exit "$status"
