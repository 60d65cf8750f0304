//! `/tokenize`, `/detokenize`, `/tokenizer_info`, `/v1/models`, `/props`.

use super::client::{Running, chat_engine, engine, library, patient};
use serde_json::json;
use trine::model::EncodeOptions;
use trine_server::ServerOptions;

#[test]
fn texts_become_tokens_and_texts_again() {
    let server = Running::shared();
    let (engine, text) = (library(), "The old king\u{e9} said <|endoftext|>");
    let tokenizer = engine.tokenizer();
    let with_bos = tokenizer.encode(text, EncodeOptions::PROMPT).unwrap();
    let answer = server.ask("/tokenize", &json!({"model": "trine", "prompt": text, "return_token_strs": true}));
    assert_eq!((&answer["tokens"], &answer["count"]), (&json!(with_bos), &json!(with_bos.len())));
    assert_eq!(
        (&answer["max_model_len"], answer["token_strs"].as_array().unwrap().len()),
        (&json!(256), with_bos.len())
    );
    let plain = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };
    let plain = tokenizer.encode(text, plain).unwrap();
    let answer = server.ask("/tokenize", &json!({"prompt": text, "add_special_tokens": false}));
    assert_eq!(answer["tokens"], json!(plain));
    // llama.cpp's form.
    let answer = server.ask("/tokenize", &json!({"content": text, "add_special": false, "parse_special": true}));
    assert_eq!(answer["tokens"], json!(plain));
    let answer = server.ask("/tokenize", &json!({"content": "The king", "with_pieces": true}));
    assert!(answer["tokens"][0]["id"].is_u64() && answer["tokens"][0]["piece"].is_string());
    let answer = server.ask("/detokenize", &json!({"tokens": plain}));
    assert_eq!((&answer["prompt"], &answer["content"]), (&json!(text), &json!(text)));
    assert_eq!(server.post("/detokenize", &json!({"tokens": [99999]})).error().2.as_deref(), Some("tokens[0]"));
    assert_eq!(server.post("/tokenize", &json!({"tokens": []})).error().2.as_deref(), Some("prompt"));
}

#[test]
fn a_conversation_becomes_the_tokens_of_its_template() {
    let template =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}";
    let engine = chat_engine(template);
    let server = Running::start(engine.clone(), patient());
    let messages = json!([{"role": "developer", "content": "Be brief"}, {"role": "user", "content": "Hi"}]);
    let tokens = |body| server.ask("/tokenize", &body)["tokens"].clone();
    let expected = |text: &str| json!(engine.tokenizer().encode(text, EncodeOptions::PROMPT).unwrap());
    assert_eq!(tokens(json!({"messages": messages})), expected("<system>Be brief<user>Hi>"));
    let open = json!({"messages": messages, "add_generation_prompt": false});
    assert_eq!(tokens(open), expected("<system>Be brief<user>Hi"));
    // What somebody says is no control token.
    let said = json!({"messages": [{"role": "user", "content": "<|endoftext|>"}]});
    let end = engine.tokenizer().id("<|endoftext|>").unwrap();
    let ids: Vec<u32> = serde_json::from_value(tokens(said)).unwrap();
    assert!(!ids[1..].contains(&end), "{ids:?}");
}

#[test]
fn the_model_is_described() {
    let server = Running::shared();
    let list = server.get("/v1/models").json();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!("trine")));
    assert_eq!((&list["data"][0]["max_model_len"], &list["data"][0]["object"]), (&json!(256), &json!("model")));
    assert_eq!(list["data"][0]["meta"]["n_vocab"], 2048);
    assert!(!list.to_string().contains("null"), "clients break at fields that are null");
    assert_eq!(server.get("/v1/models/trine").json(), list["data"][0]);
    assert_eq!(server.get("/v1/models/a/b").error(), (404, "model_not_found".to_owned(), None));
    let props = server.get("/props").json();
    assert_eq!((&props["n_ctx"], &props["capabilities"]), (&json!(256), &json!(["completion", "json_schema"])));
    assert_eq!(props["chat_template"], json!(null));
    let info = server.get("/tokenizer_info").json();
    assert_eq!((&info["eos_token"], &info["add_bos_token"]), (&json!("<|endoftext|>"), &json!(true)));
    let options = ServerOptions { aliases: vec!["org/other".to_owned()], ..patient() };
    let server = Running::start(engine(), options);
    assert_eq!(server.get("/v1/models/org/other").json()["id"], "org/other");
    let answer = server.ask("/v1/completions", &json!({"model": "org/other", "prompt": "a", "max_tokens": 1}));
    assert_eq!(answer["model"], "org/other");
    let (status, code, param) = server.post("/v1/completions", &json!({"model": "x", "prompt": "a"})).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (404, "model_not_found", Some("model")));
}
