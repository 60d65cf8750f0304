//! Writes the gallery page, `ui-tests/README.md`, from the cases.
#![forbid(unsafe_code)]

use trine_ui_tests::{case::root, page::page};

fn main() -> std::io::Result<()> {
    std::fs::write(root().join("README.md"), page())
}
