//! `/v1/embeddings` of an embedding model, in both forms, and what is refused of it and of such a model.

use super::client::{Running, cpu, patient};
use serde_json::{Value, json};
use trine::model::{Engine, EngineOptions};
use trine::ops::Pooling;
use trine_server::{Batch, BatchError, Server};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/embeddings/qwen3-i2_s.gguf");

fn engine() -> Engine {
    Engine::open(MODEL, EngineOptions { cpu: Some(cpu()), ..EngineOptions::default() }).expect("an embedding model")
}

fn row(value: &Value) -> Vec<f32> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number") as f32).collect()
}

#[test]
fn rows_are_those_of_the_engine_in_either_form() {
    let engine = engine();
    let texts = ["a text", "another one"];
    let prompts = texts.map(|text| engine.embedding_prompt(text).expect("a text"));
    let expected = engine.embed(&prompts, Pooling::Last, &mut |_| true).expect("embeddings");
    let server = Running::start(engine, patient());
    let list = server.ask("/v1/embeddings", &json!({ "input": texts, "dimensions": 128 }));
    let tokens: usize = prompts.iter().map(|prompt| prompt.ids().len()).sum();
    assert_eq!((&list["object"], &list["usage"]["prompt_tokens"]), (&"list".into(), &tokens.into()));
    for (index, expected) in expected.iter().enumerate() {
        let data = &list["data"][index];
        assert_eq!((&data["object"], &data["index"]), (&"embedding".into(), &index.into()));
        assert!(row(&data["embedding"]) == *expected, "text {index}");
    }
    let ids: Vec<_> = prompts.iter().map(|prompt| prompt.ids()).collect();
    let by_ids = server.ask("/v1/embeddings", &json!({ "input": ids }));
    assert_eq!(by_ids["data"], list["data"]);
    let one = server.ask("/v1/embeddings", &json!({ "input": texts[0], "encoding_format": "base64" }));
    // Four characters for three bytes, with padding.
    let text = one["data"][0]["embedding"].as_str().expect("text");
    assert_eq!(text.len(), (4 * 128_usize).div_ceil(3) * 4);
    let first: Vec<u8> = text
        .bytes()
        .take(4)
        .map(|c| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        })
        .collect();
    let bytes = expected[0][0].to_le_bytes();
    assert_eq!((first[0] << 2 | first[1] >> 4, first[1] << 4 | first[2] >> 2), (bytes[0], bytes[1]));
}

#[test]
fn texts_that_have_no_row_are_refused_by_their_field() {
    let server = Running::start(engine(), patient());
    for (body, field) in [
        (json!({}), "input"),
        (json!({ "input": [] }), "input"),
        (json!({ "input": "word ".repeat(200) }), "input"),
        (json!({ "input": [9000] }), "input[0]"),
        (json!({ "input": "a", "dimensions": 64 }), "dimensions"),
        (json!({ "input": "a", "encoding_format": "hex" }), "encoding_format"),
    ] {
        let (status, _, at) = server.post("/v1/embeddings", &body).error();
        assert_eq!((status, at.as_deref()), (400, Some(field)), "{body}");
    }
}

#[test]
fn an_embedding_model_generates_no_text() {
    let server = Running::start(engine(), patient());
    for stream in [false, true] {
        let (status, code, at) = server.post("/v1/completions", &json!({ "prompt": "a", "stream": stream })).error();
        assert_eq!((status, &*code, at.as_deref()), (400, "unsupported_model", Some("model")));
    }
    let error = Batch::new(&Server::new(engine(), patient()).expect("a thread"), "{}").expect_err("no texts");
    assert!(matches!(error, BatchError::Model(_)) && error.to_string().contains("generates no text"), "{error}");
}
