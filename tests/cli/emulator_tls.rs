//! `wps emulator --tls-cert FILE --tls-key FILE`: https and wss, certificates that change, and clients that do not get on
//! with them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use tempfile::TempDir;

use crate::support::emulator::Emulator;
use crate::support::process::BINARY;
use crate::support::tls::{Authority, pair};
use crate::support::{PATIENCE, Running, Setup, wps};

/// A certificate and its key in files, which may be replaced.
struct Files {
    folder: TempDir,
}

impl Files {
    /// A certificate of nobody else, for these names.
    fn with(names: &[&str]) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.write(pair(names));
        files
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, (certificate, key): (String, String)) {
        self.write_certificate(&certificate);
        put(self.folder.path(), "key.pem", &key);
    }

    fn write_certificate(&self, certificate: &str) {
        put(self.folder.path(), "cert.pem", certificate);
    }

    /// The flags that name them.
    fn flags(&self) -> [String; 4] {
        ["--tls-cert".into(), self.path("cert.pem"), "--tls-key".into(), self.path("key.pem")]
    }

    /// An emulator with them.
    fn emulator(&self, more: &[&str]) -> Emulator {
        let flags = self.flags();
        Emulator::start(&flags.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// A command for its hub, trusting this certificate alone.
    fn client(&self, emulator: &Emulator, args: &[&str]) -> Setup {
        let trusted = ["--ca-cert", &self.path("cert.pem"), "--no-system-roots", "--url", &emulator.client_url];
        wps(args).args(trusted)
    }
}

/// Puts a file in the place of another at once.
fn put(folder: &Path, name: &str, text: &str) {
    let new = folder.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

/// A listener in group `g`, which it has joined.
fn listen(files: &Files, emulator: &Emulator) -> Running {
    let mut listener = files.client(emulator, &["listen", "-o", "ndjson", "-g", "g"]).start();
    listener.skip_to("joined");
    listener
}

const ONCE: [&str; 6] = ["send", "g", "hello", "--reconnect-retries", "0", "-q"];

#[test]
fn clients_and_servers_talk_over_tls() {
    let files = Files::with(&["localhost"]);
    let emulator = files.emulator(&["--event-handler", "http://127.0.0.1:9/,user-events=,system-events="]);
    assert!(emulator.client_url.starts_with(&format!("wss://localhost:{}/client/hubs/hub1?", emulator.port)));
    let mut listener = listen(&files, &emulator);
    files.client(&emulator, &ONCE).run().assert(0, "", "");
    assert_eq!(listener.expect("group-message")["data"], "hello");
    // REST, with a message that takes many records of TLS.
    let long = "x".repeat(300_000);
    let string = format!(
        "Endpoint=https://localhost:{};AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;",
        emulator.port
    );
    let sent = wps(["service", "send", "--group", "g", "-", "--hub", "hub1", "--connection-string", &string, "-q"])
        .args(["--ca-cert", &files.path("cert.pem")])
        .stdin(long.clone())
        .run();
    sent.assert(0, "", "");
    assert_eq!(listener.expect("group-message")["data"], long);
    emulator.running.signal(rustix::process::Signal::INT);
    assert_eq!(emulator.running.end().code, 130);
    let ended = listener.skip_to("recovering");
    assert_eq!(ended["closeCode"], 1001, "{ended}");
}

#[test]
fn what_is_pasted_from_the_first_lines_leads_there() {
    let files = Files::with(&["localhost"]);
    let mut emulator = wps(["emulator", "--port", "0"]).args(files.flags()).start();
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("wps send ")) {
        lines.push(emulator.line());
    }
    assert!(lines[0].starts_with("wps emulator is ready at https://localhost:"), "{lines:?}");
    let command = lines.last().unwrap().trim().replacen("wps", "\"$WPS\"", 1);
    Setup::shell(&format!("{command} --no-system-roots -q")).run().assert(0, "", "");
}

#[test]
fn a_command_of_exec_finds_it_and_a_name_that_is_advertised_is_used() {
    let files = Files::with(&["dev.example"]);
    let script = r#"echo "$WPS_URL" | cut -c 1-40; echo "$WPS_CONNECTION_STRING" | cut -c 1-36"#;
    let ended = wps(["emulator", "--port", "0", "-q", "--advertise", "https://dev.example:8443/", "--exec", script])
        .args(files.flags())
        .env("WPS", BINARY)
        .run();
    ended.assert(0, "wss://dev.example:8443/client/hubs/hub1?\nEndpoint=https://dev.example:8443;Ac\n", "");
    // And is let in by it, at the port that was picked.
    let emulator = files.emulator(&["--advertise", "https://dev.example:0"]);
    assert!(emulator.client_url.starts_with(&format!("wss://dev.example:{}/", emulator.port)));
    let place = format!("dev.example:{}:127.0.0.1", emulator.port);
    files.client(&emulator, &ONCE).args(["--resolve", &place]).run().assert(0, "", "");
}

#[test]
fn a_pair_that_changes_is_shown_and_connections_go_on() {
    let files = Files::with(&["localhost"]);
    let mut emulator = files.emulator(&[]);
    let mut listener = listen(&files, &emulator);
    files.write(pair(&["localhost"]));
    emulator.running.err_line("is shown from now on");
    // The client trusts the new one alone.
    files.client(&emulator, &ONCE).run().assert(0, "", "");
    assert_eq!(listener.expect("group-message")["data"], "hello");
}

#[test]
fn a_pair_that_cannot_be_used_is_said_and_changes_nothing() {
    let files = Files::with(&["localhost"]);
    let mut emulator = files.emulator(&[]);
    let before = fs::read_to_string(files.path("cert.pem")).unwrap();
    let trusted = files.path("before.pem");
    fs::write(&trusted, &before).unwrap();
    let known = ["--ca-cert", &trusted, "--no-system-roots", "--url", &emulator.client_url];
    for (broken, problem) in [
        ("no certificate", "is not a PEM file"),
        (pair(&["localhost"]).0.as_str(), "does not belong to the certificate"),
    ] {
        files.write_certificate(broken);
        let said = emulator.running.err_line("cannot be used");
        assert!(said.contains("the one before is still shown") && said.contains(problem), "{said}");
        wps(ONCE).args(known).run().assert(0, "", "");
    }
    fs::remove_file(files.path("cert.pem")).unwrap();
    emulator.running.err_line("there is no such file");
    files.write_certificate(&before);
    emulator.running.err_line("are again what they were");
    wps(ONCE).args(known).run().assert(0, "", "");
}

#[test]
fn a_hub_is_gone_when_its_last_client_has_its_close_frame() {
    let files = Files::with(&["localhost"]);
    let emulator = files.emulator(&[]);
    let certificate = CertificateDer::from_pem_file(files.path("cert.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let ask = |request: &str| {
        let tls = ClientConnection::new(Arc::clone(&config), "localhost".try_into().unwrap()).unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = StreamOwned::new(tls, tcp);
        stream.write_all(format!("{request} HTTP/1.1\r\nHost: localhost\r\n").as_bytes()).unwrap();
        stream
    };
    let path = emulator.client_url.split_once("/client").unwrap().1;
    let mut client = ask(&format!("GET /client{path}"));
    client
        .write_all(
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x88\x82\0\0\0\0\x03\xe8",
        )
        .unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\x88\x02\x03\xe8") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    // It has not ended TLS, which the emulator waits for.
    let mut asking = ask("GET /emulator/hubs");
    asking.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = asking.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("hub1"), "{answer}");
}

#[test]
fn who_comes_without_tls_is_told_where_to_go() {
    let files = Files::with(&["localhost"]);
    let mut emulator = files.emulator(&[]);
    let answer = emulator.control("GET", "/", "");
    assert_eq!(answer.status, 400);
    assert!(answer.head.to_ascii_lowercase().contains("content-type: text/plain"), "{}", answer.head);
    let said = emulator.running.err_line("does not speak TLS");
    assert!(said.contains("WARN") || said.starts_with("warning"), "{said}");
    assert!(said.contains(&format!("the address is `https://localhost:{}`", emulator.port)), "{said}");
    let client = wps(ONCE).arg(emulator.local()).run();
    client.assert_failed(6, &["400", &format!("for WebSockets `wss://localhost:{}`", emulator.port)]);
    let log = emulator.running;
    log.signal(rustix::process::Signal::INT);
    // Once is enough of the same address.
    let stderr = log.end().stderr;
    assert_eq!(stderr.lines().filter(|line| line.contains("does not speak TLS")).count(), 2, "{stderr}");
}

#[test]
fn a_client_that_does_not_go_on_keeps_nobody_waiting() {
    let files = Files::with(&["localhost"]);
    let emulator = files.emulator(&[]);
    let mut open = Vec::new();
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"GET"] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(("127.0.0.1", emulator.port)).unwrap();
            stream.write_all(begun).unwrap();
            open.push(stream);
        }
    }
    files.client(&emulator, &ONCE).run().assert(0, "", "");
    // Garbage is answered with an alert.
    let mut garbage = open.swap_remove(60);
    garbage.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
}

#[test]
fn a_certificate_that_clients_refuse_is_said_here_once() {
    let files = Files::with(&["localhost"]);
    let mut emulator = files.emulator(&[]);
    let stranger = Authority::new();
    for _ in 0..2 {
        let client =
            wps(ONCE).args(["--ca-cert", stranger.file.path().to_str().unwrap(), "--url", &emulator.client_url]);
        client.run().assert_failed(4, &["the certificate of `localhost` was not accepted"]);
    }
    let said = emulator.running.err_line("does not accept the certificate");
    assert!(said.contains("(alert unknown_ca)") && said.contains(&files.path("cert.pem")), "{said}");
}

#[test]
fn a_certificate_for_another_name_is_warned_about_at_once() {
    let files = Files::with(&["dev.example", "10.0.0.1"]);
    let mut emulator = files.emulator(&[]);
    let said = emulator.running.err_line("is for `dev.example`, `10.0.0.1`");
    assert!(said.contains("refuse `localhost`") && said.contains("`--advertise`"), "{said}");
    files.write(pair(&["localhost"]));
    emulator.running.err_line("is shown from now on");
    files.client(&emulator, &ONCE).run().assert(0, "", "");
}

#[test]
fn files_that_cannot_be_used_end_it_before_it_listens() {
    let files = Files::with(&["localhost"]);
    let (other, _) = pair(&["localhost"]);
    fs::write(files.path("other.pem"), other).unwrap();
    let [cert, key, other, folder] = ["cert.pem", "key.pem", "other.pem", ""].map(|name| files.path(name));
    let start = |cert: &str, key: &str| wps(["emulator", "--port", "0", "--tls-cert", cert, "--tls-key", key]).run();
    start("missing.pem", &key).assert_failed(3, &["could not use `missing.pem` for TLS: there is no such file"]);
    start(&cert, &cert).assert_failed(3, &["there is no private key in it", "hint: ", "`--tls-key FILE`"]);
    start(&key, &key).assert_failed(3, &["there is no certificate in it"]);
    start(&other, &key).assert_failed(3, &["does not belong to the certificate"]);
    start(&folder, &key).assert_failed(3, &["it is not a file that can be read again when it changes"]);
    for flags in [["--tls-cert", &cert], ["--tls-key", &key]] {
        wps(["emulator", "--port", "0"]).args(flags).run().assert_failed(2, &["--tls-"]);
    }
}

#[test]
fn faults_act_on_the_connection_below() {
    let files = Files::with(&["localhost"]);
    for fault in ["drop=reset", "drop=eof", "drop=silence"] {
        let emulator = files.emulator(&["--fault", &format!("{fault},frames=3,times=1")]);
        let quick = ["--ping-interval", "100ms", "--ping-timeout", "1s", "--reconnect-delay", "20ms"];
        let mut listener = files.client(&emulator, &["listen", "-o", "ndjson", "-g", "g"]).args(quick).start();
        let lost = listener.skip_to("recovering");
        listener.skip_to("recovered");
        if fault == "drop=reset" {
            assert!(lost["error"].to_string().contains("reset"), "{lost}");
        }
        files.client(&emulator, &ONCE).run().assert(0, "", "");
        assert_eq!(listener.skip_to("group-message")["data"], json!("hello"), "{fault}");
    }
}
