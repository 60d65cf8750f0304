//! Fuzz target `path`; what it does with the bytes is in `tests/hostile/fuzzed.rs`.
#![no_main]

#[allow(dead_code, reason = "each target is one of several")]
#[path = "../../tests/hostile/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::path(data));
