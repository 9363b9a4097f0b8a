//! An emulator of the built binary, as the service of one worker, and what harness and counterparts have with it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::process::{Printed, Running, wps};

/// An emulator; gone with the value.
pub struct Service {
    running: Running,
    /// Where it listens.
    pub port: u16,
    /// Its control endpoint.
    pub control: Control,
    key: String,
}

/// It ends with its stdin, and so does not outlive the tests.
const EMULATOR: [&str; 6] = ["emulator", "--port", "0", "-o", "ndjson", "--exit-on-stdin-close"];

/// The hub of all.
pub const HUB: &str = "soak";

impl Service {
    /// On a port of its own, with those flags.
    pub fn start(directory: &Path, more: &[&str], clock: Option<&Clock>) -> Self {
        let mut setup = wps(directory, directory.join("emulator"), EMULATOR).args(more).clock(clock);
        if std::env::var_os("WPS_SOAK_TRAFFIC").is_some() {
            setup = setup.arg("--log").arg(directory.join("traffic.log"));
        }
        let running = setup.start(true);
        let Ok(Some(Printed::Record(ready))) = running.next(Duration::from_secs(30)) else {
            panic!("no emulator: {}", running.stderr());
        };
        let port = ready["endpoint"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        let connection = ready["connectionString"].as_str().unwrap();
        let key = connection.split("AccessKey=").nth(1).unwrap().split(';').next().unwrap().to_owned();
        Self { running, port, control: Control(port), key }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// It stands still; or it goes on.
    pub fn sleep(&mut self, asleep: bool) {
        self.running.sleep(asleep);
    }

    /// The flags that lead a client there through a port, be it its own or that of a proxy.
    pub fn source(&self, port: u16, user: &str) -> Vec<String> {
        let mut flags = self.access(port);
        flags.extend(["--user", user, "--ttl", "1000h"].map(str::to_owned));
        flags
    }

    /// Those that lead an application there.
    pub fn access(&self, port: u16) -> Vec<String> {
        let connection = format!("Endpoint=http://localhost:{port};AccessKey={};Version=1.0;", self.key);
        ["--connection-string", &connection, "--hub", HUB].map(str::to_owned).to_vec()
    }
}

/// The control endpoint of an emulator.
#[derive(Clone, Copy, Debug)]
pub struct Control(u16);

impl Control {
    /// Ends what is kept of a connection, once it has no socket. Tells whether it did.
    pub fn end_recovery(self, connection: &str, limit: Duration) -> bool {
        let (deadline, body) = (Instant::now() + limit, json!({"connection": connection}).to_string());
        while Instant::now() < deadline {
            if self.ask("POST", "/emulator/recovery", &body)["advanced"].as_u64() == Some(1) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// How many messages wait for a connection, or are under way to it; 0 when there is no such connection.
    pub fn unacknowledged(self, connection: &str) -> u64 {
        let all = self.ask("GET", "/emulator/connections", "");
        let own = all["connections"].as_array().into_iter().flatten().find(|own| own["connectionId"] == connection);
        own.and_then(|own| own["unacknowledged"].as_u64()).unwrap_or_default()
    }

    /// A request to the control endpoint.
    fn ask(self, method: &str, path: &str, body: &str) -> Value {
        let answer = || -> std::io::Result<Value> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.0))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let (port, length) = (self.0, body.len());
            let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
            stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            Ok(serde_json::from_str(body).unwrap_or(Value::Null))
        };
        answer().unwrap_or(Value::Null)
    }
}
