//! Faults of clients and of requests: what leaves in the middle, what never ends, what is slow, what panics. None of it
//! costs others anything, and no memory is lost. `tools/server/faults.py` does the same for longer.

use super::client::{Connection, Running, engine, events_of, patient};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trine::model::{Candidates, GenerateOptions, Greedy, LogitsFilter, SamplerChain, SamplerError};
use trine_server::{Event, Job, ListenOptions, Server, ServerOptions, Terms};

const PATH: &str = "/v1/completions";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn ask(server: &Running, body: &Value) -> Connection {
    let mut connection = server.connect();
    connection.write_request("POST", PATH, &JSON, body.to_string().as_bytes());
    connection
}

#[test]
fn clients_that_leave_at_any_time_take_nothing_with_them() {
    let server = Running::start(engine(), patient());
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..12 {
                    let number = (thread * 12 + round).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    let words = "The old king ".repeat(1 + number as usize % 9);
                    let body = json!({"prompt": format!("{thread} {words}"), "max_tokens": 40, "ignore_eos": true,
                                      "n": 1 + number % 3, "stream": number % 2 == 0});
                    let mut connection = ask(server, &body);
                    match number % 4 {
                        0 => drop(connection),
                        1 if number % 2 == 0 => drop((connection.head(), connection)),
                        2 => {
                            std::thread::sleep(Duration::from_millis(number % 30));
                            drop(connection);
                        }
                        _ => assert_eq!(connection.response().status, 200),
                    }
                }
            });
        }
    });
    for gauge in ["trine_requests_running", "trine_requests_queued", "trine_kv_positions{state=\"active\"}"] {
        server.wait_for(gauge, |count| count == 0.0);
    }
    assert_eq!(server.metric("trine_kv_pages_elsewhere"), 0.0, "no page is lost");
    assert_eq!(server.ask(PATH, &json!({"prompt": "a", "max_tokens": 3}))["object"], "text_completion");
}

#[test]
fn a_body_without_an_end_is_refused_at_its_limit() {
    let server = Running::start(engine(), ServerOptions { max_body: 1 << 16, ..patient() });
    let mut connection = server.connect();
    let head = "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    connection.write(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes());
    // As long as the server takes them, and then as long as the system does.
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    (0..64).for_each(|_| _ = connection.try_write(chunk.as_bytes()));
    assert_eq!(connection.response().error().1, "request_too_large");
    // One that says how long it is has not to send any of it.
    let mut connection = server.connect();
    connection.write(format!("{head}content-length: 99999999999\r\n\r\n").as_bytes());
    assert_eq!(connection.response().error().1, "request_too_large");
    assert_eq!(server.post(PATH, &json!({"prompt": "a", "max_tokens": 1})).status, 200);
}

#[test]
fn silent_and_slow_connections_starve_nobody() {
    let server = Running::start(engine(), patient());
    let mut held = Vec::new();
    for number in 0..256 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        match number % 4 {
            // Silence, a head without its end, a body without its end, an answer that nobody reads.
            0 => {}
            1 => stream.write_all(b"GET /health HTTP/1.1\r\nhost:").unwrap(),
            2 => stream
                .write_all(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n\r\n{\"pro")
                .unwrap(),
            _ => stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap(),
        }
        held.push(stream);
    }
    let texts: Vec<Value> =
        (0..4).map(|_| server.ask(PATH, &json!({"prompt": "a", "max_tokens": 20, "seed": 1}))).collect();
    assert!(texts.iter().all(|text| text["choices"] == texts[0]["choices"]));
    assert_eq!(server.get("/health").status, 200);
    drop(held);
}

#[test]
fn the_end_of_a_server_loses_none_of_sixteen_streams() {
    let listen = ListenOptions { drain: Duration::from_secs(600), ..ListenOptions::default() };
    let server = Running::listen(engine(), patient(), listen);
    let body =
        |seed: usize| json!({"prompt": "The king", "seed": seed, "max_tokens": 60, "ignore_eos": true, "stream": true});
    let mut streams: Vec<Connection> = (0..16).map(|seed| ask(&server, &body(seed))).collect();
    let mut begun: Vec<Vec<u8>> = streams
        .iter_mut()
        .map(|stream| {
            assert_eq!(stream.head().0, 200);
            stream.chunk().unwrap()
        })
        .collect();
    server.stop.stop();
    for (stream, text) in streams.iter_mut().zip(&mut begun) {
        while let Some(chunk) = stream.chunk() {
            text.extend(chunk);
        }
        let events = events_of(std::str::from_utf8(text).unwrap());
        assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "length");
    }
    server.join();
}

/// A filter with a fault.
struct Panics;

impl LogitsFilter for Panics {
    fn apply(&mut self, _: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError> {
        assert!(recent.len() < 6, "a fault of this request");
        Ok(())
    }
}

#[test]
fn a_panic_of_a_request_is_an_error_of_it_alone() {
    let server = Server::new(engine(), patient()).unwrap();
    let mut faulty = SamplerChain::ending_in(Greedy);
    faulty.push_first(Panics);
    let job = |sampler: SamplerChain| Job {
        prompt: vec![5, 6],
        sampler,
        options: GenerateOptions { max_tokens: 30, stop_at_end_of_text: false, ..GenerateOptions::default() },
        prompt_logprobs: None,
        cache_salt: None,
    };
    let terms = Terms { limit: Duration::from_secs(600), ..Terms::default() };
    let mut good = server.submit(vec![job(SamplerChain::greedy())], terms.clone());
    let mut bad = server.submit(vec![job(faulty)], terms.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let has_failed = AtomicBool::new(false);
    let tokens = |running: &mut trine_server::Running| {
        let mut tokens = Vec::new();
        loop {
            match runtime.block_on(running.next()).1 {
                Event::Token { id, .. } => tokens.push(id),
                Event::Done { .. } => return tokens,
                Event::Failed(error) => {
                    assert_eq!((error.status.as_u16(), error.code), (500, "internal"));
                    has_failed.store(true, Ordering::Relaxed);
                    return tokens;
                }
                _ => {}
            }
        }
    };
    let before = tokens(&mut bad);
    assert!(has_failed.load(Ordering::Relaxed) && before.len() < 6);
    let all = tokens(&mut good);
    assert_eq!((all.len(), &all[..before.len()]), (30, &before[..]));
    // The engine goes on.
    assert_eq!(tokens(&mut server.submit(vec![job(SamplerChain::greedy())], terms)), all);
    assert!(!server.has_failed());
}
