//! From what was typed to what will be done, a command at a time.

use std::ffi::OsString;
use std::time::Duration;

use super::session_file::{SessionFile, keep};
use super::source::{bad_name, resolve, warn_if_exposed};
use super::stdin;
use super::{
    Ack, Connection, DataFrom, Environment, Event, Expressions, Input, Join, Listen, Output, PayloadSource,
    PayloadType, Repl, Send, Settings, Source, Tls,
};
use super::{doctor, network};
use super::{profile, stream, url};
use crate::cli::{
    AckArgs, AckIdArgs, ColorChoice, Command, ConfigArgs, ConfigCommand, ConnectingArgs, DataArgs, DataType, EventArgs,
    Format, JoinArgs, ListenArgs, Mode, NetworkArgs, Protocol, ReconnectArgs, ReplArgs, RetryArgs, RetryCount,
    SendArgs, TalkArgs, Unknown, UrlArgs, UrlCommand,
};
use crate::failure::{Failure, Kind};
use webpubsub_proto::session::{Backoff, BackoffMode, Config, OnUnknown, Retries};
use webpubsub_proto::{Subprotocol, Upstream, check_event_name, check_group_name, encode_upstream};

/// What will be done, with the profile that the command line or the environment names; `args` are what `command` was
/// parsed from. See [`settle`].
pub fn settle_line_and_profile(
    args: Vec<OsString>,
    command: Command,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Settings, Failure> {
    match profile::with_profile(args, &command, environment, input) {
        Ok(None) => settle(command, environment, input),
        Ok(Some((command, brought))) => {
            let environment = environment.clone().with_profile(brought);
            settle(command, &environment, input).map_err(|failure| environment.explain(failure))
        }
        // To the doctor, that is a finding.
        Err(failure) if failure.kind == Kind::Config => match command {
            Command::Doctor(args) => doctor::without_source(*args, failure, environment),
            _ => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// What will be done. Reads the files and the standard input that the command line names for secrets, and nothing
/// else from outside. Fails with usage (exit 2) or configuration errors (exit 3).
pub fn settle(command: Command, environment: &Environment, input: &mut dyn Input) -> Result<Settings, Failure> {
    Ok(match command {
        Command::Listen(args) => Settings::Listen(Box::new(listen(*args, environment, input)?)),
        Command::Join(args) => Settings::Join(Box::new(join(*args, environment, input)?)),
        Command::Send(args) if stream::is_wanted(&args.stream) => {
            Settings::Stream(Box::new(stream::send(*args, environment, input)?))
        }
        Command::Event(args) if stream::is_wanted(&args.stream) => {
            Settings::Stream(Box::new(stream::event(*args, environment, input)?))
        }
        Command::Send(args) => Settings::Send(Box::new(send(*args, environment, input)?)),
        Command::Event(args) => Settings::Event(Box::new(event(*args, environment, input)?)),
        Command::Repl(args) => Settings::Repl(Box::new(repl(*args, environment, input)?)),
        Command::Replay(args) => Settings::Replay(Box::new(super::replay::settle(*args, environment, input)?)),
        Command::Doctor(args) => Settings::Doctor(Box::new(doctor::settle(*args, environment, input)?)),
        Command::Emulator(args) => Settings::Emulator(Box::new(super::emulator::emulator(*args, environment, input)?)),
        Command::Url(UrlArgs { command: UrlCommand::Create(args) }) => {
            Settings::UrlCreate(Box::new(url::create(*args, environment, input)?))
        }
        Command::Url(UrlArgs { command: UrlCommand::Inspect(args) }) => {
            Settings::UrlInspect(Box::new(url::inspect(*args, environment, input)?))
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Path(_) }) => {
            Settings::ConfigPath(profile::config_file(input)?)
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Show(args) }) => {
            Settings::ConfigShow(profile::show(args.profile.as_deref(), environment, input)?)
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Check(_) }) => {
            Settings::ConfigCheck(profile::check(input)?)
        }
        Command::Completions(args) => Settings::Completions { shell: args.shell },
        Command::Man(args) => Settings::Man { dir: args.dir },
    })
}

fn listen(args: ListenArgs, environment: &Environment, input: &mut dyn Input) -> Result<Listen, Failure> {
    let groups = groups(args.groups, "--group")?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.judged(args.conditions);
    let policy = Policy { keeps_on: true, rejoin: !args.rejoin.no_rejoin, on_unknown: OnUnknown::Fail };
    let session_file = SessionFile::listening(args.session, &groups);
    let connection = keep(connection(args.connecting, policy, environment, input)?, session_file)?;
    let on_ready = super::on_ready::settle(args.on_ready, &connection.source, environment)?;
    Ok(Listen {
        connection,
        output,
        groups,
        on_ready,
        count: args.end.count,
        duration: args.end.duration,
        idle_timeout: args.end.idle_timeout,
    })
}

fn join(args: JoinArgs, environment: &Environment, input: &mut dyn Input) -> Result<Join, Failure> {
    let groups = groups(args.groups, "GROUP")?;
    let further = groups.len().saturating_sub(1) as u64;
    if args.ack.ack_id.is_some_and(|first| first.checked_add(further).is_none()) {
        let failure = Failure::message(Kind::Usage, format!("`--ack-id` leaves no ids for {further} further groups"))
            .blame("--ack-id");
        return Err(failure.hint("ackIds end at 18446744073709551615"));
    }
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let policy = Policy { keeps_on: args.stay, rejoin: !args.rejoin.no_rejoin, on_unknown: OnUnknown::Fail };
    let connection = connection(args.connecting, policy, environment, input)?;
    let connection = keep(connection, SessionFile::joining(args.session, args.stay))?;
    Ok(Join { connection, output, groups, stay: args.stay, ack_id: args.ack.ack_id })
}

fn send(args: SendArgs, environment: &Environment, input: &mut dyn Input) -> Result<Send, Failure> {
    stream::refuse_without(&args.stream)?;
    // Absent only with --ndjson.
    let group = args.group.unwrap_or_default();
    check_group_name(&group).map_err(|error| bad_name("GROUP", error))?;
    let ack = ack(&args.ack.id);
    let empty = webpubsub_proto::OwnedData::text("");
    let envelope = envelope(&Upstream::SendToGroup {
        group: group.as_str().into(),
        ack_id: ack.expected_id(),
        no_echo: args.no_echo,
        ttl_seconds: None,
        data: empty.as_data(),
        metadata: None,
    });
    let payload = payload(args.data, args.input, envelope, &args.connecting)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let session_file = SessionFile::sending(args.session, "wps send", ack)?;
    let connection = keep(connection(args.connecting, publishing(&args.ack), environment, input)?, session_file)?;
    Ok(Send { connection, output, group, payload, no_echo: args.no_echo, ack })
}

fn event(args: EventArgs, environment: &Environment, input: &mut dyn Input) -> Result<Event, Failure> {
    stream::refuse_without(&args.stream)?;
    // Absent only with --ndjson.
    let event = args.name.unwrap_or_default();
    check_event_name(&event).map_err(|error| bad_name("NAME", error))?;
    let ack = ack(&args.ack.id);
    let empty = webpubsub_proto::OwnedData::text("");
    let envelope = envelope(&Upstream::Event {
        event: event.as_str().into(),
        ack_id: ack.expected_id(),
        data: empty.as_data(),
        metadata: None,
    });
    let payload = payload(args.data, args.input, envelope, &args.connecting)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.answered(args.condition);
    let session_file = SessionFile::sending(args.session, "wps event", ack)?;
    let connection = keep(connection(args.connecting, publishing(&args.ack), environment, input)?, session_file)?;
    Ok(Event { connection, output, event, payload, ack, wait_reply: args.wait_reply })
}

fn repl(args: ReplArgs, environment: &Environment, input: &mut dyn Input) -> Result<Repl, Failure> {
    if args.file.is_none() {
        stdin::refuse_beside(&stdin_takers(&args.connecting), "the lines", Some("--file SCRIPT"))?;
    }
    let output = output(&args.connecting, environment)?;
    let on_unknown = on_unknown(args.unknown.on_unknown);
    let policy = Policy { keeps_on: true, rejoin: !args.rejoin.no_rejoin, on_unknown };
    let connection = connection(args.connecting, policy, environment, input)?;
    let history = super::line::history_place(environment);
    let refolds = super::line::refolds(environment);
    Ok(Repl { connection, output, script: args.file, keep_going: args.keep_going, history, refolds })
}

/// Group names, checked, each once, in the order given.
pub(super) fn groups(given: Vec<String>, what: &str) -> Result<Vec<String>, Failure> {
    let mut groups: Vec<String> = Vec::with_capacity(given.len());
    for group in given {
        check_group_name(&group).map_err(|error| bad_name(what, error))?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}

pub(super) fn ack(args: &AckIdArgs) -> Ack {
    match (args.no_ack, args.ack_id) {
        (true, _) => Ack::None,
        (false, Some(id)) => Ack::Id(id),
        (false, None) => Ack::Automatic,
    }
}

impl Ack {
    /// The id that the first operation of a connection has.
    pub(super) fn expected_id(self) -> Option<u64> {
        match self {
            Self::Automatic => Some(1),
            Self::Id(id) => Some(id),
            Self::None => None,
        }
    }
}

/// How long the frame of an empty text is without its data and its type.
pub(super) fn envelope(frame: &Upstream<'_>) -> usize {
    let mut encoded = String::new();
    encode_upstream(frame, &mut encoded);
    encoded.len() - "text\"\"".len()
}

pub(super) fn payload(
    data: Option<String>,
    args: DataArgs,
    envelope: usize,
    connecting: &ConnectingArgs,
) -> Result<PayloadSource, Failure> {
    let data_type = payload_type(&args)?;
    let from = match (data, args.file) {
        (Some(dash), None) if dash == "-" => DataFrom::Stdin,
        (Some(text), None) => DataFrom::Argument(text),
        (None, Some(file)) => DataFrom::File(file),
        // Clap refuses both.
        (None, None) | (Some(_), Some(_)) => {
            return Err(Failure::message(Kind::Usage, "no data given")
                .hint("give DATA, `-` or `--lines` to take it from standard input, or `--file F`"));
        }
    };
    if from == DataFrom::Stdin {
        stdin::refuse_beside(&stdin_takers(connecting), "DATA `-`", Some("--file F"))?;
    }
    Ok(PayloadSource { from, data_type, envelope })
}

/// What the payload is, by its flags.
pub(super) fn payload_type(args: &DataArgs) -> Result<PayloadType, Failure> {
    Ok(match (args.data_type, args.encoding) {
        (DataType::Text, None) => PayloadType::Text,
        (DataType::Json, None) => PayloadType::Json,
        (DataType::Binary, None) => PayloadType::Binary(super::Encoding::Raw),
        (DataType::Binary, Some(crate::cli::Encoding::Base64)) => PayloadType::Binary(super::Encoding::Base64),
        (DataType::Binary, Some(crate::cli::Encoding::Hex)) => PayloadType::Binary(super::Encoding::Hex),
        (DataType::Text | DataType::Json, Some(_)) => {
            let failure = Failure::message(Kind::Usage, "`--encoding` goes with `--type binary` only")
                .blame("--encoding")
                .blame("--type");
            return Err(failure.hint("`--type binary` sends the bytes that the encoded text stands for"));
        }
    })
}

pub(super) fn output(connecting: &ConnectingArgs, environment: &Environment) -> Result<Output, Failure> {
    let args = &connecting.output;
    if args.only.is_some() && !matches!(args.output, Format::Ndjson | Format::Raw) {
        let failure = Failure::message(Kind::Usage, "`--only` filters `-o ndjson` and `-o raw`").blame("--only");
        return Err(failure.hint("with `-o text` and `-o data`, stdout carries messages only, as it is"));
    }
    if args.timestamps && args.output != Format::Text {
        let failure = Failure::message(Kind::Usage, "`--timestamps` goes with `-o text`").blame("--timestamps");
        return Err(failure.hint("`-o ndjson` has the time in every record"));
    }
    let talk = talk(&args.talk, environment);
    Ok(Output {
        format: args.output,
        only: args.only,
        timestamps: args.timestamps,
        expressions: Expressions::default(),
        color: talk.color,
        quiet: talk.quiet,
        verbosity: talk.verbosity,
        log_filter: talk.log_filter,
    })
}

/// What is said on stderr.
pub(super) struct Talk {
    pub(super) color: ColorChoice,
    pub(super) quiet: bool,
    pub(super) verbosity: u8,
    pub(super) log_filter: Option<String>,
}

pub(super) fn talk(args: &TalkArgs, environment: &Environment) -> Talk {
    let azure = environment.get("AZURE_LOG_LEVEL").is_some_and(|level| level.eq_ignore_ascii_case("verbose"));
    let verbosity = match args.verbose.min(3) {
        0 if azure && !args.quiet => 2,
        given => given,
    };
    Talk {
        color: args.color.resolve(environment),
        quiet: args.quiet,
        verbosity,
        log_filter: environment.get("WPS_LOG").map(str::to_owned),
    }
}

/// What differs between commands in how they stay connected.
pub(super) struct Policy {
    /// Once connected, goes on for as long as it takes.
    pub(super) keeps_on: bool,
    pub(super) rejoin: bool,
    pub(super) on_unknown: OnUnknown,
}

pub(super) fn publishing(ack: &AckArgs) -> Policy {
    Policy { keeps_on: false, rejoin: true, on_unknown: on_unknown(ack.unknown.on_unknown) }
}

pub(super) fn on_unknown(what: Unknown) -> OnUnknown {
    match what {
        Unknown::Fail => OnUnknown::Fail,
        Unknown::Resend => OnUnknown::Resend,
    }
}

/// Retries of fresh attempts unless given.
const DEFAULT_RETRIES: u32 = 3;

pub(super) fn stdin_takers(args: &ConnectingArgs) -> Vec<&'static str> {
    stdin::takers(&args.connection.source, Some(&args.network))
}

pub(super) fn connection(
    args: ConnectingArgs,
    policy: Policy,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Connection, Failure> {
    stdin::refuse_two(&stdin_takers(&args))?;
    if args.record.record.as_ref().is_some_and(|file| file.as_os_str() == "-") {
        let failure = Failure::message(Kind::Usage, "`--record` takes a file, and stdout has other things to carry")
            .blame("--record");
        return Err(failure.hint("`./-` is a file of that name"));
    }
    input.limit(args.timeout.timeout);
    let protocol = match args.connection.protocol {
        Protocol::Json => Subprotocol::Json,
        Protocol::JsonReliable => Subprotocol::JsonReliable,
    };
    let mut session = session(&args.reconnect, &args.retry, &policy, protocol, args.connection.connect_timeout)?;
    let source = resolve(&args.connection.source, &args.token, environment, input)?;
    session.renews_url = matches!(source, Source::Command(_));
    let tls = tls(&args.network);
    if let Some((_, key)) = &tls.client_cert {
        warn_if_exposed(key, input);
    }
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(Connection {
        source,
        protocol,
        network,
        tls,
        session,
        timeout: args.timeout.timeout,
        record: args.record.record,
        session_file: None,
    })
}

fn tls(args: &NetworkArgs) -> Tls {
    let client_cert = args.client_cert.clone().map(|chain| {
        let key = args.client_key.clone().unwrap_or_else(|| chain.clone());
        (chain, key)
    });
    Tls { ca_cert: args.ca_cert.clone(), only_ca_cert: args.no_system_roots, client_cert, insecure: args.insecure }
}

fn session(
    reconnect: &ReconnectArgs,
    retry: &RetryArgs,
    policy: &Policy,
    protocol: Subprotocol,
    connect_timeout: Duration,
) -> Result<Config, Failure> {
    let given = match (reconnect.no_reconnect, reconnect.reconnect_retries) {
        (true, _) => Some(Retries::Limited(0)),
        (false, Some(RetryCount::Limited(count))) => Some(Retries::Limited(count)),
        (false, Some(RetryCount::Unlimited)) => Some(Retries::Unlimited),
        (false, None) => None,
    };
    let once_connected = if policy.keeps_on { Retries::Unlimited } else { Retries::Limited(DEFAULT_RETRIES) };
    let [ping_interval, ping_timeout] =
        [reconnect.ping_interval, reconnect.ping_timeout].map(|time| Some(time).filter(|time| !time.is_zero()));
    if let (Some(interval), Some(timeout)) = (ping_interval, ping_timeout)
        && timeout <= interval
    {
        let [interval, timeout] = [interval, timeout].map(humantime::format_duration);
        let message = format!("`--ping-timeout` ({timeout}) must be longer than `--ping-interval` ({interval})");
        return Err(Failure::message(Kind::Usage, message)
            .blame("--ping-timeout")
            .blame("--ping-interval")
            .hint("otherwise every idle connection is given up; set both, or turn one off with 0"));
    }
    Ok(Config {
        reliable: protocol.is_reliable(),
        connect_timeout,
        retries_until_connected: given.unwrap_or(Retries::Limited(DEFAULT_RETRIES)),
        retries_once_connected: given.unwrap_or(once_connected),
        reconnect_backoff: backoff(
            "reconnect",
            reconnect.reconnect_mode,
            (reconnect.reconnect_delay, Duration::from_secs(1)),
            (reconnect.reconnect_max_delay, Duration::from_secs(30)),
        )?,
        renews_url: false,
        rejoin: policy.rejoin,
        ping_interval,
        ping_timeout,
        operation_retries: retry.retries,
        operation_backoff: backoff(
            "retry",
            retry.retry_mode,
            (retry.retry_delay, Duration::from_millis(800)),
            (retry.retry_max_delay, Duration::from_secs(120)),
        )?,
        ack_timeout: retry.ack_timeout,
        on_unknown: policy.on_unknown,
        keep: None,
        seed: 0,
    })
}

/// A back-off from flags and defaults. A given delay raises the default maximum, and a given maximum lowers the default
/// delay; both given must fit.
fn backoff(
    family: &str,
    mode: Mode,
    (given_delay, delay): (Option<Duration>, Duration),
    (given_max, max_delay): (Option<Duration>, Duration),
) -> Result<Backoff, Failure> {
    let (delay, max_delay) = match (given_delay, given_max) {
        (Some(delay), Some(max)) if max < delay => {
            let message = format!("`--{family}-max-delay` is shorter than `--{family}-delay`");
            let [max, delay] = ["max-delay", "delay"].map(|flag| format!("--{family}-{flag}"));
            return Err(Failure::message(Kind::Usage, message).blame(&max).blame(&delay));
        }
        (Some(delay), None) => (delay, max_delay.max(delay)),
        (None, Some(max)) => (delay.min(max), max),
        (given_delay, given_max) => (given_delay.unwrap_or(delay), given_max.unwrap_or(max_delay)),
    };
    let mode = match mode {
        Mode::Exponential => BackoffMode::Exponential,
        Mode::Fixed => BackoffMode::Fixed,
    };
    Ok(Backoff { mode, delay, max_delay })
}
