//! Text that steers a terminal: it is shown there, and passed on as it is in a pipe.
#![cfg(target_os = "linux")]

use super::rig::Rig;
use super::{command, path_text, trine};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;
use tempfile::TempDir;

/// What a terminal gets from the binary. It ends lines with `\r\n`.
fn on_a_terminal(arguments: &[&str]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let program = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut child = command(arguments).stdout(Stdio::from(program)).spawn().unwrap();
    let mut seen = Vec::new();
    // The last one who has the other end open is gone: an error on Linux.
    let _ = File::from(terminal).read_to_end(&mut seen);
    assert!(child.wait().unwrap().success());
    String::from_utf8(seen).unwrap()
}

#[test]
fn a_terminal_shows_what_a_pipe_passes_on() {
    let folder = TempDir::new().unwrap();
    let mut rig = Rig::bytes("ab[2J\u{1b}\u{8}\t");
    rig.follow(&["a", "\u{1b}", "[", "2", "J", "\u{8}", "\t", "b", "a"]);
    let model = rig.write(&folder);
    let arguments = ["run", path_text(&model), "-p", "a", "-n", "7", "--greedy", "--raw"];
    assert_eq!(trine(&arguments).stdout, b"a\x1b[2J\x08\tb\n");
    assert_eq!(on_a_terminal(&arguments), "a\\u001b[2J\\u0008\tb\r\n");
    assert_eq!(on_a_terminal(&[&arguments[..], &["--raw-terminal"]].concat()), "a\x1b[2J\x08\tb\r\n");
}
