//! README.md: each block does what the text beside it says, run as its reader would run it, in its order.
//!
//! What is put in other words here, since tests have no fixed ports, no network and no other tools: the default port is
//! that of an emulator of the test's own, `cargo run --` is the built binary, and addresses of Azure are its too. A block
//! that nothing here knows fails the test.

use std::path::Path;
use std::time::Instant;

use crate::support::emulator::Emulator;
use crate::support::process::BINARY;
use crate::support::service::ClosedPort;
use crate::support::{Ended, PATIENCE, Running, Setup};

/// What stands between two fences.
struct Block {
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            blocks.push(Block { language: language.to_owned(), text });
        }
    }
    blocks
}

/// What is run in place of a command of the README.
struct Place<'a> {
    emulator: &'a Emulator,
    /// Where nothing listens.
    free: u16,
}

impl Place<'_> {
    fn script(&self, text: &str, port: u16) -> String {
        let local = format!("--local={port}");
        let text: String = text
            .split_inclusive(char::is_whitespace)
            .map(|word| match word.trim_end() {
                "--local" => word.replace("--local", &local),
                _ => word.to_owned(),
            })
            .collect();
        text.replace("cargo run -- ", "wps ")
            .replace("localhost:8080", &format!("localhost:{port}"))
            .replace("wps emulator --fault", "wps emulator --port 0 --fault")
            .replace("wps emulator --event-handler", "wps emulator --port 0 --event-handler")
            .replace("curl -fsS https://example.com/negotiate", "printenv CLIENT_URL")
            .replace("'wss://NAME.webpubsub.azure.com/client/hubs/chat?access_token=…'", "\"$CLIENT_URL\"")
    }

    fn setup(&self, text: &str, port: u16) -> Setup {
        let mut path = Path::new(BINARY).parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
        let string = format!("Endpoint=http://localhost:{};AccessKey={key};Version=1.0;\n", self.emulator.port);
        Setup::shell(&self.script(text, port))
            .env("PATH", path)
            .env("CLIENT_URL", &self.emulator.client_url)
            .env("WPS_NO_HINTS", "1")
            .file("connection.txt", &string)
            .file("config/wps/connection.txt", &string)
            .file("orders.txt", "one\ntwo\n")
    }

    /// Runs it to its end.
    fn run(&self, text: &str) -> Ended {
        self.setup(text, self.emulator.port).run()
    }

    /// Starts what does not end by itself.
    fn start(&self, text: &str) -> Running {
        // Signals are for the command, not for the shell around it.
        self.setup(&format!("exec {}", text.trim_start()), self.emulator.port).start()
    }
}

/// A line without what is different each time.
fn timeless(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-' && c != ':');
        let (word, behind) =
            rest.split_at(word.unwrap_or(rest.len()).max(if first.is_ascii_alphanumeric() { 1 } else { 0 }));
        if word.is_empty() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let hex = |word: &str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let time = word.len() == 24 && word.ends_with('Z') && word.starts_with("20");
        let number = word.parse::<f64>().is_ok() && [" ms", " s", "/s"].iter().any(|unit| behind.starts_with(unit));
        match word.strip_prefix("wps-doctor-") {
            Some(_) => out.push_str("wps-doctor-ID"),
            None if hex(word) => out.push_str("ID"),
            None if time => out.push_str("TIME"),
            None if number => out.push('N'),
            None => out.push_str(word),
        }
        rest = behind;
    }
    // Columns are as wide as what stands in them.
    out.replace("N ms", "N s").split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Lines of a transcript, in an order of their own: stdout and stderr are two streams.
fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.map(timeless).filter(|line| !line.trim().is_empty()).collect();
    lines.sort();
    lines
}

/// The commands of a transcript, each with what it prints.
fn transcript(text: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => panic!("a transcript begins with a command: {text}"),
        }
    }
    steps
}

/// All that a run has printed, as lines.
fn printed(ended: &Ended) -> String {
    format!("{}{}", ended.text(), ended.stderr)
}

#[track_caller]
fn assert_printed(ended: &Ended, expected: &str, port: u16) {
    let printed = printed(ended).replace(&format!("localhost:{port}"), "localhost:8080");
    let printed = printed.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:8080");
    assert_eq!(sorted(printed.lines()), sorted(expected.lines()));
}

#[test]
fn every_block_does_what_the_text_beside_it_says() {
    let emulator = Emulator::start(&[]);
    let free = ClosedPort::reserve();
    let place = Place { emulator: &emulator, free: free.port() };
    drop(free);
    let port = emulator.port;
    // A listener that is looked at when the next block has sent to it.
    let mut listening: Option<(Running, String)> = None;
    let mut hosting: Option<Running> = None;
    for Block { language, text } in blocks() {
        let first = text.lines().next().unwrap_or_default().to_owned();
        let end_listening = |listening: &mut Option<(Running, String)>| {
            let Some((mut listener, expected)) = listening.take() else { return };
            let messages = expected.lines().filter(|line| line.starts_with('[') || line.starts_with('{')).count();
            let lines: Vec<String> = (0..messages).map(|_| listener.line()).collect();
            let mut seen: Vec<&str> = lines.iter().map(String::as_str).collect();
            seen.extend(expected.lines().filter(|line| !line.starts_with('[') && !line.starts_with('{')));
            assert_eq!(sorted(seen.into_iter()), sorted(expected.lines()));
            end(listener);
        };
        match (language.as_str(), first.as_str()) {
            // The house's own: this is a run of the second, and CI does the first.
            ("sh", "cargo test" | "cargo install --locked --path .") => {}
            ("sh", "cargo run -- listen --local --group group1") => {
                let mut listener = place.setup(&format!("exec {text}"), place.free).start();
                listener.err_line("hosting an emulator here");
                listener.err_line("joined `group1`");
                hosting = Some(listener);
            }
            ("sh", "cargo run -- send --local group1 hello") => {
                let mut listener = hosting.take().unwrap();
                let ended = place.setup(&text, place.free).run();
                assert_eq!(ended.code, 0, "{}", ended.stderr);
                assert_eq!(listener.line(), "[group1] hello");
                end(listener);
            }
            ("console", "$ wps emulator") => {
                let mut other = place.setup("exec wps emulator --port 0", port).start();
                let ready = other.line();
                assert!(ready.starts_with("wps emulator is ready at http://localhost:"), "{ready}");
                end(other);
            }
            // Listens until it has what the next block sends.
            ("console", "$ wps listen --local -g orders") => {
                let (command, expected) = transcript(&text).remove(0);
                let mut listener = place.start(&command);
                listener.err_line("joined `orders`");
                listening = Some((listener, expected));
            }
            ("console", "$ wps listen --local -g orders -o ndjson --only messages --count 2 --timeout 60s") => {
                let (command, expected) = transcript(&text).remove(0);
                let mut listener = place.setup(&format!("{command} -vv"), port).start();
                listener.err_line("\"success\":true");
                for (user, kind, data) in
                    [(None, "json", "{\"id\": 1, \"price\": 10.50}"), (Some("alice"), "text", "plain text")]
                {
                    let user = user.map(|user| format!("--user {user}")).unwrap_or_default();
                    let ended = place.run(&format!("wps send --local {user} -t {kind} orders '{data}'"));
                    assert_eq!(ended.code, 0, "{}", ended.stderr);
                }
                let ended = listener.end();
                assert_eq!(ended.code, 0, "{}", ended.stderr);
                assert_eq!(sorted(ended.text().lines()), sorted(expected.lines()));
            }
            ("console", _) if text.contains("| wps send --local audit") => {
                for (command, expected) in transcript(&text) {
                    if expected.is_empty() {
                        // It copies a message, and then another, until its listener ends.
                        let mut audit = place.start("wps listen --local -g audit");
                        audit.err_line("joined `audit`");
                        let mut copier =
                            place.setup(&command.replace("-o ndjson |", "-o ndjson --count 1 -vv |"), port).start();
                        copier.err_line("\"success\":true");
                        assert_eq!(place.run("wps send --local orders copied").code, 0);
                        assert_eq!(audit.line(), "[audit] copied");
                        assert_eq!(copier.end().code, 0);
                        end(audit);
                    } else {
                        assert_printed(&place.run(&command), &expected, port);
                    }
                }
            }
            ("console", _) => {
                let steps = transcript(&text);
                let mut code = 0;
                for (command, expected) in &steps {
                    if command == "echo $?" {
                        assert_eq!(expected.trim(), code.to_string(), "{text}");
                        continue;
                    }
                    let ended = place.run(command);
                    code = ended.code;
                    assert_printed(&ended, expected, port);
                }
                end_listening(&mut listening);
            }
            // Each shows itself with a message.
            ("sh", command) if command.starts_with("wps listen --local -g orders --only messages --jq .data.price") => {
                let mut listener =
                    place.setup(&format!("{} -vv", text.trim_end().replace("--count 10", "--count 1")), port).start();
                listener.err_line("\"success\":true");
                assert_eq!(place.run("wps send --local orders -t json '{\"price\": 10.50}'").code, 0);
                let ended = listener.end();
                assert_eq!((ended.code, ended.text()), (0, "10.50\n"), "{}", ended.stderr);
            }
            ("sh", command) if command.starts_with("wps listen --local -g orders -o ndjson --session") => {
                let kept = " --count 1 -vv >> orders.ndjson; cat orders.ndjson";
                let mut listener = place.setup(&text.trim_end().replace(" >> orders.ndjson", kept), port).start();
                listener.err_line("\"success\":true");
                assert_eq!(place.run("wps send --local orders kept").code, 0);
                let ended = listener.end();
                assert!(ended.code == 0 && ended.text().contains("\"data\":\"kept\""), "{}", ended.stderr);
            }
            ("sh", command)
                if command.starts_with("wps emulator --event-handler")
                    || command.starts_with("wps emulator --fault") =>
            {
                let mut other = place.start(&text);
                let ready = other.line();
                assert!(ready.starts_with("wps emulator is ready at http://localhost:"), "{ready}");
                end(other);
            }
            ("sh", command) if command.starts_with("curl -d") => {
                let body = command.split('\'').nth(1).unwrap();
                let path = command.split("localhost:8080").nth(1).unwrap();
                assert_eq!(emulator.control("POST", path, body).status, 201);
            }
            ("sh", command) if command.starts_with("wps listen") && !command.contains("--until") => {
                let mut listener = place.start(&text);
                let group = command.split(" -g ").nth(1).unwrap().split(' ').next().unwrap();
                listener.err_line(&format!("joined `{group}`"));
                end(listener);
            }
            ("sh", _) => {
                let ended = place.run(&text);
                assert_eq!(ended.code, 0, "{text}{}", ended.stderr);
            }
            ("toml", _) => {
                let ended = place.setup("wps config check", port).config(&text).run();
                assert_eq!(ended.code, 0, "{}", ended.stderr);
            }
            _ => panic!("no test runs this: ```{language}\n{text}"),
        }
    }
    assert!(hosting.is_none() && listening.is_none());
}

/// Ends what was started.
#[track_caller]
fn end(running: Running) {
    let deadline = Instant::now() + PATIENCE;
    running.signal(rustix::process::Signal::TERM);
    let ended = running.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert!(ended.at < deadline);
}
