//! Shards: what a row becomes is what the server answers, and the same everywhere; files are there once. That they are
//! there once whatever is killed is shown of the command.

use super::client::{Running, chat_engine, cpu, engine, patient};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trine::model::{Engine, EngineOptions};
use trine_server::{Batch, BatchError, Made, Server, ServerOptions};

const TEMPLATE: &str = "{% if tools %}<tool_call>\n{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}\n\
                        {% endfor %}assistant:";

fn batch(fields: &Value, sequences: usize) -> Batch {
    let ever = Duration::from_secs(1 << 30);
    let options = ServerOptions {
        max_sequences: sequences.try_into().unwrap(),
        max_queue: usize::MAX,
        max_wait: ever,
        request_timeout: ever,
        ..ServerOptions::default()
    };
    Batch::new(&Server::new(chat_engine(TEMPLATE), options).unwrap(), &fields.to_string()).unwrap()
}

fn shard(folder: &Path, name: &str, rows: &[Value]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    path
}

fn made(batch: &Batch, shard: &Path, folder: &Path) -> Made {
    batch.process(shard, folder, &|| false).unwrap()
}

fn lines(made: &Made) -> Vec<Value> {
    std::fs::read_to_string(&made.path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn prompts_become_the_texts_of_the_server_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let prompts: Vec<Value> =
        (0..20).map(|row| json!({"id": row, "prompt": format!("The {row} fox"), "n": 7})).collect();
    let input = shard(folder.path(), "part.jsonl", &prompts);
    let fields = json!({"max_tokens": 12, "seed": 3, "temperature": 1, "stop": ["."]});
    let of_many = batch(&fields, 16);
    let output = made(&of_many, &input, folder.path());
    assert_eq!((output.rows, output.refused), (Some(20), 0));
    let server = Running::start(engine(), patient());
    for (row, line) in lines(&output).iter().enumerate() {
        let mut asked = fields.clone();
        asked["prompt"] = prompts[row]["prompt"].clone();
        let answer = server.ask("/v1/completions", &asked);
        assert_eq!((&line["id"], &line["text"]), (&json!(row), &answer["choices"][0]["text"]));
        let is_cut = line["finish"] == "max_tokens";
        assert_eq!(is_cut, answer["choices"][0]["finish_reason"] == "length", "{line}");
        assert_eq!(is_cut, line["tokens"].as_array().unwrap().len() == 12);
        assert_eq!((&line["seed"], &line["fingerprint"]), (&json!(3), &json!(of_many.fingerprint())));
    }
    // Another server, one row at a time: the same name and the same bytes.
    let elsewhere = tempfile::tempdir().unwrap();
    let alone = made(&batch(&fields, 1), &input, elsewhere.path());
    assert_eq!(alone.path.file_name(), output.path.file_name());
    assert_eq!(std::fs::read(&alone.path).unwrap(), std::fs::read(&output.path).unwrap());
    // It is not made again, and other contents or fields have other names.
    assert_eq!(made(&of_many, &input, folder.path()), Made { rows: None, ..output.clone() });
    let other = made(&batch(&json!({"max_tokens": 12, "seed": 4}), 16), &input, folder.path());
    shard(folder.path(), "part.jsonl", &prompts[1..]);
    let fewer = made(&of_many, &input, folder.path());
    assert!(output.path != other.path && output.path != fewer.path && fewer.rows == Some(19));
}

#[test]
fn rows_in_memory_become_the_lines_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut prompts: Vec<Value> = (0..9).map(|row| json!({"id": row, "prompt": format!("The {row} fox")})).collect();
    prompts.push(json!({"custom_id": "a", "url": "/v1/completions", "body": {"prompt": "A dog", "max_tokens": 5}}));
    let input = shard(folder.path(), "part.jsonl", &prompts);
    let batch = batch(&json!({"max_tokens": 12}), 4);
    let file = std::fs::read_to_string(made(&batch, &input, folder.path()).path).unwrap();
    assert_eq!(batch.lines(&std::fs::read(&input).unwrap(), &|| false).unwrap(), file.lines().collect::<Vec<_>>());
    assert_eq!(batch.lines(b"", &|| false).unwrap(), [""; 0]);
    let error = batch.lines(b"{\"id\": 1, \"prompt\": \"a\"}\n{\"id\": 2}\n", &|| false).unwrap_err().to_string();
    assert!(error.starts_with("line 2: `prompt` is missing"), "{error}");
}

/// What texts leave in memory for those that begin as they do is not missing to a batch that comes later.
#[test]
fn a_batch_begins_where_all_memory_was_used() {
    let options = EngineOptions { cpu: Some(cpu()), sequences: NonZeroUsize::MIN, ..EngineOptions::default() };
    let engine = Engine::of_source(&trine::embedded_model().unwrap(), options).unwrap();
    let server = Server::new(engine, patient()).unwrap();
    let rows = b"{\"id\": 1, \"prompt\": \"Once upon a time\"}\n";
    let made = |server: &Server| Batch::new(server, "{}").unwrap().lines(rows, &|| false).unwrap();
    assert_eq!(made(&server), made(&server));
}

#[test]
fn requests_become_answers_that_are_the_same_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let request =
        |id: &str, url: &str, body: Value| json!({"custom_id": id, "method": "POST", "url": url, "body": body});
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let rows = [
        request(
            "a",
            "/v1/completions",
            json!({"prompt": ["The king", "A dog"], "n": 2, "max_tokens": 9, "logprobs": 1}),
        ),
        request(
            "b",
            "/v1/chat/completions",
            json!({"messages": messages, "max_tokens": 60, "tools": tools,
                                                    "tool_choice": "required", "temperature": 1}),
        ),
        request("c", "/v1/responses", json!({"input": "Hi", "max_output_tokens": 9, "metadata": {"id": "x_y"}})),
        request("d", "/v1/completions", json!({"prompt": "a", "temperature": -1})),
        request("e", "/v1/embeddings", json!({"input": "a"})),
        request("f", "/v1/completions", json!({"prompt": "a", "stream": true})),
        json!({"id": "g", "prompt": 5}),
    ];
    let input = shard(folder.path(), "requests.jsonl", &rows);
    let output = made(&batch(&json!({}), 8), &input, folder.path());
    assert_eq!((output.rows, output.refused), (Some(7), 4));
    let made_elsewhere = tempfile::tempdir().unwrap();
    // What was computed before changes nothing.
    let other = batch(&json!({}), 3);
    let warm = shard(made_elsewhere.path(), "warm.jsonl", &rows[..2]);
    made(&other, &warm, made_elsewhere.path());
    let again = made(&other, &input, made_elsewhere.path());
    assert_eq!(std::fs::read(&again.path).unwrap(), std::fs::read(&output.path).unwrap());
    let lines = lines(&output);
    let body = |at: usize| &lines[at]["response"]["body"];
    assert_eq!((&lines[0]["custom_id"], &lines[0]["response"]["status_code"]), (&json!("a"), &json!(200)));
    assert_eq!(body(0)["choices"].as_array().unwrap().len(), 4);
    assert!(body(0)["id"].as_str().unwrap().starts_with("cmpl-") && body(0).get("timings").is_none());
    assert_eq!((&body(0)["created"], &body(2)["status"]), (&json!(0), &json!("incomplete")));
    assert_eq!(body(2)["metadata"]["id"], "x_y");
    let server = Running::start(chat_engine(TEMPLATE), patient());
    let asked = json!({"messages": messages, "max_tokens": 60, "tools": tools, "tool_choice": "required",
                       "temperature": 1, "seed": 0});
    let mut answer = server.ask("/v1/chat/completions", &asked)["choices"].clone();
    let mut told = body(1)["choices"].clone();
    for choices in [&mut answer, &mut told] {
        for call in choices[0]["message"]["tool_calls"].as_array_mut().into_iter().flatten() {
            assert!(call["id"].as_str().unwrap().starts_with("call_"));
            call["id"] = Value::Null;
        }
    }
    assert_eq!(told, answer);
    let refused: Vec<_> =
        (3..6).map(|at| (&lines[at]["response"]["status_code"], &body(at)["error"]["param"])).collect();
    let (bad, gone) = (json!(400), json!(404));
    assert_eq!(refused, [(&bad, &json!("temperature")), (&gone, &Value::Null), (&bad, &json!("stream"))]);
    assert_eq!((&lines[6]["id"], &lines[6]["error"]["param"]), (&json!("g"), &json!("prompt")));
}

#[test]
fn what_is_wrong_with_a_batch_is_said_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(engine(), ServerOptions::default()).unwrap();
    for (fields, what) in [
        (json!({"temperature": "hot"}), "`temperature`"),
        (json!({"colour": 1}), "`colour` is no field"),
        (json!({"n": 2}), "one text"),
        (json!({"stream": true}), "whole answers"),
    ] {
        let error = Batch::new(&server, &fields.to_string()).unwrap_err().to_string();
        assert!(error.starts_with("fields for all rows: ") && error.contains(what), "{error}");
    }
    let batch = batch(&json!({"max_tokens": 200, "ignore_eos": true}), 2);
    let input = shard(folder.path(), "part.jsonl", &[json!({"id": 0, "prompt": "a"}), json!([])]);
    let error = batch.process(&input, folder.path(), &|| false).unwrap_err().to_string();
    assert!(error.contains("part.jsonl, line 2: `id` is missing"), "{error}");
    let rows: Vec<Value> = (0..40).map(|row| json!({"id": row, "prompt": "a"})).collect();
    shard(folder.path(), "part.jsonl", &rows);
    let error = batch.process(&input, folder.path(), &|| true).unwrap_err();
    assert!(matches!(error, BatchError::Stopped), "{error}");
    let missing = batch.process(&folder.path().join("no.jsonl"), folder.path(), &|| false).unwrap_err();
    assert!(missing.to_string().contains("no.jsonl"), "{missing}");
    let short = shard(folder.path(), "short.jsonl", &[json!({"id": 0, "prompt": "a"})]);
    let nowhere = batch.process(&short, &folder.path().join("nowhere"), &|| false).unwrap_err();
    assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
