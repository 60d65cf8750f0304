//! `trine serve`: what the command adds to the server, which has tests of its own.

use super::{failure, trine};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A server on any free port, and its address.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    command.arg("serve").args(arguments).args(["--port", "0"]).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut errors = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening at http://") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "the server has ended");
    }
    // What it says later has a reader too.
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (server, address)
}

fn get(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn a_server_answers_until_it_is_told_to_end() {
    let (mut server, address) = start(&["--api-key", "ana:secret", "--id", "mine"]);
    assert!(get(&address, "/health", "").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/v1/models", "").starts_with("HTTP/1.1 401"));
    assert!(get(&address, "/v1/models", "x-api-key: secret\r\n").contains(r#""id":"mine""#));
    let process = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_cannot_be_is_an_error() {
    assert!(failure(&trine(&["serve", "no.gguf"]), 1).contains("no.gguf"));
    assert!(failure(&trine(&["serve", "--api-key", "two words"]), 2).contains("API key"));
    assert!(failure(&trine(&["serve", "--api-key-file", "no.keys"]), 1).contains("no.keys"));
    assert!(failure(&trine(&["-q", "serve", "--context", "100000"]), 1).contains("256"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(failure(&trine(&["-q", "serve", "--port", &port]), 1).contains(&port));
}
