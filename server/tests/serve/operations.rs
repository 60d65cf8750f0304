//! How a server runs and ends: silence, clients that go away, deadlines, the end, the page.

use super::client::{Running, chat_engine, engine, events_of, patient};
use serde_json::json;
use std::time::Duration;
use trine::model::{GenerateOptions, SamplerChain};
use trine_server::{Event, Job, ListenOptions, Server, ServerOptions, Terms};

const PATH: &str = "/v1/completions";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn what_nobody_waits_for_is_not_generated() {
    let server = Running::start(engine(), patient());
    for stream in [true, false] {
        let body = json!({"prompt": ["a", "b", "c"], "n": 4, "max_tokens": 250, "ignore_eos": true, "stream": stream});
        let before = server.metric("trine_cancelled_total{phase=\"running\"}");
        let mut connection = server.connect();
        connection.write_request("POST", PATH, &JSON, body.to_string().as_bytes());
        server.wait_for("trine_requests_running", |count| count > 0.0);
        drop(connection);
        server.wait_for("trine_cancelled_total{phase=\"running\"}", |count| count > before);
        server.wait_for("trine_requests_running", |count| count == 0.0);
        server.wait_for("trine_kv_positions{state=\"active\"}", |count| count == 0.0);
    }
}

#[test]
fn silence_is_broken() {
    let ping = Duration::from_millis(5);
    let server = Running::start(engine(), ServerOptions { ping, max_sequences: 1.try_into().unwrap(), ..patient() });
    let long = json!({"prompt": "a", "max_tokens": 250, "ignore_eos": true, "stream": true});
    let mut first = server.connect();
    first.write_request("POST", PATH, &JSON, long.to_string().as_bytes());
    first.head();
    // The second waits for the first.
    let text = server.post(PATH, &long).text();
    assert!(text.contains(": ping\n\n"));
    assert_eq!(events_of(&text).last().unwrap()["choices"][0]["finish_reason"], "length");
}

#[test]
fn a_deadline_ends_a_text_where_it_is() {
    let limit = Duration::from_millis(150);
    let server = Running::start(engine(), ServerOptions { request_timeout: limit, ..patient() });
    let body = json!({"prompt": vec!["The king"; 16], "n": 8, "max_tokens": 240, "ignore_eos": true, "temperature": 1});
    let response = server.post(PATH, &body);
    // Either all had a token before, and are as long as they got, or one of them had none.
    match response.status {
        200 => {
            let answer = response.json();
            let choices = answer["choices"].as_array().unwrap();
            assert!(choices.iter().all(|choice| choice["finish_reason"] == "length"));
        }
        status => assert_eq!((status, response.error().1.as_str()), (408, "timeout")),
    }
    let none = ServerOptions { request_timeout: Duration::ZERO, ..patient() };
    let server = Running::start(engine(), none);
    assert_eq!(server.post(PATH, &json!({"prompt": "a"})).error(), (408, "timeout".to_owned(), None));
}

#[test]
fn a_server_that_is_stopped_lets_its_requests_end() {
    let listen = ListenOptions { drain: Duration::from_secs(600), ..ListenOptions::default() };
    let server = Running::listen(engine(), patient(), listen);
    let body = json!({"prompt": "a", "max_tokens": 200, "ignore_eos": true, "stream": true});
    let mut connection = server.connect();
    connection.write_request("POST", PATH, &JSON, body.to_string().as_bytes());
    connection.head();
    // A connection that is silent keeps nobody waiting.
    let _silent = server.connect();
    let mut text = connection.chunk().unwrap();
    server.stop.stop();
    while let Some(chunk) = connection.chunk() {
        text.extend(chunk);
    }
    let events = events_of(&String::from_utf8(text).unwrap());
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "length");
    let address = server.address;
    server.join();
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn what_does_not_end_in_time_is_ended_with_an_error() {
    let listen = ListenOptions { drain: Duration::ZERO, ..ListenOptions::default() };
    let server = Running::listen(engine(), patient(), listen);
    let body = json!({"prompt": vec!["a"; 16], "n": 4, "max_tokens": 250, "ignore_eos": true, "stream": true});
    let mut connection = server.connect();
    connection.write_request("POST", PATH, &JSON, body.to_string().as_bytes());
    connection.head();
    let mut text = connection.chunk().unwrap();
    server.stop.stop();
    while let Some(chunk) = connection.chunk() {
        text.extend(chunk);
    }
    let events = events_of(&String::from_utf8(text).unwrap());
    assert_eq!(events.last().unwrap()["error"]["code"], "draining");
    server.join();
}

#[test]
fn slow_and_broken_bodies_end() {
    let options = ServerOptions { body_timeout: Duration::from_millis(100), ..patient() };
    let server = Running::start(engine(), options);
    let mut connection = server.connect();
    let headers = [("content-type", "application/json"), ("content-length", "100")];
    connection.write_request("POST", PATH, &headers, b"{\"prompt\":");
    assert_eq!(connection.response().error(), (408, "slow_body".to_owned(), None));
    let mut connection = server.connect();
    connection.write(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(connection.response().status, 400);
    let mut connection = server.connect();
    connection.write(b"\x00\x01\x02 nonsense\r\n\r\n");
    assert_eq!(connection.head().0, 400);
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn metrics_are_in_the_form_of_prometheus() {
    let server = Running::start(engine(), patient());
    server.ask(PATH, &json!({"prompt": "a", "max_tokens": 3, "ignore_eos": true}));
    let text = server.get("/metrics").text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("trine_") || name.starts_with("process_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(server.metric("trine_requests_total{endpoint=\"/v1/completions\",status=\"200\"}"), 1.0);
    assert_eq!(server.metric("trine_choices_total{finish=\"length\"}"), 1.0);
    assert_eq!(server.metric("trine_time_to_first_token_seconds_count"), 1.0);
    assert_eq!(server.metric("trine_inter_token_seconds_count"), 2.0);
    server.wait_for("trine_generated_tokens_total", |count| count == 3.0);
}

#[test]
fn the_page_brings_its_own_scripts_alone() {
    let server = Running::start(chat_engine("{{ messages }}"), patient());
    let (first, second) = (server.get("/"), server.get("/"));
    assert_eq!((first.status, first.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let policy = &first.headers["content-security-policy"];
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = first.text();
    assert_eq!(page.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
    assert_ne!(policy, &second.headers["content-security-policy"], "each page has a nonce of its own");
    for word in ["innerHTML", "http://", "https://", "style=\"", "onclick="] {
        assert!(!page.contains(word), "{word}");
    }
    let server = Running::start(engine(), ServerOptions { page: false, ..patient() });
    assert_eq!(server.get("/").error().0, 404);
}

#[test]
fn a_router_can_be_a_part_of_another() {
    let server = Server::new(engine(), patient()).unwrap();
    let app: axum::Router = axum::Router::new().nest("/llm", server.router());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, app).await });
    let asked = Running::elsewhere(address);
    assert_eq!(asked.get("/llm/health").status, 200);
    assert_eq!(asked.get("/health").status, 404);
    let answer = asked.ask("/llm/v1/completions", &json!({"prompt": "a", "max_tokens": 2, "ignore_eos": true}));
    assert_eq!(answer["usage"]["completion_tokens"], 2);
    runtime.shutdown_background();
}

#[test]
fn choices_without_a_network_are_generated_as_any() {
    let engine = trine::embedded_engine().unwrap();
    let prompt = engine.prompt("The king").unwrap();
    let options = GenerateOptions { max_tokens: 12, ..GenerateOptions::default() };
    let server = Server::new(engine.clone(), ServerOptions::default()).unwrap();
    let job = |ids: &[u32]| Job {
        prompt: ids.to_vec(),
        sampler: SamplerChain::greedy(),
        options: options.clone(),
        prompt_logprobs: None,
        cache_salt: None,
    };
    let terms = Terms { key: String::new(), limit: Duration::from_secs(600), priority: 0 };
    let mut running = server.submit(vec![job(prompt.ids()), job(&[5])], terms.clone());
    let mut texts = [String::new(), String::new()];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut left = texts.len();
    while left > 0 {
        match runtime.block_on(running.next()) {
            (index, Event::Token { text, .. }) => texts[index].push_str(&text),
            (index, Event::Done { text, .. }) => {
                texts[index].push_str(&text);
                left -= 1;
            }
            (_, Event::Failed(error)) => panic!("{error:?}"),
            _ => {}
        }
    }
    let pieces = engine.sequence().generate_with(&prompt, SamplerChain::greedy(), options.clone()).collect::<Vec<_>>();
    assert_eq!(texts[0], pieces.into_iter().map(|piece| piece.unwrap().text).collect::<String>());
    let mut refused = server.submit(vec![job(&[])], terms);
    let (_, Event::Failed(error)) = runtime.block_on(refused.next()) else { panic!("a prompt without tokens") };
    assert_eq!((error.code, error.status.as_u16()), ("invalid_value", 400));
}
