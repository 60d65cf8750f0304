//! Requests that are wrong: each is a 400 that names its field, whatever is sent.

use super::client::{Running, chat_engine, patient};
use serde_json::{Value, json};

/// A field with values that it cannot have, and the path that is named for each.
fn check(server: &Running, path: &str, plain: &Value, field: &str, wrong: &[(Value, &str)]) {
    for (value, param) in wrong {
        let mut body = plain.clone();
        body[field] = value.clone();
        let (status, code, found) = server.post(path, &body).error();
        assert_eq!((status, found.as_deref()), (400, Some(*param)), "{field}: {value}: {code}");
    }
}

/// Fields that both endpoints have.
fn shared() -> Vec<(&'static str, Vec<(Value, &'static str)>)> {
    let number = |path: &'static str, beyond: Value| {
        (path, vec![(json!("1"), path), (json!([1]), path), (json!({}), path), (json!(true), path), (beyond, path)])
    };
    let flag = |path: &'static str| (path, vec![(json!("true"), path), (json!(1), path), (json!([]), path)]);
    vec![
        number("temperature", json!(-0.5)),
        number("top_p", json!(1.5)),
        number("top_k", json!(-2)),
        number("min_p", json!(1.01)),
        number("frequency_penalty", json!(2.5)),
        number("presence_penalty", json!(-2.5)),
        number("repetition_penalty", json!(0)),
        number("seed", json!(1.5)),
        number("n", json!(0)),
        number("max_tokens", json!(-1)),
        number("min_tokens", json!(100_000)),
        number("best_of", json!(2)),
        flag("stream"),
        flag("ignore_eos"),
        flag("include_stop_str_in_output"),
        flag("return_token_ids"),
        ("model", vec![(json!(3), "model"), (json!(["trine"]), "model")]),
        (
            "stop",
            vec![
                (json!(3), "stop"),
                (json!([1]), "stop[0]"),
                (json!(["a", ""]), "stop"),
                (json!(vec!["x"; 17]), "stop"),
            ],
        ),
        ("stop_token_ids", vec![(json!("1"), "stop_token_ids"), (json!([1, 2048]), "stop_token_ids[1]")]),
        ("allowed_token_ids", vec![(json!([]), "allowed_token_ids"), (json!([-1]), "allowed_token_ids[0]")]),
        (
            "logit_bias",
            vec![
                (json!([1]), "logit_bias"),
                (json!({"x": 1}), "logit_bias.x"),
                (json!({"2048": 1}), "logit_bias.2048"),
                (json!({"1": 101}), "logit_bias.1"),
                (json!({"1": "a"}), "logit_bias.1"),
            ],
        ),
        ("bad_words", vec![(json!([1]), "bad_words[0]"), (json!(1), "bad_words")]),
        ("stream_options", vec![(json!({}), "stream_options"), (json!(true), "stream_options")]),
        ("skip_special_tokens", vec![(json!(false), "skip_special_tokens")]),
        ("response_format", vec![(json!("json"), "response_format"), (json!({"type": "xml"}), "response_format.type")]),
    ]
}

#[test]
fn wrong_fields_of_completions_are_named() {
    let server = Running::shared();
    let plain = json!({"prompt": "The king", "max_tokens": 1});
    for (field, wrong) in shared() {
        check(server, "/v1/completions", &plain, field, &wrong);
    }
    check(
        server,
        "/v1/completions",
        &plain,
        "prompt",
        &[
            (json!(3), "prompt"),
            (json!({}), "prompt"),
            (json!([]), "prompt"),
            (json!([[]]), "prompt"),
            (json!([true]), "prompt"),
            (json!(["a", 1]), "prompt[1]"),
            (json!([1, "a"]), "prompt[1]"),
            (json!([[1], [2, 99999]]), "prompt[1][1]"),
            (json!([1.5]), "prompt[0]"),
            (json!(vec!["a"; 65]), "prompt"),
            (Value::Null, "prompt"),
        ],
    );
    check(server, "/v1/completions", &plain, "logprobs", &[(json!(101), "logprobs"), (json!(true), "logprobs")]);
    check(server, "/v1/completions", &plain, "echo", &[(json!("yes"), "echo")]);
    check(server, "/v1/completions", &plain, "suffix", &[(json!("end"), "suffix")]);
    check(server, "/v1/completions", &plain, "truncate_prompt_tokens", &[(json!(0), "truncate_prompt_tokens")]);
}

#[test]
fn wrong_fields_of_conversations_are_named() {
    let server = Running::start(chat_engine("{% for m in messages %}{{ m.content }}{% endfor %}"), patient());
    let path = "/v1/chat/completions";
    let plain = json!({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
    for (field, wrong) in shared() {
        check(&server, path, &plain, field, &wrong);
    }
    check(
        &server,
        path,
        &plain,
        "messages",
        &[
            (json!("Hi"), "messages"),
            (json!([]), "messages"),
            (json!(["Hi"]), "messages[0]"),
            (json!([{"content": "Hi"}]), "messages[0].role"),
            (json!([{"role": "robot", "content": "Hi"}]), "messages[0].role"),
            (json!([{"role": "user"}]), "messages[0].content"),
            (json!([{"role": "user", "content": 3}]), "messages[0].content"),
            (json!([{"role": "user", "content": ["Hi"]}]), "messages[0].content[0]"),
            (json!([{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text"),
            (
                json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
                "messages[0].content[0].type",
            ),
            (json!([{"role": "assistant", "tool_calls": {}}]), "messages[0].tool_calls"),
            (json!([{"role": "assistant", "tool_calls": [{}]}]), "messages[0].tool_calls[0].function"),
            (
                json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 3}}]}]),
                "messages[0].tool_calls[0].function.arguments",
            ),
        ],
    );
    check(
        &server,
        path,
        &plain,
        "tools",
        &[
            (json!({}), "tools"),
            (json!([{}]), "tools[0].type"),
            (json!([{"type": "custom"}]), "tools[0].type"),
            (json!([{"type": "function", "function": {}}]), "tools[0].function.name"),
            (
                json!([{"type": "function", "function": {"name": "f", "parameters": []}}]),
                "tools[0].function.parameters",
            ),
            // The template does not write tools.
            (json!([{"type": "function", "function": {"name": "f"}}]), "tools"),
        ],
    );
    check(&server, path, &plain, "logprobs", &[(json!(1), "logprobs")]);
    check(&server, path, &plain, "top_logprobs", &[(json!(5), "top_logprobs"), (json!(21), "top_logprobs")]);
    check(&server, path, &plain, "max_completion_tokens", &[(json!("1"), "max_completion_tokens")]);
    check(&server, path, &plain, "chat_template_kwargs", &[(json!([]), "chat_template_kwargs")]);
    check(
        &server,
        path,
        &plain,
        "reasoning_effort",
        &[(json!("most"), "reasoning_effort"), (json!(1), "reasoning_effort")],
    );
}

#[test]
fn bodies_that_are_no_requests_are_refused() {
    let server = Running::shared();
    let json = [("content-type", "application/json")];
    for path in ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"] {
        for body in [
            &b""[..],
            b"{",
            b"null",
            b"[]",
            b"3",
            b"{\"prompt\": \"\xff\"}",
            b"{\"prompt\": \"\\ud800\"}",
            b"{\"a\": 1, \"a\": 2}",
            b"{}",
            b"{\"prompt\": 1e999}",
            b"\x00",
            b"{\"model\": {}}",
        ] {
            let (status, ..) = server.send("POST", path, &json, body).error();
            assert_eq!(status, 400, "{path}: {:?}", String::from_utf8_lossy(body));
        }
        let deep = format!("{{\"prompt\": {}", "[".repeat(100_000));
        assert_eq!(server.send("POST", path, &json, deep.as_bytes()).error().0, 400);
        assert_eq!(server.send("POST", path, &[("content-type", "text/plain")], b"{}").error().0, 415);
    }
}

/// Whatever is put in place of a part of a good request, the answer is no fault of the server.
#[test]
fn no_request_is_a_fault_of_the_server() {
    let server = Running::start(chat_engine("{% for m in messages %}{{ m.content }}{% endfor %}"), patient());
    let odd = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\u{fdd0}"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"": null}),
        json!([{"type": "text", "text": "\u{1f600}"}]),
    ];
    let completion = json!({
        "model": "trine", "prompt": "The king", "max_tokens": 2, "temperature": 1, "top_p": 1, "top_k": 3, "n": 2,
        "stop": ["x"], "logprobs": 1, "echo": true, "seed": 1, "logit_bias": {"1": 1}, "stream": true,
        "stream_options": {"include_usage": true}, "min_p": 0.1, "user": "me", "suffix": null
    });
    let chat = json!({
        "model": "trine", "messages": [{"role": "user", "content": "Hi", "name": "me"}], "max_tokens": 2,
        "logprobs": true, "top_logprobs": 2, "tools": [], "tool_choice": "none", "stream": false,
        "response_format": {"type": "text"}, "reasoning_effort": "low", "chat_template_kwargs": {"a": 1}
    });
    for (path, good) in [("/v1/completions", completion), ("/v1/chat/completions", chat)] {
        assert_eq!(server.post(path, &good).status, 200);
        for field in good.as_object().unwrap().keys() {
            for value in &odd {
                let mut body = good.clone();
                body[field] = value.clone();
                let response = server.post(path, &body);
                assert!([200, 400, 404].contains(&response.status), "{body}: {}", response.text());
            }
        }
    }
    assert_eq!(server.get("/health").status, 200);
}
