//! Every program in `fail/` must fail to compile with the message in its `.stderr`; its twin in `pass/`, which differs
//! by the correction alone, compiles in `corrections.rs`.
//!
//! Messages are those of one compiler, so they are compared on the pinned toolchain only; the test says when it does
//! not compare. What must hold on any compiler, that the mistakes do not compile, is in the `compile_fail` examples of
//! the API documentation.

use std::process::Command;
use trine_ui_tests::case::{Case, programs, root};

/// The toolchain of `rust-toolchain.toml`.
const PINNED: &str = "1.95.0";

#[test]
fn every_mistake_has_a_correction() {
    let fail = programs("fail");
    assert!(fail.len() >= 209, "only {} cases found", fail.len());
    assert_eq!(fail, programs("pass"));
    for path in fail {
        let case = Case::read(&path);
        assert_ne!(case.mistake, case.remedy, "{}: mistake and correction have one sentence", case.path());
        let program = std::fs::read_to_string(root().join("fail").join(&path)).expect("a program");
        assert!(program.lines().count() < 25, "{}: too long to read at a glance", case.path());
        let right = std::fs::read_to_string(root().join("pass").join(&path)).expect("a program");
        let bounds = right.lines().any(|line| line.trim_start().starts_with("where"));
        assert!(!bounds && !right.contains("::<"), "{}: a right program needs `where` or `::<`", case.path());
    }
}

#[test]
fn mistakes_have_their_messages() {
    let rustc = Command::new("rustc").arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&rustc.stdout);
    if version.split_whitespace().nth(1) == Some(PINNED) {
        // Where trybuild has no program to run it checks programs and does not build what they depend on.
        trybuild::TestCases::new().compile_fail("fail/*/*.rs");
    } else {
        eprintln!("messages are not compared: they are those of rustc {PINNED}, and this is {}", version.trim());
    }
}
