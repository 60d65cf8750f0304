//! A client that writes its bytes itself, so that it can also send what no library would, and servers to be asked.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::{OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use trine::kernels::CpuOptions;
use trine::loader::{Gguf, GgufWriter};
use trine::model::{Engine, EngineOptions};
use trine::ops::Cpu;
use trine_server::{ListenOptions, Server, ServerOptions, Stop, run};

/// A server on a port of its own, which ends with this value.
pub struct Running {
    pub address: SocketAddr,
    pub stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// A machine of one thread: tests run beside each other, and the model is small.
pub fn cpu() -> Cpu {
    Cpu::new(CpuOptions { threads: NonZeroUsize::new(1), isa: None }).unwrap()
}

/// The embedded model, opened anew: servers do not share the memory of one engine.
pub fn engine() -> Engine {
    let options = EngineOptions { cpu: Some(cpu()), ..EngineOptions::default() };
    Engine::of_source(&trine::embedded_model().unwrap(), options).unwrap()
}

/// The embedded model that tests ask directly.
pub fn library() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let open = || {
        let sequences = NonZeroUsize::new(64).unwrap();
        let options = EngineOptions { cpu: Some(cpu()), sequences, ..EngineOptions::default() };
        Engine::of_source(&trine::embedded_model().unwrap(), options).unwrap()
    };
    ENGINE.get_or_init(open).clone()
}

/// Options with which nothing is refused because the machine is slow.
pub fn patient() -> ServerOptions {
    ServerOptions { max_wait: Duration::from_secs(3600), ..ServerOptions::default() }
}

/// The same with a chat template.
pub fn chat_engine(template: &str) -> Engine {
    let stories = trine::embedded_model().unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in stories.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    writer.set("tokenizer.chat_template", template).unwrap();
    for tensor in stories.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, stories.bytes(tensor)).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let options = EngineOptions { cpu: Some(cpu()), ..EngineOptions::default() };
    Engine::of_source(&Gguf::from_bytes("chat.gguf", bytes.into()).unwrap(), options).unwrap()
}

impl Running {
    pub fn start(engine: Engine, options: ServerOptions) -> Running {
        Running::listen(engine, options, ListenOptions::default())
    }

    pub fn listen(engine: Engine, options: ServerOptions, listen: ListenOptions) -> Running {
        let (sender, receiver) = mpsc::channel();
        let stop = Stop::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let server = Server::new(engine, options).unwrap();
            let any_port = ["127.0.0.1:0".parse().unwrap()];
            run(server, &any_port, listen, &stopped, |address| sender.send(address).unwrap()).unwrap();
        });
        Running { address: receiver.recv().unwrap(), stop, thread: Some(thread) }
    }

    /// A server that something else runs.
    pub fn elsewhere(address: SocketAddr) -> Running {
        Running { address, stop: Stop::new(), thread: None }
    }

    /// A server of the embedded model that tests share.
    pub fn shared() -> &'static Running {
        static SHARED: OnceLock<Running> = OnceLock::new();
        SHARED.get_or_init(|| Running::start(engine(), patient()))
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Connection { reader: BufReader::new(stream) }
    }

    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut connection = self.connect();
        connection.write_request(method, path, headers, body);
        connection.response()
    }

    /// The answer to a body, which has to be 200.
    pub fn ask(&self, path: &str, body: &Value) -> Value {
        let response = self.post(path, body);
        assert_eq!(response.status, 200, "{body}: {}", response.text());
        response.json()
    }

    /// The events of a streamed answer, without the last, `[DONE]`.
    pub fn events(&self, path: &str, body: &Value) -> Vec<Value> {
        let response = self.post(path, body);
        assert_eq!(response.status, 200, "{body}: {}", response.text());
        assert_eq!(response.headers["content-type"], "text/event-stream; charset=utf-8");
        events_of(&response.text())
    }

    /// The value of a line of the metrics.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Waits until a value of the metrics is so.
    pub fn wait_for(&self, name: &str, is_so: impl Fn(f64) -> bool) {
        for _ in 0..3000 {
            if is_so(self.metric(name)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{name} is {}", self.metric(name));
    }

    /// Waits until the server has ended.
    pub fn join(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The events of a text, without the last, `[DONE]`.
pub fn events_of(text: &str) -> Vec<Value> {
    let lines: Vec<&str> = text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':')).collect();
    let (last, events) = lines.split_last().unwrap();
    assert_eq!(*last, "data: [DONE]");
    events.iter().map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap()).collect()
}

/// A connection, on which one request is sent.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Response {
    /// The body, which has to be UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Status, code and field of an error.
    pub fn error(&self) -> (u16, String, Option<String>) {
        let error = &self.json()["error"];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()) && error["type"].is_string(), "{error}");
        (self.status, error["code"].as_str().unwrap().to_owned(), error["param"].as_str().map(str::to_owned))
    }
}

impl Connection {
    pub fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Writes to a server that may have closed.
    pub fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    pub fn write_request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += "host: localhost\r\n";
        }
        if method == "POST" && !headers.iter().any(|(name, _)| *name == "content-length") {
            head += &format!("content-length: {}\r\n", body.len());
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        self.write(format!("{head}\r\n").as_bytes());
        // A server that refuses a body may have closed before all of it was sent.
        let _ = self.reader.get_mut().write_all(body);
    }

    /// Status and headers.
    pub fn head(&mut self) -> (u16, BTreeMap<String, String>) {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {line:?}")).parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { return (status, headers) };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }

    /// A chunk of the body, or nothing at its end.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or_else(|_| panic!("no length in {line:?}"));
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        (length > 0).then_some(chunk)
    }

    pub fn response(&mut self) -> Response {
        let (status, headers) = self.head();
        let mut body = Vec::new();
        if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
            while let Some(chunk) = self.chunk() {
                body.extend(chunk);
            }
        } else {
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            body.resize(length, 0);
            self.reader.read_exact(&mut body).unwrap();
        }
        Response { status, headers, body }
    }
}
