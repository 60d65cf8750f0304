//! Calls of tools: choices, grammars, answers sent whole and in events, conversations with calls. Which texts are calls
//! is shown in `trine-text`.

use super::client::{Running, chat_engine, patient};
use serde_json::{Value, json};
use trine::model::Engine;
use trine_server::{ReasoningField, ServerOptions, ToolFormat, ToolOptions};

const PATH: &str = "/v1/chat/completions";

/// Templates that write tools, and calls in a form of their own.
fn template(form: &str) -> String {
    "{% if tools %}Tools:{% for tool in tools %} {{ tool.function.name }}{% endfor %} FORM\n{% endif %}\
     {% for m in messages %}{{ m.role }} {{ m.content }}\
     {% for c in m.tool_calls or [] %} calls {{ c.function.name }} {{ c.function.arguments.city }}{% endfor %}.\n\
     {% endfor %}assistant"
        .replace("FORM", form)
}

const HERMES: &str = "<tool_call>";
const MARKED: &str = "<tool_call><function=";
const LLAMA: &str = "{\\\"name\\\": \\\"parameters\\\"} \"parameters\"";

fn tools() -> Value {
    let weather = json!({"type": "object", "properties": {
        "city": {"type": "string", "maxLength": 6}, "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "unit": {"type": "string", "enum": ["C", "F"]}},
        "required": ["city", "days", "unit"], "additionalProperties": false});
    json!([{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": weather}},
           {"type": "function", "function": {"name": "stop \"now\""}}])
}

fn body(more: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "How is it?"}], "tools": tools(), "seed": 5,
                          "temperature": 1, "max_tokens": 150});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn is_weather(arguments: &str) -> bool {
    let value: Value = serde_json::from_str(arguments).unwrap();
    value.as_object().unwrap().len() == 3
        && value["city"].is_string()
        && value["days"].as_u64().is_some_and(|days| (1..=9).contains(&days))
        && ["C", "F"].contains(&value["unit"].as_str().unwrap())
}

#[test]
fn a_named_tool_is_called_with_arguments_of_its_schema_in_every_form() {
    for form in [HERMES, MARKED, LLAMA] {
        let server = Running::start(chat_engine(&template(form)), patient());
        for seed in 0..4 {
            let choice = json!({"type": "function", "function": {"name": "weather"}});
            let answer = server.ask(PATH, &body(json!({"tool_choice": choice, "seed": seed})));
            let choice = &answer["choices"][0];
            if choice["finish_reason"] == "length" {
                continue;
            }
            assert_eq!(choice["finish_reason"], "tool_calls", "{form}: {choice}");
            let message = &choice["message"];
            let calls = message["tool_calls"].as_array().unwrap();
            assert_eq!((calls.len(), &message["content"], &calls[0]["type"]), (1, &Value::Null, &json!("function")));
            assert!(calls[0]["id"].as_str().unwrap().starts_with("call_"));
            assert_eq!(calls[0]["function"]["name"], "weather");
            assert!(is_weather(calls[0]["function"]["arguments"].as_str().unwrap()), "{form}: {choice}");
        }
    }
}

/// The calls of events, put together as clients do.
fn gathered(events: &[Value]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for event in events {
        for call in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = call["index"].as_u64().unwrap() as usize;
            if index == calls.len() {
                assert!(call["id"].as_str().unwrap().starts_with("call_") && call["type"] == "function");
                calls.push((call["function"]["name"].as_str().unwrap().to_owned(), String::new()));
            }
            calls[index].1 += call["function"]["arguments"].as_str().unwrap();
        }
    }
    calls
}

#[test]
fn events_are_the_calls_in_parts() {
    let server = Running::start(chat_engine(&template(HERMES)), patient());
    let mut several = 0;
    for seed in 0..4 {
        let mut body = body(json!({"tool_choice": "required", "seed": seed}));
        let whole = server.ask(PATH, &body);
        let choice = &whole["choices"][0];
        let calls: Vec<(String, String)> = choice["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| {
                let text = |name: &str| call["function"][name].as_str().unwrap().to_owned();
                (text("name"), text("arguments"))
            })
            .collect();
        body["stream"] = json!(true);
        let events = server.events(PATH, &body);
        assert_eq!(gathered(&events), calls, "{choice}");
        assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], choice["finish_reason"]);
        several += usize::from(calls.len() > 1);
        body["parallel_tool_calls"] = json!(false);
        assert_eq!(gathered(&server.events(PATH, &body)).len(), 1);
    }
    assert!(several > 0);
}

/// The text of the prompt of a request.
fn prompted(server: &Running, engine: &Engine, mut body: Value) -> String {
    body["return_token_ids"] = json!(true);
    let answer = server.ask(PATH, &body);
    let ids: Vec<u32> = serde_json::from_value(answer["choices"][0]["prompt_token_ids"].clone()).unwrap();
    engine.tokenizer().decode(&ids, false).unwrap()
}

#[test]
fn choices_of_tools_are_honoured_or_refused() {
    let engine = chat_engine(&template(HERMES));
    let server = Running::start(engine.clone(), patient());
    let auto = "Tools: weather stop \"now\" <tool_call>\nuser How is it?.\nassistant";
    assert_eq!(prompted(&server, &engine, body(json!({"max_tokens": 1}))), auto);
    let none = body(json!({"max_tokens": 1, "tool_choice": "none"}));
    assert_eq!(prompted(&server, &engine, none), "user How is it?.\nassistant");
    let one = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
        {"type": "function", "function": {"name": "stop \"now\""}}]}});
    let answer = server.ask(PATH, &body(json!({"tool_choice": one, "parallel_tool_calls": false, "max_tokens": 100})));
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "stop \"now\"", "{answer}");
    let free = server.ask(PATH, &body(json!({"max_tokens": 5})));
    assert!(free["choices"][0]["message"]["content"].is_string());
    for (more, code, param) in [
        (json!({"tools": [], "tool_choice": "required"}), "invalid_value", "tool_choice"),
        (json!({"tool_choice": "maybe"}), "invalid_value", "tool_choice"),
        (json!({"tool_choice": {"type": "function", "function": {"name": "other"}}}), "invalid_value", "tool_choice"),
        (json!({"tool_choice": 3}), "invalid_type", "tool_choice"),
        (json!({"functions": [{"name": "f"}]}), "unsupported_parameter", "functions"),
        (json!({"tool_choice": "required", "guided_regex": "a"}), "unsupported_parameter", "guided_regex"),
    ] {
        let (status, found, at) = server.post(PATH, &body(more.clone())).error();
        assert_eq!((status, found.as_str(), at.as_deref()), (400, code, Some(param)), "{more}");
    }
}

/// One schema that cannot be kept is an error that names it; where calls are not kept to schemas it is none.
#[test]
fn a_schema_that_cannot_be_kept_is_named() {
    let server = Running::start(chat_engine(&template(HERMES)), patient());
    let mut tools = tools();
    tools[1]["function"]["parameters"] = json!({"type": "object", "properties": {"a": {"type": "sandwich"}}});
    let required = server.post(PATH, &body(json!({"tools": tools, "tool_choice": "required"})));
    assert_eq!(required.error(), (400, "invalid_schema".to_owned(), Some("tools[1].function.parameters".to_owned())));
    assert_eq!(server.post(PATH, &body(json!({"tools": tools, "max_tokens": 2}))).status, 200);
    let named = json!({"type": "function", "function": {"name": "weather"}});
    assert_eq!(server.post(PATH, &body(json!({"tools": tools, "tool_choice": named}))).status, 200);
    tools[1]["function"]["strict"] = json!(true);
    assert_eq!(server.post(PATH, &body(json!({"tools": tools}))).error().1, "invalid_schema");
    tools[1]["function"]["parameters"] = json!({"type": "object", "properties": {
        "a": {"type": "string", "maxLength": 2000}, "b": {"type": "array", "items": {"type": "string"}}}});
    assert_eq!(server.post(PATH, &body(json!({"tools": tools, "max_tokens": 20}))).status, 200);
}

#[test]
fn a_conversation_with_calls_goes_through_the_template() {
    let engine = chat_engine(&template(HERMES));
    let server = Running::start(engine.clone(), patient());
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "refusal": null, "function_call": null, "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "weather", "arguments": "{\"city\": \"Bonn\"}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]);
    let expected = "user Hi.\nassistant  calls weather Bonn.\ntool rain.\nassistant";
    assert_eq!(prompted(&server, &engine, json!({"messages": messages, "max_tokens": 2})), expected);
}

#[test]
fn a_template_without_a_form_of_calls_says_so() {
    let server = Running::start(chat_engine(&template("unknown")), patient());
    let (status, code, param) = server.post(PATH, &body(json!({"tool_choice": "required"}))).error();
    assert_eq!((status, code.as_str(), param.as_deref()), (400, "tools_unsupported", Some("tool_choice")));
    assert_eq!(server.post(PATH, &body(json!({"max_tokens": 2}))).status, 200);
}

/// A prompt that begins a thought: what the model thinks, and what it then says in a form.
#[test]
fn a_form_begins_behind_a_thought() {
    let template = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n{# </think> #}";
    let server = Running::start(chat_engine(template), patient());
    let ask = |more: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "Think"}], "guided_regex": "[0-9]{4}", "seed": 1,
                              "temperature": 1, "max_tokens": 30});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask(PATH, &body)
    };
    let answer = ask(json!({}));
    let (choice, usage) = (&answer["choices"][0], &answer["usage"]);
    // The model knows no such tag, so it thinks to the end of its tokens.
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!(""), &json!("length")));
    assert!(!choice["message"]["reasoning_content"].as_str().unwrap().is_empty());
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 30);
    assert!(ask(json!({"include_reasoning": false}))["choices"][0]["message"].get("reasoning_content").is_none());
}

#[test]
fn the_server_can_be_told_how_calls_are_written() {
    let format = ToolOptions { format: Some(ToolFormat::Llama3Json), ..ToolOptions::default() };
    let server = Running::start(chat_engine(&template("unknown")), ServerOptions { tools: format, ..patient() });
    let answer = server.ask(PATH, &body(json!({"tool_choice": "required", "max_tokens": 200})));
    let choice = &answer["choices"][0];
    assert!(choice["finish_reason"] == "length" || choice["message"]["tool_calls"].is_array(), "{choice}");
    // Of this form, and not of another one.
    let ids = server.ask(PATH, &body(json!({"tool_choice": "required", "max_tokens": 3, "return_token_ids": true})));
    let ids = json!({"tokens": ids["choices"][0]["token_ids"]});
    assert!("{\"name\"".starts_with(server.ask("/detokenize", &ids)["prompt"].as_str().unwrap().trim_end()));
}

#[test]
fn a_model_without_tools_can_be_told_of_them() {
    let plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";
    let engine = chat_engine(plain);
    let server = Running::start(engine.clone(), patient());
    assert_eq!(server.post(PATH, &body(json!({}))).error().1, "tools_unsupported");
    let fallback = ToolOptions { fallback: true, ..ToolOptions::default() };
    let server = Running::start(engine.clone(), ServerOptions { tools: fallback, ..patient() });
    let prompt =
        prompted(&server, &engine, json!({"messages": [{"role": "user", "content": "How?"}], "max_tokens": 1}));
    assert_eq!(prompt, "user: How?\nassistant:", "nothing is said of tools where there are none");
    // The embedded model has a short context.
    let small = json!([{"type": "function", "function": {"name": "a"}}]);
    let prompt = prompted(&server, &engine, body(json!({"tools": small, "max_tokens": 1})));
    assert!(prompt.starts_with("system: You can call these tools"), "{prompt}");
    assert!(prompt.contains("\"name\":\"a\"") && prompt.ends_with("</tool_call>\nuser: How is it?\nassistant:"));
    let asked = json!({"tools": small, "tool_choice": "required", "parallel_tool_calls": false, "max_tokens": 40});
    let answer = server.ask(PATH, &body(asked));
    let choice = &answer["choices"][0];
    assert!(choice["finish_reason"] == "length" || choice["message"]["tool_calls"][0]["function"]["name"] == "a");
}

#[test]
fn thoughts_have_the_field_that_the_server_was_told() {
    let template = "{% for m in messages %}{{ m.content }}{{ m.reasoning_content }}{% endfor %}<think>\n{# </think> #}";
    let engine = chat_engine(template);
    let question = json!({"messages": [{"role": "user", "content": "Think"}], "seed": 1, "max_tokens": 12});
    for (reasoning, expected) in [
        (ReasoningField::ReasoningContent, vec!["reasoning_content"]),
        (ReasoningField::Reasoning, vec!["reasoning"]),
        (ReasoningField::Both, vec!["reasoning_content", "reasoning"]),
    ] {
        let server = Running::start(engine.clone(), ServerOptions { reasoning, ..patient() });
        let named = |object: &Value| -> Vec<String> {
            object.as_object().unwrap().keys().filter(|name| name.starts_with("reasoning")).cloned().collect()
        };
        let message = server.ask(PATH, &question)["choices"][0]["message"].clone();
        assert_eq!(named(&message), expected);
        let mut streamed = question.clone();
        streamed["stream"] = json!(true);
        let events = server.events(PATH, &streamed);
        let text = |name: &str| -> String {
            events.iter().filter_map(|event| event["choices"][0]["delta"][name].as_str()).collect()
        };
        for name in ["reasoning", "reasoning_content"] {
            let whole = message[name].as_str().unwrap_or_default();
            assert_eq!(text(name).trim_end(), whole, "{name}");
        }
        // What comes back goes to the template, under either name.
        let back = |name: &str| {
            let told = json!({"messages": [{"role": "assistant", "content": "a", name: " king"}], "max_tokens": 1});
            prompted(&server, &engine, told)
        };
        assert_eq!(
            (back("reasoning"), back("reasoning_content")),
            ("a king<think>\n".into(), "a king<think>\n".into())
        );
    }
}
