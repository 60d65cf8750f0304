//! `trine batch`: each row once and the same bytes, whatever is killed; exit codes.

use super::{errors, failure, text, trine};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const FIELDS: [&str; 4] = ["--field", "max_tokens=40", "--field", "temperature=1"];

/// Shards of prompts.
fn shards(folder: &Path, count: usize, rows: usize) {
    fs::create_dir(folder).unwrap();
    for shard in 0..count {
        let row = |row| format!("{{\"id\": \"{shard}/{row}\", \"prompt\": \"The {row} fox\"}}\n");
        fs::write(folder.join(format!("part-{shard}.jsonl")), (0..rows).map(row).collect::<String>()).unwrap();
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn every_row_is_there_once_whatever_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (input, alone, raced) = (folder.path().join("in"), folder.path().join("alone"), folder.path().join("raced"));
    shards(&input, 5, 20);
    let arguments = |output: &Path| {
        let paths = [input.to_str().unwrap(), output.to_str().unwrap()].map(str::to_owned);
        [vec!["-q".to_owned(), "batch".to_owned()], paths.to_vec(), FIELDS.map(str::to_owned).to_vec()].concat()
    };
    let words = arguments(&alone);
    let told = text(&trine(&words.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(told.lines().count(), 5);
    assert!(told.lines().all(|path| Path::new(path).is_file()));
    let expected = files(&alone);
    let rows: usize = expected.iter().map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count()).sum();
    assert_eq!(rows, 100);
    // Two processes on the same shards, killed after ever longer times, until they end by themselves.
    for round in 1.. {
        let start = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
            command.args(arguments(&raced)).args(["--threads", "1"]).stdout(Stdio::null()).spawn().unwrap()
        };
        let mut workers = [start(), start()];
        std::thread::sleep(Duration::from_millis(150 * round));
        let mut ended = 0;
        for worker in &mut workers {
            ended += usize::from(worker.try_wait().unwrap().is_some_and(|status| status.success()));
            // SIGKILL: nothing is cleaned up.
            let _ = worker.kill();
            worker.wait().unwrap();
        }
        if raced.is_dir() {
            for (name, bytes) in
                files(&raced).iter().filter(|(name, _)| name.extension().is_some_and(|it| it == "jsonl"))
            {
                let same = expected.iter().find(|(other, _)| other == name).map(|(_, bytes)| bytes);
                assert!(same == Some(bytes), "{} is not what one process makes", name.display());
            }
        }
        if ended == 2 {
            break;
        }
    }
    assert_eq!(files(&raced), expected);
}

#[test]
fn what_is_wrong_with_a_batch_has_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (input, output, empty) = (path("in.jsonl"), path("out"), path("empty"));
    fs::create_dir(&empty).unwrap();
    fs::write(&input, "{\"id\": 1, \"prompt\": \"a\"}\n{\"id\": 2, \"prompt\": 2}\n").unwrap();
    assert!(failure(&trine(&["-q", "batch", &path("none"), &output]), 1).contains("none"));
    assert!(failure(&trine(&["-q", "batch", &empty, &output]), 1).contains("expected shards"));
    assert!(failure(&trine(&["-q", "batch", &input, &output, "--field", "colour=red"]), 2).contains("`colour`"));
    assert!(failure(&trine(&["-q", "batch", &input, &output, "--field", "seed"]), 2).contains("NAME=VALUE"));
    assert!(
        failure(&trine(&["-q", "batch", &input, &output, "--field", "seed=1", "--field", "seed=2"]), 2)
            .contains("twice")
    );
    // A row that cannot be has its error, and the others their texts.
    let told = trine(&["batch", &input, &output, "--field", "max_tokens=3"]);
    assert!(told.status.code() == Some(1) && errors(&told).contains("1 rows have an error"), "{}", errors(&told));
    let made = fs::read_to_string(String::from_utf8(told.stdout).unwrap().trim_end()).unwrap();
    let lines: Vec<&str> = made.lines().collect();
    assert!(lines[0].starts_with("{\"id\":1,\"text\":") && lines[1].starts_with("{\"id\":2,\"error\":{\"code\":"));
}
