//! The flags of `wps emulator` about event handlers.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint, value_parser};

use crate::options::values::{duration, secret};
use webpubsub_net::secret::Secret;

/// Whom the emulator asks and tells about its clients.
#[expect(rustdoc::broken_intra_doc_links, reason = "the brackets are the grammar that help shows")]
#[derive(Debug, Args)]
pub struct HandlerArgs {
    /// Event handler (webhook) of every hub: URL[,user-events=LIST][,system-events=LIST]; repeatable
    ///
    /// `{hub}` and `{event}` in the URL are replaced by the names. The first handler that accepts an event is the only
    /// one to get it. LIST is a comma-separated list of names; `*` is all and an empty list none; `room.*`, `room.**`
    /// and `v?` are patterns. Handlers get the same requests as from the service: validation by OPTIONS, CloudEvents
    /// headers, signature. An event that no handler accepts fails with `InternalServerError`. Redirects are not
    /// followed, proxies not used. `https` certificates are checked against the system's roots (on Linux: those in
    /// `SSL_CERT_FILE`) and --ca-cert. The events of one connection are sent one after another. `tunnel:///PATH` goes
    /// through a tunnel that an application has opened to the hub, as `wps tunnel` does; without a tunnel the handler
    /// counts as not reached.
    #[arg(long, value_name = "URL", value_parser = secret, help_heading = "Event handlers")]
    pub event_handler: Vec<Secret>,

    /// User events for handlers that do not list any [default: *]
    #[arg(long, value_name = "LIST", requires = "event_handler", help_heading = "Event handlers")]
    pub user_events: Option<String>,

    /// The same for `connect`, `connected`, `joined`, `left`, `disconnected` [default: all but the two about groups]
    ///
    /// `connect` asks whether a client may connect, so a handler that does not implement it refuses everybody. `joined`
    /// and `left` are sent whenever a connection enters or leaves a group, for whatever reason, including its end.
    #[arg(long, value_name = "LIST", requires = "event_handler", help_heading = "Event handlers")]
    pub system_events: Option<String>,

    /// JSON file with the access key and the handlers of each hub, in the format of Microsoft's emulator
    ///
    /// The handlers are read again when the file changes, without closing connections; an invalid file is reported and
    /// changes nothing. `--access-key` and `WPS_ACCESS_KEY` override its key; handlers given as flags precede its own.
    #[arg(long, value_name = "FILE", help_heading = "Event handlers")]
    pub settings: Option<PathBuf>,

    /// Time limit for an event, all attempts together [default: 100s]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Event handlers")]
    pub handler_timeout: Option<Duration>,

    /// Retries of a failed request: after 1 s, 3 s, then every 5 s [default: 3]
    ///
    /// Retried if the handler was not reached, gave no complete answer, or answered 408 or 5xx. 0: no retries.
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(..=20), help_heading = "Event handlers")]
    pub handler_retries: Option<u8>,

    /// PEM file of event handler certificates to trust in addition to the system's roots
    ///
    /// Certificates of authorities, or of a handler itself, such as a development certificate.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Event handlers")]
    pub ca_cert: Option<PathBuf>,

    /// Accept any certificate of an event handler; for tests only
    #[arg(long, help_heading = "Event handlers")]
    pub insecure: bool,
}
