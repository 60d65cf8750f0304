//! `POST /v1/chat/completions`.

use super::client::{Running, chat_engine, patient};
use serde_json::{Value, json};
use trine::model::{GenerateOptions, Message, SamplerChain, SamplerOptions};

const PATH: &str = "/v1/chat/completions";
const TEMPLATE: &str = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}\
                        {% if add_generation_prompt %}assistant:{% endif %}\
                        {% if mood is defined %}{{ mood }}{% endif %}";

#[test]
fn a_model_without_a_template_says_so() {
    let body = json!({"messages": [{"role": "user", "content": "Hi"}]});
    let response = Running::shared().post(PATH, &body);
    assert_eq!(response.error(), (400, "no_chat_template".to_owned(), None));
    let message = response.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("tokenizer.chat_template"), "{message}");
}

#[test]
fn an_answer_is_that_of_the_library() {
    let engine = chat_engine(TEMPLATE);
    let server = Running::start(engine.clone(), patient());
    let body = json!({"model": "trine", "seed": 7, "max_completion_tokens": 20, "max_tokens": 3, "messages": [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "Why"}, {"type": "text", "text": "?"}]},
    ]});
    let answer = server.ask(PATH, &body);
    let prompt = engine.chat_prompt(&[Message::new("system", "Be brief"), Message::new("user", "Why?")]).unwrap();
    let sampler = SamplerChain::new(SamplerOptions { seed: 7, ..SamplerOptions::default() }).unwrap();
    let options = GenerateOptions { max_tokens: 20, ..GenerateOptions::default() };
    let text: String =
        engine.sequence().generate_with(&prompt, sampler, options).map(|piece| piece.unwrap().text).collect();
    let choice = &answer["choices"][0];
    assert_eq!((&choice["message"]["role"], &choice["message"]["content"]), (&json!("assistant"), &json!(text)));
    assert_eq!((&answer["object"], &choice["finish_reason"]), (&json!("chat.completion"), &json!("length")));
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(answer["usage"]["prompt_tokens"], prompt.ids().len());
    assert_eq!(answer["usage"]["completion_tokens"], 20);
    assert!(answer["timings"]["predicted_n"] == 20 && answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 0);
    let again = server.ask(PATH, &body);
    assert!(again["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap() > 0);
    assert_eq!(again["choices"], answer["choices"]);
}

#[test]
fn events_are_the_answer_in_parts() {
    let server = Running::start(chat_engine(TEMPLATE), patient());
    let mut body = json!({"messages": [{"role": "user", "content": "Hi"}], "seed": 3, "max_tokens": 25, "n": 2,
                          "temperature": 1, "logprobs": true, "top_logprobs": 2});
    let whole = server.ask(PATH, &body);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let events = server.events(PATH, &body);
    let (usage, parts) = events.split_last().unwrap();
    assert_eq!(
        (&usage["choices"], &usage["usage"]["completion_tokens"]),
        (&json!([]), &whole["usage"]["completion_tokens"])
    );
    for index in 0..2 {
        let of_choice: Vec<&Value> =
            parts.iter().map(|event| &event["choices"][0]).filter(|choice| choice["index"] == index).collect();
        assert_eq!(of_choice[0]["delta"], json!({"role": "assistant", "content": ""}));
        let (end, before) = of_choice.split_last().unwrap();
        assert_eq!((&end["delta"], &end["finish_reason"]), (&json!({}), &json!("length")));
        let text: String =
            before.iter().map(|choice| choice["delta"]["content"].as_str().unwrap_or_default()).collect();
        assert_eq!(whole["choices"][index as usize]["message"]["content"], text);
        let entries: Vec<Value> =
            before.iter().filter_map(|choice| choice["logprobs"]["content"].as_array().cloned()).flatten().collect();
        let expected = &whole["choices"][index as usize]["logprobs"]["content"];
        assert_eq!((entries.len(), &json!(entries)), (25, expected));
        for entry in entries {
            let bytes: Vec<u8> = serde_json::from_value(entry["bytes"].clone()).unwrap();
            assert_eq!(String::from_utf8_lossy(&bytes), entry["token"].as_str().unwrap());
            assert_eq!(entry["top_logprobs"].as_array().unwrap().len(), 2);
            assert!(entry["logprob"].as_f64().unwrap() <= entry["top_logprobs"][0]["logprob"].as_f64().unwrap());
        }
    }
}

#[test]
fn a_last_message_can_be_continued() {
    let engine = chat_engine(TEMPLATE);
    let server = Running::start(engine.clone(), patient());
    let body = json!({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Once upon a"}],
                      "continue_final_message": true, "temperature": 0, "max_tokens": 8});
    let same = json!({"prompt": "user: Hi\nassistant: Once upon a", "temperature": 0, "max_tokens": 8});
    let text = &server.ask("/v1/completions", &same)["choices"][0]["text"];
    assert_eq!(&server.ask(PATH, &body)["choices"][0]["message"]["content"], text);
    let both = json!({"messages": [{"role": "user", "content": "Hi"}], "continue_final_message": true,
                      "add_generation_prompt": true});
    assert_eq!(server.post(PATH, &both).error().2.as_deref(), Some("add_generation_prompt"));
}

#[test]
fn templates_get_the_variables_of_a_request() {
    let engine = chat_engine(TEMPLATE);
    let server = Running::start(engine.clone(), patient());
    let count = |more: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask(PATH, &body)["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    let plain = count(json!({}));
    assert!(count(json!({"chat_template_kwargs": {"mood": "very very happy"}})) > plain);
    // A template that refuses is an error of the request, with what it says.
    let refusing = "{{ raise_exception('only kings may ask') }}";
    let server = Running::start(chat_engine(refusing), patient());
    let response = server.post(PATH, &json!({"messages": [{"role": "user", "content": "Hi"}]}));
    assert_eq!(response.error(), (400, "template_error".to_owned(), Some("messages".to_owned())));
    assert!(response.text().contains("only kings may ask"));
}

#[test]
fn a_conversation_that_is_too_long_names_the_messages() {
    let server = Running::start(chat_engine(TEMPLATE), patient());
    let long = json!({"messages": [{"role": "user", "content": "The old king ".repeat(200)}]});
    let (status, code, param) = server.post(PATH, &long).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (400, "context_length_exceeded", Some("messages")));
}
