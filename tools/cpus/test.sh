#!/usr/bin/env bash
# Tests kernels and whole models on CPUs that this machine is not: see README.md.
#
#     tools/cpus/test.sh [aarch64|x86_64]
set -euo pipefail
cd "$(dirname "$0")/../.."

# Debian's compiler has the standard library of both architectures; QEMU takes the place of the CPU.
build() {
    local target=$1
    shift
    RUSTC=/usr/bin/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        cargo test --quiet --target "$target" --target-dir target/cpus --no-run --message-format json "$@" |
        python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        print(message["executable"])
'
}

test_on() {
    local architecture=$1
    shift
    local target=$architecture-unknown-linux-gnu kernels models
    kernels=$(build "$target" -p trine-kernels --lib)
    models=$(build "$target" --test integration)
    for cpu in "$@"; do
        echo "-- $architecture, $cpu"
        (cd kernels && "qemu-$architecture-static" -cpu "$cpu" "$kernels" --quiet)
        (cd kernels && "qemu-$architecture-static" -cpu "$cpu" "$kernels" --nocapture arch::tests::levels_of_this_machine | grep '^level')
        "qemu-$architecture-static" -cpu "$cpu" "$models" --quiet golden::hf golden::tiny
    done
}

case ${1:-all} in
    aarch64 | all) test_on aarch64 cortex-a72 neoverse-n1 max ;;&
    x86_64 | all) test_on x86_64 Nehalem Haswell ;;
esac
