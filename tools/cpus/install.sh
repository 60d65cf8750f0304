#!/usr/bin/env bash
# Installs what the scripts of this folder need on Debian. Does nothing where it is there already.
#
#     tools/cpus/install.sh [rust]
#
# With `rust`, also a compiler for targets that `rustup` does not give, and what their programs are linked with.
set -euo pipefail

packages=(qemu-user-static gcc-aarch64-linux-gnu libc6-dev:arm64)
if [ "${1:-}" = rust ]; then
    packages+=(
        # The compiler whose standard library Debian has for aarch64, and that library's source, for all other targets.
        rustc-web libstd-rust-web-dev:arm64 rust-web-src
        # C libraries of 32-bit programs.
        libc6-dev-i386 lib32gcc-12-dev
        # What the standard library for Windows is built with.
        binutils-mingw-w64-x86-64
    )
fi
if dpkg-query --show --showformat '${db:Status-Abbrev}\n' "${packages[@]}" 2>/dev/null |
    grep -c '^ii' | grep -qx "${#packages[@]}"; then
    exit 0
fi
root=""
[ "$(id -u)" = 0 ] || root=sudo
export DEBIAN_FRONTEND=noninteractive
$root dpkg --add-architecture arm64
# A mirror that is being updated refuses packages or lists for some minutes.
for pause in 10 30 60 120 0; do
    $root apt-get update -qq || true
    if $root apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
        exit 0
    fi
    sleep "$pause"
done
echo "cannot install ${packages[*]}" >&2
exit 1
