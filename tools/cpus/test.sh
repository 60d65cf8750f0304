#!/usr/bin/env bash
# Tests kernels and whole models on CPUs that this machine is not: see README.md.
#
#     tools/cpus/test.sh [aarch64|x86_64]
set -euo pipefail
cd "$(dirname "$0")/../.."

# For x86-64 the compiler at hand, and what it has built already; for aarch64 Debian's, which has its standard library.
# QEMU takes the place of the CPU.
build() {
    local architecture=$1
    shift
    local options=(test --quiet --no-run --message-format json)
    if [ "$architecture" = aarch64 ]; then
        options+=(--target aarch64-unknown-linux-gnu --target-dir target/aarch64)
        export RUSTC=/usr/bin/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    fi
    cargo "${options[@]}" "$@" | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        print(message["executable"])
'
}

# The tests of one CPU; what they print is shown whole if they fail.
test_cpu() {
    local qemu="qemu-$1-static -cpu $2" kernels=$3 models=$4
    (cd kernels && $qemu "$kernels" --quiet --nocapture arch::tests::levels_of_this_machine | grep '^level')
    (cd kernels && $qemu "$kernels" --quiet)
    $qemu "$models" --quiet golden::hf golden::tiny
}

test_on() {
    local architecture=$1
    shift
    local kernels models failed=0 cpu
    kernels=$(build "$architecture" -p trine-kernels --lib)
    models=$(build "$architecture" --test integration)
    local logs
    logs=$(mktemp -d)
    for cpu in "$@"; do
        (test_cpu "$architecture" "$cpu" "$kernels" "$models" >"$logs/$cpu" 2>&1 && touch "$logs/$cpu.passed") &
    done
    wait
    for cpu in "$@"; do
        echo "-- $architecture, $cpu"
        cat "$logs/$cpu"
        [ -e "$logs/$cpu.passed" ] || { echo "FAILED on $architecture, $cpu"; failed=1; }
    done
    rm -r "$logs"
    return "$failed"
}

case ${1:-all} in
    aarch64 | all) test_on aarch64 cortex-a72 neoverse-n1 max ;;&
    x86_64 | all) test_on x86_64 Nehalem Haswell ;;
esac
