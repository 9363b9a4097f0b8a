//! The REST data plane of `wps emulator`, with `wps listen` as the client that sees what it does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::{Running, wps};

/// The emulator's published key.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

impl Emulator {
    /// A listener of hub `hub1`, and its connection id.
    fn listener(&self, args: &[&str]) -> (Running, String) {
        let local = format!("--local={}", self.port);
        let mut running = wps(["listen", &local, "-o", "ndjson"]).args(args).start();
        let id = running.expect("connected")["connectionId"].as_str().unwrap().to_owned();
        (running, id)
    }

    fn http(&self) -> Http {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Http { stream: BufReader::new(stream), endpoint: format!("http://localhost:{}", self.port) }
    }
}

/// An HTTP connection that is used again and again.
struct Http {
    stream: BufReader<TcpStream>,
    /// What tokens are made for.
    endpoint: String,
}

impl Http {
    /// Status and body of the answer.
    fn request(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> (u16, String) {
        let path = format!("/api/hubs/hub1{path}");
        let token = token(&format!("{}{path}", self.endpoint));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "the emulator closed the connection");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            } else if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; if method == "HEAD" { 0 } else { length }];
        self.stream.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn send(&mut self, path: &str, text: &str) {
        assert_eq!(self.request("POST", path, "text/plain", text), (202, String::new()));
    }
}

fn token(audience: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"aud": audience, "exp": 4_102_444_800u64});
    let message = format!("{}.{}", part(json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A record without what differs from run to run.
fn settled(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("time");
    record
}

#[test]
fn what_is_sent_over_rest_arrives_as_what_it_is() {
    let emulator = Emulator::quiet(&[]);
    let (mut ann, id) = emulator.listener(&["--user", "ann"]);
    let mut http = emulator.http();
    http.send("/:send", "to all");
    http.send("/users/ann/:send", "to ann");
    http.send(&format!("/connections/{id}/:send"), "to the connection");
    for (sequence_id, data) in [(1, "to all"), (2, "to ann"), (3, "to the connection")] {
        assert_eq!(
            settled(ann.record()),
            json!({"type": "server-message", "dataType": "text", "data": data, "sequenceId": sequence_id})
        );
    }
    assert_eq!(http.request("PUT", &format!("/groups/a%20b/connections/{id}"), "", "").0, 200);
    let body = r#"{"n":1.10}"#;
    assert_eq!(http.request("POST", "/groups/a%20b/:send", "application/json", body).0, 202);
    let record = ann.record();
    assert_eq!(
        (&record["type"], &record["group"], &record["data"]["n"]),
        (&"group-message".into(), &"a b".into(), &json!(1.1))
    );
    assert!(record.get("fromUserId").is_none());
    http.send("/:send?filter=userId%20ne%20'ann'", "not for ann");
    http.send(&format!("/:send?excluded={id}"), "nor this");
    http.send("/:send", "last");
    assert_eq!(ann.record()["data"], "last");
}

#[test]
fn a_connection_closed_over_rest_is_told_why_and_cannot_be_recovered() {
    let emulator = Emulator::quiet(&[]);
    let (ann, id) = emulator.listener(&["--user", "ann", "--no-reconnect"]);
    let mut http = emulator.http();
    assert_eq!(http.request("HEAD", "/users/ann", "", "").0, 200);
    assert_eq!(http.request("DELETE", &format!("/connections/{id}?reason=tidying%20up"), "", "").0, 204);
    let ended = ann.end();
    assert_eq!(ended.code, 7);
    ended.assert_stderr(&["Application server closed the connection. Reason: tidying up", "close code 1000"]);
    assert_eq!(http.request("HEAD", "/users/ann", "", "").0, 404);
    assert_eq!(http.request("HEAD", &format!("/connections/{id}"), "", "").0, 404);
}

#[test]
fn nothing_of_a_burst_is_lost() {
    let emulator = Emulator::quiet(&[]);
    let (mut listener, _) = emulator.listener(&["--count", "3000"]);
    let sender = std::thread::spawn({
        let mut http = emulator.http();
        move || (0..3000).for_each(|n| http.send("/:send", &n.to_string()))
    });
    for n in 0..3000 {
        assert_eq!(listener.expect("server-message")["data"], n.to_string());
    }
    sender.join().unwrap();
    assert_eq!(listener.end().code, 0);
}

#[test]
fn lists_lead_from_page_to_page() {
    let emulator = Emulator::quiet(&[]);
    let _listeners = ["a", "b", "c"].map(|user| emulator.listener(&["--user", user]));
    let mut http = emulator.http();
    for user in ["a", "b", "c"] {
        assert_eq!(http.request("PUT", &format!("/users/{user}/groups/g"), "", "").0, 200);
    }
    let mut path = "/groups/g/connections?maxpagesize=2".to_owned();
    let (mut users, mut ids) = (Vec::new(), Vec::new());
    loop {
        let (status, body) = http.request("GET", &path, "", "");
        assert_eq!(status, 200, "{body}");
        let page: Value = serde_json::from_str(&body).unwrap();
        for member in page["value"].as_array().unwrap() {
            users.push(member["userId"].as_str().unwrap().to_owned());
            ids.push(member["connectionId"].as_str().unwrap().to_owned());
        }
        let Some(link) = page["nextLink"].as_str() else { break };
        // The request's own name for the emulator, which had no port in it.
        path = link.strip_prefix("http://localhost/api/hubs/hub1").unwrap().to_owned();
    }
    // By the ids of their connections.
    assert!(ids.is_sorted(), "{ids:?}");
    users.sort_unstable();
    assert_eq!(users, ["a", "b", "c"]);
}

#[test]
fn requests_are_logged_without_tokens_and_refusals_with_their_reason() {
    let mut emulator = Emulator::quiet(&["-v"]);
    let mut http = emulator.http();
    http.send("/:send", "x");
    emulator.running.err_line("REST POST /api/hubs/hub1/:send: 202");
    let (status, body) = http.request("POST", "/:send?filter=nonsense", "text/plain", "x");
    assert_eq!(status, 400);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["code"], &body["target"]), (&"Error.BadRequest".into(), &"filter".into()));
    let line = emulator.running.err_line("REST POST /api/hubs/hub1/:send: 400");
    assert!(line.contains("`nonsense` is unknown") && !line.contains("eyJ"), "{line}");
    http.endpoint = "http://elsewhere.example".to_owned();
    assert_eq!(http.request("POST", "/:send", "text/plain", "x").0, 401);
    let line = emulator.running.err_line("REST POST /api/hubs/hub1/:send: 401");
    assert!(line.contains("the token's audience is `http://elsewhere.example") && !line.contains("eyJ"), "{line}");
}
