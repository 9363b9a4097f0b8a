//! The emulator's control endpoint, as a test of somebody's own client uses it, and who may not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::support::emulator::Emulator;
use crate::support::webhook::Webhook;
use crate::support::{PATIENCE, wps};

#[test]
fn connections_and_groups_are_listed() {
    let emulator = Emulator::with(&[]);
    let _listener = emulator.listen(&["-g", "h"]);
    let hubs = emulator.control("GET", "/emulator/hubs", "").body;
    assert_eq!(hubs["hubs"], serde_json::json!([{"hub": "hub1", "connections": 1, "attached": 1, "groups": 2}]));
    let connections = emulator.control("GET", "/emulator/connections?user=listener&group=g", "").body;
    let connection = &connections["connections"][0];
    assert_eq!(connection["userId"], "listener", "{connections}");
    assert_eq!(connection["hub"], "hub1");
    assert_eq!(connection["groups"], serde_json::json!(["g", "h"]));
    assert_eq!(connection["protocol"], "json.reliable.webpubsub.azure.v1");
    assert_eq!((&connection["attached"], &connection["recoverableUntil"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!((&connection["received"], &connection["sent"]), (&2.into(), &3.into()), "{connection}");
    assert!(connection["since"].as_str().unwrap().ends_with('Z'));
    let id = connection["connectionId"].as_str().unwrap();
    assert_eq!(&emulator.control("GET", &format!("/emulator/connections/{id}"), "").body["userId"], "listener");
    let groups = emulator.control("GET", "/emulator/groups?hub=HUB1", "").body;
    let group = serde_json::json!({"group": "g", "hub": "hub1", "members": [id], "states": [], "subscribers": []});
    assert_eq!(groups["groups"][0], group);
    for nobody in ["user=bob", "group=x", "hub=other"] {
        let none = emulator.control("GET", &format!("/emulator/connections?{nobody}"), "").body;
        assert_eq!(none["connections"], serde_json::json!([]), "{nobody}");
    }
}

#[test]
fn a_connection_is_dropped_on_request_and_recovers() {
    let emulator = Emulator::with(&[]);
    let mut listener = emulator.listen(&[]);
    let connections = emulator.control("GET", "/emulator/connections", "").body;
    let id = connections["connections"][0]["connectionId"].as_str().unwrap().to_owned();
    let path = format!("/emulator/connections/{id}/drop");
    for body in ["", r#"{"how":"eof"}"#, r#"{"how":1001,"reason":"reload"}"#, r#"{"how":"1012"}"#] {
        assert_eq!(emulator.control("POST", &path, body).status, 200, "{body}");
        listener.expect("recovering");
        assert_eq!(listener.expect("recovered")["connectionId"], id);
    }
    let wrong = emulator.control("POST", &path, r#"{"how":"rest"}"#);
    assert_eq!((wrong.status, &wrong.body["error"]["hints"][0]), (400, &"did you mean `reset`?".into()));
    assert_eq!(emulator.control("POST", "/emulator/connections/nobody/drop", "").status, 404);
}

#[test]
fn a_fault_that_is_added_meets_connections_that_are_open() {
    let emulator = Emulator::with(&[]);
    let mut listener = emulator.listen(&[]);
    let id = emulator.add("drop=reset,after=0s,times=1");
    listener.expect("recovering");
    listener.expect("recovered");
    let fault = emulator.control("GET", &format!("/emulator/faults/{id}"), "").body;
    assert_eq!((&fault["fired"], &fault["done"]), (&1.into(), &true.into()), "{fault}");
    assert_eq!(emulator.control("DELETE", &format!("/emulator/faults/{id}"), "").status, 200);
    assert_eq!(emulator.control("GET", &format!("/emulator/faults/{id}"), "").status, 404);
    emulator.add("no-pong");
    emulator.add("no-pong");
    assert_eq!(emulator.control("DELETE", "/emulator/faults", "").body["cleared"], 2);
    assert!(emulator.fired().is_empty());
}

#[test]
fn a_recovery_window_ends_on_request() {
    let emulator = Emulator::with(&[]);
    let mut listener = emulator.listen(&["--reconnect-delay", "50ms"]);
    // It is kept away until its window has ended.
    emulator.add("refuse=503,op=recover");
    emulator.add("drop=reset,after=0s,times=1");
    listener.expect("recovering");
    let connections = emulator.control("GET", "/emulator/connections", "").body;
    assert_eq!(connections["connections"][0]["attached"], false, "{connections}");
    assert!(connections["connections"][0]["recoverableUntil"].is_string(), "{connections}");
    assert_eq!(emulator.control("POST", "/emulator/recovery", r#"{"by":"1s"}"#).body["advanced"], 1);
    assert_eq!(emulator.control("GET", "/emulator/connections", "").body["connections"].as_array().unwrap().len(), 1);
    assert_eq!(emulator.control("POST", "/emulator/recovery", "").body["advanced"], 1);
    assert_eq!(emulator.control("GET", "/emulator/connections", "").body["connections"], serde_json::json!([]));
    emulator.control("DELETE", "/emulator/faults", "");
    listener.skip_to("session-lost");
    listener.skip_to("connected");
    assert_eq!(listener.skip_to("joined")["rejoined"], true);
}

/// Watches what passes from now on: gives the next record of a type that has this part.
fn watch(emulator: &Emulator) -> impl FnMut(&str, &str) -> serde_json::Value + use<> {
    let mut stream = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /emulator/events HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", emulator.port);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    // It watches from here on.
    assert!(lines.any(|line| line.starts_with(": ")));
    move |kind: &str, part: &str| {
        let mut records = lines.by_ref().filter_map(|line| {
            let data = line.strip_prefix("data: ")?;
            Some((serde_json::from_str::<serde_json::Value>(data).unwrap(), data.contains(part)))
        });
        records.find(|(record, fits)| *fits && record["type"] == kind).unwrap().0
    }
}

#[test]
fn what_passes_can_be_watched() {
    let emulator = Emulator::with(&[]);
    let mut record = watch(&emulator);
    emulator.add("nack=InternalServerError,op=sendToGroup,times=1");
    emulator.send("hello", &[]);
    assert_eq!(record("opened", "sender")["hub"], "hub1");
    let connected = record("sent", "connected");
    assert_eq!(connected["frame"]["reconnectionToken"], "[redacted]", "{connected}");
    assert_eq!(record("received", "hello")["frame"]["type"], "sendToGroup");
    assert!(record("fault", "InternalServerError")["note"].as_str().unwrap().contains("time 1"));
    assert!(record("ended", "has left")["socket"].is_u64());
}

#[test]
fn who_recovers_and_what_a_drop_did_is_said_in_words() {
    let emulator = Emulator::with(&[]);
    let mut record = watch(&emulator);
    let mut listener = emulator.listen(&[]);
    let id = record("opened", "listener")["connectionId"].as_str().unwrap().to_owned();
    for (body, how) in [("", "is reset"), (r#"{"how":"eof"}"#, "is ended without a close frame")] {
        assert_eq!(emulator.control("POST", &format!("/emulator/connections/{id}/drop"), body).status, 200);
        assert_eq!(record("ended", "")["how"], how);
        listener.expect("recovering");
        listener.expect("recovered");
        let opened = record("opened", &id);
        assert_eq!((&opened["recovers"], &opened["userId"]), (&true.into(), &"listener".into()), "{opened}");
    }
}

#[test]
fn what_is_asked_of_handlers_and_of_the_control_endpoint_can_be_watched() {
    let webhook = Webhook::start();
    let emulator = Emulator::start(&["--event-handler", &format!("{},system-events=", webhook.url("/{event}?code=s"))]);
    let mut record = watch(&emulator);
    let client = wps(["event", &emulator.local(), "--user", "ann", "vote", "yes"]).start();
    webhook.agree();
    webhook.expect("vote").accept();
    assert_eq!(client.end().code, 0);
    let asked = record("handler", "");
    assert_eq!((&asked["event"], &asked["status"], &asked["hub"]), (&"vote".into(), &204.into(), &"hub1".into()));
    assert!(asked["elapsedMs"].as_f64().unwrap() > 0.0 && asked["note"].is_null(), "{asked}");
    assert!(!asked.to_string().contains("code=s"), "a query may hold a secret: {asked}");
    emulator.add("no-pong");
    let request = record("request", "/emulator/faults");
    assert_eq!((&request["status"], &request["note"]), (&201.into(), &"fault 1: no-pong".into()), "{request}");
    assert_eq!(emulator.control("DELETE", "/emulator/faults/7", "").status, 404);
    assert_eq!(record("request", "/emulator/faults/7")["note"], "There is no fault `7`.");
}

#[test]
fn the_page_sends_messages_as_they_were_written() {
    let emulator = Emulator::with(&[]);
    let mut listener = emulator.listen(&[]);
    let id = emulator.control("GET", "/emulator/connections", "").body["connections"][0]["connectionId"].clone();
    let data = r#"{"z": 10.50, "a": 12345678901234567890123, "a": 1e2}"#;
    let body = format!(r#"{{"group":"g","data":{data}}}"#);
    assert_eq!(emulator.control("POST", "/emulator/send", &body).body["receivers"], 1);
    let line = listener.line();
    assert!(line.contains(data), "{line}");
    for to in ["".to_owned(), r#","user":"listener""#.to_owned(), format!(r#","connection":{id}"#)] {
        let sent = emulator.control("POST", "/emulator/send", &format!(r#"{{"hub":"HUB1","text":"hé"{to}}}"#));
        assert_eq!((sent.status, &sent.body["receivers"]), (200, &1.into()), "{to}");
        assert_eq!(listener.expect("server-message")["data"], "hé");
    }
    let nobody = emulator.control("POST", "/emulator/send", r#"{"hub":"other","text":"x"}"#);
    assert_eq!((nobody.status, &nobody.body["receivers"]), (200, &0.into()));
    for body in [
        "{}",
        r#"{"text":"x","data":1}"#,
        r#"{"text":"x","group":"g","user":"u"}"#,
        r#"{"text":"x","user":""}"#,
        r#"{"text":"x","hub":"1"}"#,
        r#"{"txt":"x"}"#,
        r#"{"data":01}"#,
    ] {
        assert_eq!(emulator.control("POST", "/emulator/send", body).status, 400, "{body}");
    }
}

#[test]
fn the_page_has_all_its_parts() {
    let emulator = Emulator::with(&[]);
    let (mut found, mut wanted) = (Vec::new(), vec!["/".to_owned()]);
    while let Some(path) = wanted.pop() {
        let mut stream = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{path}: {text}");
        for (before, after) in [("href=\"/", "/"), ("src=\"/", "/"), ("from \"./", "/emulator/")] {
            for rest in text.split(before).skip(1) {
                wanted.push(format!("{after}{}", rest.split('"').next().unwrap()));
            }
        }
        found.push(path);
        wanted.retain(|path| !found.contains(path));
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, ["/", "/emulator/json.js", "/emulator/page.css", "/emulator/page.js", "/emulator/records.js"]);
}

#[test]
fn errors_say_what_was_expected() {
    let emulator = Emulator::with(&[]);
    let bad = emulator.control("POST", "/emulator/faults", r#"{"fault":"nack=x,op=sendToGrup"}"#);
    assert_eq!(bad.status, 400);
    assert_eq!(bad.body["error"]["message"], "`sendToGrup` is not a value of `op`, character 8, of `nack`");
    assert_eq!(bad.body["error"]["hints"][0], "did you mean `sendToGroup`?");
    let bad = emulator.control("POST", "/emulator/faults", r#"{"fault":"expire=1s,connection=c"}"#);
    assert_eq!(bad.status, 400);
    assert_eq!(bad.body["error"]["message"], "`connection` cannot be an aim of `expire` here: it would never happen");
    for body in ["", "{", "[]", r#"{"fualt":"no-pong"}"#] {
        let bad = emulator.control("POST", "/emulator/faults", body);
        assert_eq!(bad.status, 400, "{body}");
        assert!(bad.body["error"]["message"].as_str().unwrap().starts_with("The body is not as expected"), "{bad:?}");
    }
    assert_eq!(emulator.control("GET", "/emulator/connections?usr=x", "").status, 400);
    assert_eq!(emulator.control("GET", "/emulator/nothing", "").status, 404);
    for (method, path, allow) in [
        ("PUT", "/emulator/faults", "GET, HEAD, POST, DELETE"),
        ("POST", "/emulator/", "GET, HEAD"),
        ("DELETE", "/emulator/connections", "GET, HEAD"),
        ("GET", "/emulator/recovery", "POST"),
        ("GET", "/emulator/send", "POST"),
        ("POST", "/emulator/faults/1", "GET, HEAD, DELETE"),
    ] {
        let answer = emulator.control(method, path, "");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.head.to_lowercase().contains(&format!("allow: {}", allow.to_lowercase())), "{}", answer.head);
    }
    let list = emulator.control("GET", "/emulator/", "").body;
    assert!(list["resources"].as_array().unwrap().len() >= 12, "{list}");
    assert_eq!(emulator.control("GET", "/emulator", "").body, list);
}

#[test]
fn pages_of_other_sites_get_nothing() {
    let emulator = Emulator::with(&[]);
    let port = emulator.port;
    let status = |headers: &str| emulator.request("GET", "/emulator/faults", headers, "").status;
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        assert_eq!(status(&format!("Host: {host}:{port}\r\n")), 200, "{host}");
        assert_eq!(status(&format!("Host: {host}:{port}\r\nOrigin: http://{host}:{port}\r\n")), 200, "{host}");
        assert_eq!(status(&format!("Host: {host}:{port}\r\nSec-Fetch-Site: same-origin\r\n")), 200, "{host}");
    }
    // A name that somebody has made to lead here.
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "evil.example@localhost", ""] {
        assert_eq!(status(&format!("Host: {host}:{port}\r\n")), 403, "{host}");
    }
    for origin in ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil.example", "file://"] {
        assert_eq!(status(&format!("Host: localhost:{port}\r\nOrigin: {origin}\r\n")), 403, "{origin}");
    }
    assert_eq!(status(&format!("Host: localhost:{port}\r\nSec-Fetch-Site: cross-site\r\n")), 403);
    // Nothing was changed, either.
    let headers = format!("Host: localhost:{port}\r\nOrigin: http://evil.example\r\n");
    assert_eq!(emulator.request("POST", "/emulator/faults", &headers, r#"{"fault":"no-pong"}"#).status, 403);
    assert!(emulator.fired().is_empty());
}
