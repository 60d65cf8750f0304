//! `trine chat`, and what it has in common with `trine run`: where an answer begins and ends, and what is refused.

use super::rig::Rig;
use super::{STORIES, errors, failure, path_text, text, trine, trine_reading, with_chat_template};
#[cfg(target_os = "linux")]
use std::process::Command;
use tempfile::TempDir;

#[test]
fn a_conversation_goes_on_until_it_is_reset() {
    let folder = TempDir::new().unwrap();
    let model = with_chat_template(&folder);
    let chat = |lines: &str| {
        let arguments = ["chat", path_text(&model), "-n", "8", "--greedy", "--ignore-eos", "--system", "Be brief"];
        text(&trine_reading(lines.as_bytes(), &arguments))
    };
    let (first, second) = (chat("Hello\n"), chat("Why\n"));
    assert!(!first.is_empty() && !second.is_empty());
    assert_eq!(chat("Hello\n/reset\nWhy\n"), format!("{first}{second}"));
    assert_eq!(chat("Hello\n/exit\nWhy\n"), first);
    let both = chat("Hello\nWhy\n");
    assert!(both.starts_with(&first), "{both}");
    assert_ne!(both, format!("{first}{second}"), "the second answer knows what was said before");
}

/// The stack that a template runs on is in proportion to its length.
#[cfg(target_os = "linux")]
#[test]
fn a_short_template_takes_little_address_space() {
    let folder = TempDir::new().unwrap();
    let model = with_chat_template(&folder);
    let line = r#"ulimit -v 600000; exec "$0" run "$1" -p Hello -n 2 --greedy --threads 1"#;
    let output =
        Command::new("sh").args(["-c", line, env!("CARGO_BIN_EXE_trine"), path_text(&model)]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
}

#[test]
fn a_conversation_needs_a_template() {
    let error = failure(&trine_reading(b"Hello\n", &["chat", STORIES]), 1);
    assert!(error.contains("stories-i2_s.gguf") && error.contains("tokenizer.chat_template"), "{error}");
}

/// A model that goes on with `b`, `c`, `d`, `b` and so on behind an `a`, and has 32 positions.
pub fn endless(template: &str) -> Rig {
    endless_of("abcdhinoext/ \n", template)
}

/// The same with these characters, of which four are those.
pub fn endless_of(characters: &str, template: &str) -> Rig {
    let mut rig = Rig::bytes(characters);
    rig.template = Some(template.to_owned());
    rig.follow(&["a", "b", "c", "d", "b"]);
    rig
}

/// Messages one behind the other, and an `a`.
pub const PLAIN: &str = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}a{% endif %}";

#[test]
fn a_context_that_cuts_an_answer_is_noted() {
    let (folder, rig) = (TempDir::new().unwrap(), endless(PLAIN));
    let model = rig.write(&folder);
    let note = "note: the text was cut: all 32 positions of the context are used";
    let answered = trine_reading(b"hi\n", &["chat", path_text(&model), "--greedy"]);
    assert_eq!(text(&answered), format!("{}\n", "bcd".repeat(10)));
    assert_eq!(errors(&answered).trim_end(), note);
    let run = trine(&["run", path_text(&model), "-p", "hi", "--greedy"]);
    assert_eq!(text(&run), text(&answered));
    assert!(errors(&run).starts_with(note), "{}", errors(&run));
    // The next message has room again, as the turn before it is dropped.
    let answered = trine_reading(b"hi\nhi\n/reset\nhi\n", &["chat", path_text(&model), "--greedy"]);
    assert_eq!(text(&answered), format!("{0}\n{0}\n{0}\n", "bcd".repeat(10)));
    let dropped = "note: the context of 32 positions is full: the oldest turn is dropped";
    assert_eq!(errors(&answered).lines().collect::<Vec<_>>(), [note, dropped, note, note]);
}

#[test]
fn a_message_that_the_template_refuses_is_left_out() {
    let refusing = PLAIN.replace(
        "{{ m.content }}",
        "{% if m.content == 'no' %}{{ raise_exception('not that') }}{% endif %}{{ m.content }}",
    );
    let (folder, rig) = (TempDir::new().unwrap(), endless(&refusing));
    let model = rig.write(&folder);
    let answered = trine_reading(b"no\nhi\n", &["chat", path_text(&model), "--greedy", "-n", "3"]);
    assert_eq!((answered.status.code(), &*answered.stdout), (Some(1), &b"bcd\n"[..]), "one message has no answer");
    let notes = errors(&answered);
    let told: Vec<&str> = notes.lines().collect();
    assert!(told[0].starts_with("error: ") && told[0].contains("not that"), "{notes}");
    assert_eq!(told[1..], ["note: the answer was cut after 3 tokens: `/set tokens COUNT` allows for more"]);
    failure(&trine(&["run", path_text(&model), "-p", "no", "--greedy"]), 1);
}

#[test]
fn a_prompt_beyond_the_context_is_refused_before_anything_is_printed() {
    let (folder, mut rig) = (TempDir::new().unwrap(), endless(PLAIN));
    rig.template = None;
    let model = rig.write(&folder);
    let prompt = "a".repeat(33);
    let error = failure(&trine(&["run", path_text(&model), "-p", &prompt]), 1);
    assert!(error.contains("33 tokens") && error.contains("32 positions") && !error.contains("--context"), "{error}");
    let error = failure(&trine(&["run", path_text(&model), "-p", &prompt[..9], "--context", "8"]), 1);
    assert!(error.contains("give --context up to 32"), "{error}");
    // What fills the context has one more token, which needs no position.
    let full = trine(&["run", path_text(&model), "-p", &prompt[..32], "--greedy"]);
    assert_eq!(text(&full), format!("{}b\n", &prompt[..32]));
}

#[test]
fn an_answer_of_sentencepiece_does_not_begin_with_the_space_of_its_first_token() {
    let folder = TempDir::new().unwrap();
    let mut rig = Rig::sentencepiece(&["\u{2581}", "a", "b", "c", "x", "\u{2581}a", "\u{2581}b"]);
    let end = rig.control("<end>");
    rig.eos = Some(end);
    rig.follow(&["x", "\u{2581}b", "c", "<end>"]);
    rig.template = Some("{% for m in messages %}{{ m.content }}{% endfor %}x".to_owned());
    let model = rig.write(&folder);
    assert_eq!(text(&trine(&["run", path_text(&model), "-p", "a", "--greedy"])), "bc\n");
    let continued = text(&trine(&["run", path_text(&model), "-p", "x", "--greedy", "--complete"]));
    assert_eq!(continued, "x bc\n", "what is continued keeps it");
    assert_eq!(text(&trine_reading(b"a\na\n", &["chat", path_text(&model), "--greedy"])), "bc\nbc\n");
    // The second prompt has the first answer: this template refuses one that begins with a space.
    let refusing = "{% for m in messages %}{% if m.content[0] == ' ' %}{{ raise_exception('a space') }}{% endif %}\
                    {{ m.content }}{% endfor %}x";
    rig.template = Some(refusing.to_owned());
    let model = rig.write(&folder);
    let answered = trine_reading(b"a\na\n", &["chat", path_text(&model), "--greedy"]);
    assert_eq!((text(&answered), errors(&answered)), ("bc\nbc\n".to_owned(), String::new()));
}

#[test]
fn texts_of_control_tokens_end_a_generation() {
    let folder = TempDir::new().unwrap();
    let mut rig = Rig::bytes("abcd<halt>|");
    rig.control("<|halt|>");
    rig.control("<|more|>");
    rig.follow(&["a", "b", "c", "<|halt|>", "<|more|>", "d", "a"]);
    let model = rig.write(&folder);
    let stopped = |stop: &str| {
        text(&trine(&["run", path_text(&model), "-p", "a", "-n", "7", "--greedy", "--raw", "--stop", stop]))
    };
    for (stop, story) in [
        ("<|halt|>", "abc\n"),
        ("c<|halt|>", "ab\n"),
        ("<|halt|><|more|>", "abc\n"),
        ("<|more|>d", "abc\n"),
        ("bc<|halt|><|more|>da", "a\n"),
        ("cd", "ab\n"),
        ("<|more|>c", "abcdab\n"),
    ] {
        assert_eq!(stopped(stop), story, "{stop}");
    }
}
