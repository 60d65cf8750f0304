//! Where output goes that is a file, and what signals leave of it. What becomes of links, pipes and devices in detail
//! is shown by the tests of the library.
#![cfg(unix)]

use super::{STORIES, errors, failure, long_story, long_story_by, path_text, trine};
use std::fs::read_dir;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Runs a line of the shell in which `$0` is the binary.
fn shell(line: &str, arguments: &[&str]) -> Output {
    Command::new("sh").args(["-c", line, env!("CARGO_BIN_EXE_trine")]).args(arguments).output().unwrap()
}

fn kill(signal: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

/// Whether this process ignores a signal, and so what it starts.
fn ignores(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (number - 1)) != 0)
}

#[test]
fn standard_output_has_names_too() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("stdout");
    symlink("/proc/self/fd/1", &link).unwrap();
    if !link.exists() {
        eprintln!("not tested: this system has no names for open files");
        return;
    }
    let arguments = ["logits", STORIES, "--ids", "1,2"];
    let logits = trine(&arguments).stdout;
    assert_eq!(logits.len(), 2 * 2048 * 4);
    assert_eq!(trine(&[&arguments[..], &["--out", path_text(&link)]].concat()).stdout, logits);
    // A file that a shell has opened is appended to.
    let file = folder.path().join("file");
    std::fs::write(&file, "before").unwrap();
    let line = format!(r#""$0" logits "$1" --ids 1,2 --out "$2" >> '{}'"#, path_text(&file));
    assert!(shell(&line, &[STORIES, path_text(&link)]).status.success());
    assert_eq!(std::fs::read(&file).unwrap(), [b"before", &logits[..]].concat());
}

/// Where a file can have no more than a kilobyte, as on a disk that is full.
#[test]
fn a_file_that_does_not_fit_is_not_there_and_leaves_what_was() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    let commands: [&[&str]; 4] = [
        &["logits", STORIES, "--ids", "1,2", "--out"],
        &["check", STORIES, "--trace", "--svg"],
        &["convert", STORIES, "--to", "tq2_0"],
        &["synth"],
    ];
    for command in commands {
        let arguments = [command, &[path_text(&file)]].concat();
        for before in [None, Some("what was there")] {
            before.iter().for_each(|text| std::fs::write(&file, text).unwrap());
            let output = shell(r#"trap '' XFSZ; ulimit -f 1; "$0" "$@" > /dev/null"#, &arguments);
            let error = failure(&output, 1);
            assert!(error.contains(path_text(&file)) && error.contains("too large"), "{arguments:?}: {error}");
            let found = read_dir(folder.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
            let expected = before.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
            assert_eq!(found.collect::<Vec<_>>(), expected, "{arguments:?}");
        }
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_standard_output_that_takes_nothing_is_an_error() {
    let output = shell(r#""$0" run "$1" -n 4 1< "$1""#, &[STORIES]);
    let error = failure(&output, 1);
    assert!(error.contains("standard output"), "{error}");
}

#[test]
fn a_closed_standard_output_is_an_error_and_a_null_device_is_none() {
    let folder = TempDir::new().unwrap();
    let made = path_text(&folder.path().join("made.gguf")).to_owned();
    let commands =
        [r#""$0" run "$1" -n 4"#, r#""$0" inspect "$1""#, r#""$0" convert "$1" "$2" --to tq2_0"#, r#""$0" --help"#];
    for command in commands {
        for closed in [">&-", "<&- >&-"] {
            let error = failure(&shell(&format!("{command} {closed}"), &[STORIES, &made]), 1);
            assert!(error.contains("standard output") && error.contains("closed"), "{command}: {error}");
            assert_eq!(read_dir(folder.path()).unwrap().count(), 0);
        }
    }
    // As shells and systemd, Python's `DEVNULL` and daemons open it.
    let null = [">/dev/null", "1<>/dev/null", "0<>/dev/null 1>&0 2>&1", "<&- >/dev/null", "2>&- >/dev/null"];
    for opened in null {
        let output = shell(&format!("{} {opened}", commands[0]), &[STORIES]);
        assert_eq!(output.status.code(), Some(0), "{opened}: {}", errors(&output));
    }
}

#[test]
fn a_path_without_the_name_of_a_file_is_refused_before_any_work() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/");
    for command in [&["synth"][..], &["convert", "--to", "tq2_0", "no-such-model.gguf"]] {
        let error = failure(&trine(&[command, &[path_text(&path)]].concat()), 1);
        assert!(error.contains("new/: cannot write it: expected a path that ends with the name of a file"), "{error}");
    }
    let error = failure(&trine(&["logits", STORIES, "--ids", "1", "--out", path_text(&path)]), 1);
    assert!(error.contains("new/: cannot write it: expected a path that ends with the name of a file"), "{error}");
    assert_eq!(read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_becomes_too_long_is_named_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("logits.bin");
    let line = r#"ulimit -f 4; exec "$0" logits "$1" --ids 1,2,3 --out "$2""#;
    let error = failure(&shell(line, &[STORIES, path_text(&file)]), 1);
    assert!(error.contains("logits.bin: cannot write it") && error.contains("too large"), "{error}");
    assert_eq!(read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn signals_end_a_story_cleanly() {
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        if ignores(number) {
            eprintln!("not tested: SIG{signal} is ignored by whoever started this test");
            continue;
        }
        let folder = TempDir::new().unwrap();
        let (child, _) = long_story(&folder);
        kill(signal, child.id());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(128 + number as i32), "{}", errors(&output));
        assert!(output.stdout.ends_with(b"\n"));
        assert!(errors(&output).lines().last().unwrap().contains("tokens/s"), "the statistics are printed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_the_caller_has_ignored_stays_so() {
    if ignores(15) {
        eprintln!("not tested: SIGTERM is ignored by whoever started this test");
        return;
    }
    let folder = TempDir::new().unwrap();
    // As `nohup` does it.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap "" HUP; exec "$0" "$@""#, env!("CARGO_BIN_EXE_trine")]);
    let (mut child, _) = long_story_by(shell, &folder);
    kill("HUP", child.id());
    // More than what the pipe may hold by then: the story goes on.
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 500]).unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    kill("TERM", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(128 + 15));
}
