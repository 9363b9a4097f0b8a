//! An emulator of the built binary, with whatever is wrong with it, and its control endpoint.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::PATIENCE;
use super::process::{Ended, Running, wps};

/// An emulator on a port of its own; gone with the value.
pub struct Emulator {
    /// The process.
    pub running: Running,
    /// Where it listens.
    pub port: u16,
    /// For hub `hub1`, with both roles.
    pub client_url: String,
}

/// An answer of the control endpoint.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body.
    pub body: Value,
}

impl Emulator {
    /// With these faults.
    pub fn with(faults: &[&str]) -> Self {
        let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
        Self::start(&faults)
    }

    /// With these arguments. It tells its lifecycle on stderr.
    pub fn start(args: &[&str]) -> Self {
        Self::quiet(&[&["-v"], args].concat())
    }

    /// With these arguments, and without `-v`.
    pub fn quiet(args: &[&str]) -> Self {
        let mut running = wps(["emulator", "--port", "0", "-o", "ndjson"]).args(args).start();
        let ready = running.expect("listening");
        let port = ready["endpoint"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self { running, port, client_url: ready["clientUrl"].as_str().unwrap().to_owned() }
    }

    /// The flag that leads to it.
    pub fn local(&self) -> String {
        format!("--local={}", self.port)
    }

    /// A listener in group `g` that has joined.
    pub fn listen(&self, more: &[&str]) -> Running {
        let mut listener = self.listen_unjoined(more);
        listener.skip_to("joined");
        listener
    }

    /// A listener that is about to join group `g`.
    pub fn listen_unjoined(&self, more: &[&str]) -> Running {
        wps(["listen", "-o", "ndjson", "-g", "g", "--user", "listener", &self.local()]).args(more).start()
    }

    /// Sends to group `g`, as user `sender`, with a record of how it went. What is tried again is tried soon.
    pub fn send(&self, data: &str, more: &[&str]) -> Ended {
        wps(["send", "-o", "ndjson", "--user", "sender", "--retry-delay", "20ms", "--reconnect-delay", "20ms"])
            .args([&self.local(), "g", data])
            .args(more)
            .run()
    }

    /// Sends each of these to group `g`, one after the other, on one connection, without waiting for anything else.
    pub fn publish(&self, messages: &[&str]) {
        let script: String = messages.iter().map(|message| format!("send g {message}\n")).collect();
        let ended = wps(["repl", "--user", "sender", &self.local()]).stdin(script).run();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    /// A request to the control endpoint, as curl makes it.
    pub fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        self.request(method, path, &format!("Host: localhost:{}\r\n", self.port), body)
    }

    /// A request with these headers, each with its end of line.
    pub fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        Answer { status, head: head.to_owned(), body }
    }

    /// Adds a fault while it runs; gives its number.
    pub fn add(&self, fault: &str) -> u64 {
        let answer = self.control("POST", "/emulator/faults", &serde_json::json!({"fault": fault}).to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_u64().unwrap()
    }

    /// How often each fault happened.
    pub fn fired(&self) -> Vec<u64> {
        let answer = self.control("GET", "/emulator/faults", "");
        answer.body["faults"].as_array().unwrap().iter().map(|fault| fault["fired"].as_u64().unwrap()).collect()
    }
}
