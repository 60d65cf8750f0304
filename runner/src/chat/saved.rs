//! Conversations in files: written whole or not at all, and checked when they are read. The form is described in
//! `docs/cli.md`.

use super::conversation::{Answer, Conversation, Turn};
use crate::input;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;
use trine::loader::{OneLine, write_output};

/// What says that a file is one of these.
const FORMAT: &str = "trine conversation";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    model: String,
    messages: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: String,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
}

impl Entry {
    fn new(role: &str, content: &str) -> Entry {
        Entry { role: role.to_owned(), content: content.to_owned(), reasoning_content: None }
    }
}

/// Writes a conversation with `model`; a message without an answer is left out.
///
/// # Errors
/// The file cannot be written; what was there before stays then.
pub fn save(path: &Path, conversation: &Conversation, model: &str) -> Result<()> {
    let mut messages: Vec<Entry> = conversation.system.iter().map(|text| Entry::new("system", text)).collect();
    for turn in &conversation.turns {
        let Some(answer) = &turn.answer else { continue };
        let reasoning_content = Some(answer.thought.clone()).filter(|thought| !thought.is_empty());
        messages.push(Entry::new("user", &turn.message));
        messages.push(Entry { reasoning_content, ..Entry::new("assistant", &answer.text) });
    }
    let document = Document { format: FORMAT.to_owned(), version: VERSION, model: model.to_owned(), messages };
    let write = |out: &mut io::BufWriter<&std::fs::File>| -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    };
    write_output(path, write).with_context(|| format!("{}: cannot write it", path.display()))
}

/// Reads a conversation, and with which model it was held.
///
/// # Errors
/// The file cannot be read, or is not what [`save`] writes.
pub fn load(path: &Path) -> Result<(Conversation, String)> {
    let name = path.display();
    let document: Document = serde_json::from_str(&input::read_text(path)?)
        .with_context(|| format!("{name}: expected a conversation that `/save` wrote"))?;
    if (document.format.as_str(), document.version) != (FORMAT, VERSION) {
        bail!(
            "{name}: expected `format` \"{FORMAT}\" and `version` {VERSION}, found \"{}\" and {}",
            OneLine(&document.format),
            document.version
        );
    }
    let conversation = conversation(document.messages).with_context(|| name.to_string())?;
    Ok((conversation, document.model))
}

/// The turns of some messages: a system message or none, then a user's and an assistant's in turns.
fn conversation(messages: Vec<Entry>) -> Result<Conversation> {
    let mut conversation = Conversation::default();
    for (index, Entry { role, content, reasoning_content }) in messages.into_iter().enumerate() {
        let unanswered = conversation.turns.last_mut().filter(|turn| turn.answer.is_none());
        match (role.as_str(), unanswered) {
            ("system", _) if index == 0 => conversation.system = Some(content),
            ("user", None) => conversation.turns.push(Turn { message: content, answer: None }),
            ("assistant", Some(turn)) => {
                turn.answer = Some(Answer { text: content, thought: reasoning_content.unwrap_or_default() });
                continue;
            }
            (_, turn) => {
                let expected = if turn.is_some() { "assistant" } else { "user" };
                bail!("message {index}: expected the role \"{expected}\", found \"{}\"", OneLine(&role));
            }
        }
        if reasoning_content.is_some() {
            bail!("message {index}: expected `reasoning_content` in messages of the role \"assistant\" alone");
        }
    }
    match conversation.turns.last() {
        Some(Turn { answer: None, .. }) => bail!("expected an answer behind the last message, found none"),
        _ => Ok(conversation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::with_causes;
    use tempfile::TempDir;

    fn turn(message: &str, text: &str, thought: &str) -> Turn {
        let answer = Answer { text: text.to_owned(), thought: thought.to_owned() };
        Turn { message: message.to_owned(), answer: Some(answer) }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("talk.json");
        for system in [None, Some("Be \"brief\"\n".to_owned())] {
            let mut conversation = Conversation::new(system);
            for count in 0..3 {
                save(&path, &conversation, "m.gguf").unwrap();
                assert_eq!(load(&path).unwrap(), (conversation.clone(), "m.gguf".to_owned()));
                let thought = if count == 1 { "hm,\n\u{1b}" } else { "" };
                conversation.turns.push(turn("why é?", "so <think>", thought));
            }
            // All of it is written, also what the model is not told, and what has an answer.
            let answered = conversation.clone();
            conversation.drop_turn();
            conversation.turns.push(Turn { message: "and".to_owned(), answer: None });
            save(&path, &conversation, "m.gguf").unwrap();
            assert_eq!(load(&path).unwrap().0, answered);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let folder = TempDir::new().unwrap();
        let error = save(&folder.path().join("no/such/talk.json"), &Conversation::default(), "m").unwrap_err();
        assert!(with_causes(&error).contains("talk.json: cannot write it"), "{error:#}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_conversation_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("talk.json");
        let problem = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let problem = with_causes(&load(&path).unwrap_err());
            assert!(problem.contains("talk.json: ") && !problem.contains('\n'), "{problem}");
            problem
        };
        let of = |messages: &str| {
            format!(r#"{{"format": "trine conversation", "version": 1, "model": "m", "messages": [{messages}]}}"#)
        };
        let (user, assistant) = (r#"{"role": "user", "content": "a"}"#, r#"{"role": "assistant", "content": "b"}"#);
        let system = r#"{"role": "system", "content": "c"}"#;
        std::fs::write(&path, of(&[system, user, assistant].join(","))).unwrap();
        assert_eq!(load(&path).unwrap().0.turns, [turn("a", "b", "")]);
        for text in ["", "{", "[]", "{}", "null", &of("{}"), &of(r#"{"role": "user"}"#)] {
            assert!(problem(text).contains("expected a conversation that `/save` wrote"), "{text}");
        }
        assert!(problem(&of(r#"{"role": "user", "content": "a", "name": "b"}"#)).contains("`name`"));
        assert!(problem(&of(user).replace(": 1", ": 2")).contains("found \"trine conversation\" and 2"));
        assert!(problem(&of(user).replace("trine", "other")).contains("found \"other conversation\""));
        assert!(problem(&of(user)).contains("expected an answer behind the last message"));
        assert!(problem(&of(assistant)).contains("message 0: expected the role \"user\", found \"assistant\""));
        assert!(problem(&of(&[user, user].join(","))).contains("message 1: expected the role \"assistant\""));
        assert!(problem(&of(&[user, assistant, system].join(","))).contains("message 2: expected the role \"user\""));
        assert!(problem(&of(r#"{"role": "to\nol", "content": "a"}"#)).contains("found \"to\\nol\""));
        let thinking = r#"{"role": "user", "content": "a", "reasoning_content": "b"}"#;
        assert!(problem(&of(thinking)).contains("message 0: expected `reasoning_content`"));
    }
}
