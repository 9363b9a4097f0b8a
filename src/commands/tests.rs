//! The settings that command lines give, over all commands.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bulk::settings::{BulkFeed, BulkSettings, Template};
use super::doctor::settings::DoctorSettings;
use super::emulator::settings::EmulatorSettings;
use super::event::settings::EventSettings;
use super::join::settings::JoinSettings;
use super::listen::settings::ListenSettings;
use super::send::settings::SendSettings;
use super::url::args::UrlCommand;
use super::{bulk, doctor, emulator, event, join, listen, send, url};
use crate::cli::{Command, Parsed, parse};
use crate::failure::Failure;
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::data::payload::{DataFrom, Encoding, PayloadSource, PayloadType};
use crate::options::environment::{Environment, Input, Note};
use crate::options::network::settings::{NetworkSettings, Proxies, Proxy, TlsOptions};
use crate::options::operation::settings::AckRequest;
use crate::options::values::{ColorChoice, EmulatorFormat, OnlyName, OutputFormat};
use webpubsub_proto::Subprotocol;
use webpubsub_proto::session::{Backoff, BackoffMode, Config, OnUnknown, Retries};

/// The settings of a command line.
#[derive(Debug)]
enum Settings {
    Listen(Box<ListenSettings>),
    Join(Box<JoinSettings>),
    Send(Box<SendSettings>),
    Event(Box<EventSettings>),
    Bulk(Box<BulkSettings>),
    Doctor(Box<DoctorSettings>),
    Emulator(Box<EmulatorSettings>),
    #[expect(dead_code, reason = "looked at in its debug form")]
    Other(String),
}

fn settle(command: Command, environment: &Environment, input: &mut dyn Input) -> Result<Settings, Failure> {
    Ok(match command {
        Command::Listen(args) => Settings::Listen(Box::new(listen::settings::settle(*args, environment, input)?)),
        Command::Join(args) => Settings::Join(Box::new(join::settings::settle(*args, environment, input)?)),
        Command::Send(args) if bulk::settings::is_wanted(&args.bulk) => {
            Settings::Bulk(Box::new(bulk::settings::send(*args, environment, input)?))
        }
        Command::Event(args) if bulk::settings::is_wanted(&args.bulk) => {
            Settings::Bulk(Box::new(bulk::settings::event(*args, environment, input)?))
        }
        Command::Send(args) => Settings::Send(Box::new(send::settings::settle(*args, environment, input)?)),
        Command::Event(args) => Settings::Event(Box::new(event::settings::settle(*args, environment, input)?)),
        Command::Doctor(args) => Settings::Doctor(Box::new(doctor::settings::settle(*args, environment, input)?)),
        Command::Emulator(args) => Settings::Emulator(Box::new(emulator::settings::settle(*args, environment, input)?)),
        Command::Url(args) => Settings::Other(match args.command {
            UrlCommand::Create(args) => format!("{:?}", url::settings::create(*args, environment, input)?),
            UrlCommand::Inspect(args) => format!("{:?}", url::settings::inspect(*args, environment, input)?),
        }),
        // Of the others no test here looks at more than whether there are any.
        other => crate::room(other).settle(environment, input).map(|_| Settings::Other(String::new()))?,
    })
}

/// Files and standard input of a test.
#[derive(Default)]
struct Inputs {
    stdin: &'static str,
    files: HashMap<&'static str, &'static str>,
    notes: Vec<Note>,
}

impl Input for Inputs {
    fn stdin(&mut self) -> io::Result<String> {
        Ok(self.stdin.to_owned())
    }

    fn file(&mut self, path: &Path) -> io::Result<String> {
        let text = path.to_str().and_then(|path| self.files.get(path));
        text.map(|text| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn config_file(&mut self) -> Option<PathBuf> {
        Some("/config/wps/config.toml".into())
    }

    fn is_exposed(&mut self, path: &Path) -> bool {
        path.to_str() == Some("exposed")
    }

    fn limit(&mut self, _: Option<Duration>) {}

    fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// Settles a command line whose arguments are separated by single spaces; `''` is an empty one.
fn settle_with(line: &str, environment: &[(&str, &str)], mut inputs: Inputs) -> Result<Settings, Failure> {
    let arguments = line.split(' ').map(|argument| if argument == "''" { "" } else { argument });
    match parse(std::iter::once("wps").chain(arguments).map(Into::into))? {
        Parsed::Run(command) => settle(command, &environment.iter().copied().collect(), &mut inputs),
        other => panic!("{line}: {other:?}"),
    }
}

fn settled(line: &str) -> Settings {
    settle_with(line, &[], Inputs::default()).unwrap()
}

fn listen(line: &str) -> ListenSettings {
    match settled(line) {
        Settings::Listen(listen) => *listen,
        other => panic!("{other:?}"),
    }
}

fn source(line: &str, environment: &[(&str, &str)], inputs: Inputs) -> ConnectionSource {
    match settle_with(line, environment, inputs).unwrap() {
        Settings::Listen(listen) => listen.connection.source,
        Settings::Send(send) => send.connection.source,
        other => panic!("{other:?}"),
    }
}

const URL: &str = "ws://flag/client/hubs/h?access_token=sesame";
const STRING: &str = "Endpoint=https://flag.example;AccessKey=sesame;Version=1.0;";

#[test]
fn the_source_is_the_flags_else_the_environments() {
    let url = ("WPS_URL", "ws://url/client/hubs/h");
    let string = ("WPS_CONNECTION_STRING", "Endpoint=http://string;AccessKey=k");
    let sdk = ("WebPubSubConnectionString", "Endpoint=http://sdk;AccessKey=k");
    let host = |source: ConnectionSource| match source {
        ConnectionSource::Url(url) => url.host(),
        ConnectionSource::Command(command) => command,
        ConnectionSource::Keyless(keyless) => keyless.endpoint.host_str().unwrap().to_owned(),
        ConnectionSource::Signed(signer) => signer.endpoint.host_str().unwrap().to_owned(),
        ConnectionSource::Local { port, signer } => {
            assert_eq!(signer.endpoint.as_str(), format!("http://localhost:{port}/"));
            format!("local {port}")
        }
    };
    for (line, environment, expected) in [
        (format!("listen --url {URL}"), vec![url, string], "flag"),
        (format!("--url {URL} listen"), vec![], "flag"),
        (format!("listen --hub h --connection-string {STRING}"), vec![url], "flag.example"),
        ("listen --url-command cmd".to_owned(), vec![url, string], "cmd"),
        ("listen --local".to_owned(), vec![url, string], "local 8080"),
        ("--local=9000 listen".to_owned(), vec![], "local 9000"),
        ("listen".to_owned(), vec![sdk, string, url], "url"),
        ("listen --hub h".to_owned(), vec![sdk, string], "string"),
        ("listen --hub h".to_owned(), vec![sdk, ("WPS_CONNECTION_STRING", ""), ("WPS_URL", "")], "sdk"),
    ] {
        assert_eq!(host(source(&line, &environment, Inputs::default())), expected, "{line}");
    }
}

#[test]
fn a_secret_may_come_from_stdin_or_a_file() {
    let inputs = || Inputs {
        stdin: "ws://stdin/client/hubs/h\r\n",
        files: [("u", "\u{feff}ws://file/client/hubs/h\n"), ("c", "Endpoint=http://file;AccessKey=k\n")].into(),
        ..Inputs::default()
    };
    for (line, expected) in [
        ("listen --url -", "stdin"),
        ("listen --url @u", "file"),
        ("send g data --url -", "stdin"),
        ("send g - --url @u", "file"),
        ("listen --hub h --connection-string @c", "file"),
    ] {
        let host = match source(line, &[], inputs()) {
            ConnectionSource::Url(url) => url.host(),
            ConnectionSource::Signed(signer) => signer.endpoint.host_str().unwrap().to_owned(),
            ConnectionSource::Local { .. } | ConnectionSource::Command(_) | ConnectionSource::Keyless(_) => panic!(),
        };
        assert_eq!(host, expected, "{line}");
    }
}

/// What is noted about a command line.
fn notes(line: &str, environment: &[(&str, &str)]) -> Vec<Note> {
    let arguments = std::iter::once("wps").chain(line.split(' ')).map(Into::into);
    let Parsed::Run(command) = parse(arguments).unwrap() else { panic!("{line}") };
    let mut inputs = Inputs {
        stdin: "ws://h/client/hubs/h?access_token=sesame",
        files: [("exposed", "ws://h/client/hubs/h?access_token=sesame"), ("own", "ws://h/client/hubs/h")].into(),
        ..Inputs::default()
    };
    settle(command, &environment.iter().copied().collect(), &mut inputs).unwrap();
    inputs.notes
}

#[test]
fn a_secret_in_an_argument_or_in_a_file_for_all_is_noted() {
    let published = webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
    for (line, noted) in [
        (format!("listen --url {URL}"), Some("hint: others on this machine can see the secret in `--url`")),
        (
            format!("listen --hub h --connection-string {STRING}"),
            Some("hint: others on this machine can see the secret in `--con"),
        ),
        (
            "emulator --access-key sesame-of-more-than-thirty-two-bytes".to_owned(),
            Some("hint: others on this machine can see the secret in `--access-key`"),
        ),
        (
            "listen --url-command access_token=sesame".to_owned(),
            Some("hint: others on this machine can see the secret in `--url-c"),
        ),
        (format!("url inspect {URL}"), Some("hint: others on this machine can see the secret in `URL`")),
        ("listen --url @exposed".to_owned(), Some("warning: others on this machine can read the secret in `exposed`")),
        ("listen --url @own".to_owned(), None),
        ("listen --url -".to_owned(), None),
        ("listen --url ws://h/client/hubs/h".to_owned(), None),
        ("listen --local".to_owned(), None),
        (format!("emulator --access-key {published}"), None),
        (format!("listen --hub h --connection-string Endpoint=http://localhost;AccessKey={published}"), None),
    ] {
        let notes: Vec<String> = notes(&line, &[])
            .into_iter()
            .map(|note| match note {
                Note::Warning(text) => format!("warning: {text}"),
                Note::Hint(text) => format!("hint: {text}"),
            })
            .collect();
        match noted {
            Some(begin) => assert!(notes.len() == 1 && notes[0].starts_with(begin), "{line}: {notes:?}"),
            None => assert!(notes.is_empty(), "{line}: {notes:?}"),
        }
        assert!(!notes.iter().any(|note| note.contains("sesame")), "{line}: {notes:?}");
    }
    // The environment is not seen by others.
    assert_eq!(notes("listen", &[("WPS_URL", URL)]), []);
}

#[test]
fn token_flags_shape_the_token() {
    let ConnectionSource::Local { signer, .. } = listen("listen --local").connection.source else { panic!() };
    assert_eq!((signer.hub.as_str(), &signer.user, &signer.groups), ("hub1", &None, &vec![]));
    assert_eq!(signer.roles, ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]);
    assert_eq!(signer.ttl, Duration::from_secs(3600));
    let line = "listen --local --hub h --user u --role a --role b --initial-group g --initial-group k --ttl 5m";
    let ConnectionSource::Local { signer, .. } = listen(line).connection.source else { panic!() };
    assert_eq!((signer.hub.as_str(), signer.user.as_deref()), ("h", Some("u")));
    assert_eq!((signer.roles, signer.groups), (vec!["a".into(), "b".into()], vec!["g".into(), "k".into()]));
    assert_eq!(signer.ttl, Duration::from_secs(300));
}

#[test]
fn errors_have_their_exit_code_and_keep_secrets() {
    for (line, code, expected) in [
        (format!("listen --local --url {URL}"), 2, "two sources to connect to: `--url` and `--local`"),
        (format!("--connection-string {STRING} listen --url {URL}"), 2, "two sources"),
        ("listen --local --url-command c".to_owned(), 2, "two sources to connect to: `--url-command` and `--local`"),
        ("listen --hub h --url-command c".to_owned(), 2, "`--hub` does not go with `--url-command`"),
        ("listen --url-command ''".to_owned(), 3, "`--url-command` is empty"),
        (format!("listen --url {URL} --url {URL}"), 2, "`--url` was given more than once"),
        ("listen".to_owned(), 3, "nothing says where to connect"),
        ("listen --url ''".to_owned(), 3, "the value of `--url` is missing: it is empty"),
        ("listen --url -".to_owned(), 3, "standard input is empty"),
        ("listen --url @missing".to_owned(), 3, "could not read the value of `--url` from `missing`"),
        ("listen --url @empty".to_owned(), 3, "the value of `--url` is missing: `empty` is empty"),
        ("listen --url ws://h/sesame".to_owned(), 3, "the client access URL in `--url` is malformed"),
        ("listen --url sesame".to_owned(), 3, "malformed"),
        (format!("listen --url {URL} --hub h"), 2, "`--hub` does not go with `--url`"),
        (format!("listen --url {URL} --user u"), 2, "`--user` does not go with `--url`"),
        (format!("listen --url {URL} --role r"), 2, "`--role` does not go with `--url`"),
        (format!("listen --url {URL} --initial-group g"), 2, "`--initial-group` does not go with `--url`"),
        (format!("listen --url {URL} --ttl 1m"), 2, "`--ttl` does not go with `--url`"),
        (format!("listen --connection-string {STRING}"), 2, "`--connection-string` needs `--hub`"),
        (
            "listen --hub h --connection-string sesame".to_owned(),
            3,
            "connection string in `--connection-string` is malf",
        ),
        ("listen --local --hub 1".to_owned(), 2, "the name in `--hub` is not valid"),
        ("listen --local --initial-group ''".to_owned(), 2, "the name in `--initial-group` is not valid"),
        ("listen --local -g ''".to_owned(), 2, "the name in `--group` is not valid"),
        ("join --local ''".to_owned(), 2, "the name in `GROUP` is not valid"),
        ("send --local '' d".to_owned(), 2, "the name in `GROUP` is not valid"),
        ("event --local a/b d".to_owned(), 2, "the name in `NAME` is not valid"),
        ("send --local g".to_owned(), 2, "no data given"),
        ("event --local e".to_owned(), 2, "no data given"),
        ("send --url - g -".to_owned(), 2, "`--url -` and DATA `-` both take standard input"),
        ("send --hub h --connection-string - g -".to_owned(), 2, "both take standard input"),
        (
            "send --local --encoding hex g 00".to_owned(),
            2,
            "`--encoding` goes with `--type binary` and `--type protobuf` only",
        ),
        ("join --local --ack-id 18446744073709551615 a b".to_owned(), 2, "`--ack-id` leaves no ids for 1 further"),
        ("listen --local --only messages".to_owned(), 2, "`--only` filters"),
        ("listen --local --timestamps -o raw".to_owned(), 2, "`--timestamps` goes with `-o text`"),
        ("listen --local --ping-interval 30s".to_owned(), 2, "`--ping-timeout` (25s) must be longer"),
        ("listen --local --reconnect-delay 2s --reconnect-max-delay 1s".to_owned(), 2, "`--reconnect-max-delay` is sh"),
        ("listen --local --retry-delay 2s --retry-max-delay 1s".to_owned(), 2, "`--retry-max-delay` is shorter"),
        ("emulator --advertise ftp://h".to_owned(), 2, "the URL in `--advertise` is not an endpoint"),
        ("emulator --advertise http://u:sesame@h".to_owned(), 2, "more than scheme, host, port and path"),
        ("emulator --advertise http://h/p?q".to_owned(), 2, "more than scheme, host, port and path"),
        ("emulator --event-handler http://u:sesame@h/{x}".to_owned(), 2, "there are `{hub}` and `{event}`"),
        ("emulator --event-handler h".to_owned(), 2, "the value of `--event-handler` cannot be used"),
        ("emulator --event-handler http://h --user-events 1".to_owned(), 2, "the value of `--user-events`"),
        ("emulator --event-handler http://h --system-events x".to_owned(), 2, "the value of `--system-events`"),
        ("emulator --settings missing".to_owned(), 3, "could not read the settings file `missing`"),
        ("emulator --settings empty".to_owned(), 3, "the settings file `empty` cannot be used"),
        ("emulator --access-key @missing".to_owned(), 3, "could not read the value of `--access-key`"),
    ] {
        let inputs = Inputs { stdin: "", files: [("empty", "\n")].into(), ..Inputs::default() };
        let failure = settle_with(&line, &[], inputs).map(|settings| format!("{settings:?}")).unwrap_err();
        let report = failure.report(str::to_owned, str::to_owned);
        assert_eq!(failure.kind.exit_code(), code, "{line}: {report}");
        assert!(report.contains(expected), "{line}: {report}");
        assert!(!format!("{report}{failure:?}").contains("sesame"), "{line}: {report}");
    }
    let report = settle_with("listen", &[], Inputs::default()).unwrap_err().report(str::to_owned, str::to_owned);
    assert!(report.contains("--url") && report.contains("--local"), "{report}");
    let environment = [("WPS_URL", "ws://h/sesame")];
    let report =
        settle_with("listen", &environment, Inputs::default()).unwrap_err().report(str::to_owned, str::to_owned);
    assert!(report.contains("`WPS_URL` is malformed") && !report.contains("sesame"), "{report}");
}

#[test]
fn settings_print_without_their_secrets() {
    for line in [
        format!("listen --url {URL}"),
        format!("listen --hub h --connection-string {STRING}"),
        "emulator --access-key sesame-of-more-than-thirty-two-bytes".to_owned(),
        "emulator --event-handler http://u:sesame@h/?code=sesame".to_owned(),
    ] {
        assert!(!format!("{:?}", settled(&line)).contains("sesame"), "{line}");
        let Parsed::Run(command) = parse(format!("wps {line}").split(' ').map(Into::into)).unwrap() else { panic!() };
        assert!(!format!("{command:?}").contains("sesame"), "{line}");
    }
}

fn session(line: &str) -> Config {
    match settled(line) {
        Settings::Listen(listen) => listen.connection.session,
        Settings::Join(join) => join.connection.session,
        Settings::Send(send) => send.connection.session,
        Settings::Event(event) => event.connection.session,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_as_the_contract_has_it_by_default() {
    let backoff = |delay, max_delay| Backoff {
        mode: BackoffMode::Exponential,
        delay: Duration::from_millis(delay),
        max_delay: Duration::from_secs(max_delay),
    };
    let expected = Config {
        codec: webpubsub_proto::Codec::Json,
        reliable: true,
        connect_timeout: Duration::from_secs(30),
        retries_until_connected: Retries::Limited(3),
        retries_once_connected: Retries::Unlimited,
        renews_url: false,
        reconnect_backoff: backoff(1000, 30),
        rejoin: true,
        ping_interval: Some(Duration::from_secs(10)),
        ping_timeout: Some(Duration::from_secs(25)),
        operation_retries: 3,
        operation_backoff: backoff(800, 120),
        ack_timeout: Duration::from_secs(30),
        on_unknown: OnUnknown::Fail,
        stream_idle_timeout: Duration::from_secs(300),
        keep: None,
        seed: 0,
    };
    assert_eq!(session("listen --local"), expected);
    assert_eq!(session("join --local g --stay"), expected);
    let once = Config { retries_once_connected: Retries::Limited(3), ..expected };
    for line in ["join --local g", "send --local g d", "event --local e d"] {
        assert_eq!(session(line), once, "{line}");
    }
    assert_eq!(listen("listen --local").connection.protocol, Subprotocol::JsonReliable);
}

#[test]
fn given_retries_hold_before_and_after_the_first_connection() {
    for (flags, expected) in [
        ("--reconnect-retries 0", Retries::Limited(0)),
        ("--no-reconnect", Retries::Limited(0)),
        ("--reconnect-retries 7", Retries::Limited(7)),
        ("--reconnect-retries unlimited", Retries::Unlimited),
    ] {
        for command in ["listen", "send g d"] {
            let session = session(&format!("--local {flags} {command}"));
            assert_eq!((session.retries_until_connected, session.retries_once_connected), (expected, expected));
        }
    }
}

#[test]
fn flags_change_the_session() {
    let config = session(
        "send --local g d --protocol json --connect-timeout 5 --reconnect-delay 10ms --reconnect-max-delay 20ms \
         --reconnect-mode fixed --ping-interval 0 --ping-timeout 0 --retries 1 --retry-delay 1s --retry-max-delay 2s \
         --retry-mode fixed --ack-timeout 3s --on-unknown resend",
    );
    let fixed = |delay, max_delay| Backoff {
        mode: BackoffMode::Fixed,
        delay: Duration::from_millis(delay),
        max_delay: Duration::from_millis(max_delay),
    };
    assert!(!config.reliable);
    assert_eq!((config.ping_interval, config.ping_timeout), (None, None));
    assert_eq!((config.reconnect_backoff, config.operation_backoff), (fixed(10, 20), fixed(1000, 2000)));
    assert_eq!((config.connect_timeout.as_secs(), config.ack_timeout.as_secs(), config.operation_retries), (5, 3, 1));
    assert_eq!(config.on_unknown, OnUnknown::Resend);
    assert!(!session("listen --local --no-rejoin").rejoin);
    // One of the two given: the other gives way.
    let delays = |flags: &str| {
        let backoff = session(&format!("listen --local {flags}")).reconnect_backoff;
        (backoff.delay.as_millis(), backoff.max_delay.as_millis())
    };
    assert_eq!(delays("--reconnect-delay 60s"), (60_000, 60_000));
    assert_eq!(delays("--reconnect-max-delay 500ms"), (500, 500));
}

#[test]
fn each_command_has_its_own_settings() {
    let listen =
        listen("listen --local -g a -g b -g a --count 2 --for 1m --idle-timeout 5 --timeout 2m --insecure --ca-cert f");
    assert_eq!(listen.groups, ["a", "b"]);
    assert_eq!((listen.count, listen.duration), (Some(2), Some(Duration::from_secs(60))));
    assert_eq!(listen.idle_timeout, Some(Duration::from_secs(5)));
    assert_eq!(listen.connection.timeout, Some(Duration::from_secs(120)));
    assert_eq!(
        listen.connection.tls,
        TlsOptions { ca_cert: Some("f".into()), insecure: true, ..TlsOptions::default() }
    );

    let Settings::Join(join) = settled("join --local --ack-id 18446744073709551614 a b a --stay") else { panic!() };
    assert_eq!((join.groups, join.stay), (vec!["a".to_owned(), "b".to_owned()], true));
    assert_eq!(join.ack_id, Some(u64::MAX - 1));

    let Settings::Send(send) = settled("send --local -t binary --encoding hex --no-echo --ack-id 0 g -- -x") else {
        panic!()
    };
    assert_eq!((send.group.as_str(), send.no_echo, send.ack), ("g", true, AckRequest::Id(0)));
    assert_eq!(send.payload.from, DataFrom::Argument("-x".to_owned()));
    assert_eq!(send.payload.data_type, PayloadType::Binary(Encoding::Hex));

    let Settings::Event(event) = settled("event --local e --file f -t json --no-ack --wait-reply") else { panic!() };
    assert_eq!((event.event.as_str(), event.ack, event.wait_reply), ("e", AckRequest::None, Some(1)));
    assert_eq!(event.payload.from, DataFrom::File("f".into()));
    assert_eq!(event.payload.data_type, PayloadType::Json);

    for (line, from) in [
        ("send --local g -5 -t json", DataFrom::Argument("-5".to_owned())),
        ("send --local -t json g {\"a\":-1}", DataFrom::Argument("{\"a\":-1}".to_owned())),
        ("send --local g -1.5e3", DataFrom::Argument("-1.5e3".to_owned())),
        ("send --local g ''", DataFrom::Argument(String::new())),
        ("send --local g -", DataFrom::Stdin),
    ] {
        let Settings::Send(send) = settled(line) else { panic!() };
        assert_eq!((send.payload.from, send.ack), (from, AckRequest::Automatic), "{line}");
    }
}

#[test]
fn the_envelope_of_a_payload_is_the_frame_around_it() {
    let Settings::Send(send) = settled("send --local --no-echo g \"hi") else { panic!() };
    let frame = r#"{"type":"sendToGroup","group":"g","ackId":1,"noEcho":true,"dataType":"text","data":"\"hi"}"#;
    let data = send.payload.read(&mut io::empty()).unwrap();
    let envelope = |source: &PayloadSource| source.framing.unwrap().envelope;
    assert_eq!(envelope(&send.payload) + "text".len() + data.as_data().json_len(), frame.len());
    let Settings::Event(event) = settled("event --local --no-ack -t binary e hi") else { panic!() };
    let frame = r#"{"type":"event","event":"e","dataType":"binary","data":"aGk="}"#;
    let data = event.payload.read(&mut io::empty()).unwrap();
    assert_eq!(envelope(&event.payload) + "binary".len() + data.as_data().json_len(), frame.len());
}

#[test]
fn what_is_said_follows_flags_then_environment() {
    let azure = ("AZURE_LOG_LEVEL", "Verbose");
    for (flags, environment, quiet, verbosity) in [
        ("", vec![], false, 0),
        (" -v", vec![], false, 1),
        (" -vvvvv", vec![], false, 3),
        (" -q", vec![azure], true, 0),
        ("", vec![azure], false, 2),
        (" -v", vec![azure], false, 1),
        ("", vec![("AZURE_LOG_LEVEL", "info")], false, 0),
    ] {
        let Settings::Listen(listen) =
            settle_with(&format!("listen --local{flags}"), &environment, Inputs::default()).unwrap()
        else {
            panic!()
        };
        assert_eq!((listen.output.quiet, listen.output.verbosity), (quiet, verbosity), "{flags} {environment:?}");
    }
    let environment = [("WPS_LOG", "wps=trace"), ("NO_COLOR", "1")];
    let Settings::Send(send) =
        settle_with("send --local g d -o ndjson --only events", &environment, Inputs::default()).unwrap()
    else {
        panic!()
    };
    assert_eq!((send.output.format, send.output.only), (OutputFormat::Ndjson, Some(OnlyName::Events)));
    assert_eq!((send.output.color, send.output.log_filter.as_deref()), (ColorChoice::Never, Some("wps=trace")));
}

#[test]
fn the_emulator_is_microsofts_by_default() {
    let emulator = |line: &str, environment: &[(&str, &str)]| {
        let inputs = Inputs { stdin: "from-stdin\n", files: [("k", "from-file\n")].into(), ..Inputs::default() };
        match settle_with(line, environment, inputs).unwrap() {
            Settings::Emulator(emulator) => *emulator,
            other => panic!("{other:?}"),
        }
    };
    let default = emulator("emulator", &[]);
    assert_eq!((default.port, default.bind.to_string().as_str()), (8080, "localhost"));
    assert_eq!(default.access_key.expose(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH");
    assert_eq!((default.allow_anonymous, default.echo_events, default.advertise), (false, true, None));
    let line = "-v emulator --port 0 --bind ::1 --advertise https://h:1 --allow-anonymous --no-echo-events -o ndjson";
    let given = emulator(line, &[]);
    assert_eq!((given.port, given.bind.to_string().as_str(), given.verbosity), (0, "::1", 1));
    assert_eq!((given.allow_anonymous, given.echo_events, given.format), (true, false, EmulatorFormat::Ndjson));
    assert_eq!(given.advertise.unwrap().as_str(), "https://h:1/");
    let variable = [("WPS_ACCESS_KEY", "from-variable")];
    for (line, key) in [
        ("emulator", "from-variable"),
        ("emulator --access-key flag", "flag"),
        ("emulator --access-key -", "from-stdin"),
        ("emulator --access-key @k", "from-file"),
    ] {
        assert_eq!(emulator(line, &variable).access_key.expose(), key, "{line}");
    }
}

#[test]
fn event_handlers_come_from_flags_and_from_a_file_whose_key_is_the_last_to_count() {
    const FILE: &str = r#"{"WebPubSub":{"AccessKey":"from-settings","Hubs":{"Chat":{"EventHandlers":[
        {"UrlTemplate":"http://file/","EventPattern":"*"}]}}}}"#;
    let emulator = |line: &str, environment: &[(&str, &str)]| {
        let inputs = Inputs { files: [("s.json", FILE)].into(), ..Inputs::default() };
        match settle_with(line, environment, inputs).unwrap() {
            Settings::Emulator(emulator) => *emulator,
            other => panic!("{other:?}"),
        }
    };
    assert!(!emulator("emulator", &[]).handlers.are_possible());
    let flags = "emulator --event-handler http://a/,user-events=x --event-handler http://b/ --system-events connect";
    let routes = emulator(&format!("{flags} --settings s.json"), &[]).handlers.routes();
    let shown: Vec<_> = routes.every_hub.iter().map(|handler| format!("{handler:?}")).collect();
    assert!(shown[0].contains("http://a/") && shown[0].contains("text: \"x\""), "{shown:?}");
    assert!(shown[1].contains("All") && shown.iter().all(|one| one.contains("connect: true, connected: false")));
    assert_eq!(routes.hubs["chat"].len(), 1);
    let variable = [("WPS_ACCESS_KEY", "from-variable")];
    for (line, environment, key) in [
        ("emulator --settings s.json", &[][..], "from-settings"),
        ("emulator --settings s.json", &variable[..], "from-variable"),
        ("emulator --settings s.json --access-key flag", &variable[..], "flag"),
    ] {
        assert_eq!(emulator(line, environment).access_key.expose(), key, "{line}");
    }
}

#[test]
fn the_emulator_on_this_machine_is_never_behind_a_proxy() {
    let environment = [("ALL_PROXY", "http://proxy"), ("NO_PROXY", "a"), ("HTTP_PROXY", "not one://")];
    for line in ["listen --local", "listen --local --proxy none"] {
        match settle_with(line, &environment, Inputs::default()).unwrap() {
            Settings::Listen(listen) => assert_eq!(listen.connection.network, NetworkSettings::default(), "{line}"),
            other => panic!("{other:?}"),
        }
    }
    let failure = settle_with("listen --local --proxy http://proxy", &environment, Inputs::default()).unwrap_err();
    assert_eq!(failure.kind, crate::failure::Kind::Usage);
}

#[test]
fn the_proxy_is_the_flags_else_the_environments() {
    let environment = [("HTTP_PROXY", "http://plain:1"), ("HTTPS_PROXY", "socks5h://secure:2"), ("no_proxy", "a,b")];
    let proxies = |line: &str, inputs| match settle_with(line, &environment, inputs).unwrap() {
        Settings::Listen(listen) => listen.connection.network.proxies,
        other => panic!("{other:?}"),
    };
    let host = |proxy: &Option<Proxy>| proxy.as_ref().map(|proxy| format!("{} {}", proxy.from, proxy.host));
    let plain = proxies("listen --url ws://h/client/hubs/h", Inputs::default());
    assert_eq!((host(&plain.plain).as_deref(), &plain.secure), (Some("`HTTP_PROXY` plain"), &None));
    let exceptions = plain.exceptions.unwrap();
    assert_eq!((exceptions.list.as_str(), exceptions.from), ("a,b", "no_proxy"));
    let line = "listen --hub h --connection-string Endpoint=https://h;AccessKey=k";
    assert_eq!(host(&proxies(line, Inputs::default()).secure).as_deref(), Some("`HTTPS_PROXY` secure"));
    // The flag overrides it, and the exceptions too.
    let flag = proxies("listen --url ws://a/client/hubs/h --proxy http://u:sesame@flag", Inputs::default());
    assert_eq!((host(&flag.plain).as_deref(), flag.exceptions), (Some("`--proxy` flag"), None));
    let inputs = Inputs { files: [("p", "http://u:sesame@file\n")].into(), ..Inputs::default() };
    assert_eq!(
        host(&proxies("listen --url ws://a/client/hubs/h --proxy @p", inputs).plain).as_deref(),
        Some("`--proxy` file")
    );
    let none = proxies("listen --url ws://a/client/hubs/h --proxy none", Inputs::default());
    assert_eq!(none, Proxies::default());
}

#[test]
fn the_way_to_the_service_is_settled_as_given() {
    let line = "listen --url wss://h/client/hubs/h --header X-A:1 --header @headers --resolve h:443:127.0.0.1 \
                --client-cert c --ca-cert r --no-system-roots";
    let inputs =
        Inputs { files: [("headers", "X-B: 2\n\r\nAuthorization: Bearer sesame\n")].into(), ..Inputs::default() };
    let Settings::Listen(listen) = settle_with(line, &[], inputs).unwrap() else { panic!() };
    let ConnectionSettings { network, tls, .. } = listen.connection;
    let headers: Vec<String> = network.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    assert_eq!(headers, ["x-a: \"1\"", "x-b: \"2\"", "authorization: Sensitive"]);
    assert_eq!(network.resolve.len(), 1);
    let client_cert = Some(("c".into(), "c".into()));
    assert_eq!(tls, TlsOptions { ca_cert: Some("r".into()), only_ca_cert: true, client_cert, insecure: false });
}

#[test]
fn headers_and_proxies_that_cannot_be_used_are_told_without_their_values() {
    let url = "listen --url ws://h/client/hubs/h";
    for (line, code, expected) in [
        ("--header sesame", 2, "error: `--header` is not a header: there is no colon in it\nhint: a header is written"),
        ("--header Upgrade:sesame", 2, "error: `--header` cannot set `upgrade`, which wps sets itself\nhint: "),
        ("--header sec-websocket-protocol:sesame", 2, "error: `--header` cannot set `sec-websocket-protocol`"),
        ("--header Proxy-Authorization:sesame", 2, "error: `--header` cannot set `proxy-authorization`, which is for"),
        ("--header X:ses\u{7}ame", 2, "error: `--header` has a value for `x` that no header can have\nhint: "),
        ("--header @missing", 3, "error: could not read the value of `--header` from `missing`\ncaused by: "),
        ("--header @bad", 3, "error: line 2 of `bad`, named by `--header`, is not a header: there is no colon in it\n"),
        ("--proxy ftp://u:sesame@p", 2, "error: the proxy in `--proxy` is malformed: its scheme is not `http`"),
        ("--proxy http://u:ses/ame@p", 2, "error: the proxy in `--proxy` is malformed: "),
        ("--proxy @missing", 3, "error: could not read the value of `--proxy` from `missing`"),
        ("--proxy @bad", 3, "error: the proxy in `--proxy` is malformed: "),
    ] {
        let inputs = Inputs { files: [("bad", "X-A: 1\nses/ame")].into(), ..Inputs::default() };
        let failure = settle_with(&format!("{url} {line}"), &[], inputs).unwrap_err();
        let report = failure.report(str::to_owned, str::to_owned);
        assert_eq!(failure.kind.exit_code(), code, "{line}: {report}");
        assert!(report.starts_with(expected) && !report.contains("ses"), "{line}: {report}");
    }
}

#[test]
fn the_doctor_knows_where_its_url_comes_from_and_takes_a_broken_source_as_a_finding() {
    for (line, variables, origin) in [
        ("doctor --local", vec![], "`--local`"),
        ("doctor --url ws://h/client/hubs/a", vec![("WPS_URL", "x")], "`--url`"),
        ("doctor", vec![("WPS_URL", "ws://h/client/hubs/a")], "`WPS_URL` of the environment"),
        ("doctor --local", vec![("WPS_PROFILE", "dev")], "`--local`, profile `dev` (`WPS_PROFILE`)"),
    ] {
        match settle_with(line, &variables, Inputs::default()) {
            Ok(Settings::Doctor(doctor)) => {
                assert_eq!((doctor.origin.as_str(), doctor.connection.is_ok()), (origin, true), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    match settle_with("doctor --url ws://h/elsewhere", &[], Inputs::default()) {
        Ok(Settings::Doctor(doctor)) => {
            let problem = doctor.connection.unwrap_err();
            assert!(problem.causes[0].contains("`--url` is malformed") && problem.hints.len() == 1, "{problem:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bulk_is_settled_with_its_defaults_and_a_message_is_none() {
    let bulk = |line: &str| match settle_with(line, &[], Inputs::default()).unwrap() {
        Settings::Bulk(bulk) => *bulk,
        other => panic!("{line}: {other:?}"),
    };
    let lines = bulk("send --local g --lines -t json --no-echo");
    assert_eq!(lines.feed, BulkFeed::Lines(PayloadType::Json));
    assert_eq!(
        lines.template,
        Template::Send { group: Some("g".into()), no_echo: true, ttl_seconds: None, metadata: None }
    );
    assert_eq!(
        (lines.in_flight, lines.keep_going, lines.interval, lines.ack),
        (256, false, None, AckRequest::Automatic)
    );
    let records = bulk("event --local --ndjson --in-flight 1 --keep-going --rate 30/m --ack-id 7 --wait-reply=2");
    assert_eq!((records.feed, records.template), (BulkFeed::Records, Template::Event { event: None, metadata: None }));
    assert_eq!((records.in_flight, records.keep_going, records.wait_reply), (1, true, Some(2)));
    assert_eq!((records.interval, records.ack), (Some(Duration::from_secs(2)), AckRequest::Id(7)));
    let repeated = bulk("send --local g d --repeat 3");
    assert!(matches!(repeated.feed, BulkFeed::Repeated { times: 3, .. }), "{:?}", repeated.feed);
    let one = settle_with("send --local g d", &[], Inputs::default()).unwrap();
    assert!(matches!(one, Settings::Send(_)), "{one:?}");
}
