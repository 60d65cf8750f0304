#!/usr/bin/env bash
# Installs what test.sh needs on Debian. Does nothing where it is there already.
set -euo pipefail

if [ -e /usr/lib/rustlib/aarch64-unknown-linux-gnu ] && command -v qemu-aarch64-static aarch64-linux-gnu-gcc >/dev/null; then
    exit 0
fi
root=""
[ "$(id -u)" = 0 ] || root=sudo
export DEBIAN_FRONTEND=noninteractive
$root dpkg --add-architecture arm64
$root apt-get update -qq
$root apt-get install -y -qq --no-install-recommends \
    qemu-user-static gcc-aarch64-linux-gnu libc6-dev:arm64 rustc-web libstd-rust-web-dev:arm64
