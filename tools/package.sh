#!/usr/bin/env bash
# Packs every crate as a registry gets it, and checks a program outside of the workspace that depends on the archives.
#
# Nothing of the workspace is near that program: what an archive lacks, a file or a version beside a path, is an error.
# The command is checked too, as `cargo install` takes it. The kernels are not compiled: `cargo check` is enough here.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the registry takes of a crate.
limit=$((10 * 1024 * 1024))
archives=$PWD/target/package
outside=$archives/outside

rm -rf "$archives"
cargo package --quiet --workspace --exclude trine-ui-tests --allow-dirty --no-verify --target-dir "$PWD/target"

mkdir -p "$outside/program/src"
{
    echo '[workspace]'
    echo 'resolver = "3"'
    echo 'members = ["program", "trine-cli"]'
    echo '[patch.crates-io]'
} > "$outside/Cargo.toml"
for archive in "$archives"/*.crate; do
    bytes=$(stat --format %s "$archive")
    [ "$bytes" -le "$limit" ] || { echo "$archive has $bytes bytes, the registry takes $limit" >&2; exit 1; }
    name=$(basename "$archive" .crate)
    crate=${name%-*}
    tar --extract --gzip --file "$archive" --directory "$outside"
    mv "$outside/$name" "$outside/$crate"
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        [ -s "$outside/$crate/$file" ] || { echo "$archive has no $file" >&2; exit 1; }
        # A link that became a text of its name is no licence.
        [ "$file" = README.md ] || cmp --silent "$file" "$outside/$crate/$file" ||
            { echo "$archive has another $file" >&2; exit 1; }
    done
    echo "$crate = { path = \"$crate\" }" >> "$outside/Cargo.toml"
    echo "$name: $bytes bytes"
done

cat > "$outside/program/Cargo.toml" <<END
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[dependencies]
trine = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)"
END
# The first program of the README.
awk '/^```/ && inside { exit } inside { print } /^```rust$/ { inside = 1 }' README.md > "$outside/program/src/main.rs"
grep -q 'fn main' "$outside/program/src/main.rs" || { echo "README.md has no program" >&2; exit 1; }
# The versions that the workspace is tested with; what is checked of them already is not checked again.
cp Cargo.lock "$outside/Cargo.lock"
cargo check --quiet --manifest-path "$outside/Cargo.toml" --workspace --target-dir "$PWD/target"
echo "a program that depends on the archives compiles, and so does the command"
