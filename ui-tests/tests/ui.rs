//! Every program in `fail/` must fail to compile with the message in its `.stderr`; its twin in `pass/`, which differs
//! by the correction alone, must compile.
//!
//! Messages are those of one compiler, so they are compared on the pinned toolchain only; the test says when it does
//! not compare. What must hold on any compiler, that the mistakes do not compile, is in the `compile_fail` examples of
//! the API documentation.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The toolchain of `rust-toolchain.toml`.
const PINNED: &str = "1.95.0";

fn cases(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind);
    let mut found = Vec::new();
    for relation in root.read_dir().expect("a folder of cases") {
        let relation = relation.expect("a readable folder").path();
        for case in relation.read_dir().expect("a folder for each relation") {
            let case = case.expect("a readable case").path();
            if case.extension().is_some_and(|extension| extension == "rs") {
                found.push(case.strip_prefix(&root).expect("below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_mistake_has_a_correction() {
    let fail = cases("fail");
    assert!(fail.len() >= 15, "only {} cases found", fail.len());
    assert_eq!(fail, cases("pass"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for case in fail {
        let lines = |kind: &str| {
            let text = std::fs::read_to_string(root.join(kind).join(&case)).expect("a case");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let (wrong, right) = (lines("fail"), lines("pass"));
        let changed = wrong.iter().zip(&right).filter(|(wrong, right)| wrong != right).count();
        assert!(wrong.len() == right.len() && changed == 1, "{}: the twin differs by more than the fix", case.display());
        assert!(wrong.len() < 25, "{}: too long to read at a glance", case.display());
    }
}

#[test]
fn mistakes_have_their_messages_and_corrections_compile() {
    let rustc = Command::new("rustc").arg("--version").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&rustc.stdout);
    let tests = trybuild::TestCases::new();
    tests.pass("pass/*/*.rs");
    if version.split_whitespace().nth(1) == Some(PINNED) {
        tests.compile_fail("fail/*/*.rs");
    } else {
        eprintln!("messages are not compared: they are those of rustc {PINNED}, and this is {}", version.trim());
    }
}
