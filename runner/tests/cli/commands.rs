//! Commands and settings of `trine chat`, and what becomes of a conversation that is longer than the context.

use super::conversation::{PLAIN, endless, endless_of};
use super::{errors, failure, path_text, text, trine_reading};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// A model that answers `a` by `b` and `c` by `d`, with 64 positions.
fn model(folder: &TempDir) -> std::path::PathBuf {
    let mut rig = endless("{% for m in messages %}{{ m.content }}{% endfor %}");
    rig.positions = 64;
    let end = rig.control("<end>");
    rig.eos = Some(end);
    rig.follow(&["a", "b", "<end>"]);
    rig.follow(&["c", "d", "<end>"]);
    rig.write(folder)
}

fn chat(model: &Path, lines: &str, more: &[&str]) -> Output {
    trine_reading(lines.as_bytes(), &[&["chat", path_text(model), "--greedy"], more].concat())
}

fn saved(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn commands_change_what_was_said() {
    let folder = TempDir::new().unwrap();
    let model = model(&folder);
    let file = folder.path().join("talk.json");
    let say = |lines: &str| {
        let output = chat(&model, &lines.replace("FILE", path_text(&file)), &["-q"]);
        (text(&output), errors(&output))
    };
    assert_eq!(say("a\n/regen\nc\n").0, "b\nb\nd\n");
    assert_eq!(say("a\n/edit c\n").0, "b\nd\n");
    assert_eq!(say("/system hi\n/system\na\n/system -\n/system\n").1, "hi\nthere is no system message\n");
    assert_eq!(say("a\n/edit //c\n/save FILE\n").0, "b\nd\n");
    let user = |text: &str| json!({ "role": "user", "content": text });
    let assistant = |text: &str| json!({ "role": "assistant", "content": text });
    assert_eq!(saved(&file)["messages"], json!([user("/c"), assistant("d")]));
    assert_eq!(say("/load FILE\n/edit a\na\n/save\n").0, "b\nb\n");
    assert_eq!(saved(&file)["messages"], json!([user("a"), assistant("b"), user("a"), assistant("b")]));
    let output = chat(&model, "c\n/save\n", &["--load", path_text(&file), "--system", "hi"]);
    assert_eq!(text(&output), "d\n");
    assert_eq!(saved(&file)["messages"].as_array().unwrap().len(), 7);
    assert_eq!(saved(&file)["messages"][0], json!({ "role": "system", "content": "hi" }));
    let (_, told) = say("/stats\na\n/stats\n/help\n");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "there is no answer yet");
    assert!(lines[1].contains("prompt 1 tokens") && lines[1].ends_with("; 2 of 64 positions are used"), "{told}");
    assert!(
        ["/regen", "/edit TEXT", "/set NAME VALUE", "temperature"].iter().all(|part| told.contains(part)),
        "{told}"
    );
    assert_eq!(say("\"\"\"\nhi\na\n\"\"\"\n/exit\na\n").0, "b\n");
}

#[test]
fn settings_hold_from_the_next_answer_on() {
    let (folder, mut rig) = (TempDir::new().unwrap(), endless_of("abcdhino ", PLAIN));
    rig.positions = 4096;
    let model = rig.write(&folder);
    let output = chat(&model, "hi\n/set tokens 2\nhi\n/set\n/set stats on\nhi\n", &["-n", "4"]);
    assert_eq!(text(&output), "bcdb\nbc\nbc\n");
    let told = errors(&output);
    let row =
        |name: &str| told.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_default().to_owned();
    assert!(row("tokens").contains(" 2 ") && row("temperature").contains(" 0 "), "{told}");
    assert!(told.contains("cut after 4 tokens") && told.contains("cut after 2 tokens"), "{told}");
    assert_eq!(told.matches("tokens/s").count(), 2, "the last answer has its speed: {told}");
    // What is drawn with one seed is drawn again.
    let lines = "/set temperature 4\n/set min-p 0\n/set top-p 1\n/set seed 7\nhi\n/set seed 7\n/regen\n/regen\n";
    let output = chat(&model, lines, &["-n", "40"]);
    let drawn = text(&output);
    let drawn: Vec<&str> = drawn.lines().collect();
    assert!(drawn[0] == drawn[1] && drawn[1] != drawn[2], "{drawn:?}");
    for wrong in ["temperature x", "temperature -1", "top-k 1.5", "stats maybe", "no-such 3", "top-p 7"] {
        let output = chat(&model, &format!("/set {wrong}\nhi\n"), &["-n", "3"]);
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b"bcd\n"[..]), "{wrong}");
        let told = errors(&output);
        let name = wrong.split(' ').next().unwrap();
        assert!(told.starts_with(&format!("error: /set {name}")) && told.contains(": "), "{told}");
    }
}

#[test]
fn what_begins_with_a_slash_and_is_no_command_is_not_sent() {
    let folder = TempDir::new().unwrap();
    let model = model(&folder);
    for line in
        ["/hepl", "/a", "/exit now", "/load", "/load no/such/file", "/save no/such/file", "/save", "/regen", "/edit a"]
    {
        let output = chat(&model, &format!("{line}\na\n"), &[]);
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b"b\n"[..]), "{line}");
        let told = errors(&output);
        let name = line.split(' ').next().unwrap();
        assert!(told.starts_with(&format!("error: {name}: ")) && told.lines().count() == 1, "{told}");
    }
    failure(&chat(&model, "\"\"\"\na\n", &[]), 1);
    failure(&chat(&model, "", &["--load", "no/such/file"]), 1);
}

/// Whatever the length of a conversation, each question has an answer; the system message is told to the last.
#[test]
fn a_full_context_drops_the_oldest_turns_whole() {
    let folder = TempDir::new().unwrap();
    let told = "{% if messages[0].role != 'system' or messages[1].role != 'user' or messages[-1].role != 'user' %}\
                {{ raise_exception('not whole') }}{% endif %}";
    let model = endless(&[told, PLAIN].concat()).write(&folder);
    let lines = "hi\n".repeat(20);
    let output = chat(&model, &lines, &["-n", "3", "--system", "hid"]);
    assert_eq!(text(&output), "bcd\n".repeat(20));
    let told = errors(&output);
    let dropped: Vec<&str> = told.lines().filter(|line| line.contains("dropped")).collect();
    assert!(dropped.len() > 2, "{told}");
    for line in dropped {
        assert!(line.starts_with("note: the context of 32 positions is full: the oldest "), "{line}");
        assert!(line.ends_with(" dropped, the system message is kept"), "{line}");
    }
    // A message that is longer than the context alone is an error, and the next one has an answer.
    let long = format!("hi\n{}\nhi\n", "hi".repeat(40));
    let output = chat(&model, &long, &["-n", "3", "--system", "hid"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b"bcd\nbcd\n"[..]));
    assert!(errors(&output).contains("error: the prompt has 84 tokens, but the context has 32 positions"));
}

#[test]
fn a_pipe_ends_where_nothing_may_be_dropped() {
    let folder = TempDir::new().unwrap();
    let model = endless(PLAIN).write(&folder);
    let output = chat(&model, &"hi\n".repeat(20), &["-n", "3", "--on-full", "stop"]);
    let answers = String::from_utf8(output.stdout.clone()).unwrap();
    let count = answers.lines().count();
    assert!(answers == "bcd\n".repeat(count) && (4..8).contains(&count), "{answers}");
    assert_eq!(output.status.code(), Some(1));
    let last = errors(&output).lines().last().unwrap().to_owned();
    assert!(last.starts_with("error: the conversation has ") && last.contains("`--on-full drop`"), "{last}");
}
