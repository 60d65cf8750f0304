//! The gallery page is current, and the messages on it are short and plain.

use trine_ui_tests::case::{cases, root};
use trine_ui_tests::page::page;

/// The one message that may be long: two files without names are told apart by lifetimes.
const LONG: &str = "model/two_files_mixed";

#[test]
fn the_page_is_current() {
    let written = std::fs::read_to_string(root().join("README.md")).expect("the gallery page");
    assert!(
        written == page(),
        "ui-tests/README.md is not what the cases say; `just bless` writes it anew \
         (or `cargo run -p trine-ui-tests --example gallery` for the page alone)"
    );
}

#[test]
fn messages_are_short_and_plain() {
    // Numbers as types, lists of other types, macro internals, and sources that are not on every machine.
    let unwanted = ["UInt<", "UTerm", "other types implement", "generic_array", "$RUST"];
    for case in cases() {
        let lines = case.message.lines().count();
        assert!(lines <= 20 || case.path() == LONG, "{}: a message of {lines} lines", case.path());
        for unwanted in unwanted {
            assert!(!case.message.contains(unwanted), "{}: the message has `{unwanted}`", case.path());
        }
    }
}
