//! One mistake: the program, the compiler's message, the correction.
//!
//! What belongs here: the files of a case and their form. What does not: the page's layout.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines that every program has and that say nothing about the mistake.
const FRAME: [&str; 3] = ["#![allow(unused)]", "use trine::{kernels::*, model::*, ops::*, shapes::*};", "fn main() {}"];

/// A program with one mistake, and its twin without.
#[derive(Debug)]
pub struct Case {
    /// Its folder: the relation that the mistake breaks, such as `norm`.
    pub relation: String,
    /// Its file name without extension: the mistake.
    pub name: String,
    /// The mistake in a sentence: the first line of the program.
    pub mistake: String,
    /// What is right instead, in a sentence: the first line of the twin.
    pub remedy: String,
    /// The program without the lines that all programs have.
    pub code: String,
    /// The wrong line.
    pub wrong: String,
    /// The line that the twin has instead.
    pub right: String,
    /// What the compiler says.
    pub message: String,
}

/// The folder of this package, where the cases are.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Relative paths of the programs in `kind`, which is `fail` or `pass`, sorted.
///
/// # Panics
/// If a folder cannot be read.
pub fn programs(kind: &str) -> Vec<PathBuf> {
    let root = root().join(kind);
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

/// All cases, sorted by relation and name.
///
/// # Panics
/// If a case does not have the form that [`Case::read`] wants.
pub fn cases() -> Vec<Case> {
    programs("fail").iter().map(|path| Case::read(path)).collect()
}

impl Case {
    /// Reads the case whose program is `fail/<path>`.
    ///
    /// # Panics
    /// If one of its three files is missing, the program or its twin does not begin with a sentence, or the twin does
    /// not differ by exactly one line besides that sentence.
    pub fn read(path: &Path) -> Case {
        let read = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let wrong = read(root().join("fail").join(path));
        let right = read(root().join("pass").join(path));
        let message = read(root().join("fail").join(path).with_extension("stderr"));
        let sentence = |text: &str| {
            let first = text.lines().next().and_then(|line| line.strip_prefix("//! "));
            first.unwrap_or_else(|| panic!("{}: no sentence in the first line", path.display())).to_owned()
        };
        let (mistake, remedy) = (sentence(&wrong), sentence(&right));
        let same_length = wrong.lines().count() == right.lines().count();
        let changed: Vec<_> =
            wrong.lines().zip(right.lines()).skip(1).filter(|(wrong, right)| wrong != right).collect();
        let [(wrong_line, right_line)] = changed[..] else {
            panic!("{}: the twin differs by more or less than one line", path.display())
        };
        assert!(same_length, "{}: the twin differs by more than one line", path.display());
        let body: Vec<_> = wrong.lines().skip(1).filter(|line| !FRAME.contains(line)).collect();
        Case {
            relation: path.parent().expect("a relation").display().to_string(),
            name: path.file_stem().expect("a name").display().to_string(),
            mistake,
            remedy,
            code: body.join("\n").trim().to_owned(),
            wrong: wrong_line.to_owned(),
            right: right_line.to_owned(),
            message,
        }
    }

    /// Relation and name, such as `norm/applied_twice`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.relation, self.name)
    }
}
