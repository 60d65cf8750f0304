# Formatting, lints and documentation, with warnings as errors.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, versions and advisories of the crates that are used.
deny:
    tools/deny.sh

# Every test that needs Rust alone.
test:
    cargo test --workspace

# The compile-fail gallery alone.
ui:
    cargo test -p trine-ui-tests

# Writes the compiler's messages and the gallery page anew; read the difference before committing it.
bless:
    TRYBUILD=overwrite cargo test -p trine-ui-tests --test ui messages
    cargo run -p trine-ui-tests --example gallery

# Undefined behaviour, in an interpreter.
miri:
    tools/miri.sh

# The tests of the kernels and of whole models on other CPUs, under QEMU.
cpus:
    tools/cpus/test.sh

# A binary for each target, with checksums, in target/dist.
dist:
    tools/dist.sh

# Kernel benchmarks.
bench:
    cargo bench -p trine-kernels
    cargo bench -p trine-ops

# The documentation, opened in a browser.
docs:
    cargo doc --workspace --no-deps --open
