//! The flags of `wps emulator`.

mod double;
mod faults;
mod handlers;
mod tls;

use std::str::FromStr as _;

use ::url::Url;
use clap::Args;

pub use self::double::DoubleArgs;
pub use self::handlers::HandlerArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::{EmulatorFormat, secret};
pub use faults::FaultArgs;
pub use tls::TlsArgs;
use webpubsub_emulator::Bind;
use webpubsub_net::secret::Secret;

/// `null`, as of a page that is a file, `*`, or `SCHEME://HOST[:PORT]`, as a browser sends it.
fn origin(text: &str) -> Result<String, String> {
    if matches!(text, "*" | "null") {
        return Ok(text.to_owned());
    }
    let expected = "it looks like `https://app.example`, `http://app.example:3000`, `null` or `*`";
    let url = Url::parse(text).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    let url = url.ok_or_else(|| format!("it is not an origin: {expected}"))?;
    let path =
        text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).is_some_and(|(_, path)| !path.is_empty());
    if path || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(format!("an origin has no path, no query and no user: {expected}"));
    }
    Ok(text.to_owned())
}

/// `wps emulator`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct EmulatorArgs {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,

    /// Address to listen on; `localhost` means both loopback addresses, ::1 and 127.0.0.1
    #[arg(long, value_name = "ADDR", default_value = "localhost", value_parser = Bind::from_str)]
    pub bind: Bind,

    /// Endpoint that clients use, if different from the one listened on, e.g. behind a proxy or in a container
    ///
    /// `http(s)://HOST[:PORT]`. It is printed, and tokens for it are accepted. PORT 0 stands for the port listened on.
    #[arg(long, value_name = "URL")]
    pub advertise: Option<String>,

    /// Access key for signing tokens; `-` reads it from stdin, `@FILE` from a file [default: the published key]
    ///
    /// The default is the development key of Microsoft's emulator, which `--local` uses. `WPS_ACCESS_KEY` also sets it.
    #[arg(long, value_name = "K", value_parser = secret)]
    pub access_key: Option<Secret>,

    /// Accept clients without a token; they have no roles
    #[arg(long)]
    pub allow_anonymous: bool,

    /// Accept REST requests with an Entra token whose signature is not checked; on this machine only
    ///
    /// The audience must be `https://webpubsub.azure.com`, and the token must not have expired; the signer does not
    /// matter. For programs that use an identity in place of a key, including `wps --endpoint`.
    #[arg(long)]
    pub allow_unvalidated_entra: bool,

    /// Origin of web pages allowed to use the emulator, besides this machine's: `https://app.example` or `*`; repeatable
    ///
    /// While the access key is the published one, or anonymous clients are accepted, requests must name this machine in
    /// `Host`, and come from a page of this machine (`localhost` at any port) or from no page. `*` allows all. With a
    /// key of your own, only the token counts.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub allow_origin: Vec<String>,

    /// https and wss.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// Have no handler for events: they fail with `InternalServerError`
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

    /// Format of stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: EmulatorFormat,

    /// What a test harness asks of it.
    #[command(flatten)]
    pub double: DoubleArgs,
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}
