//! The flags of `wps bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{ArgPredicate, NonEmptyStringValueParser};
use clap::{Args, Subcommand, ValueHint};

use crate::options::connection::args::{ConnectionArgs, TokenArgs};
use crate::options::expressions::args::FilterArgs;
use crate::options::network::args::NetworkArgs;
use crate::options::operation::args::RetryArgs;
use crate::options::output::args::{StderrArgs, TimeoutArgs};
use crate::options::reconnect::args::ReconnectArgs;
use crate::options::values::{ReportFormat, duration, duration_or_off, interval};

/// `wps bench`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct BenchArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// The commands of `wps bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Publish to a group on a schedule, and time the acks
    Pub(Box<BenchPubArgs>),
    /// Subscribe to a group, and time what other runs publish to it
    Sub(Box<BenchSubArgs>),
    /// Publish and subscribe, and time each message from sender to receiver
    Pubsub(Box<BenchPubsubArgs>),
    /// Compare two runs, with a verdict where they differ by more than chance
    Compare(Box<BenchCompareArgs>),
    /// Add up the runs of several machines
    Merge(Box<BenchMergeArgs>),
}

/// `wps bench pub`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("pub.md"))]
pub struct BenchPubArgs {
    /// What all of them have.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What is published.
    #[command(flatten)]
    pub publishing: PublishingArgs,
    /// What is made of it.
    #[command(flatten)]
    pub results: ResultArgs,
    /// Where and how to connect.
    #[command(flatten)]
    pub connecting: LoadConnectingArgs,
}

/// `wps bench sub`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("sub.md"))]
pub struct BenchSubArgs {
    /// What all of them have.
    #[command(flatten)]
    pub load: LoadArgs,
    /// Who receives.
    #[command(flatten)]
    pub subscribing: SubscribingArgs,
    /// What is made of it.
    #[command(flatten)]
    pub results: ResultArgs,
    /// Where and how to connect.
    #[command(flatten)]
    pub connecting: LoadConnectingArgs,
}

/// `wps bench pubsub`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("pubsub.md"))]
pub struct BenchPubsubArgs {
    /// What all of them have.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What is published.
    #[command(flatten)]
    pub publishing: PublishingArgs,
    /// Who receives.
    #[command(flatten)]
    pub subscribing: SubscribingArgs,
    /// What is made of it.
    #[command(flatten)]
    pub results: ResultArgs,
    /// Where and how to connect.
    #[command(flatten)]
    pub connecting: LoadConnectingArgs,
}

/// The load, as all of them have it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Group to send the messages through
    #[arg(short, long, value_name = "G", default_value = "wps-bench", value_parser = NonEmptyStringValueParser::new())]
    pub group: String,

    /// Spread the load over this many groups: G-1, G-2, …
    ///
    /// Each publisher sends to all of them in turn; each subscriber is in one.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub groups: u64,

    /// Connections to open [default: one for each publisher and subscriber]
    ///
    /// With fewer, publishers and subscribers share them; additional ones are held open and idle.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    pub connections: Option<u64>,

    /// Duration of the load, once all are connected and the ramp is over [default: 10s]
    #[arg(long = "for", value_name = "D", value_parser = duration, conflicts_with = "count")]
    pub length: Option<Duration>,

    /// Instead of a duration: messages per publisher; for `sub`: messages per subscriber
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Time over which connections are opened, and then over which the rate rises from zero; not measured
    #[arg(long, value_name = "D", default_value = "0s", value_parser = duration_or_off)]
    pub ramp: Duration,

    /// Maximum wait at the end for acks and messages in flight
    #[arg(long, value_name = "D", default_value = "5s", value_parser = duration_or_off)]
    pub drain: Duration,

    /// Id of the run, carried by its messages [default: random; for `sub`: any run]
    ///
    /// Several processes with the same id are one run: see `wps bench merge --help`.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: Option<String>,

    /// Allow more than 20 connections or 1000 messages a second to a service on another machine
    ///
    /// Such a service bills by messages and connections.
    #[arg(long)]
    pub yes: bool,
}

/// Most publishers, subscribers and connections.
const MOST: u64 = 100_000;

/// What is published.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct PublishingArgs {
    /// Number of publishers
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    pub publishers: u64,

    /// Messages a second of all publishers together, as `100/s` or `30/m`; `max`: as fast as acks come in
    ///
    /// Each message has its due time, whatever becomes of earlier ones, and its latency counts from then: one that has
    /// to wait for its turn is late. `max` keeps --in-flight messages in flight, which measures throughput, not
    /// latency.
    #[arg(long, value_name = "R|max", default_value = "100/s", value_parser = rate)]
    pub rate: Rate,

    /// Bytes per message, or `FROM-TO` for varying sizes
    #[arg(long, value_name = "BYTES", default_value = "128", value_parser = sizes)]
    pub size: Sizes,

    /// Messages in flight per publisher: the span from the oldest without an ack to the newest
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub in_flight: u64,

    /// Seed for sizes and contents [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Number of the first publisher, if other machines have the ones before it
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub publisher_offset: u64,
}

/// Who receives.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct SubscribingArgs {
    /// Number of subscribers; each gets every message of its group
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    pub subscribers: u64,
}

/// What is made of the results.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct ResultArgs {
    /// Print the results as CSV: a header line and a line of values
    #[arg(long, conflicts_with_all = ["output", "jq"])]
    pub csv: bool,

    /// Write the histograms to FILE, one per second, as a HdrHistogram V2 log
    ///
    /// Tags: `latency`, `ack`; values are in nanoseconds. HdrHistogram's own tools and `wps bench merge` can read it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub histogram: Option<PathBuf>,

    /// Write an HTML report to FILE: rate, latency and losses over time, and the percentile curve
    ///
    /// A single file that loads nothing from elsewhere.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,

    /// Exit 12 if this jq expression over the `bench` record is true; repeatable
    ///
    /// As in `--fail-if '.p99Ms > 50' --fail-if '.lost > 0'`. An expression that fails counts as an expectation that
    /// was not met.
    #[arg(long, value_name = "JQ")]
    pub fail_if: Vec<String>,
}

/// What every connecting command takes, but for what is said of messages.
#[derive(Debug, Args)]
pub struct LoadConnectingArgs {
    /// Where to connect.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What a token signed here says.
    #[command(flatten)]
    pub token: TokenArgs,
    /// How to stay connected.
    #[command(flatten)]
    pub reconnect: ReconnectArgs,
    /// Retries of operations.
    #[command(flatten)]
    pub retry: RetryArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: FormatArgs,
    /// What is printed of records.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is said on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
    /// When the run ends.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}

/// What stdout carries.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct FormatArgs {
    /// Format of stdout
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        default_value_if("jq", ArgPredicate::IsPresent, "ndjson")
    )]
    pub output: ReportFormat,
}

/// `wps bench compare`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("compare.md"))]
pub struct BenchCompareArgs {
    /// Records of the first run, as printed by -o ndjson
    #[arg(value_name = "A", value_hint = ValueHint::FilePath)]
    pub a: PathBuf,

    /// Records of the second run
    #[arg(value_name = "B", value_hint = ValueHint::FilePath)]
    pub b: PathBuf,

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: ReportFormat,

    /// What is said on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps bench merge`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("merge.md"))]
pub struct BenchMergeArgs {
    /// Records of a run, as printed by -o ndjson
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Print the results as CSV: a header line and a line of values
    #[arg(long, conflicts_with = "output", help_heading = "Results")]
    pub csv: bool,

    /// Write the histograms of all runs to FILE, as a HdrHistogram V2 log
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Results")]
    pub histogram: Option<PathBuf>,

    /// Exit 12 if this jq expression over the `bench` record is true; repeatable
    #[arg(long, value_name = "JQ", help_heading = "Results")]
    pub fail_if: Vec<String>,

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: ReportFormat,

    /// What is said on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `--rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many messages a second.
    PerSecond(f64),
    /// As fast as it goes.
    Max,
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    let interval = interval(text).map_err(|problem| format!("{problem} (or `max`)"))?;
    match interval {
        Duration::ZERO => Err("more than a message in a nanosecond".to_owned()),
        interval => Ok(Rate::PerSecond(1.0 / interval.as_secs_f64())),
    }
}

/// `--size`: from the one to the other, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes(pub usize, pub usize);

/// Largest message: what a frame of the service holds, with some room for what is around it (PROTOCOL §12).
const LARGEST: usize = 1_000_000;

fn sizes(text: &str) -> Result<Sizes, String> {
    let wrong = || "not a size such as `128` or `100-1000`".to_owned();
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let (least, most) = match text.split_once('-') {
        Some((least, most)) => (number(least)?, number(most)?),
        None => (number(text)?, number(text)?),
    };
    if least > most {
        return Err("the first size is the smaller one".to_owned());
    }
    if least < SMALLEST || most > LARGEST {
        return Err(format!("sizes are from {SMALLEST} to {LARGEST}: a message says at least whose it is"));
    }
    Ok(Sizes(least, most))
}

fn run_id(text: &str) -> Result<String, String> {
    let wrong = || format!("up to {LONGEST_RUN} letters, digits, `-`, `_` and `.`");
    is_run_id(text).then(|| text.to_owned()).ok_or_else(wrong)
}

/// The shortest message that holds any header of a run whose id is no longer than [`LONGEST_RUN`].
pub const SMALLEST: usize = 80;
/// The longest id of a run, in characters.
pub const LONGEST_RUN: usize = 16;

/// Whether a run may be called that: it stands in every message, and in file names.
pub fn is_run_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_RUN).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_messages_a_second_or_max() {
        assert_eq!(rate("max"), Ok(Rate::Max));
        for (text, expected) in [("100", 100.0), ("100/s", 100.0), ("30/m", 0.5), ("20000/s", 20_000.0)] {
            let Ok(Rate::PerSecond(found)) = rate(text) else { panic!("{text}") };
            assert!((found - expected).abs() < expected * 1e-6, "{text}: {found}");
        }
        for text in ["", "maximum", "0", "-1", "99999999999"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_one_or_a_range() {
        assert_eq!(sizes("128"), Ok(Sizes(128, 128)));
        assert_eq!(sizes("100-1000"), Ok(Sizes(100, 1000)));
        for text in ["", "x", "-", "100-", "200-100", "10", "2000000"] {
            assert!(sizes(text).is_err(), "{text}");
        }
    }
}
