//! Thoughts of models that think, in pipes and files; what a terminal gets is in `editing.rs`.

use super::rig::Rig;
use super::{path_text, text, trine, trine_reading};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// A model that thinks `hm` and then answers `yes`: it begins the thought behind an `a`, or goes on with it behind the
/// prompt's `<think>` and a line break.
pub fn thinking(folder: &TempDir, template: &str) -> PathBuf {
    let mut rig = Rig::bytes("ahinopk<t/>\nm");
    rig.positions = 128;
    for word in ["<think>", "hm", "</think>", "\n\nyes", "x"] {
        rig.word(word);
    }
    let end = rig.control("<end>");
    rig.eos = Some(end);
    rig.follow(&["a", "<think>", "hm", "</think>", "\n\nyes", "<end>"]);
    rig.follow(&["\n", "hm"]);
    rig.template = Some(template.to_owned());
    rig.write(folder)
}

/// A template that shows if a thought comes back.
const BY_MODEL: &str = "{% for m in messages %}{% if 'hm' in m.content %}{{ raise_exception('a thought') }}{% endif %}\
                        {% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}a";
/// What was asked, and the beginning of a thought.
pub const BY_PROMPT: &str = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}\
                             {{ 'a<think>\n' }}";

#[test]
fn a_pipe_gets_thoughts_between_tags() {
    for template in [BY_MODEL, BY_PROMPT] {
        let folder = TempDir::new().unwrap();
        let model = thinking(&folder, template);
        let file = folder.path().join("talk.json");
        let lines = format!("hi\nno\n/save {}\n", file.display());
        let chat = |more: &[&str]| {
            let arguments = [&["chat", path_text(&model), "--greedy"], more].concat();
            text(&trine_reading(lines.as_bytes(), &arguments))
        };
        assert_eq!(chat(&[]), "<think>hm</think>\n\nyes\n".repeat(2), "{template}");
        let saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let answer = json!({ "role": "assistant", "content": "yes", "reasoning_content": "hm" });
        assert_eq!((&saved["messages"][1], &saved["messages"][3]), (&answer, &answer));
        assert_eq!(chat(&["--thoughts", "hide"]), "yes\n".repeat(2), "{template}");
        let run = text(&trine(&["run", path_text(&model), "hi", "--greedy"]));
        assert_eq!(run, "<think>hm</think>\n\nyes\n");
        let document = text(&trine(&["run", path_text(&model), "hi", "--greedy", "--json"]));
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!((&document["thought"], &document["answer"]), (&json!("hm"), &json!("yes")), "{template}");
    }
}

#[test]
fn a_thought_that_is_cut_has_no_end() {
    let folder = TempDir::new().unwrap();
    let model = thinking(&folder, BY_PROMPT);
    let cut = |tokens: &str| text(&trine(&["run", path_text(&model), "hi", "--greedy", "-n", tokens]));
    assert_eq!((cut("1"), cut("2")), ("<think>hm\n".to_owned(), "<think>hm</think>\n".to_owned()));
    // A text that is continued has no thoughts, whatever tags there are in it.
    let continued = text(&trine(&["run", path_text(&model), "a", "--greedy", "--complete"]));
    assert_eq!(continued, "a<think>hm</think>\n\nyes\n");
}
