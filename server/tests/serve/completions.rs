//! `POST /v1/completions`: its fields, against the library that is asked directly.

use super::client::{Running, library};
use serde_json::{Value, json};
use trine::model::{GenerateOptions, LogitsRequest, SamplerChain, SamplerOptions};

const PATH: &str = "/v1/completions";

/// The logits behind each token of a sequence of its own.
fn logits(ids: &[u32]) -> Vec<Vec<f32>> {
    let engine = library();
    let mut sequence = engine.sequence();
    let mut proceed = || std::ops::ControlFlow::Continue(());
    let mut of = |id: &u32| {
        let token = engine.prompt_of_ids(&[*id]).unwrap();
        sequence.feed(&token, LogitsRequest::All, &mut proceed).unwrap().unwrap().into_dense()
    };
    ids.iter().map(&mut of).collect()
}

/// `ln p(id)`, as the definition of softmax says it.
fn logprob(logits: &[f32], id: u32) -> f64 {
    let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
    f64::from(logits[id as usize]) - total.ln()
}

/// The text that the library generates.
fn text_of_library(prompt: &str, options: SamplerOptions, max_tokens: usize) -> String {
    let engine = library();
    let prompt = engine.prompt(prompt).unwrap();
    let sampler = SamplerChain::new(options).unwrap();
    let options = GenerateOptions { max_tokens, ..GenerateOptions::default() };
    engine.sequence().generate_with(&prompt, sampler, options).map(|piece| piece.unwrap().text).collect()
}

#[test]
fn a_text_is_that_of_the_library() {
    let server = Running::shared();
    let body = json!({"model": "trine", "prompt": "Once upon a time", "max_tokens": 24, "seed": 7, "temperature": 0.8,
                      "top_k": 40, "top_p": 0.95, "min_p": 0.05});
    let answer = server.ask(PATH, &body);
    let options = SamplerOptions { seed: 7, ..SamplerOptions::default() };
    let choice = &answer["choices"][0];
    assert_eq!(choice["text"], text_of_library("Once upon a time", options, 24));
    assert_eq!(
        (&choice["index"], &choice["finish_reason"], &choice["logprobs"]),
        (&json!(0), &json!("length"), &Value::Null)
    );
    assert_eq!((&answer["object"], &answer["model"]), (&json!("text_completion"), &json!("trine")));
    assert!(answer["id"].as_str().unwrap().starts_with("cmpl-") && answer["created"].is_u64());
    let prompt = library().prompt("Once upon a time").unwrap().ids().len();
    assert_eq!(answer["usage"]["prompt_tokens"], prompt);
    assert_eq!(answer["usage"]["completion_tokens"], 24);
    assert_eq!(answer["usage"]["total_tokens"], prompt + 24);
    let greedy = server.ask(PATH, &json!({"prompt": "The king", "temperature": 0}));
    assert_eq!(greedy["choices"][0]["text"], text_of_library("The king", SamplerOptions::greedy(), 16));
}

#[test]
fn log_probabilities_of_a_prompt_are_those_of_its_logits() {
    let server = Running::shared();
    let ids = library().prompt("The old man said that").unwrap().ids().to_vec();
    // As lm-eval asks: ids, one token more, the prompt again.
    let body = json!({"prompt": [ids], "echo": true, "logprobs": 1, "max_tokens": 1, "temperature": 0, "seed": 1234});
    let choice = &server.ask(PATH, &body)["choices"][0];
    let lists = &choice["logprobs"];
    let found: Vec<Option<f64>> = serde_json::from_value(lists["token_logprobs"].clone()).unwrap();
    let top: Vec<Option<std::collections::BTreeMap<String, f64>>> =
        serde_json::from_value(lists["top_logprobs"].clone()).unwrap();
    assert_eq!((found.len(), top.len()), (ids.len() + 1, ids.len() + 1));
    assert_eq!((found[0], &top[0]), (None, &None), "nothing stands before the first token");
    let logits = logits(&ids);
    for (at, logits) in logits.iter().enumerate() {
        let best = (0..logits.len() as u32).max_by(|a, b| logits[*a as usize].total_cmp(&logits[*b as usize])).unwrap();
        let next = ids.get(at + 1).copied().unwrap_or(best);
        let (value, top) = (found[at + 1].unwrap(), top[at + 1].as_ref().unwrap());
        assert!((value - logprob(logits, next)).abs() < 1e-5, "{at}: {value}, {}", logprob(logits, next));
        let largest = top.values().copied().fold(f64::MIN, f64::max);
        assert!((largest - logprob(logits, best)).abs() < 1e-5, "{at}");
        // How lm-eval tells whether a token is the likeliest: by equality.
        assert_eq!(value == largest, next == best, "{at}");
    }
    let text = choice["text"].as_str().unwrap();
    assert!(text.starts_with("The old man said that"), "{text}");
    let offsets: Vec<usize> = serde_json::from_value(lists["text_offset"].clone()).unwrap();
    let tokens: Vec<String> = serde_json::from_value(lists["tokens"].clone()).unwrap();
    for (offset, token) in offsets.iter().zip(&tokens).skip(1) {
        assert_eq!(text.chars().skip(*offset).take(token.chars().count()).collect::<String>(), *token);
    }
    // Evaluated and not continued.
    let body = json!({"prompt": ids, "echo": true, "logprobs": 0, "max_tokens": 0});
    let choice = &server.ask(PATH, &body)["choices"][0];
    assert_eq!((&choice["text"], &choice["finish_reason"]), (&json!("The old man said that"), &json!("length")));
    let values: Vec<Option<f64>> = serde_json::from_value(choice["logprobs"]["token_logprobs"].clone()).unwrap();
    assert_eq!(values[..], found[..ids.len()]);
}

#[test]
fn choices_are_ordered_by_prompt_and_each_has_draws_of_its_own() {
    let server = Running::shared();
    let body = json!({"prompt": ["The king", "A dog"], "n": 2, "seed": 3, "max_tokens": 12, "temperature": 1.0});
    let answer = server.ask(PATH, &body);
    let texts: Vec<&str> = answer["choices"].as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap()).collect();
    let indices: Vec<u64> =
        answer["choices"].as_array().unwrap().iter().map(|c| c["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, [0, 1, 2, 3]);
    assert_ne!(texts[0], texts[1]);
    assert_ne!(texts[2], texts[3]);
    let alone = |prompt: &str| {
        let body = json!({"prompt": prompt, "seed": 3, "max_tokens": 12, "temperature": 1.0});
        server.ask(PATH, &body)["choices"][0]["text"].clone()
    };
    assert_eq!((alone("The king"), alone("A dog")), (texts[0].into(), texts[2].into()));
    assert_eq!(answer["usage"]["completion_tokens"], 48);
}

#[test]
fn events_are_the_answer_in_parts() {
    let server = Running::shared();
    let mut body = json!({"prompt": ["The king", "A dog"], "seed": 5, "max_tokens": 20, "logprobs": 2, "echo": true});
    let whole = server.ask(PATH, &body);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let events = server.events(PATH, &body);
    let (last, parts) = events.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &whole["usage"]["total_tokens"]));
    for index in 0..2 {
        let of_choice: Vec<&Value> =
            parts.iter().map(|event| &event["choices"][0]).filter(|choice| choice["index"] == index).collect();
        let text: String = of_choice.iter().map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!(text, whole["choices"][index as usize]["text"]);
        let tokens: Vec<Value> = of_choice
            .iter()
            .flat_map(|choice| choice["logprobs"]["token_logprobs"].as_array().unwrap().clone())
            .collect();
        assert_eq!(json!(tokens), whole["choices"][index as usize]["logprobs"]["token_logprobs"]);
        let (end, before) = of_choice.split_last().unwrap();
        assert_eq!(end["finish_reason"], "length");
        assert!(before.iter().all(|choice| choice["finish_reason"].is_null()));
    }
    assert!(parts.iter().all(|event| event["usage"].is_null() && event.as_object().unwrap().contains_key("usage")));
    body["stream_options"] = json!({"continuous_usage_stats": true});
    let counts: Vec<u64> =
        server.events(PATH, &body).iter().map(|event| event["usage"]["completion_tokens"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted() && counts.last() == Some(&40), "{counts:?}");
}

#[test]
fn texts_end_where_they_are_told_to() {
    let server = Running::shared();
    let body = json!({"prompt": "Once upon a time", "temperature": 0, "max_tokens": 40});
    let long = server.ask(PATH, &body)["choices"][0]["text"].as_str().unwrap().to_owned();
    let stop: String = long.chars().skip(20).take(4).collect();
    let begin = long.find(&stop).unwrap();
    let with = |more: Value| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask(PATH, &body)["choices"][0].clone()
    };
    let choice = with(json!({"stop": [stop, "never"]}));
    assert_eq!(choice["text"], long[..begin]);
    assert_eq!((&choice["finish_reason"], &choice["stop_reason"]), (&json!("stop"), &json!(stop)));
    let choice = with(json!({"stop": stop, "include_stop_str_in_output": true}));
    assert_eq!(choice["text"], long[..begin + stop.len()]);
    let ids = library().tokenizer().encode(&long, trine::model::EncodeOptions::PLAIN).unwrap();
    let choice = with(json!({"stop_token_ids": [ids[5]]}));
    assert_eq!((&choice["finish_reason"], &choice["stop_reason"]), (&json!("stop"), &json!(ids[5])));
    assert!(long.starts_with(choice["text"].as_str().unwrap()));
    let tokens = with(json!({"stop_token_ids": ids, "min_tokens": 9, "return_token_ids": true}));
    assert!(tokens["token_ids"].as_array().unwrap().len() >= 10, "{tokens}");
}

#[test]
fn the_end_of_a_text_can_be_ignored_or_forced() {
    let server = Running::shared();
    let eos = library().tokenizer().end_of_generation()[0];
    let body = json!({"prompt": "The king", "max_tokens": 30, "logit_bias": {eos.to_string(): 100}, "temperature": 0,
                      "logprobs": 0});
    let answer = server.ask(PATH, &body);
    let choice = &answer["choices"][0];
    assert_eq!((&choice["text"], &choice["finish_reason"]), (&json!(""), &json!("stop")));
    assert_eq!(answer["usage"]["completion_tokens"], 1, "the token that ended the text was generated too");
    assert_eq!(choice["logprobs"]["token_logprobs"].as_array().unwrap().len(), 1);
    let mut ignoring = body.clone();
    ignoring["ignore_eos"] = json!(true);
    let answer = server.ask(PATH, &ignoring);
    assert_eq!(answer["usage"]["completion_tokens"], 30);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
}

#[test]
fn biases_and_penalties_change_what_is_drawn() {
    let server = Running::shared();
    let ids = |more: Value| -> Vec<u32> {
        let mut body = json!({"prompt": "The king", "max_tokens": 40, "temperature": 0, "return_token_ids": true,
                              "ignore_eos": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(server.ask(PATH, &body)["choices"][0]["token_ids"].clone()).unwrap()
    };
    let plain = ids(json!({}));
    assert_eq!(plain.len(), 40);
    assert!(!ids(json!({"logit_bias": {plain[0].to_string(): -100}})).contains(&plain[0]));
    let allowed = [plain[0], plain[1], plain[2]];
    assert!(ids(json!({"allowed_token_ids": allowed})).iter().all(|id| allowed.contains(id)));
    let distinct = |ids: &[u32]| ids.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert!(distinct(&ids(json!({"frequency_penalty": 2, "presence_penalty": 2}))) > distinct(&plain));
    assert!(distinct(&ids(json!({"repetition_penalty": 2.0}))) > distinct(&plain));
    let word = library().tokenizer().decode(&plain[..1], false).unwrap();
    assert!(!ids(json!({"bad_words": [word.trim()]})).contains(&plain[0]));
}

#[test]
fn tokens_may_be_named_by_their_ids() {
    let server = Running::shared();
    let body = json!({"prompt": "The king", "max_tokens": 3, "temperature": 0, "logprobs": 1, "return_token_ids": true,
                      "return_tokens_as_token_ids": true});
    let choice = &server.ask(PATH, &body)["choices"][0];
    let ids: Vec<u32> = serde_json::from_value(choice["token_ids"].clone()).unwrap();
    let names: Vec<String> = ids.iter().map(|id| format!("token_id:{id}")).collect();
    assert_eq!(choice["logprobs"]["tokens"], json!(names));
    assert_eq!(choice["prompt_token_ids"], json!(library().prompt("The king").unwrap().ids()));
    // Greedy choices have the largest logit of the library.
    let all = logits(&[library().prompt("The king").unwrap().ids(), &ids[..2]].concat());
    let best = |logits: &Vec<f32>| (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32;
    assert_eq!(ids, all[all.len() - 3..].iter().map(best).collect::<Vec<_>>());
}

#[test]
fn prompts_that_are_too_long_are_refused_or_cut_where_that_is_asked_for() {
    let server = Running::shared();
    let ids: Vec<u32> = (0..300).map(|at| 5 + at % 1000).collect();
    let (status, code, param) = server.post(PATH, &json!({"prompt": ids})).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (400, "context_length_exceeded", Some("prompt")));
    let message = server.post(PATH, &json!({"prompt": ids})).json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("This model's maximum context length is 256 tokens."), "{message}");
    let (_, code, param) = server.post(PATH, &json!({"prompt": "The king", "max_tokens": 255})).error();
    assert_eq!((code.as_str(), param.as_deref()), ("context_length_exceeded", Some("max_tokens")));
    let cut = server.ask(PATH, &json!({"prompt": ids, "truncate_prompt_tokens": 5, "temperature": 0}));
    let same = server.ask(PATH, &json!({"prompt": ids[295..], "temperature": 0}));
    assert_eq!(cut["choices"], same["choices"]);
    let all = server.ask(PATH, &json!({"prompt": "The king", "n_predict": -1, "temperature": 0, "ignore_eos": true}));
    assert_eq!(all["usage"]["total_tokens"], 256);
}
