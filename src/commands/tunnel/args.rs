//! The flags of `wps tunnel`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueHint};

use crate::options::connection::args::{EndpointArgs, KeyArgs};
use crate::options::network::args::NetworkArgs;
use crate::options::output::args::ReportArgs;
use crate::options::reconnect::args::ReconnectArgs;
use crate::options::values::duration;

/// `wps tunnel`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct TunnelArgs {
    /// The server on this machine that gets the events, as in `http://localhost:3000`
    ///
    /// Scheme, host and port: path and query come with the events, as the handler's `tunnel:///PATH` has them. `https` is
    /// checked by the system's roots and by --ca-cert.
    #[arg(long, value_name = "URL", help_heading = "Upstream")]
    pub upstream: String,
    /// How long it may take for an answer; then the event is answered with 502
    #[arg(long, value_name = "D", default_value = "100s", value_parser = duration, help_heading = "Upstream")]
    pub upstream_timeout: Duration,
    /// Accept any certificate of the upstream's; for tests only
    #[arg(long, help_heading = "Upstream")]
    pub upstream_insecure: bool,
    /// Path at which the upstream is asked first whether it wants events; `{hub}` is filled in
    ///
    /// As `wps webhook validate` does: OPTIONS, abuse protection, which the service itself does not ask through a tunnel.
    /// What is found is said, and changes nothing.
    #[arg(long, value_name = "PATH", default_value = "/api/webpubsub/hubs/{hub}/", help_heading = "Upstream")]
    pub check: String,
    /// Do not ask it first
    #[arg(long, conflicts_with = "check", help_heading = "Upstream")]
    pub no_check: bool,
    /// Connections of the tunnel to begin with, 1 to 16; the service may ask for more
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Upstream", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub connections: u8,

    /// The service.
    #[command(flatten)]
    pub key: KeyArgs,
    /// One without a key.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Hub whose events come here [default with --local: hub1]
    #[arg(long, value_name = "NAME", help_heading = "Connection", value_parser = NonEmptyStringValueParser::new())]
    pub hub: Option<String>,
    /// Limit of each attempt to connect, until the service says that the connection is up
    #[arg(long, value_name = "D", default_value = "30s", help_heading = "Connection", value_parser = duration)]
    pub connect_timeout: Duration,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How to stay connected.
    #[command(flatten)]
    pub reconnect: ReconnectArgs,

    /// What is printed, and how long for.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Record every frame in FILE
    ///
    /// A line of JSON each: a header, then frames with `at` in seconds, `direction`, the number of the `connection`, `frame`
    /// and its content in `text` or `contentBase64`. Tokens and what headers hold of secrets are left out, bodies are
    /// not: the file is readable for its owner only. What it held before is replaced. When it cannot be written, the run
    /// ends with exit 13.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub record: Option<PathBuf>,
}
