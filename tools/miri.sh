#!/usr/bin/env bash
# Runs tests of the crates that have `unsafe`, and of those on whose bounds it rests, in Miri, which interprets Rust and
# stops at undefined behaviour: docs/testing.md says what this covers. Needs a nightly compiler with Miri; where there is
# none, it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! rustup component add miri rust-src --toolchain nightly >/dev/null 2>&1; then
    echo "SKIPPED: no nightly compiler with Miri (rustup toolchain install nightly --component miri,rust-src)"
    exit 0
fi

# Clocks and files of the machine; random tests with few cases, as each step takes some hundred times as long.
export MIRIFLAGS="-Zmiri-disable-isolation" PROPTEST_CASES=2 RUST_BACKTRACE=0
miri() { cargo +nightly miri test --quiet --target-dir target/miri "$@"; }

# Miri has not all system calls for named files and devices, and none for the size of pages. What is skipped besides
# takes longer than all the rest.
miri -p trine-memory -p trine-shapes --lib -- --skip what_no_memory_holds
miri -p trine-loader --no-default-features --lib -- --skip output:: --skip map::

# The portable level, with threads. Miri has no instructions of a processor, so square roots are computed in Rust.
kernels=(-p trine-kernels --no-default-features --features "threads,libm/force-soft-floats")
miri "${kernels[@]}" --lib -- schedule:: outputs:: columns:: machine::memory chunks_cover_the_output clones_share_threads \
    items_are_visited_once every_worker_takes_part jobs_in_jobs no_worker_outlives \
    panics_reach_the_caller turns_are_in_the_order
miri "${kernels[@]}" --test small -- --skip products_of_every_packing
