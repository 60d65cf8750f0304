//! `trine chat` on a terminal: keys, commands, dimmed thoughts, wrapped words, and how it ends.
#![cfg(target_os = "linux")]

use super::conversation::{PLAIN, endless};
use super::path_text;
use super::pseudo_terminal::Terminal;
use super::rig::Rig;
use super::thoughts::{BY_PROMPT, thinking};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const UP: &str = "\u{1b}[A";
const LEFT: &str = "\u{1b}[D";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_U: &str = "\u{15}";

/// A terminal with a conversation of answers that are `bcd`.
fn talking(folder: &TempDir) -> Terminal {
    let history = folder.path().join("history");
    let mut rig = endless(PLAIN);
    rig.positions = 512;
    let model = rig.write(folder);
    let options = ["--greedy", "-n", "3", "--history", path_text(&history)];
    let mut terminal = Terminal::start(80, &[&["chat", path_text(&model)], &options[..]].concat());
    terminal.wait_for("`/help` lists");
    terminal.wait_for("> ");
    terminal
}

/// The messages of the user in a file.
fn questions(path: &Path) -> Vec<String> {
    let saved: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let messages = saved["messages"].as_array().unwrap();
    let users = messages.iter().filter(|message| message["role"] == "user");
    users.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

fn save(terminal: &mut Terminal, folder: &TempDir) -> PathBuf {
    let path = folder.path().join("talk.json");
    terminal.send(&format!("/save {}\r", path.display()));
    terminal.wait_for(" answer");
    terminal.wait_for("> ");
    path
}

#[test]
fn lines_are_edited_repeated_pasted_and_go_on() {
    let folder = TempDir::new().unwrap();
    let mut terminal = talking(&folder);
    let say = |terminal: &mut Terminal, keys: &str| {
        terminal.send(keys);
        terminal.wait_for("\r\nbcd\r\n");
        terminal.wait_for("> ");
    };
    say(&mut terminal, &format!("hno{LEFT}{LEFT}\u{7f}i{LEFT}\r"));
    say(&mut terminal, &format!("{UP}hi\r"));
    say(&mut terminal, "\u{1b}[200~hi\n\n  /exit\nno\u{1b}[201~\r");
    say(&mut terminal, "\"\"\"\rhi\rno\"\"\"\r");
    say(&mut terminal, "//exit\r");
    // The last message is opened for editing, with its slash written as it must be.
    terminal.send("/edit\r");
    terminal.wait_for("> //exit");
    say(&mut terminal, "hi\r");
    let path = save(&mut terminal, &folder);
    assert_eq!(questions(&path), ["ino", "inohi", "hi\n\n  /exit\nno", "hi\nno", "/exithi"]);
    terminal.send("/exit\r");
    let (code, rest) = terminal.end();
    assert_eq!(code, Some(0), "{rest}");
}

#[test]
fn what_was_written_is_known_to_the_next_conversation() {
    let folder = TempDir::new().unwrap();
    let say = |terminal: &mut Terminal, keys: &str| {
        terminal.send(keys);
        terminal.wait_for("\r\nbcd\r\n");
        terminal.wait_for("> ");
    };
    let mut first = talking(&folder);
    say(&mut first, "hi\r");
    say(&mut first, "\"\"\"no\rhi\"\"\"\r");
    first.send(CTRL_D);
    assert_eq!(first.end().0, Some(0));
    let mut second = talking(&folder);
    say(&mut second, &format!("{UP}\r"));
    // Two keys go through the lines of the last message.
    say(&mut second, &format!("{UP}{UP}{UP}\r"));
    assert_eq!(questions(&save(&mut second, &folder)), ["no\nhi", "hi"]);
    second.send(CTRL_D);
    assert_eq!(second.end().0, Some(0));
}

#[test]
fn commands_are_completed_and_wrong_ones_stay_here() {
    let folder = TempDir::new().unwrap();
    let mut terminal = talking(&folder);
    terminal.send("/he\t\r");
    terminal.wait_for("changes a setting");
    terminal.wait_for("> ");
    terminal.send("/set temp\t0.5\r");
    terminal.wait_for("> ");
    terminal.send("/set\r");
    let listed = terminal.wait_for("whether the speed");
    assert!(listed.contains("temperature         0.5 "), "{listed}");
    terminal.wait_for("> ");
    terminal.send("/helo\r");
    terminal.wait_for("note: /helo: expected a command");
    terminal.wait_for("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end().0, Some(0), "a person has seen what was wrong");
}

#[test]
fn ctrl_c_drops_a_line_and_twice_ends_the_conversation() {
    let folder = TempDir::new().unwrap();
    let mut terminal = talking(&folder);
    terminal.send(&format!("hi{CTRL_C}"));
    terminal.wait_for("Ctrl-C once more");
    terminal.wait_for("> ");
    terminal.send("no\r");
    terminal.wait_for("\r\nbcd\r\n");
    terminal.wait_for("> ");
    assert_eq!(questions(&save(&mut terminal, &folder)), ["no"]);
    terminal.send(CTRL_C);
    terminal.wait_for("Ctrl-C once more");
    terminal.wait_for("> ");
    terminal.send(CTRL_C);
    assert_eq!(terminal.end().0, Some(130));
}

/// A signal ends the process while the terminal is as the editor needs it, and leaves it as it was.
#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let folder = TempDir::new().unwrap();
    let model = endless(PLAIN).write(&folder);
    let mut terminal = Terminal::start(80, &["chat", path_text(&model)]);
    let before = terminal.modes();
    terminal.wait_for("> ");
    let editing = terminal.modes();
    assert_ne!(before.local_modes, editing.local_modes, "keys arrive one by one");
    kill_process(Pid::from_child(&terminal.child), Signal::TERM).unwrap();
    terminal.wait_for("\u{1b}[?2004l");
    terminal.child.wait().unwrap();
    assert_eq!(terminal.modes().local_modes, before.local_modes);
    assert_eq!(terminal.end().0, Some(143));
}

#[test]
fn a_terminal_dims_thoughts_and_has_no_tags() {
    let folder = TempDir::new().unwrap();
    let model = thinking(&folder, BY_PROMPT);
    let mut terminal = Terminal::start(80, &["chat", path_text(&model), "--greedy"]);
    terminal.wait_for("> ");
    terminal.send("hi\r");
    terminal.wait_for("\r\n\u{1b}[2mhm\u{1b}[0m\r\n\r\nyes\r\n");
    terminal.wait_for("> ");
    terminal.send(&format!("{CTRL_U}/set thoughts hide\r"));
    terminal.wait_for("> ");
    terminal.send("hi\r");
    terminal.wait_for("\u{1b}[2mthinking ...\u{1b}[0m\r\u{1b}[Kyes\r\n");
    terminal.wait_for("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end().0, Some(0));
    // A terminal without styles has the tags.
    let mut terminal = Terminal::start_as("dumb", 80, &["run", path_text(&model), "hi", "--greedy"]);
    terminal.wait_for("<think>hm</think>\r\n\r\nyes\r\n");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_bar_shows_how_far_a_long_prompt_is_read() {
    let folder = TempDir::new().unwrap();
    let mut rig = endless(PLAIN);
    rig.positions = 2048;
    let (model, prompt) = (rig.write(&folder), "hino".repeat(400));
    let mut terminal = Terminal::start(80, &["run", path_text(&model), &prompt, "--greedy", "-n", "3"]);
    terminal.wait_for("reading the prompt");
    // Nothing of the bar is left on the line of the answer.
    terminal.wait_for("\r\u{1b}[2Kbcd\r\n");
    assert_eq!(terminal.end().0, Some(0));
    // A single batch has no bar.
    let terminal = Terminal::start(80, &["run", path_text(&model), "hi", "--greedy", "-n", "3"]);
    let (code, shown) = terminal.end();
    assert!(code == Some(0) && shown.contains("bcd") && !shown.contains("reading"), "{shown}");
}

#[test]
fn words_are_wrapped_at_the_edge_of_the_terminal() {
    let folder = TempDir::new().unwrap();
    let mut rig = Rig::bytes("ahino");
    rig.positions = 64;
    let words = ["one", " two", " th", "ree", " four", " five", "\u{1b}"];
    words.iter().for_each(|word| rig.word(word));
    let end = rig.control("<end>");
    rig.eos = Some(end);
    rig.follow(&["a", "one", " two", " th", "ree", " four", " five", "\u{1b}", "<end>"]);
    // Answers are not in this vocabulary but as the words that they are made of.
    let asked = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}a";
    rig.template = Some(asked.to_owned());
    let model = rig.write(&folder);
    let mut terminal = Terminal::start(12, &["chat", path_text(&model), "--greedy", "-q"]);
    terminal.wait_for("> ");
    terminal.send("hi\r");
    terminal.wait_for("\r\none two\r\nthree four\r\nfive\\u001b\r\n");
    terminal.wait_for("> ");
    terminal.send("/set wrap off\r");
    terminal.wait_for("> ");
    terminal.send("hi\r");
    terminal.wait_for("\r\none two three four five\\u001b\r\n");
    terminal.wait_for("> ");
    terminal.send(CTRL_D);
    assert_eq!(terminal.end().0, Some(0));
}
