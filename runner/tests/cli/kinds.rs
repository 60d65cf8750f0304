//! Files that are none, and lists that are as long as a file says: neither is waited for, nor do they decide how much
//! memory is taken.
#![cfg(unix)]

use super::{CHECKPOINT, STORIES, command, failure, path_text, trine, with_metadata};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trine::loader::Value;

/// A pipe that nobody writes to.
fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The output of the binary, which has little time.
#[track_caller]
fn at_once(arguments: &[&str]) -> Output {
    let mut child = command(arguments).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("{arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_pipe_is_none_of_the_files_of_a_directory() {
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        let folder = TempDir::new().unwrap();
        for entry in std::fs::read_dir(CHECKPOINT).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let path = folder.path().join(name);
        std::fs::remove_file(&path).unwrap();
        pipe(&path);
        let error = failure(&at_once(&["check", path_text(folder.path())]), 1);
        assert!(error.contains(name) && error.contains("found a pipe"), "{error}");
    }
}

#[test]
fn a_pipe_is_no_policy_no_model_and_no_text() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    pipe(&path);
    let path = path_text(&path);
    let lines = [
        &["logits", STORIES, "--ids", "1", "--policy", path][..],
        &["check", path],
        &["run", STORIES, "--file", path],
        &["perplexity", STORIES, path],
    ];
    for line in lines {
        let error = failure(&at_once(line), 1);
        assert!(error.contains(path) && error.contains("expected a regular file, found a pipe"), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_never_ends_is_no_description() {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("config.json")).unwrap();
    std::fs::copy(Path::new(CHECKPOINT).join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let error = failure(&at_once(&["check", path_text(folder.path())]), 1);
    assert!(error.contains("config.json: expected a regular file"), "{error}");
}

#[test]
fn a_number_of_parts_is_no_amount_of_memory() {
    let folder = TempDir::new().unwrap();
    for count in [2_000_000, u32::MAX] {
        let changes = [("split.count", Value::from(count)), ("split.no", Value::from(0u32))];
        let path = folder.path().join(format!("m-00001-of-{count:05}.gguf"));
        std::fs::rename(with_metadata(&folder, &changes), &path).unwrap();
        let line = r#"ulimit -v 2000000; exec "$0" check "$1""#;
        let output = Command::new("sh").args(["-c", line, env!("CARGO_BIN_EXE_trine"), path_text(&path)]).output();
        let error = failure(&output.unwrap(), 1);
        assert!(error.contains(&format!("m-00002-of-{count}.gguf: cannot open it")), "{error}");
    }
}

#[test]
fn a_missing_text_is_named() {
    let error = failure(&trine(&["run", STORIES, "--file", "no/such/text"]), 1);
    assert!(error.contains("no/such/text: cannot open it"), "{error}");
}
