//! The flags of `wps emulator`.

mod double;
mod faults;
mod handlers;

use std::str::FromStr as _;

use clap::Args;

pub use self::double::DoubleArgs;
pub use self::handlers::HandlerArgs;
use crate::options::output::args::TalkArgs;
use crate::options::values::{EmulatorFormat, secret};
pub use faults::FaultArgs;
use webpubsub_emulator::Bind;
use webpubsub_net::secret::Secret;

/// `wps emulator`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct EmulatorArgs {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,

    /// Address to listen on; `localhost` is both loopback addresses, ::1 and 127.0.0.1
    #[arg(long, value_name = "ADDR", default_value = "localhost", value_parser = Bind::from_str)]
    pub bind: Bind,

    /// Endpoint that clients use, where it is not the one listened on, e.g. behind a proxy or in a container
    ///
    /// `http(s)://HOST[:PORT]`. It is printed, and tokens for it are accepted.
    #[arg(long, value_name = "URL")]
    pub advertise: Option<String>,

    /// Access key that tokens are signed with; `-` reads it from stdin, `@FILE` from a file [default: the published key]
    ///
    /// The default is the development key of Microsoft's emulator, which `--local` uses. `WPS_ACCESS_KEY` sets it too.
    #[arg(long, value_name = "K", value_parser = secret)]
    pub access_key: Option<Secret>,

    /// Let clients in that have no token; they have no roles
    #[arg(long)]
    pub allow_anonymous: bool,

    /// Have no handler for events: they are refused with `InternalServerError`
    ///
    /// By default, without an event handler, each event is answered with its own data, as a server message.
    #[arg(long)]
    pub no_echo_events: bool,

    /// What goes wrong on request.
    #[command(flatten)]
    pub faults: FaultArgs,
    /// Whom to ask and to tell about clients.
    #[command(flatten)]
    pub handlers: HandlerArgs,

    /// What stdout carries
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: EmulatorFormat,

    /// What a test harness asks of it.
    #[command(flatten)]
    pub double: DoubleArgs,
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: TalkArgs,
}
