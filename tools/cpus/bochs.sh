#!/usr/bin/env bash
# Tests kernels and whole models on x86-64 CPUs that QEMU does not emulate, in a PC that Bochs emulates: see README.md.
# With filters, only the tests of the kernels that they name.
#
#     tools/cpus/bochs.sh [TEST FILTER...]
set -euo pipefail
cd "$(dirname "$0")/../.."

# The first has AVX-512 with VNNI, the second AVX-VNNI and no AVX-512.
models=(tigerlake arrow_lake)

tools/cpus/bochs/install.sh

build() {
    cargo test --quiet --no-run --message-format json "$@" |
        sed -n 's/.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*/\1/p'
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# A program and its libraries for the machine.
add_program() {
    local library
    strip -o "$root/$1" "$2"
    ldd "$2" | grep -o '/[^ ]*' | while read -r library; do
        install -D "$library" "$root$library"
    done
}

# A CD that boots Linux, whose only files are the tests, what they read, and a shell.
make_cd() {
    local root=$work/root cd=$work/cd program
    mkdir -p "$root/bin" "$root/proc" "$root/dev" "$cd"
    cp /bin/busybox "$root/bin"
    cp tools/cpus/bochs/init "$root"
    echo "$@" >"$root/filters"
    program=$(build -p trine-kernels --lib)
    add_program kernels "$program"
    if [ $# = 0 ]; then
        program=$(build --test integration)
        add_program models "$program"
        mkdir -p "$root$PWD/tests/fixtures"
        cp -r tests/fixtures/hf tests/fixtures/bitnet_cpp "$root$PWD/tests/fixtures"
    fi
    (cd "$root" && find . | cpio --quiet --create --format newc) | gzip -1 >"$cd/initrd.gz"
    cp target/bochs/linux /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$cd"
    # Without fsrm: Linux 6.1 copies wrongly on a CPU that has it and says, as these do, that fast strings are off.
    # A panic ends in a triple fault, which ends the emulation.
    cat >"$cd/isolinux.cfg" <<END
default tests
label tests
kernel /linux
append initrd=/initrd.gz console=ttyS0,115200 loglevel=1 mitigations=off clearcpuid=fsrm panic=-1 reboot=t
END
    xorriso -as mkisofs -quiet -o "$work/cd.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "$cd" 2>/dev/null
}

# The machine of one CPU, from the CD to the end of the tests; its serial port is a file.
run_tests() {
    cat >"$work/$1.bochsrc" <<END
cpu: model=$1, count=1, ips=100000000, reset_on_triple_fault=0
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/$1.serial
display_library: nogui
clock: sync=none
log: $work/$1.log
info: action=ignore
error: action=ignore
panic: action=fatal
END
    # Bochs has no exit status that says how the machine ended: the tests' own is in what they print.
    nice target/bochs/bochs -q -f "$work/$1.bochsrc" </dev/null >/dev/null 2>&1 || true
    tr -d '\r' <"$work/$1.serial" >"$work/$1.output"
}

make_cd "$@"
for model in "${models[@]}"; do
    run_tests "$model" &
done
wait
failed=0
for model in "${models[@]}"; do
    echo "-- x86_64, $model"
    cat "$work/$model.output"
    grep -qx 'exit status 0' "$work/$model.output" || { echo "FAILED on x86_64, $model"; failed=1; }
done
exit "$failed"
