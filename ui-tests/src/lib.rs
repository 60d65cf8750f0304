//! Programs with one mistake each and their corrections; the test is in `tests/ui.rs`, the cases in `fail/` and `pass/`.
#![forbid(unsafe_code)]
