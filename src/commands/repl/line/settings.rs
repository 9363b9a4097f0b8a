//! A line of `wps repl`, from what was typed to what will be done.

use std::time::Duration;

use super::args::{LineCommand, LineServiceCommand, LineStateCommand, SetCommand};
use crate::commands::invoke::settings::LONGEST_ID;
use crate::commands::service::settings::operation::ServiceOperation;
use crate::commands::service::settings::{ServiceTask, closing, granting, grouping, members, message, presence};
use crate::commands::state::settings::state;
use crate::commands::stream::settings::{StreamFeed, StreamOptions, running};
use crate::failure::{Failure, Kind};
use crate::options::data::args::DataArgs;
use crate::options::data::payload::{DataFrom, Framing, PayloadSource};
use crate::options::data::settings::{envelope, metadata, payload_type};
use crate::options::names;
use crate::options::operation::settings::{AckRequest, ack, groups};
use crate::options::values::DataType;
use webpubsub_proto::{Codec, GroupState, Metadata, OwnedData, Upstream};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplCommand {
    /// Join groups, each once.
    Join {
        /// At least one.
        groups: Vec<String>,
        /// Of the first; the others count up from it, which is checked to fit.
        ack_id: Option<u64>,
    },
    /// Leave groups, each once.
    Leave {
        /// At least one.
        groups: Vec<String>,
        /// Of the first; the others count up from it, which is checked to fit.
        ack_id: Option<u64>,
    },
    /// Publish.
    Send {
        group: String,
        payload: PayloadSource,
        /// Not to this connection.
        no_echo: bool,
        /// For how long it is worth delivering, in seconds.
        ttl_seconds: Option<u16>,
        /// What goes with it.
        metadata: Option<Metadata>,
        ack: AckRequest,
    },
    /// Send an event.
    Event {
        /// Its name.
        event: String,
        payload: PayloadSource,
        /// What goes with it.
        metadata: Option<Metadata>,
        ack: AckRequest,
    },
    /// Invoke.
    Invoke {
        /// Name of the event.
        event: String,
        /// What; `None`: no data.
        payload: Option<PayloadSource>,
        /// What goes with it.
        metadata: Option<Metadata>,
        /// For so long; `None`: for ever.
        timeout: Option<Duration>,
    },
    /// Publish the lines that follow as a stream.
    Stream {
        group: String,
        /// What the lines are.
        feed: StreamFeed,
        /// How it is run.
        run: StreamOptions,
    },
    /// Do something about what members of a group say of themselves.
    State { group: String, what: StateRequest },
    /// Do what a server does.
    Service(ServiceTask),
    /// Wait for a record.
    Expect {
        /// The expression.
        jq: String,
        /// For so long.
        timeout: Duration,
    },
    /// Wait.
    Sleep(Duration),
    /// List groups.
    Groups,
    /// Show the connection.
    Status,
    /// Measure the round trip.
    Ping,
    /// Change what is printed, or show how it is set.
    Set(Option<SetCommand>),
    /// List the history.
    History,
    /// Clear the screen.
    Clear,
    /// Explain a command, or list all.
    Help(Vec<String>),
    /// Leave.
    Quit,
}

/// What a line asks about group states.
#[derive(Clone, Debug, PartialEq)]
pub enum StateRequest {
    /// To say something; `None`: nothing any more.
    Set(Option<GroupState>),
    /// To print all there is.
    List,
    /// The same, and changes from now on.
    Watch,
    /// No changes any more.
    Unwatch,
}

impl ReplCommand {
    /// Whether it changes nothing and waits for nothing, so that it can be answered while another command runs.
    pub fn is_question(&self) -> bool {
        match self {
            Self::Groups | Self::Status | Self::Set(None) | Self::History | Self::Help(_) => true,
            Self::State { .. }
            | Self::Service(_)
            | Self::Stream { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Send { .. }
            | Self::Event { .. }
            | Self::Invoke { .. }
            | Self::Expect { .. }
            | Self::Sleep(_)
            | Self::Ping
            | Self::Set(Some(_))
            | Self::Clear
            | Self::Quit => false,
        }
    }
}

/// What a parsed line asks for. Fails with usage errors.
pub fn settle_line(command: LineCommand, codec: Codec) -> Result<ReplCommand, Failure> {
    let empty = OwnedData::text("");
    Ok(match command {
        LineCommand::Join(args) => {
            let groups = groups(args.groups, "GROUP")?;
            check_ids(args.ack.ack_id, groups.len())?;
            ReplCommand::Join { groups, ack_id: args.ack.ack_id }
        }
        LineCommand::Leave(args) => {
            let groups = groups(args.groups, "GROUP")?;
            check_ids(args.ack.ack_id, groups.len())?;
            ReplCommand::Leave { groups, ack_id: args.ack.ack_id }
        }
        LineCommand::Send(args) => {
            names::group("GROUP", &args.group)?;
            let ack = ack(&args.ack);
            let metadata = metadata(args.metadata)?;
            let frame = Upstream::SendToGroup {
                group: args.group.as_str().into(),
                ack_id: largest_id(ack),
                no_echo: args.no_echo,
                ttl_seconds: args.ttl.message_ttl,
                data: empty.as_data(),
                metadata: metadata.as_ref().map(Metadata::as_json),
            };
            let payload = payload(args.data, args.input, codec, envelope(codec, &frame))?;
            let (no_echo, ttl_seconds) = (args.no_echo, args.ttl.message_ttl);
            ReplCommand::Send { group: args.group, payload, no_echo, ttl_seconds, metadata, ack }
        }
        LineCommand::Event(args) => {
            names::event("NAME", &args.name)?;
            let ack = ack(&args.ack);
            let metadata = metadata(args.metadata)?;
            let frame = Upstream::Event {
                event: args.name.as_str().into(),
                ack_id: largest_id(ack),
                data: empty.as_data(),
                metadata: metadata.as_ref().map(Metadata::as_json),
            };
            let payload = payload(args.data, args.input, codec, envelope(codec, &frame))?;
            ReplCommand::Event { event: args.name, payload, metadata, ack }
        }
        LineCommand::Invoke(args) => {
            names::event("NAME", &args.name)?;
            let metadata = metadata(args.metadata)?;
            let frame = Upstream::Invoke {
                invocation_id: LONGEST_ID.into(),
                event: args.name.as_str().into(),
                data: Some(empty.as_data()),
                metadata: metadata.as_ref().map(Metadata::as_json),
            };
            let envelope = envelope(codec, &frame);
            let payload = match args.data.is_some() || args.input.file.is_some() {
                true => Some(payload(args.data, args.input, codec, envelope)?),
                false => payload_type(codec, &args.input).map(|_| None)?,
            };
            ReplCommand::Invoke { event: args.name, payload, metadata, timeout: args.timeout }
        }
        LineCommand::Stream(args) => {
            names::group("GROUP", &args.group)?;
            let feed = match args.data_type {
                DataType::Text => StreamFeed::TextLines,
                DataType::Json => StreamFeed::JsonLines,
                DataType::Binary | DataType::Protobuf => {
                    let what = "the lines of a stream are text or json";
                    let failure = Failure::message(Kind::Usage, what).blame("--type");
                    return Err(failure.hint("`wps stream` takes bytes, and records with `dataType`"));
                }
            };
            ReplCommand::Stream { group: args.group, feed, run: running(args.flow)? }
        }
        LineCommand::State(args) => {
            let (group, what) = match args.what {
                LineStateCommand::Set { group, entries } => (group, StateRequest::Set(Some(state(&entries)?))),
                LineStateCommand::Clear { group } => (group, StateRequest::Set(None)),
                LineStateCommand::List { group } => (group, StateRequest::List),
                LineStateCommand::Watch { group } => (group, StateRequest::Watch),
                LineStateCommand::Unwatch { group } => (group, StateRequest::Unwatch),
            };
            names::group("GROUP", &group)?;
            ReplCommand::State { group, what }
        }
        LineCommand::Service(args) => ReplCommand::Service(match args.what {
            LineServiceCommand::Send(args) => {
                let operation = message(args.to, args.metadata, args.input.data_type)?;
                let payload = payload(args.data, args.input, Codec::Json, 0)?;
                ServiceTask::Send(operation, PayloadSource { framing: None, ..payload })
            }
            LineServiceCommand::Connections(args) => members(args)?,
            LineServiceCommand::Exists(args) => presence(args)?,
            LineServiceCommand::Close(args) => closing(args)?,
            LineServiceCommand::Group(args) => grouping(args)?,
            LineServiceCommand::Permission(args) => granting(args)?,
            LineServiceCommand::Health => ServiceTask::One(ServiceOperation::Health),
        }),
        LineCommand::Expect(args) => ReplCommand::Expect { jq: args.jq, timeout: args.timeout },
        LineCommand::Sleep(args) => ReplCommand::Sleep(args.duration),
        LineCommand::Groups => ReplCommand::Groups,
        LineCommand::Status => ReplCommand::Status,
        LineCommand::Ping => ReplCommand::Ping,
        LineCommand::Set(args) => ReplCommand::Set(args.what),
        LineCommand::History => ReplCommand::History,
        LineCommand::Clear => ReplCommand::Clear,
        LineCommand::Help(args) => ReplCommand::Help(args.command),
        LineCommand::Quit => ReplCommand::Quit,
    })
}

/// The longest id that the frame may have: which one it will be is not known here.
fn largest_id(ack: AckRequest) -> Option<u64> {
    match ack {
        AckRequest::Automatic => Some(u64::MAX),
        AckRequest::Id(id) => Some(id),
        AckRequest::None => None,
    }
}

fn check_ids(first: Option<u64>, groups: usize) -> Result<(), Failure> {
    let further = groups.saturating_sub(1) as u64;
    if first.is_some_and(|first| first.checked_add(further).is_none()) {
        let failure = Failure::message(Kind::Usage, format!("`--ack-id` leaves no ids for {further} further groups"));
        return Err(failure.hint("ackIds end at 18446744073709551615"));
    }
    Ok(())
}

fn payload(data: Option<String>, args: DataArgs, codec: Codec, envelope: usize) -> Result<PayloadSource, Failure> {
    let data_type = payload_type(codec, &args)?;
    let from = match (data, args.file) {
        (Some(text), None) => DataFrom::Argument(text),
        (None, Some(file)) => DataFrom::File(file),
        // Clap refuses both.
        (None, None) | (Some(_), Some(_)) => {
            return Err(Failure::message(Kind::Usage, "no data given")
                .hint("give DATA, which is the rest of the line, or `--file F`"));
        }
    };
    Ok(PayloadSource { from, data_type, framing: Some(Framing { codec, envelope }) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::repl::line::{LineParsed, parse_line};

    fn settled(line: &str) -> Result<ReplCommand, Failure> {
        match parse_line(line, 100)? {
            LineParsed::Run(command) => settle_line(*command, Codec::Json),
            LineParsed::Print(text) => panic!("{line}: {text}"),
        }
    }

    #[test]
    fn lines_ask_for_what_they_say() {
        assert_eq!(
            settled("join a b a").unwrap(),
            ReplCommand::Join { groups: vec!["a".into(), "b".into()], ack_id: None }
        );
        assert_eq!(
            settled("leave --ack-id 3 a").unwrap(),
            ReplCommand::Leave { groups: vec!["a".into()], ack_id: Some(3) }
        );
        assert_eq!(settled("exit").unwrap(), ReplCommand::Quit);
        assert_eq!(settled("sleep 1m30s").unwrap(), ReplCommand::Sleep(Duration::from_secs(90)));
        assert_eq!(
            settled("expect .a == \"b\"").unwrap(),
            ReplCommand::Expect { jq: ".a == \"b\"".into(), timeout: Duration::from_secs(10) }
        );
        let ReplCommand::Send { payload, no_echo: true, ack: AckRequest::Id(7), .. } =
            settled("send --no-echo --ack-id 7 g it's - fine").unwrap()
        else {
            panic!("not a send")
        };
        assert_eq!(payload.from, DataFrom::Argument("it's - fine".into()));
    }

    #[test]
    fn what_a_line_gets_wrong_is_a_usage_error_that_says_what_to_do() {
        for (line, expected) in [
            (
                "snd g hi",
                "error: there is no command `snd`\nhint: did you mean `send`?\nhint: `help` lists the commands\n",
            ),
            ("send", "error: missing: `GROUP`\nhint: `help send` shows what can be given\n"),
            ("send g", "error: no data given\nhint: give DATA, which is the rest of the line, or `--file F`\n"),
            ("send --no-eco g hi", "error: unexpected argument `--no-eco`\nhint: did you mean `--no-echo`?\n"),
            (
                "send -t xml g hi",
                "error: `xml` is not a value of `--type`\nhint: possible: `text`, `json`, `binary`, `protobuf`\n",
            ),
            ("send --file f g hi", "error: `--file` and `DATA` exclude each other\n"),
            ("send --ack-id 1 --no-ack g hi", "error: `--ack-id` and `--no-ack` exclude each other\n"),
            ("send --encoding hex g 00", "error: `--encoding` goes with `--type binary` and `--type protobuf` only\n"),
            ("join", "error: missing: `GROUP`\n"),
            ("join --ack-id 18446744073709551615 a b", "error: `--ack-id` leaves no ids for 1 further groups\n"),
            ("status now", "error: unexpected argument `now`\n"),
            ("set output xml", "error: `xml` is not a value of `FORMAT`\n"),
            ("set full maybe", "error: `maybe` is not a value of `SWITCH`\nhint: possible: `on`, `off`\n"),
            (
                "set full",
                "error: missing: `SWITCH`\nhint: possible: `on`, `off`\nhint: `help set full` shows what can be given\n",
            ),
            (
                "set foo",
                "error: `set` knows no `foo`\nhint: possible: `output`, `timestamps`, `full`\nhint: `help set` shows",
            ),
            (
                "set outptu raw",
                "error: `set` knows no `outptu`\nhint: did you mean `output`?\nhint: possible: `output`, `timestamps`",
            ),
            ("sned g hi", "error: there is no command `sned`\nhint: did you mean `send`?\n"),
            ("sleep soon", "error: `soon` is not a value of `D`: not a duration"),
            ("expect", "error: missing: `JQ`\n"),
            ("service send --all", "error: no data given\n"),
            ("service send hi", "error: nothing says whom to send to"),
            ("service sned hi", "error: `service` knows no `sned`\nhint: did you mean `send`?\n"),
            ("service", "error: "),
            ("service exists", "error: nothing says whom to look for\n"),
            ("service exists --connection c --group g", "error: `--group` and `--connection` exclude each other\n"),
            ("service close --connection c --exclude d", "error: `--exclude` does not go with `--connection`\n"),
            ("service group add --user u", "error: missing: `GROUP`\n"),
            ("service permission grant sendToGroup", "error: missing: `--connection`\nhint: `help"),
            ("service permission", "error: missing: `--connection`, `ACTION`, `PERMISSION`\nhint: possible: `grant`"),
        ] {
            let failure = settled(line).unwrap_err();
            let report = failure.report(str::to_owned, str::to_owned);
            assert_eq!(failure.kind, Kind::Usage, "{line}");
            assert!(report.starts_with(expected), "{line}: {report}");
        }
        assert_eq!(settled("set").unwrap(), ReplCommand::Set(None));
    }
}
