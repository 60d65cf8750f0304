#!/usr/bin/env bash
# Installs what bochs.sh needs on Debian, and builds Bochs into target/bochs. Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "$0")/../../.."

# Of Debian 13: the first release that has a CPU with AVX-VNNI.
source=bochs_3.0+dfsg.orig.tar.xz
checksum=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b

[ ! -e target/bochs/bochs ] || exit 0
root=""
[ "$(id -u)" = 0 ] || root=sudo
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
$root apt-get install -y -qq --no-install-recommends \
    bochsbios vgabios isolinux syslinux-common xorriso cpio busybox-static g++ make curl xz-utils

mkdir -p target/bochs
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Linux for virtual machines, which is not installed.
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p')
(cd "$work" && apt-get download -qq "$package" && dpkg-deb --extract linux-image-*.deb linux)
cp "$work"/linux/boot/vmlinuz-* target/bochs/linux

(cd "$work" && curl -sSfO "http://deb.debian.org/debian/pool/main/b/bochs/$source")
echo "$checksum $work/$source" | sha256sum --check --quiet
tar -xf "$work/$source" -C "$work" --strip-components 1
cd "$work"
# EVEX.V' is the fifth bit of a gather's index, not a register of its own that must be 0: gathers through zmm16 to zmm31
# were illegal instructions.
file=cpu/decoder/fetchdecode32.cc
sed -i 's/i->setSibIndex(i->sibIndex() | (vvv & 0x10));/& vvv \&= 0xf;/' "$file"
grep -q 'vvv &= 0xf;' "$file"
CXXFLAGS=-O2 CFLAGS=-O2 nice ./configure --quiet --with-nogui --without-x --disable-docbook --disable-plugins \
    --disable-readline --enable-x86-64 --enable-cpu-level=6 --enable-avx --enable-evex --enable-cdrom \
    --enable-all-optimizations >/dev/null
nice make --quiet -j "$(nproc)" bochs >build.log 2>&1 || { tail build.log; exit 1; }
cp bochs "$OLDPWD/target/bochs/bochs"
