//! The ten rules of the server, one test for each: what holds for every request, whoever else asks. Wrong values of
//! fields, the first rule, are in `malformed.rs`.

use super::client::{Running, cpu, engine, events_of, library, patient};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::time::Duration;
use trine::model::{Engine, EngineOptions};
use trine_server::ServerOptions;

const PATH: &str = "/v1/completions";

/// An engine of its own, with memory for one text.
fn small_engine() -> Engine {
    let one = NonZeroUsize::new(1).unwrap();
    let options = EngineOptions { cpu: Some(cpu()), sequences: one, ..EngineOptions::default() };
    Engine::of_source(&trine::embedded_model().unwrap(), options).unwrap()
}

#[test]
fn rule_1_a_wrong_field_is_named_and_has_no_default() {
    let (status, code, param) = Running::shared().post(PATH, &json!({"prompt": "a", "temperature": "hot"})).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (400, "invalid_type", Some("temperature")));
    let (status, code, param) = Running::shared().post(PATH, &json!({"prompt": "a", "temperature": -1})).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (400, "invalid_value", Some("temperature")));
}

#[test]
fn rule_2_unknown_fields_are_told() {
    let server = Running::shared();
    let body = json!({"prompt": "a", "max_tokens": 1, "user": "me", "store": true, "metadata": {"a": 1}, "\u{e4}": 1});
    let response = server.post(PATH, &body);
    assert_eq!((response.status, response.headers["x-trine-ignored"].as_str()), (200, "user, store, metadata, ?"));
    assert!(!server.post(PATH, &json!({"prompt": "a"})).headers.contains_key("x-trine-ignored"));
}

#[test]
fn rule_3_what_is_known_and_cannot_be_is_refused() {
    for (field, value) in [("best_of", json!(2)), ("suffix", json!("end")), ("skip_special_tokens", json!(false))] {
        let mut body = json!({"prompt": "a"});
        body[field] = value;
        let (status, code, param) = Running::shared().post(PATH, &body).error();
        assert_eq!((status, code.as_str(), param.as_deref()), (400, "unsupported_parameter", Some(field)));
    }
}

#[test]
fn rule_4_what_can_be_refused_is_refused_before_the_first_byte() {
    let server = Running::shared();
    for wrong in [
        json!({"prompt": vec![5; 300], "stream": true}),
        json!({"prompt": "a", "stream": true, "n": 0}),
        json!({"prompt": "a", "stream": true, "model": "other"}),
        json!({"prompt": "a", "stream": true, "logit_bias": {"-1": 1}}),
    ] {
        let response = server.post(PATH, &wrong);
        assert!([400, 404].contains(&response.status), "{wrong}");
        assert_eq!(response.headers["content-type"], "application/json");
    }
}

#[test]
fn rule_5_no_request_changes_or_ends_another() {
    let server = Running::start(engine(), patient());
    let body = json!({"prompt": "The king had a", "seed": 11, "max_tokens": 60, "temperature": 1, "logprobs": 3});
    let alone = server.ask(PATH, &body);
    let together: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|at| {
                let (server, body) = (&server, &body);
                scope.spawn(move || {
                    // A neighbour that goes away, one that is refused, one that fails when its tokens are excluded.
                    let gone = json!({"prompt": format!("A dog {at}"), "max_tokens": 200, "stream": true});
                    let mut connection = server.connect();
                    let headers = [("content-type", "application/json")];
                    connection.write_request("POST", PATH, &headers, gone.to_string().as_bytes());
                    connection.head();
                    server.post(PATH, &json!({"prompt": vec![7; 400]})).error();
                    let excluded = json!({"prompt": "a", "allowed_token_ids": [9], "logit_bias": {"9": -100}});
                    assert_eq!(server.post(PATH, &excluded).status, 400);
                    drop(connection);
                    server.ask(PATH, body)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for answer in together {
        assert_eq!(answer["choices"], alone["choices"]);
    }
    server.wait_for("trine_cancelled_total{phase=\"running\"}", |count| count > 0.0);
    server.wait_for("trine_kv_positions{state=\"active\"}", |count| count == 0.0);
    assert_eq!(server.metric("trine_kv_pages_elsewhere"), 0.0, "no page is lost");
}

#[test]
fn rule_6_no_text_of_a_model_is_an_error() {
    let server = Running::shared();
    // Whatever tokens come, at the highest temperature, controls and bytes of broken characters among them.
    for seed in 0..20 {
        let body = json!({"prompt": "a", "seed": seed, "temperature": 100, "top_k": 0, "top_p": 1, "min_p": 0,
                          "max_tokens": 60, "ignore_eos": true, "logprobs": 2});
        assert!(server.ask(PATH, &body)["choices"][0]["text"].is_string());
    }
}

/// Tokens of single bytes, which together are the characters of a text.
fn byte_tokens(text: &str) -> Vec<u32> {
    let tokenizer = library().tokenizer().clone();
    let byte_of = |id: u32| {
        let mut bytes = Vec::new();
        tokenizer.decode_into(id, false, &mut bytes).unwrap();
        (bytes.len() == 1).then(|| bytes[0])
    };
    let find = |byte: u8| (0..tokenizer.len() as u32).find(|id| byte_of(*id) == Some(byte)).unwrap();
    text.bytes().map(find).collect()
}

#[test]
fn rule_7_every_event_is_whole_characters() {
    let server = Running::shared();
    let bytes = byte_tokens("\u{e9}\u{1f600}");
    // Echoed bytes of whole characters are text; such bytes as the only ones that may follow are not cut in events.
    let echo = server.ask(PATH, &json!({"prompt": bytes, "echo": true, "max_tokens": 0}));
    assert_eq!(echo["choices"][0]["text"], "\u{e9}\u{1f600}");
    for seed in 0..8 {
        let mut body = json!({"prompt": "a", "seed": seed, "temperature": 2, "top_k": 0, "min_p": 0, "max_tokens": 40,
                              "allowed_token_ids": bytes, "logprobs": 1});
        let whole = server.ask(PATH, &body)["choices"][0].clone();
        body["stream"] = json!(true);
        let events = server.events(PATH, &body);
        let text: String = events.iter().map(|event| event["choices"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(whole["text"], text);
        let names: Vec<String> = serde_json::from_value(whole["logprobs"]["tokens"].clone()).unwrap();
        assert!(names.iter().all(|name| name.starts_with("bytes:\\x") && name.len() == 10), "{names:?}");
    }
}

#[test]
fn rule_8_a_seed_repeats_a_text_whatever_is_in_the_cache() {
    let server = Running::start(engine(), patient());
    let body = json!({"prompt": "Once upon a time there was a", "seed": 42, "max_tokens": 50, "temperature": 1,
                      "logprobs": 5, "echo": true});
    let cold = server.ask(PATH, &body);
    for neighbour in ["Once upon a time there was a king", "Once upon", "The"] {
        server.ask(PATH, &json!({"prompt": neighbour, "max_tokens": 30, "seed": 1}));
        assert_eq!(server.ask(PATH, &body)["choices"], cold["choices"]);
    }
    let mut plain = body.clone();
    plain.as_object_mut().unwrap().remove("logprobs");
    let text = &server.ask(PATH, &plain)["choices"][0]["text"];
    assert_eq!(text, &cold["choices"][0]["text"]);
    assert!(cold["system_fingerprint"].as_str().unwrap().starts_with("trine-"));
    let other = Running::start(engine(), ServerOptions { max_sequences: NonZeroUsize::MIN, ..patient() });
    assert_eq!(other.ask(PATH, &body)["choices"], cold["choices"]);
    assert_eq!(other.ask(PATH, &body)["system_fingerprint"], cold["system_fingerprint"]);
}

#[test]
fn rule_9_there_is_an_end_to_what_is_taken() {
    let options = ServerOptions { max_sequences: NonZeroUsize::MIN, max_queue: 2, ..patient() };
    let server = Running::start(small_engine(), options);
    let long = json!({"prompt": "a", "max_tokens": 250, "ignore_eos": true, "stream": true});
    let headers = [("content-type", "application/json")];
    let mut taken: Vec<_> = (0..3)
        .map(|_| {
            let mut connection = server.connect();
            connection.write_request("POST", PATH, &headers, long.to_string().as_bytes());
            assert_eq!(connection.head().0, 200);
            connection
        })
        .collect();
    // One runs or has just ended and two wait, so that of two more at least one is refused.
    let refused = server.post(PATH, &json!({"prompt": "a", "n": 4, "max_tokens": 250}));
    assert_eq!(refused.error(), (429, "queue_full".to_owned(), None));
    let seconds: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=60).contains(&seconds) && refused.headers.contains_key("retry-after-ms"));
    for connection in &mut taken {
        let mut text = Vec::new();
        while let Some(chunk) = connection.chunk() {
            text.extend(chunk);
        }
        assert!(events_of(&String::from_utf8(text).unwrap()).len() > 100, "those that were taken come to their end");
    }
    assert!(server.metric("trine_rejected_total{reason=\"queue_full\"}") >= 1.0);
    let too_large = json!({"prompt": "a ".repeat(3 << 20)});
    assert_eq!(server.post(PATH, &too_large).error().1, "request_too_large");
}

#[test]
fn rule_10_health_and_metrics_do_not_wait_for_the_model() {
    let server = Running::start(engine(), ServerOptions { step_time: Duration::from_secs(1), ..patient() });
    let body = json!({"prompt": ["a", "b", "c", "d"], "n": 4, "max_tokens": 200, "ignore_eos": true, "stream": true});
    let mut connection = server.connect();
    connection.write_request("POST", PATH, &[("content-type", "application/json")], body.to_string().as_bytes());
    connection.head();
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/version", "/v1/models"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    // The stream has not ended meanwhile.
    assert!(connection.chunk().is_some());
}
