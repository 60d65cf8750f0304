//! Answers of a form: `response_format`, schemas, expressions, choices and grammars.

use super::client::{Running, chat_engine, engine, patient};
use serde_json::{Value, json};

const PATH: &str = "/v1/completions";
const CHAT: &str = "/v1/chat/completions";
const TEMPLATE: &str = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

fn body(more: Value) -> Value {
    let mut body = json!({"prompt": "The king said:", "max_tokens": 200, "temperature": 1, "seed": 3});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn person() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "maxLength": 8},
        "age": {"type": "integer", "minimum": 7, "maximum": 99},
        "kind": {"enum": ["cat", "dog", null]},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/friend"}, "maxItems": 2},
    }, "required": ["name", "age", "kind", "friends"], "additionalProperties": false,
    "$defs": {"friend": {"type": "object", "properties": {"near": {"type": "boolean"}}, "required": ["near"],
                         "additionalProperties": false}}})
}

/// What the schema says, without the crate that keeps texts to it.
fn is_person(value: &Value) -> bool {
    let is_friend =
        |friend: &Value| friend.as_object().is_some_and(|fields| fields.len() == 1) && friend["near"].is_boolean();
    value.as_object().is_some_and(|fields| fields.len() == 4)
        && value["name"].as_str().is_some_and(|name| name.chars().count() <= 8)
        && value["age"].as_u64().is_some_and(|age| (7..=99).contains(&age))
        && [json!("cat"), json!("dog"), Value::Null].contains(&value["kind"])
        && value["friends"].as_array().is_some_and(|friends| friends.len() <= 2 && friends.iter().all(is_friend))
}

#[test]
fn every_finished_text_of_a_schema_is_valid() {
    let server = Running::shared();
    let mut finished = 0;
    for seed in 0..12 {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "person", "strict": true, "schema": person()}});
        let answer = server.ask(PATH, &body(json!({"response_format": format, "seed": seed})));
        let choice = &answer["choices"][0];
        if choice["finish_reason"] == "stop" {
            let value = serde_json::from_str(choice["text"].as_str().unwrap()).unwrap();
            assert!(is_person(&value), "{value}");
            finished += 1;
        }
    }
    assert!(finished >= 10, "{finished}");
}

#[test]
fn every_way_to_ask_for_a_form_is_kept() {
    let server = Running::shared();
    let text = |more: Value| {
        let answer = server.ask(PATH, &body(more.clone()));
        let choice = &answer["choices"][0];
        assert_eq!(choice["finish_reason"], "stop", "{more}: {choice}");
        choice["text"].as_str().unwrap().to_owned()
    };
    let schema = json!({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3});
    let is_list = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        let items = value.as_array().unwrap();
        (2..=3).contains(&items.len()) && items.iter().all(Value::is_boolean)
    };
    for more in [
        json!({"response_format": {"type": "json_object", "schema": schema}}),
        json!({"json_schema": schema}),
        json!({"guided_json": schema.to_string()}),
        json!({"structured_outputs": {"json": schema}}),
    ] {
        assert!(is_list(&text(more)));
    }
    for more in
        [json!({"guided_regex": "^[0-9]{3}-(ab|cd)$"}), json!({"structured_outputs": {"regex": "[0-9]{3}-(ab|cd)"}})]
    {
        let text = text(more);
        let (digits, letters) = text.split_once('-').unwrap();
        assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
        assert!(["ab", "cd"].contains(&letters), "{text}");
    }
    let texts = ["a.b", "a (c)|", "\u{e9}\n\"", " <x>"];
    for seed in 0..6 {
        let chosen = text(json!({"guided_choice": texts, "seed": seed}));
        assert!(texts.contains(&chosen.as_str()), "{chosen:?}");
    }
    let lark = "start: \"<\" inner \">\"\ninner: \"x\" | \"(\" inner \")\"";
    for more in [
        json!({"guided_grammar": lark}),
        json!({"structured_outputs": {"grammar": lark}}),
        json!({"grammar": "root ::= \"<\" inner \">\"\ninner ::= \"x\" | \"(\" inner \")\""}),
    ] {
        let text = text(more);
        let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap();
        let deep = inner.chars().take_while(|c| *c == '(').count();
        assert_eq!(inner, format!("{}x{}", "(".repeat(deep), ")".repeat(deep)));
    }
    let object = server.ask(PATH, &body(json!({"response_format": {"type": "json_object"}, "max_tokens": 40})));
    assert!(object["choices"][0]["text"].as_str().unwrap().starts_with('{'), "{object}");
}

/// The log-probabilities are those of the model, as they are of the same text where nothing keeps it to a form.
#[test]
fn log_probabilities_are_those_without_a_form() {
    let server = Running::shared();
    let texts = json!(["yes indeed", "no, never"]);
    let kept = server.ask(PATH, &body(json!({"guided_choice": texts, "logprobs": 2, "return_token_ids": true})));
    let choice = &kept["choices"][0];
    let ids = |name: &str| choice[name].as_array().unwrap().clone();
    let (prompt, mut all) = (ids("prompt_token_ids"), ids("prompt_token_ids"));
    all.extend(ids("token_ids"));
    let told = server.ask(PATH, &json!({"prompt": all, "echo": true, "logprobs": 2, "max_tokens": 0}));
    let of_all = told["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap();
    assert_eq!(choice["logprobs"]["token_logprobs"], json!(of_all[prompt.len()..]));
    assert_eq!(ids("token_ids").len(), kept["usage"]["completion_tokens"].as_u64().unwrap() as usize);
}

#[test]
fn a_form_gives_equal_texts_alone_together_and_in_events() {
    let server = Running::start(chat_engine(TEMPLATE), patient());
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": person()}});
    let body = |seed: u64| {
        json!({"messages": [{"role": "user", "content": "Who?"}], "response_format": format, "seed": seed, "n": 2,
               "temperature": 1, "max_tokens": 150, "logprobs": true, "top_logprobs": 1})
    };
    let alone: Vec<Value> = (0..6).map(|seed| server.ask(CHAT, &body(seed))["choices"].clone()).collect();
    for choices in &alone {
        assert_ne!(choices[0]["message"]["content"], choices[1]["message"]["content"]);
    }
    let together: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                let (server, body) = (&server, body(seed));
                scope.spawn(move || server.ask(CHAT, &body)["choices"].clone())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(together, alone);
    let mut streamed = body(4);
    streamed["stream"] = json!(true);
    for (index, whole) in alone[4].as_array().unwrap().iter().enumerate() {
        let events = server.events(CHAT, &streamed);
        let choices = events.iter().map(|event| &event["choices"][0]).filter(|choice| choice["index"] == index);
        let text: String = choices.map(|choice| choice["delta"]["content"].as_str().unwrap_or_default()).collect();
        assert_eq!(whole["message"]["content"], text);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(is_person(&value), "{value}");
    }
}

#[test]
fn what_is_no_form_is_refused_by_its_field() {
    let server = Running::shared();
    let refusal = |more: Value| {
        let response = server.post(PATH, &body(more));
        let (status, code, param) = response.error();
        assert_eq!(status, 400);
        (code, param.unwrap(), response.json()["error"]["message"].as_str().unwrap().to_owned())
    };
    let schema = |schema: Value| {
        let named = json!({"name": "a", "schema": schema});
        json!({"response_format": {"type": "json_schema", "json_schema": named}})
    };
    let deep = (0..100).fold(json!({"type": "string"}), |inner, _| json!({"type": "array", "items": inner}));
    assert_eq!(server.post(PATH, &body(json!({"guided_json": deep, "max_tokens": 1}))).status, 200);
    for (more, param) in [
        (schema(json!({"type": "sandwich"})), "response_format.json_schema.schema"),
        (schema(json!({"type": "array", "uniqueItems": true})), "response_format.json_schema.schema"),
        (schema(json!({"$ref": "https://example.org/schema"})), "response_format.json_schema.schema"),
        (schema(json!({"type": "string", "pattern": "("})), "response_format.json_schema.schema"),
        (schema(json!({"type": "integer", "minimum": 3, "maximum": 2})), "response_format.json_schema.schema"),
        (schema(json!({"properties": 3})), "response_format.json_schema.schema"),
        (json!({"guided_regex": "a{2"}), "guided_regex"),
        (json!({"guided_regex": "(?=a)b"}), "guided_regex"),
        (json!({"guided_regex": ""}), "guided_regex"),
        (json!({"guided_regex": "(".repeat(200) + &")".repeat(200)}), "guided_regex"),
        (json!({"guided_regex": "a".repeat(70_000)}), "guided_regex"),
        (json!({"guided_grammar": "start: other"}), "guided_grammar"),
        (json!({"guided_grammar": "nothing"}), "guided_grammar"),
        (json!({"guided_grammar": "start: <|no-such-token|>"}), "guided_grammar"),
        (json!({"grammar": "root ::= other"}), "grammar"),
        (json!({"grammar": "((".repeat(20_000)}), "grammar"),
    ] {
        let (code, found, message) = refusal(more.clone());
        assert_eq!((code.as_str(), found.as_str()), ("invalid_schema", param), "{more}");
        assert!(message.starts_with(&format!("`{param}`: ")) && message.len() < 600, "{message}");
    }
    for (more, param) in [
        (json!({"guided_regex": "a", "grammar": "root ::= \"a\""}), "guided_regex"),
        (json!({"guided_choice": []}), "guided_choice"),
        (json!({"guided_choice": [""]}), "guided_choice"),
        (json!({"guided_regex": "a", "ignore_eos": true}), "ignore_eos"),
        (json!({"guided_regex": "a", "min_tokens": 3}), "min_tokens"),
        (json!({"structured_outputs": {"structural_tag": "x"}}), "structured_outputs.structural_tag"),
        (json!({"guided_whitespace_pattern": " "}), "guided_whitespace_pattern"),
    ] {
        assert_eq!(refusal(more.clone()).1, param, "{more}");
    }
}

/// Chains of rules as long as a text may have: what goes down them by calls has the stack for it.
#[test]
fn long_chains_end_in_an_answer() {
    let server = Running::start(engine(), patient());
    let rules = |first: &str, rule: fn(usize) -> String, last: &str| -> String {
        (0..3000).map(rule).fold(first.to_owned(), |text, rule| text + &rule) + last
    };
    let lark = rules("start: a0\n", |at| format!("a{at}: a{}\n", at + 1), "a3000: \"x\"");
    let gbnf = rules("root ::= a0\n", |at| format!("a{at} ::= a{}\n", at + 1), "a3000 ::= \"x\"");
    let defs = rules(
        "{\"$ref\":\"#/$defs/a0\",\"$defs\":{",
        |at| format!("\"a{at}\":{{\"$ref\":\"#/$defs/a{}\"}},", at + 1),
        "\"a3000\":{\"const\":\"x\"}}}",
    );
    for more in [json!({"guided_grammar": lark}), json!({"grammar": gbnf}), json!({"guided_json": defs})] {
        let response = server.post(PATH, &body(more));
        assert!([200, 400].contains(&response.status), "{}", response.text());
    }
    assert_eq!(server.ask(PATH, &body(json!({"guided_regex": "still here"})))["choices"][0]["text"], "still here");
}
