//! `trine check` refuses every file and every directory of the hostile corpus with exit code 1 and a line for each
//! problem that names the file and what is wrong; undamaged ones pass.

#[path = "../../tests/hostile/corpus.rs"]
mod corpus;
#[path = "../../tests/hostile/directories/mod.rs"]
mod directories;

use std::path::Path;
use std::process::{Command, Output};

fn check(path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trine")).arg("check").arg(path).output().expect("the program runs")
}

/// What is wrong with the refusal of `path`, if anything is.
fn fault(path: &Path, says: &[&str]) -> Option<String> {
    let output = check(path);
    let message = String::from_utf8_lossy(&output.stderr);
    let expected = format!("error: {}", path.display());
    if output.status.code() != Some(1) {
        return Some(format!("exit code {:?}: {message}", output.status.code()));
    }
    if message.is_empty() || !message.lines().all(|line| line.starts_with(&expected)) {
        return Some(format!("not lines that begin with the file: {message}"));
    }
    let unsaid = says.iter().find(|part| !message.contains(**part))?;
    Some(format!("expected {unsaid:?} in: {message}"))
}

#[test]
fn every_damaged_file_is_refused_with_clear_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.gguf");
    let cases = corpus::cases();
    assert!(cases.len() > 60, "only {} cases", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        std::fs::write(&path, case.file()).expect("a file");
        let says: Vec<&str> = case.says.iter().map(String::as_str).collect();
        faults.extend(fault(&path, &says).map(|fault| format!("{}: {fault}", case.name)));
    }
    assert!(faults.is_empty(), "{} of {} files:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn every_damaged_directory_is_refused_with_clear_lines() {
    let cases = directories::cases();
    assert!(cases.len() > 60, "only {} cases", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        let folder = tempfile::tempdir().expect("a folder");
        case.write(folder.path());
        faults.extend(fault(folder.path(), &[case.says]).map(|fault| format!("{}: {fault}", case.name)));
    }
    assert!(faults.is_empty(), "{} of {} directories:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn the_undamaged_file_passes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/stories-i2_s.gguf");
    let output = check(&path);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
