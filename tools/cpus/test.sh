#!/usr/bin/env bash
# Tests kernels, whole models and the program on CPUs that this machine is not: see README.md.
#
#     tools/cpus/test.sh [aarch64|x86_64|i686]...
set -euo pipefail
cd "$(dirname "$0")/../.."

# An instruction that the first CPU does not have and the second has: what an emulated CPU lacks must be refused, or
# passing would show nothing.
declare -A refused=([aarch64]=".arch armv8.2-a+dotprod; sdot v0.4s, v1.16b, v2.16b" [x86_64]="vpabsb %ymm0, %ymm1")
check_emulator() {
    local architecture=$1 without=$2 with=$3 work compiler=cc
    work=$(mktemp -d)
    [ "$architecture" = "$(uname -m)" ] || compiler=$architecture-linux-gnu-gcc
    printf 'int main(void) { __asm__ volatile("%s"); return 0; }' "${refused[$architecture]}" >"$work/main.c"
    $compiler -o "$work/main" "$work/main.c"
    "qemu-$architecture-static" -cpu "$with" "$work/main" 2>/dev/null
    # 132 is the illegal instruction.
    local status=0
    "qemu-$architecture-static" -cpu "$without" "$work/main" 2>/dev/null || status=$?
    rm -r "$work"
    [ "$status" = 132 ] || { echo "QEMU runs on $without what that does not have" >&2; return 1; }
}

# Builds the tests of an architecture and prints three paths: the tests of kernels, of operations, of whole models.
# For x86-64 they are what `cargo test --workspace` builds. The others are built by the pinned compiler where `rustup` has
# their standard library, else by Debian's.
build() {
    local options=(test --quiet --no-run --message-format json)
    if [ "$1" = x86_64 ]; then
        options+=(--workspace)
    else
        options+=(-p trine-kernels -p trine-ops -p trine --lib --test integration)
        options+=(--target "$1-unknown-linux-gnu" --target-dir target/cpus)
        # Less optimised than for the machine at hand: most of the time goes into building.
        options+=(--config profile.dev.debug=false --config profile.dev.package.trine-kernels.opt-level=1)
        options+=(--config profile.dev.package.tokenizers.opt-level=0)
        options+=(--config profile.dev.package.fancy-regex.opt-level=0)
    fi
    if [ "$1" != x86_64 ] && ! { [ "$1" = aarch64 ] && rustup target add aarch64-unknown-linux-gnu 2>/dev/null; }; then
        tools/cpus/install.sh rust >&2
        export RUSTC=/usr/bin/rustc
    fi
    case $1 in
    aarch64) export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc ;;
    # With the standard library built from its source, as nightly compilers do.
    i686) options+=(-Z build-std=std,panic_unwind) && export RUSTC_BOOTSTRAP=1 ;;
    esac
    cargo "${options[@]}" | python3 -c '
import json, sys
tests = {}
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        tests[message["target"]["name"]] = message["executable"]
print(tests["trine_kernels"], tests["trine_ops"], tests["integration"])
'
}

# Random cases are for the machine at hand: a few of each show that an emulated CPU computes the same.
export PROPTEST_CASES=4

# The tests of one CPU, but for the texts that are too long to emulate; what they print is shown whole if they fail.
# `which` are the tests of the kernels; where they are all, those of operations go with them.
test_cpu() {
    local run=$1 which=$2 kernels=$3 ops=$4 models=$5
    (cd kernels && $run "$kernels" --quiet --nocapture simd::tests::levels_of_this_machine 2>/dev/null | grep '^level') &&
        (cd kernels && $run "$kernels" --quiet "$which") &&
        { [ -n "$which" ] || $run "$ops" --quiet; } &&
        $run "$models" --quiet golden:: --skip smollm2 --skip qwen2_coder --skip golden::long
}

# The program as users have it, on a CPU and on this machine: the same text.
test_program() {
    local program=target/release/trine arguments=(run --greedy --tokens 60 --prompt "Once upon a time") found expected
    found=$($1 $program "${arguments[@]}" 2>/dev/null)
    expected=$($program "${arguments[@]}" 2>/dev/null)
    echo "the program says: ${found:0:60}..."
    [ -n "$found" ] && [ "$found" = "$expected" ]
}

# Tests an architecture on some CPUs side by side; without CPUs this machine runs the tests itself. The last CPU has the
# levels of all others and runs all tests of kernels and operations, at each of them; the others run those of the detection.
test_on() {
    local architecture=$1 cpu run which tests failed=0 logs cpus
    shift
    cpus=("${@:-}")
    tests=$(build "$architecture")
    [ "$architecture" != x86_64 ] || cargo build --quiet --release
    logs=$(mktemp -d)
    for cpu in "${cpus[@]}"; do
        run=${cpu:+qemu-$architecture-static -cpu $cpu}
        which=simd::
        [ "$cpu" != "${cpus[-1]}" ] || which=
        {
            # shellcheck disable=SC2086 # three paths
            test_cpu "$run" "$which" $tests &&
                { [ "$architecture" != x86_64 ] || test_program "$run"; } &&
                touch "$logs/$cpu.passed"
        } >"$logs/$cpu.log" 2>&1 &
    done
    wait
    for cpu in "${cpus[@]}"; do
        echo "-- $architecture${cpu:+, $cpu}"
        # QEMU says of each run what it does not emulate of a CPU.
        grep -v 'warning: TCG' "$logs/$cpu.log" || true
        [ -e "$logs/$cpu.passed" ] || { echo "FAILED on $architecture${cpu:+, $cpu}"; failed=1; }
    done
    rm -r "$logs"
    return "$failed"
}

tools/cpus/install.sh
[ $# -gt 0 ] || set -- aarch64 x86_64 i686
for architecture in "$@"; do
    case $architecture in
    aarch64)
        check_emulator aarch64 cortex-a72 neoverse-n1
        test_on aarch64 cortex-a72 neoverse-n1 max
        ;;
    x86_64)
        check_emulator x86_64 Nehalem Haswell
        test_on x86_64 Nehalem Haswell
        ;;
    i686) test_on i686 ;;
    *)
        echo "unknown architecture $architecture" >&2
        exit 2
        ;;
    esac
done
