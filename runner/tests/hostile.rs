//! `trine check` refuses every file of the hostile corpus with exit code 1 and one line that names the file and what is
//! wrong; the undamaged file passes.

#[path = "../../tests/hostile/corpus.rs"]
mod corpus;

use std::path::Path;
use std::process::{Command, Output};

fn check(path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trine")).arg("check").arg(path).output().expect("the program runs")
}

/// What is wrong with the refusal of `path`, if anything is.
fn fault(path: &Path, says: &[String]) -> Option<String> {
    let output = check(path);
    let message = String::from_utf8_lossy(&output.stderr);
    let expected = format!("error: {}: ", path.display());
    if output.status.code() != Some(1) {
        return Some(format!("exit code {:?}: {message}", output.status.code()));
    }
    if !message.starts_with(&expected) || message.trim_end().contains('\n') {
        return Some(format!("not one line that begins with the file: {message}"));
    }
    let unsaid = says.iter().find(|part| !message.contains(part.as_str()))?;
    Some(format!("expected {unsaid:?} in: {message}"))
}

#[test]
fn every_damaged_file_is_refused_with_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.gguf");
    let cases = corpus::cases();
    assert!(cases.len() > 60, "only {} cases", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        std::fs::write(&path, case.file()).expect("a file");
        faults.extend(fault(&path, &case.says).map(|fault| format!("{}: {fault}", case.name)));
    }
    assert!(faults.is_empty(), "{} of {} files:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn the_undamaged_file_passes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/stories-i2_s.gguf");
    let output = check(&path);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
