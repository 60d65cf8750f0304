//! That the document has every path and every field, and nothing else.

use super::super::{ollama, routes};
use super::document;
use crate::error::ApiError;
use crate::fields::{Fields, asked};
use crate::options::SamplingDefaults;
use crate::request::{
    ChatRequest, CompletionRequest, DetokenizeRequest, EmbeddingsRequest, Limits, MessagesRequest, OllamaRequest,
    ResponsesRequest, TokenizeRequest,
};
use serde_json::Value;
use std::collections::BTreeSet;

const LIMITS: Limits = Limits { vocab: 100, context: 64, sampling: SamplingDefaults::OPENAI, has_priorities: true };

/// The paths of the fields of a schema, such as `messages[].content`.
fn paths(document: &Value, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is not there");
        return paths(document, schema, at, found);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        paths(document, field, &path, found);
        found.insert(path);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        schema[name].as_array().into_iter().flatten().for_each(|part| paths(document, part, at, found));
    }
    if !schema["items"].is_null() {
        paths(document, &schema["items"], &format!("{at}[]"), found);
    }
}

type Read = fn(&mut Fields) -> Result<(), ApiError>;

/// What reads the bodies of each path, and bodies in which every object occurs that has fields.
fn requests() -> Vec<(&'static str, Read, Vec<&'static str>)> {
    vec![
        ("/v1/completions", |fields| CompletionRequest::read(fields, &LIMITS).map(drop), COMPLETIONS.to_vec()),
        ("/v1/chat/completions", |fields| ChatRequest::read(fields, &LIMITS).map(drop), CHAT.to_vec()),
        ("/v1/responses", |fields| ResponsesRequest::read(fields, &LIMITS).map(drop), RESPONSES.to_vec()),
        ("/v1/messages", |fields| MessagesRequest::read(fields, &LIMITS, false).map(drop), MESSAGES.to_vec()),
        (
            "/v1/messages/count_tokens",
            |fields| MessagesRequest::read(fields, &LIMITS, true).map(drop),
            MESSAGES.to_vec(),
        ),
        ("/v1/embeddings", |fields| EmbeddingsRequest::read(fields, &LIMITS, 8).map(drop), vec![r#"{"input": "a"}"#]),
        ("/tokenize", |fields| TokenizeRequest::read(fields).map(drop), TOKENIZE.to_vec()),
        ("/detokenize", |fields| DetokenizeRequest::read(fields, &LIMITS).map(drop), vec![r#"{"tokens": []}"#]),
        ("/api/chat", |fields| OllamaRequest::chat(fields, &LIMITS).map(drop), OLLAMA.to_vec()),
        (
            "/api/generate",
            |fields| OllamaRequest::generate(fields, &LIMITS).map(drop),
            vec![r#"{"prompt": "a", "options": {}}"#],
        ),
    ]
}

const COMPLETIONS: [&str; 2] = [
    r#"{"prompt": "a", "stream": true, "stream_options": {}, "structured_outputs": {},
        "response_format": {"type": "json_object"}}"#,
    r#"{"prompt": "a", "response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}"#,
];

const CHAT: [&str; 2] = [
    r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"type": "refusal", "refusal": "a"}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "stream": true, "stream_options": {}, "structured_outputs": {},
        "response_format": {"type": "json_object"}}"#,
    r#"{"messages": [{"role": "user", "content": "a"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools":
            [{"type": "function", "function": {"name": "f"}}]}},
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}"#,
];

const RESPONSES: [&str; 2] = [
    r#"{"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"type": "refusal", "refusal": "a"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a",
         "output": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "a"}]},
        {"type": "reasoning", "content": [{"text": "a"}]}],
        "tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "schema": {}}}, "reasoning": {}}"#,
    r#"{"input": "a", "tools": [{"type": "function", "name": "f"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}}"#,
];

const TOKENIZE: [&str; 4] = [
    r#"{"content": "a"}"#,
    r#"{"prompt": "a"}"#,
    r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"type": "refusal", "refusal": "a"}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}}}"#,
    r#"{"messages": [{"role": "user", "content": "a"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools":
            [{"type": "function", "function": {"name": "f"}}]}}}"#,
];

const OLLAMA: [&str; 1] = [r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
    {"role": "user", "content": [{"type": "refusal", "refusal": "a"}]},
    {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}],
    "tools": [{"function": {"name": "f"}}], "options": {}}"#];

const MESSAGES: [&str; 2] = [
    r#"{"max_tokens": 1, "system": [{"type": "text", "text": "a"}], "messages": [
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "a",
     "content": [{"type": "text", "text": "a"}]}]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "a"},
     {"type": "tool_use", "id": "a", "name": "f", "input": {}}]}],
    "thinking": {"type": "enabled"}, "tools": [{"name": "f", "input_schema": {}}],
    "tool_choice": {"type": "tool", "name": "f"}, "output_config": {"format": {"type": "json_schema", "schema": {}}}}"#,
    r#"{"max_tokens": 1, "messages": [{"role": "user", "content": "a"}],
    "output_format": {"type": "json_schema", "schema": {}}}"#,
];

#[test]
fn every_field_that_is_read_is_described_and_no_other() {
    let document = document(&LIMITS, true, true);
    for (path, read, bodies) in requests() {
        let schema = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let mut described = BTreeSet::new();
        paths(&document, schema, "", &mut described);
        let of_body = |body: &&str| {
            let (read, asked) = asked(|| read(&mut Fields::of_body(body.as_bytes()).unwrap()));
            assert!(read.is_ok(), "{path}: {body}: {read:?}");
            asked
        };
        let asked: BTreeSet<String> = bodies.iter().flat_map(of_body).collect();
        let (missing, more) = (asked.difference(&described), described.difference(&asked));
        let (missing, more): (Vec<_>, Vec<_>) = (missing.collect(), more.collect());
        assert!(missing.is_empty() && more.is_empty(), "{path}: not described {missing:?}, not read {more:?}");
    }
}

#[test]
fn every_path_is_described_and_no_other() {
    let described = |has_ollama| -> BTreeSet<String> {
        document(&LIMITS, has_ollama, true)["paths"].as_object().unwrap().keys().cloned().collect()
    };
    let own: BTreeSet<String> = routes().iter().map(|(path, _)| path.replace("{*", "{")).collect();
    assert_eq!(described(false), own);
    let ollama = ollama::routes().into_iter().map(|(path, _)| path);
    assert_eq!(described(true), own.into_iter().chain(ollama).collect());
}

#[test]
fn a_document_is_that_of_its_server() {
    let with_keys = document(&LIMITS, false, true);
    let schemas = &with_keys["components"]["schemas"];
    assert_eq!((&schemas["TokenId"]["maximum"], &schemas["Positions"]["maximum"]), (&99.into(), &64.into()));
    assert!(with_keys["security"].is_array() && document(&LIMITS, false, false).get("security").is_none());
    assert_eq!(with_keys["info"]["version"], env!("CARGO_PKG_VERSION"));
}
