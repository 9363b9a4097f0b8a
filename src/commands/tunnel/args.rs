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
    /// Server that gets the events, as in `http://localhost:3000`
    ///
    /// Scheme, host and port; path and query come with the events, from the handler's `tunnel:///PATH`. `https`
    /// certificates are checked against the system's roots and --ca-cert.
    #[arg(long, value_name = "URL", help_heading = "Upstream")]
    pub upstream: String,
    /// Time limit for an answer of the upstream; after that the event is answered with 502
    #[arg(long, value_name = "D", default_value = "100s", value_parser = duration, help_heading = "Upstream")]
    pub upstream_timeout: Duration,
    /// Accept any certificate of the upstream; for tests only
    #[arg(long, help_heading = "Upstream")]
    pub upstream_insecure: bool,
    /// Path at which to ask the upstream first whether it accepts events; `{hub}` is filled in
    ///
    /// OPTIONS (abuse protection), as `wps webhook validate` sends it; the service itself does not send it through a
    /// tunnel. The result is reported, and changes nothing.
    #[arg(long, value_name = "PATH", default_value = "/api/webpubsub/hubs/{hub}/", help_heading = "Upstream")]
    pub check: String,
    /// Skip this check
    #[arg(long, conflicts_with = "check", help_heading = "Upstream")]
    pub no_check: bool,
    /// Initial number of tunnel connections, 1 to 16; the service may ask for more
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Upstream", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub connections: u8,

    /// The service.
    #[command(flatten)]
    pub key: KeyArgs,
    /// One without a key.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Hub whose events to receive [default with --local: hub1]
    #[arg(long, value_name = "NAME", help_heading = "Connection", value_parser = NonEmptyStringValueParser::new())]
    pub hub: Option<String>,
    /// Time limit of each attempt to connect
    ///
    /// It ends when the service reports the connection as ready.
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
    /// One line of JSON each: a header, then frames with `at` in seconds, `direction`, the number of the `connection`,
    /// `frame` and its content in `text` or `contentBase64`. Tokens and secrets in headers are redacted, bodies are
    /// not: the file is readable by its owner only. Existing contents are replaced. If it cannot be written, the run
    /// ends with exit 13.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub record: Option<PathBuf>,
}
