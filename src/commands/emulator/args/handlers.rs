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
    /// `{hub}` and `{event}` in the URL stand for the names. The first handler that takes an event gets it, alone. LIST
    /// has commas between names; `*` is all and an empty list none; `room.*`, `room.**` and `v?` are patterns of names. Handlers are asked as the service asks them:
    /// validation by OPTIONS, CloudEvents headers, signature. An event nobody takes fails with `InternalServerError`.
    /// Redirects are not followed, proxies not used. `https` is checked by the system's roots, which on Linux
    /// `SSL_CERT_FILE` names, and by --ca-cert. The events of one connection are sent one after another.
    /// `tunnel:///PATH` goes through a tunnel that an application has opened to the hub, as `wps tunnel` does; without one
    /// the handler counts as not reached.
    #[arg(long, value_name = "URL", value_parser = secret, help_heading = "Event handlers")]
    pub event_handler: Vec<Secret>,

    /// Events of clients that handlers take which say nothing themselves [default: *]
    #[arg(long, value_name = "LIST", requires = "event_handler", help_heading = "Event handlers")]
    pub user_events: Option<String>,

    /// The same for `connect`, `connected`, `joined`, `left`, `disconnected` [default: all but the two about groups]
    ///
    /// `connect` asks whether a client may connect, so a handler that does not know it refuses everybody. `joined` and
    /// `left` tell of groups, by whatever way a connection comes into one or out of it, its end included.
    #[arg(long, value_name = "LIST", requires = "event_handler", help_heading = "Event handlers")]
    pub system_events: Option<String>,

    /// JSON file with handlers for each hub and the access key, as Microsoft's emulator reads it
    ///
    /// The handlers are read again when the file changes, and connections go on; a file that cannot be used is reported
    /// and changes nothing. `--access-key` and `WPS_ACCESS_KEY` win over its key, handlers of flags come before its own.
    #[arg(long, value_name = "FILE", help_heading = "Event handlers")]
    pub settings: Option<PathBuf>,

    /// How long a handler may take for an event, all attempts together [default: 100s]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Event handlers")]
    pub handler_timeout: Option<Duration>,

    /// How often a request that failed is made again: after 1 s, 3 s, then every 5 s [default: 3]
    ///
    /// Asked again is who was not reached, gave no whole answer, or answered 408 or 5xx. 0: nobody.
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(..=20), help_heading = "Event handlers")]
    pub handler_retries: Option<u8>,

    /// PEM file with certificates of event handlers to trust besides the system's roots
    ///
    /// Those of authorities, or of a handler itself, as a development certificate is one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Event handlers")]
    pub ca_cert: Option<PathBuf>,

    /// Accept any certificate of an event handler; for tests only
    #[arg(long, help_heading = "Event handlers")]
    pub insecure: bool,
}
