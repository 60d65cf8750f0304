//! Lists the corrections as modules of `tests/corrections.rs`: one crate of all of them is compiled in the time that a
//! few programs take.

use std::path::Path;
use std::{env, fs};

fn main() {
    let pass = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is")).join("pass");
    println!("cargo::rerun-if-changed={}", pass.display());
    let mut modules = String::new();
    for chapter in entries(&pass) {
        for program in entries(&chapter) {
            let stem = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
            modules += &format!("#[path = {program:?}]\nmod {}_{};\n", stem(&chapter), stem(&program));
        }
    }
    let out = env::var("OUT_DIR").expect("cargo says where output goes");
    fs::write(Path::new(&out).join("corrections.rs"), modules).expect("the output directory can be written to");
}

/// What is in a directory, in order.
fn entries(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of programs");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
