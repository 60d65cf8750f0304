//! The forms of other APIs: `/v1/responses`, Anthropic's `/v1/messages`, Ollama's `/api`. Each is asked for what
//! `/v1/chat/completions` answers, and has to say the same.

use super::client::{Running, chat_engine, engine, patient};
use serde_json::{Value, json};
use trine_server::{ModelFacts, ServerOptions};

const TEMPLATE: &str = "{% if tools %}Tools:{% for tool in tools %} {{ tool.function.name }}{% endfor %} <tool_call>\n\
                        {% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}\
                        {% for c in m.tool_calls or [] %}[{{ c.function.name }} {{ c.function.arguments.city }}]\
                        {% endfor %}\n\
                        {% endfor %}assistant:";

fn server() -> Running {
    let options = ServerOptions { model: "stories".to_owned(), ollama: true, ..patient() };
    Running::start(chat_engine(TEMPLATE), options)
}

/// What is asked of `/v1/chat/completions`, to compare with.
fn chat(server: &Running, more: Value) -> Value {
    let mut body = json!({"messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
                          "seed": 3, "temperature": 1, "max_tokens": 25});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.ask("/v1/chat/completions", &body)
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"enum": ["Bonn", "Rome"]}}, "required": ["city"],
           "additionalProperties": false})
}

/// Names and documents of a stream of named events.
fn named(text: &str) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        (name.to_owned(), serde_json::from_str(data).unwrap())
    };
    text.split("\n\n").filter(|part| !part.is_empty() && !part.starts_with(':')).map(event).collect()
}

fn text_of(events: &[(String, Value)], name: &str, path: &str) -> String {
    let parts = events.iter().filter(|(found, _)| found == name);
    parts.map(|(_, event)| event.pointer(path).and_then(Value::as_str).unwrap_or_default()).collect()
}

#[test]
fn a_response_says_what_the_chat_says() {
    let server = server();
    let expected = chat(&server, json!({}));
    let mut body = json!({"instructions": "Be brief", "input": "Hi", "seed": 3, "temperature": 1,
                          "max_output_tokens": 25,
                          "metadata": {"a": "b"}, "store": true});
    let whole = server.ask("/v1/responses", &body);
    assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("incomplete")));
    assert_eq!(whole["incomplete_details"]["reason"], "max_output_tokens");
    let content = &expected["choices"][0]["message"]["content"];
    let item = &whole["output"][0];
    assert_eq!((&item["type"], &item["content"][0]["text"]), (&json!("message"), content));
    assert!(whole["id"].as_str().unwrap().starts_with("resp_") && item["id"].as_str().unwrap().starts_with("msg_"));
    let (ours, theirs) = (&whole["usage"], &expected["usage"]);
    assert_eq!(
        (&ours["input_tokens"], &ours["output_tokens"]),
        (&theirs["prompt_tokens"], &theirs["completion_tokens"])
    );
    assert_eq!(
        (&whole["metadata"], &whole["tool_choice"], &whole["temperature"]),
        (&json!({"a": "b"}), &json!("auto"), &json!(1.0))
    );
    body["stream"] = json!(true);
    let events = named(&server.post("/v1/responses", &body).text());
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let begin =
        ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"];
    let end =
        ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.incomplete"];
    assert!(names.starts_with(&begin) && names.ends_with(&end), "{names:?}");
    assert_eq!(json!(text_of(&events, "response.output_text.delta", "/delta")), *content);
    for (at, (name, event)) in events.iter().enumerate() {
        assert_eq!((&event["sequence_number"], &event["type"]), (&json!(at), &json!(name)));
    }
    assert_eq!(events.last().unwrap().1["response"]["output"][0]["content"], item["content"]);
}

#[test]
fn responses_have_forms_calls_and_items() {
    let server = server();
    let format = json!({"type": "json_schema", "name": "city", "schema": schema(), "strict": true});
    let answer = server.ask("/v1/responses", &json!({"input": "Hi", "text": {"format": format}, "seed": 1}));
    let value: Value = serde_json::from_str(answer["output"][0]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert!(answer["status"] == "completed" && ["Bonn", "Rome"].contains(&value["city"].as_str().unwrap()));
    let tools = json!([{"type": "function", "name": "weather", "parameters": schema(), "strict": true}]);
    let mut body = json!({"tools": tools, "tool_choice": {"type": "function", "name": "weather"}, "seed": 1, "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{\"city\": \"Bonn\"}"},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"}]});
    let answer = server.ask("/v1/responses", &body);
    let call = &answer["output"][0];
    assert_eq!(
        (&call["type"], &call["name"], &call["status"]),
        (&json!("function_call"), &json!("weather"), &json!("completed"))
    );
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Bonn\"}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"}]);
    let nested = json!([{"type": "function", "function": {"name": "weather", "parameters": schema()}}]);
    let same = chat(&server, json!({"messages": messages, "tools": nested, "max_tokens": 1}));
    assert_eq!(answer["usage"]["input_tokens"], same["usage"]["prompt_tokens"]);
    body["stream"] = json!(true);
    let events = named(&server.post("/v1/responses", &body).text());
    let arguments = text_of(&events, "response.function_call_arguments.delta", "/delta");
    assert_eq!(
        (call["arguments"].as_str().unwrap(), events.last().unwrap().0.as_str()),
        (arguments.as_str(), "response.completed")
    );
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("background", json!(true)),
        ("truncation", json!("auto")),
        ("top_logprobs", json!(3)),
        ("conversation", json!("c")),
        ("include", json!(["message.output_text.logprobs"])),
    ] {
        let mut body = json!({"input": "Hi"});
        body[field] = value;
        let (status, code, param) = server.post("/v1/responses", &body).error();
        assert_eq!((status, code.as_str(), param.as_deref()), (400, "unsupported_parameter", Some(field)));
    }
    for (input, param) in [
        (json!(3), "input"),
        (json!([]), "input"),
        (json!([{"type": "item_reference", "id": "x"}]), "input[0].type"),
        (json!([{"role": "user", "content": [{"type": "input_image"}]}]), "input[0].content[0].type"),
        (json!([{"role": "user"}]), "input[0].content"),
    ] {
        assert_eq!(server.post("/v1/responses", &json!({"input": input})).error().2.as_deref(), Some(param));
    }
}

#[test]
fn a_message_says_what_the_chat_says() {
    let server = server();
    let expected = chat(&server, json!({}));
    let content = expected["choices"][0]["message"]["content"].as_str().unwrap();
    let mut body = json!({"model": "stories", "system": "Be brief", "seed": 3, "temperature": 1, "max_tokens": 25,
                          "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]});
    let counted = server.ask("/v1/messages/count_tokens", &body);
    assert_eq!(counted["input_tokens"], expected["usage"]["prompt_tokens"]);
    let whole = server.ask("/v1/messages", &body);
    assert_eq!(whole["content"], json!([{"type": "text", "text": content}]));
    let heads = (&whole["type"], &whole["role"], &whole["stop_reason"], &whole["stop_sequence"]);
    assert_eq!(heads, (&json!("message"), &json!("assistant"), &json!("max_tokens"), &Value::Null));
    let usage = &whole["usage"];
    let input = usage["input_tokens"].as_u64().unwrap() + usage["cache_read_input_tokens"].as_u64().unwrap();
    assert_eq!((json!(input), &usage["output_tokens"]), (counted["input_tokens"].clone(), &json!(25)));
    let stop: String = content.chars().skip(8).take(4).collect();
    let mut stopped = body.clone();
    stopped["stop_sequences"] = json!([stop]);
    let stopped = server.ask("/v1/messages", &stopped);
    assert_eq!((&stopped["stop_reason"], &stopped["stop_sequence"]), (&json!("stop_sequence"), &json!(stop)));
    body["stream"] = json!(true);
    let events = named(&server.post("/v1/messages", &body).text());
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.starts_with(&["message_start", "content_block_start", "content_block_delta"]), "{names:?}");
    assert!(names.ends_with(&["content_block_stop", "message_delta", "message_stop"]), "{names:?}");
    assert_eq!(text_of(&events, "content_block_delta", "/delta/text"), content);
    assert_eq!(events[events.len() - 2].1["delta"]["stop_reason"], "max_tokens");
}

#[test]
fn messages_have_calls_and_errors_of_their_own_form() {
    let server = server();
    let tools = json!([{"name": "weather", "description": "Tells it", "input_schema": schema()}]);
    let chosen = json!({"type": "tool", "name": "weather"});
    let mut body = json!({"max_tokens": 100, "seed": 1, "tools": tools, "tool_choice": chosen,
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bonn"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]}]});
    let answer = server.ask("/v1/messages", &body);
    let call = &answer["content"][0];
    assert_eq!(
        (&answer["stop_reason"], &call["type"], &call["name"]),
        (&json!("tool_use"), &json!("tool_use"), &json!("weather"))
    );
    assert!(["Bonn", "Rome"].contains(&call["input"]["city"].as_str().unwrap()));
    body["stream"] = json!(true);
    let events = named(&server.post("/v1/messages", &body).text());
    let arguments: Value =
        serde_json::from_str(&text_of(&events, "content_block_delta", "/delta/partial_json")).unwrap();
    assert_eq!(arguments, call["input"]);
    for (change, wrong) in [
        ("max_tokens", Value::Null),
        ("messages", json!([])),
        ("tool_choice", json!({"type": "tool", "name": "other"})),
        ("messages", json!([{"role": "user", "content": [{"type": "image"}]}])),
        ("temperature", json!("hot")),
        ("mcp_servers", json!([1])),
        ("tools", json!([{"type": "bash_20250124", "name": "bash"}])),
    ] {
        let mut wrong_body = body.clone();
        wrong_body[change] = wrong;
        let response = server.post("/v1/messages", &wrong_body);
        let error = response.json();
        assert_eq!(
            (response.status, &error["type"], &error["error"]["type"]),
            (400, &json!("error"), &json!("invalid_request_error"))
        );
        assert!(error["error"]["message"].as_str().unwrap().contains(change), "{error}");
    }
    body["model"] = json!("other");
    assert_eq!(server.post("/v1/messages", &body).json()["error"]["type"], "not_found_error");
}

/// The documents of the lines of an answer.
fn lines(server: &Running, path: &str, body: &Value) -> Vec<Value> {
    let response = server.post(path, body);
    assert_eq!(
        (response.status, response.headers["content-type"].as_str()),
        (200, "application/x-ndjson"),
        "{}",
        response.text()
    );
    response.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ollama_says_what_the_chat_says() {
    let server = server();
    let expected = chat(&server, json!({}));
    let content = expected["choices"][0]["message"]["content"].as_str().unwrap();
    let body = json!({"model": "stories:latest", "messages": [{"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"}],
        "options": {"seed": 3, "temperature": 1, "num_predict": 25, "num_ctx": 64}});
    let parts = lines(&server, "/api/chat", &body);
    let text: String = parts.iter().map(|part| part["message"]["content"].as_str().unwrap()).collect();
    let (last, before) = parts.split_last().unwrap();
    assert_eq!((text.as_str(), &last["done"], &last["done_reason"]), (content, &json!(true), &json!("length")));
    assert!(before.iter().all(|part| part["done"] == false && part["model"] == "stories:latest"));
    assert_eq!((&last["eval_count"], &last["prompt_eval_count"]), (&json!(25), &expected["usage"]["prompt_tokens"]));
    let mut whole = body.clone();
    whole["stream"] = json!(false);
    assert_eq!(server.ask("/api/chat", &whole)["message"]["content"], content);
    let options = json!({"seed": 3, "temperature": 1, "num_predict": 25});
    let generate =
        json!({"model": "stories", "system": "Be brief", "prompt": "Hi", "options": options, "stream": false});
    assert_eq!(server.ask("/api/generate", &generate)["response"], content);
    let raw = json!({"prompt": "Once upon", "raw": true, "options": options, "stream": false});
    let same = json!({"prompt": "Once upon", "seed": 3, "temperature": 1, "max_tokens": 25});
    assert_eq!(
        server.ask("/api/generate", &raw)["response"],
        server.ask("/v1/completions", &same)["choices"][0]["text"]
    );
    let formed = json!({"messages": [{"role": "user", "content": "Hi"}], "format": schema(), "stream": false});
    let value: Value =
        serde_json::from_str(server.ask("/api/chat", &formed)["message"]["content"].as_str().unwrap()).unwrap();
    assert!(["Bonn", "Rome"].contains(&value["city"].as_str().unwrap()));
    assert_eq!(server.ask("/api/chat", &json!({"model": "stories"}))["done_reason"], "load");
}

#[test]
fn ollama_tells_of_its_model_and_cuts_no_prompt() {
    let server = server();
    let tags = server.get("/api/tags").json();
    assert_eq!(
        (&tags["models"][0]["name"], &tags["models"][0]["details"]["format"]),
        (&json!("stories"), &json!("gguf"))
    );
    let shown = server.ask("/api/show", &json!({"model": "stories"}));
    assert_eq!((&shown["template"], &shown["capabilities"]), (&json!(TEMPLATE), &json!(["completion", "tools"])));
    assert!(
        server.get("/api/version").json()["version"].is_string()
            && server.get("/api/ps").json()["models"][0]["model"] == "stories"
    );
    let refusal = |path: &str, body: Value| {
        let response = server.post(path, &body);
        (response.status, response.json()["error"].as_str().unwrap().to_owned())
    };
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let (status, message) = refusal("/api/chat", json!({"messages": messages, "options": {"num_ctx": 1 << 20}}));
    assert!(status == 400 && message.contains("options.num_ctx"), "{message}");
    assert_eq!(refusal("/api/chat", json!({"messages": messages, "options": {"temperature": "hot"}})).0, 400);
    assert_eq!(refusal("/api/chat", json!({"messages": messages, "model": "other"})).0, 404);
    assert_eq!(refusal("/api/generate", json!({"prompt": "a", "context": [1, 2]})).0, 400);
    assert_eq!(refusal("/api/pull", json!({"model": "x"})).0, 501);
    assert_eq!(Running::start(engine(), patient()).get("/api/tags").status, 404);
    let source = trine::embedded_model().unwrap();
    let facts = ModelFacts::of(&source);
    let server = Running::start(engine(), ServerOptions { ollama: true, facts, ..patient() });
    let model = server.get("/api/tags").json()["models"][0].clone();
    let parameters: usize = source.tensors().iter().map(|tensor| tensor.ne.row_major().iter().product::<usize>()).sum();
    let expected = format!("{:.1}M", parameters as f64 / 1e6);
    assert_eq!((&model["size"], &model["details"]["parameter_size"]), (&json!(source.file_len()), &json!(expected)));
    assert!(!model["details"]["quantization_level"].as_str().unwrap().is_empty());
}
