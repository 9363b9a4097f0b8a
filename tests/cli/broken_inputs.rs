//! Inputs that are broken in every way that people break them, and the message each gets: one file to review.
//!
//! Each message names the thing, the reason and the next step, and none shows a secret.
//! `WPS_REGENERATE=1 cargo test --test cli broken_inputs` writes the file anew.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{IsCa, KeyPair, date_time_ymd};
use serde_json::json;

use crate::support::service::ClosedPort;
use crate::support::tls::{self, Authority, Unusual, named};
use crate::support::token::{SIGNATURE, token};
use crate::support::{Ended, Service, process::Setup, wps};

/// Stands for a secret wherever one is given; it may not be in any message.
const SESAME: &str = "b3Blbi1zZXNhbWU";

/// A client access URL that would be good but for what is broken about it.
const URL: &str = "wss://x.webpubsub.azure.com/client/hubs/chat?access_token=TOKEN";

/// All messages, one after the other.
#[derive(Default)]
struct Book {
    text: String,
    /// What is wrong with messages.
    faults: Vec<String>,
}

impl Book {
    fn chapter(&mut self, title: &str) {
        let _ = writeln!(self.text, "{}==== {title} ====", if self.text.is_empty() { "" } else { "\n" });
    }

    /// A broken input, what is said about it, and the exit code. `hidden` is replaced: ports, directories.
    #[track_caller]
    fn add(&mut self, what: &str, ended: &Ended, hidden: &[(&str, &str)]) {
        let mut said = ended.stderr.clone();
        for (text, instead) in hidden {
            said = said.replace(text, instead);
        }
        let _ = writeln!(self.text, "\n# {what}\n{said}exit code: {}", ended.code);
        let shown =
            [SESAME, SIGNATURE].iter().any(|secret| ended.stderr.contains(secret) || ended.text().contains(secret));
        let has =
            |label: &str| ended.stderr.lines().any(|line| line.starts_with(label) && line.len() > label.len() + 8);
        for (fault, is) in [
            ("exit code 0", ended.code == 0),
            ("a secret is shown", shown),
            ("nothing names the thing", !has("error: ")),
            ("nothing gives the reason", ended.stderr.matches(": ").count() < 2),
            ("nothing says what to do", !has("hint: ")),
        ] {
            if is {
                self.faults.push(format!("{what}: {fault}:\n{}", ended.stderr));
            }
        }
    }
}

/// `wps join g` with these flags, one attempt.
fn join(flags: &[&str]) -> Setup {
    wps(["join", "g", "--reconnect-retries", "0"]).args(flags)
}

fn urls(book: &mut Book) {
    book.chapter("URLs");
    let url = URL.replace("TOKEN", SESAME);
    for (what, broken) in [
        ("no URL at all, a word", "chat".to_owned()),
        ("another scheme", url.replace("wss:", "ftp:")),
        ("a path that is not the service's", url.replace("/client/hubs/chat", "/chat")),
        ("no hub", url.replace("/client/hubs/chat", "/client/")),
        ("a hub's name that is none", url.replace("chat", "9chat")),
        ("an empty token, from an empty variable", url.replace(SESAME, "")),
        ("two tokens", format!("{url}&access_token={SESAME}")),
        ("a line break in the middle", url.replace("&", "\n").replace("hubs/", "hubs/\n")),
        ("user and password", url.replace("wss://", &format!("wss://me:{SESAME}@"))),
        ("a port that is none", url.replace(".com/", ".com:99999/")),
        ("a fragment, as shells without quotes make them", url.replace("?", "#?")),
        ("a file that is not there", "@missing.txt".to_owned()),
        ("an empty file", "@/dev/null".to_owned()),
        ("nothing", String::new()),
    ] {
        book.add(&format!("--url: {what}"), &join(&["--url", &broken]).run(), &[]);
    }
    for (what, value) in [("a file", "@url.txt"), ("stdin", "-")] {
        book.add(&format!("WPS_URL that is meant to name {what}"), &join(&[]).env("WPS_URL", value).run(), &[]);
    }
    book.add("no source", &join(&[]).run(), &[]);
    book.add("two that take stdin", &join(&["--url", "-", "--header", "-"]).run(), &[]);
    book.add("two sources", &join(&["--local", "--url", &url]).run(), &[]);
    book.add("--url-command that fails", &join(&["--url-command", "echo no; exit 3"]).run(), &[]);
    book.add("--url-command that prints no URL", &join(&["--url-command", "echo '{\"token\":1}'"]).run(), &[]);
    let port = ClosedPort::reserve();
    let number = port.port().to_string();
    let refused = format!("ws://127.0.0.1:{number}/client/hubs/chat?access_token={SESAME}");
    book.add("a port where nothing listens", &join(&["--url", &refused]).run(), &[(&number, "PORT")]);
    let unknown = url.replace("x.webpubsub.azure.com", "nonexistent.invalid");
    let ended = join(&["--url", &unknown]).run();
    // The resolver's words are the machine's own.
    let reason = ended.stderr.split("`nonexistent.invalid`: ").nth(1).and_then(|rest| rest.lines().next());
    book.add("a host that does not exist", &ended, &[(reason.unwrap_or("nothing at all"), "REASON")]);
}

fn connection_strings(book: &mut Book) {
    book.chapter("Connection strings");
    let string = format!("Endpoint=https://x.webpubsub.azure.com;AccessKey={SESAME};Version=1.0;");
    for (what, broken) in [
        ("no endpoint", string.replace("Endpoint=https://x.webpubsub.azure.com;", "")),
        ("no key", string.replace(&format!("AccessKey={SESAME};"), "")),
        ("cut at the first semicolon, as shells without quotes do", "Endpoint=https://x.webpubsub.azure.com".into()),
        ("a key torn apart", string.replace("Sesame", "Ses;ame").replace("b3B", "b3B;")),
        ("an endpoint of another scheme", string.replace("https", "amqps")),
        ("a port that is none", format!("{string}Port=x;")),
        ("the key alone", SESAME.to_owned()),
    ] {
        let ended = join(&["--hub", "chat", "--connection-string", &broken]).run();
        book.add(&format!("--connection-string: {what}"), &ended, &[]);
    }
    book.add("--connection-string without --hub", &join(&["--connection-string", &string]).run(), &[]);
    book.add(
        "--connection-string with a hub's name that is none",
        &join(&["--connection-string", &string, "--hub", "my hub"]).run(),
        &[],
    );
    let environment = join(&["--hub", "chat"]).env("WPS_CONNECTION_STRING", SESAME).run();
    book.add("WPS_CONNECTION_STRING that is none", &environment, &[]);
}

fn tokens(book: &mut Book) {
    book.chapter("Tokens, as the service refuses them");
    let audience = |hub: &str| format!("http://127.0.0.1:PORT/client/hubs/{hub}");
    let later = 4_102_444_800u64;
    for (what, claims) in [
        ("it expired", json!({"aud": audience("hub1"), "exp": 1_500_000_000})),
        ("it is for another hub", json!({"aud": audience("caht"), "exp": later})),
        ("it is for another host", json!({"aud": "https://y.example/client/hubs/hub1", "exp": later})),
        ("it has no audience", json!({"exp": later})),
        ("it never expires", json!({"aud": audience("hub1")})),
        ("it is signed with another key", json!({"aud": audience("hub1"), "exp": later})),
    ] {
        let mut service = Service::start();
        let port = service.port().to_string();
        service.token = token(&serde_json::from_str(&claims.to_string().replace("PORT", &port)).unwrap());
        book.add(&format!("a token: {what}"), &refused(&service, &service.url()), &[(&port, "PORT")]);
    }
    let service = Service::start();
    let port = service.port().to_string();
    let url = format!("ws://127.0.0.1:{port}/client/hubs/hub1");
    book.add("a token that is none", &refused(&service, &format!("{url}?access_token={SESAME}")), &[(&port, "PORT")]);
    book.add("no token", &refused(&service, &url), &[(&port, "PORT")]);
}

/// What is said when the service answers 401. How long ago something was is left out.
fn refused(service: &Service, url: &str) -> Ended {
    let running = join(&["--url", url]).start();
    service.request().refuse("401 Unauthorized", &[], "Invalid token.");
    let mut ended = running.end();
    let lines = ended.stderr.lines().map(|line| match (line.find("expired "), line.find(" ago")) {
        (Some(at), Some(end)) => format!("{}SOME TIME{}", &line[..at + 8], &line[end..]),
        _ => line.to_owned(),
    });
    ended.stderr = lines.map(|line| line + "\n").collect();
    ended
}

fn profiles(book: &mut Book) {
    book.chapter("Profiles");
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_string_lossy().into_owned();
    std::fs::create_dir(directory.path().join("wps")).unwrap();
    let mut add = |what: &str, content: &str| {
        std::fs::write(directory.path().join("wps/config.toml"), content).unwrap();
        let ended = join(&["--profile", "dev"]).env("XDG_CONFIG_HOME", directory.path()).run();
        book.add(&format!("a profile: {what}"), &ended, &[(&place, "CONFIG")]);
    };
    add("it is not there", "[profiles.prod]\nlocal = true\n");
    add("not TOML", "[profiles.dev\n");
    add("a key that is no flag", "[profiles.dev]\nurll = \"@url.txt\"\n");
    add("a value that the flag does not take", "[profiles.dev]\nlocal = true\nconnect-timeout = \"soon\"\n");
    add("a secret in plain text", &format!("[profiles.dev]\nurl = \"{}\"\n", URL.replace("TOKEN", SESAME)));
    add("two sources", "[profiles.dev]\nlocal = true\nurl = \"@url.txt\"\n");
    add("a secret's file that is not there", "[profiles.dev]\nurl = \"@missing.txt\"\n");
    add(
        "a proxy that is none",
        &format!("[profiles.dev]\nurl = \"ws://h/client/hubs/h\"\nproxy = \"ftp://{SESAME}\"\n"),
    );
    add("times that do not go together", "[profiles.dev]\nlocal = true\nping-timeout = \"1s\"\n");
    add("a proxy from stdin", "[profiles.dev]\nlocal = true\nproxy = \"-\"\n");
    std::fs::remove_file(directory.path().join("wps/config.toml")).unwrap();
    let ended = join(&["--profile", "dev"]).env("XDG_CONFIG_HOME", directory.path()).run();
    book.add("--profile without a configuration file", &ended, &[(&place, "CONFIG")]);
}

fn headers(book: &mut Book) {
    book.chapter("Headers");
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_string_lossy().into_owned();
    let file = directory.path().join("headers.txt");
    std::fs::write(&file, format!("X-Good: 1\nBearer {SESAME}\n")).unwrap();
    for (what, header) in [
        ("without a colon", format!("Bearer {SESAME}")),
        ("a name that is none", format!("X Key: {SESAME}")),
        ("a line break in the value", format!("X-Key: a\r\nX-Other: {SESAME}")),
        ("one that the handshake needs for itself", "Sec-WebSocket-Key: x".into()),
        ("a file with a line that is none", format!("@{}", file.display())),
        ("a file that is not there", "@missing.txt".into()),
    ] {
        book.add(&format!("--header: {what}"), &join(&["--local", "--header", &header]).run(), &[(&place, "DIR")]);
    }
    for (what, proxy) in [("another scheme", format!("ftp://me:{SESAME}@proxy:21")), ("no host", "http://".into())] {
        let url = URL.replace("TOKEN", SESAME);
        book.add(&format!("--proxy: {what}"), &join(&["--url", &url, "--proxy", &proxy]).run(), &[]);
    }
    let url = URL.replace("TOKEN", SESAME);
    let file = join(&["--url", &url]).env("HTTPS_PROXY", "@proxy.txt").run();
    book.add("HTTPS_PROXY that is meant to name a file", &file, &[]);
}

fn certificates(book: &mut Book) {
    book.chapter("Certificates");
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_string_lossy().into_owned();
    let authority = Authority::new();
    let (chain, key) = authority.client();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        // Keys are for their owner.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let missing = directory.path().join("missing.pem");
    let no_pem = write("notes.txt", "remember the milk\n");
    let key_only = write("key.pem", &key.serialize_pem());
    let chain_file = write("client.pem", &chain);
    let other_key = write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let encrypted = write(
        "encrypted.pem",
        &format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{SESAME}AA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
    );
    let broken = write("broken.pem", &chain[..chain.len() / 2]);
    let flags: [(&str, &str, &Path, Option<&Path>); 7] = [
        ("--ca-cert: not there", "--ca-cert", &missing, None),
        ("--ca-cert: no PEM", "--ca-cert", &no_pem, None),
        ("--ca-cert: a key in place of a certificate", "--ca-cert", &key_only, None),
        ("--ca-cert: cut off", "--ca-cert", &broken, None),
        ("--client-key: not there", "--client-cert", &chain_file, Some(&missing)),
        ("--client-key: another key", "--client-cert", &chain_file, Some(&other_key)),
        ("--client-key: encrypted", "--client-cert", &chain_file, Some(&encrypted)),
    ];
    for (what, flag, file, key) in flags {
        let service = Service::with_tls(Some(tls::identity().0));
        let port = service.port().to_string();
        let mut setup = join(&["--url", &service.url(), flag]).arg(file);
        if let Some(key) = key {
            setup = setup.arg("--client-key").arg(key);
        }
        book.add(what, &setup.run(), &[(&port, "PORT"), (&place, "DIR")]);
    }
    let mut expired = named(&["127.0.0.1"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2020, 1, 1));
    let mut early = named(&["127.0.0.1"]);
    (early.not_before, early.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    let mut ca = named(&["127.0.0.1"]);
    ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let none = Unusual::default();
    for (what, config) in [
        ("of an unknown issuer", tls::identity().0),
        ("expired", authority.server(expired, &none)),
        ("not valid yet", authority.server(early, &none)),
        ("for another name", authority.server(named(&["other.example"]), &none)),
        ("an authority's own", authority.server(ca, &none)),
    ] {
        let service = Service::with_tls(Some(config));
        let port = service.port().to_string();
        let running = join(&["--url", &service.url(), "--ca-cert"]).arg(authority.file.path()).start();
        assert!(service.accept().try_request().is_none(), "the token goes to nobody who is not trusted");
        book.add(&format!("a server's certificate: {what}"), &running.end(), &[(&port, "PORT")]);
    }
    let plain = Service::start();
    let port = plain.port().to_string();
    let running = join(&["--url", &plain.url().replace("ws:", "wss:")]).start();
    plain.accept().write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    book.add("wss to a port without TLS", &running.end(), &[(&port, "PORT")]);
}

#[test]
fn every_broken_input_gets_a_message_that_names_the_thing_the_reason_and_the_next_step() {
    let mut book = Book::default();
    urls(&mut book);
    connection_strings(&mut book);
    tokens(&mut book);
    profiles(&mut book);
    headers(&mut book);
    certificates(&mut book);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/broken_inputs.txt");
    if std::env::var_os("WPS_REGENERATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &book.text).unwrap();
    }
    assert!(book.faults.is_empty(), "{}", book.faults.join("\n"));
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (line, (said, expected)) in book.text.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(said, expected, "line {} of {}; see the head of this file", line + 1, path.display());
    }
    assert_eq!(book.text.lines().count(), reviewed.lines().count(), "see the head of this file");
}
