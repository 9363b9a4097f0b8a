//! What `wps bench` will do.

use std::path::PathBuf;
use std::time::Duration;

use webpubsub_proto::session::OnUnknown;

use super::args::{
    BenchPubArgs, BenchPubsubArgs, BenchSubArgs, LoadArgs, LoadConnectingArgs, PublishingArgs, Rate, ResultArgs, Sizes,
    SubscribingArgs,
};
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::{ConnectionSettings, connection};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::output::args::OutputArgs;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::recording::args::RecordArgs;
use crate::shell;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchMode {
    Pub,
    Sub,
    Pubsub,
}

impl BenchMode {
    /// As in `wps bench NAME`, and as the record has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pub => "pub",
            Self::Sub => "sub",
            Self::Pubsub => "pubsub",
        }
    }
}

/// When the load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadLength {
    /// After this time.
    For(Duration),
    /// After so many messages of each publisher, or at each subscriber where there is none.
    Count(u64),
}

/// `wps bench pub`, `sub` and `pubsub`.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// The results as CSV.
    pub csv: bool,
    pub mode: BenchMode,
    /// All groups, at least one.
    pub groups: Vec<String>,
    /// The group as it was given.
    pub group: String,
    pub publishers: u64,
    pub subscribers: u64,
    pub connections: u64,
    pub rate: Rate,
    pub sizes: Sizes,
    pub in_flight: usize,
    pub length: LoadLength,
    pub ramp: Duration,
    pub drain: Duration,
    pub seed: u64,
    /// Whatever it costs where somebody bills for it is wanted.
    pub may_cost: bool,
    /// The number of the first publisher.
    pub publisher_offset: u64,
    /// The run that messages carry.
    pub run: String,
    /// Whether only messages of that run count.
    pub only_run: bool,
    pub histogram: Option<PathBuf>,
    pub report: Option<PathBuf>,
    pub fail_if: Vec<String>,
}

/// How long the load is, unless it is said.
const LENGTH: Duration = Duration::from_secs(10);

/// What all three have in common.
struct LoadParts {
    mode: BenchMode,
    load: LoadArgs,
    publishing: Option<PublishingArgs>,
    subscribing: Option<SubscribingArgs>,
    results: ResultArgs,
    connecting: LoadConnectingArgs,
}

/// Settles `wps bench pub`.
pub fn publishing(
    args: BenchPubArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<BenchSettings, Failure> {
    let BenchPubArgs { load, publishing, results, connecting } = args;
    let (publishing, subscribing) = (Some(publishing), None);
    settle(LoadParts { mode: BenchMode::Pub, load, publishing, subscribing, results, connecting }, environment, input)
}

/// Settles `wps bench sub`.
pub fn subscribing(
    args: BenchSubArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<BenchSettings, Failure> {
    let BenchSubArgs { load, subscribing, results, connecting } = args;
    let (publishing, subscribing) = (None, Some(subscribing));
    settle(LoadParts { mode: BenchMode::Sub, load, publishing, subscribing, results, connecting }, environment, input)
}

/// Settles `wps bench pubsub`.
pub fn both(args: BenchPubsubArgs, environment: &Environment, input: &mut dyn Input) -> Result<BenchSettings, Failure> {
    let BenchPubsubArgs { load, publishing, subscribing, results, connecting } = args;
    let (publishing, subscribing) = (Some(publishing), Some(subscribing));
    settle(
        LoadParts { mode: BenchMode::Pubsub, load, publishing, subscribing, results, connecting },
        environment,
        input,
    )
}

fn settle(parts: LoadParts, environment: &Environment, input: &mut dyn Input) -> Result<BenchSettings, Failure> {
    let LoadParts { mode, load, publishing, subscribing, results, connecting } = parts;
    let groups = groups(&load.group, load.groups)?;
    hint_at_comma(&load.group, input);
    let publishers = publishing.as_ref().map_or(0, |args| args.publishers);
    let subscribers = subscribing.as_ref().map_or(0, |args| args.subscribers);
    let connections = connections(load.connections, publishers, subscribers)?;
    let (connecting, filter) = whole(connecting);
    let output = output(&connecting, environment)?.filtered(filter)?;
    // A message may come twice, which is counted.
    let policy = ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown: OnUnknown::Fail };
    let connection = connection(connecting, policy, environment, input)?;
    let length = match (load.count, load.length) {
        (Some(count), _) => LoadLength::Count(count),
        (None, length) => LoadLength::For(length.unwrap_or(LENGTH)),
    };
    let drawn: u64 = rand::random();
    let bench = BenchSettings {
        connection,
        output,
        csv: results.csv,
        mode,
        groups,
        group: load.group,
        publishers,
        subscribers,
        connections,
        rate: publishing.as_ref().map_or(Rate::Max, |args| args.rate),
        sizes: publishing.as_ref().map_or(Sizes(0, 0), |args| args.size),
        in_flight: publishing.as_ref().map_or(1, |args| usize::try_from(args.in_flight).unwrap_or(1)),
        length,
        ramp: load.ramp,
        drain: load.drain,
        seed: publishing.as_ref().and_then(|args| args.seed).unwrap_or(drawn),
        publisher_offset: publishing.as_ref().map_or(0, |args| args.publisher_offset),
        only_run: load.run.is_some() || mode != BenchMode::Sub,
        run: load.run.unwrap_or_else(|| format!("{:08x}", drawn >> 32)),
        histogram: results.histogram,
        report: results.report,
        fail_if: results.fail_if,
        may_cost: load.yes,
    };
    Ok(bench)
}

/// All that connecting commands take, and the filter.
fn whole(args: LoadConnectingArgs) -> (ConnectingArgs, crate::options::expressions::args::FilterArgs) {
    let LoadConnectingArgs { connection, network, token, reconnect, retry, output, filter, talk, timeout } = args;
    let output = OutputArgs { output: output.output.into(), only: None, timestamps: false, talk };
    let record = RecordArgs { record: None };
    (ConnectingArgs { connection, network, token, reconnect, retry, output, record, timeout }, filter)
}

/// The names of the groups.
fn groups(group: &str, count: u64) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = match count {
        1 => vec![group.to_owned()],
        count => (1..=count).map(|number| format!("{group}-{number}")).collect(),
    };
    for name in &names {
        names::group("--group", name)?;
    }
    Ok(names)
}

fn connections(given: Option<u64>, publishers: u64, subscribers: u64) -> Result<u64, Failure> {
    let least = publishers.max(subscribers);
    match given {
        Some(given) if given < least => {
            let [given, publishers, subscribers] =
                [(given, "connection"), (publishers, "publisher"), (subscribers, "subscriber")]
                    .map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
            let what = format!("{given} cannot carry {publishers} and {subscribers}");
            let hint = "a connection carries one publisher and one subscriber at most";
            Err(Failure::message(Kind::Usage, what).blame("--connections").hint(hint))
        }
        given => Ok(given.unwrap_or(publishers + subscribers)),
    }
}

impl BenchSettings {
    /// The group of that subscriber.
    pub fn group_of(&self, subscriber: u64) -> u64 {
        subscriber % self.groups.len() as u64
    }

    /// How many subscribers that group has.
    pub fn subscribers_in(&self, group: u64) -> u64 {
        let groups = self.groups.len() as u64;
        self.subscribers / groups + u64::from(group < self.subscribers % groups)
    }

    /// The subscriber on that connection.
    pub fn subscriber_on(&self, connection: u64) -> Option<u64> {
        (connection < self.subscribers).then_some(connection)
    }

    /// The publisher on that connection: from the other end, so that they share as few as there have to be.
    pub fn publisher_on(&self, connection: u64) -> Option<u64> {
        let from_end = self.connections - 1 - connection;
        (from_end < self.publishers).then_some(from_end)
    }

    /// The command line that does the same, without where it connects.
    pub fn command_line(&self) -> String {
        let mut out = format!("wps bench {} --group {}", self.mode.name(), shell::quoted(&self.group));
        let mut flag = |name: &str, value: String| out.push_str(&format!(" --{name} {value}"));
        if self.groups.len() > 1 {
            flag("groups", self.groups.len().to_string());
        }
        if self.mode != BenchMode::Sub {
            flag("publishers", self.publishers.to_string());
        }
        if self.mode != BenchMode::Pub {
            flag("subscribers", self.subscribers.to_string());
        }
        if self.connections != self.publishers + self.subscribers {
            flag("connections", self.connections.to_string());
        }
        if self.mode != BenchMode::Sub {
            flag("rate", rate_text(self.rate));
            let Sizes(least, most) = self.sizes;
            flag("size", if least == most { least.to_string() } else { format!("{least}-{most}") });
            flag("in-flight", self.in_flight.to_string());
        }
        match self.length {
            LoadLength::For(time) => flag("for", humantime::format_duration(time).to_string().replace(' ', "")),
            LoadLength::Count(count) => flag("count", count.to_string()),
        }
        if !self.ramp.is_zero() {
            flag("ramp", humantime::format_duration(self.ramp).to_string().replace(' ', ""));
        }
        if self.publisher_offset > 0 {
            flag("publisher-offset", self.publisher_offset.to_string());
        }
        let protocol = self.connection.protocol;
        if protocol != webpubsub_proto::Subprotocol::JsonReliable {
            flag("protocol", protocol_text(protocol).to_owned());
        }
        out
    }
}

fn protocol_text(protocol: webpubsub_proto::Subprotocol) -> &'static str {
    use webpubsub_proto::Subprotocol;
    match protocol {
        Subprotocol::JsonReliable => "json-reliable",
        Subprotocol::Json => "json",
        Subprotocol::ProtobufReliable => "protobuf-reliable",
        Subprotocol::Protobuf => "protobuf",
    }
}

/// A rate as it is typed.
pub fn rate_text(rate: Rate) -> String {
    match rate {
        Rate::Max => "max".to_owned(),
        Rate::PerSecond(rate) => {
            let text = format!("{rate:.3}");
            format!("{}/s", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_only_as_far_as_they_are_few() {
        assert_eq!(connections(None, 2, 3).unwrap(), 5);
        assert_eq!(connections(Some(3), 2, 3).unwrap(), 3);
        assert_eq!(connections(Some(2), 2, 3).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn a_rate_is_written_as_it_is_typed() {
        for (rate, text) in [(Rate::Max, "max"), (Rate::PerSecond(100.0), "100/s"), (Rate::PerSecond(0.5), "0.5/s")] {
            assert_eq!(rate_text(rate), text);
        }
    }

    #[test]
    fn groups_have_numbers_where_there_are_several() {
        assert_eq!(groups("g", 1).unwrap(), ["g"]);
        assert_eq!(groups("g", 3).unwrap(), ["g-1", "g-2", "g-3"]);
        assert!(groups(&"g".repeat(1024), 2).is_err());
    }
}
