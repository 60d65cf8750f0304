//! Chat templates against Jinja2, which other programs run them with. The fixtures are written by
//! `tools/chat/make_reference.py`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use trine_model::{ChatTemplate, Message};

#[test]
fn same_text_as_jinja2() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat");
    let expected: Value = serde_json::from_slice(&fs::read(fixtures.join("expected.json")).unwrap()).unwrap();
    let cases = expected["cases"].as_array().unwrap();
    assert!(cases.len() >= 50);
    for case in cases {
        let template = case["template"].as_str().unwrap();
        let source = fs::read_to_string(fixtures.join(template)).unwrap();
        let messages = case["messages"].as_array().unwrap();
        let messages = messages.iter().map(|m| Message::new(m[0].as_str().unwrap(), m[1].as_str().unwrap()));
        let messages: Vec<Message> = messages.collect();
        let rendered = ChatTemplate::new(&source, "<s>", "</s>")
            .unwrap_or_else(|error| panic!("{template}: {error}"))
            .render(&messages, case["prompt"].as_bool().unwrap());
        match (rendered, case["text"].as_str()) {
            (Ok(text), Some(expected)) => assert_eq!(text, expected, "{template} {messages:?}"),
            (Err(error), None) => {
                let reason = case["text"]["error"].as_str().unwrap();
                assert!(error.to_string().contains(reason), "{template}: {error}, expected {reason}");
            }
            (rendered, expected) => panic!("{template} {messages:?}: {rendered:?}, Jinja2: {expected:?}"),
        }
    }
}
