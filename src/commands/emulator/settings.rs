//! What `wps emulator` will do.

mod faults;
mod handlers;

use std::path::PathBuf;

use ::url::Url;

pub use handlers::Handlers;

use super::args::EmulatorArgs;
use crate::failure::{Failure, Kind, ResultExt as _};
use crate::options::connection::settings::{access_key, check_key};
use crate::options::environment::{Environment, Input, Note};
use crate::options::output::settings::talk;
use crate::options::values::{ColorChoice, EmulatorFormat};
use faults::FaultSettings;
use webpubsub_emulator::Bind;
use webpubsub_net::auth::connection_string::{DEVELOPMENT_KEY, SHORTEST_SAFE_KEY};
use webpubsub_net::secret::{self, Secret};

/// `wps emulator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulatorSettings {
    /// Port to listen on; 0 picks one.
    pub port: u16,
    /// Where to listen.
    pub bind: Bind,
    /// Endpoint to print and to accept in tokens instead of the one that is listened on.
    pub advertise: Option<Url>,
    /// Key that tokens are checked against.
    pub access_key: Secret,
    /// Let clients in that have no token.
    pub allow_anonymous: bool,
    /// Let Entra tokens in whose signature nobody has checked.
    pub allow_unvalidated_entra: bool,
    /// Origins of web pages that are let in besides this machine's.
    pub allow_origins: Vec<String>,
    /// Answer events with their payload, when there is no event handler.
    pub echo_events: bool,
    /// Shell command that it runs for.
    pub exec: Option<String>,
    /// Ends when stdin does.
    pub exit_on_stdin_close: bool,
    /// File for the records of all traffic.
    pub log: Option<PathBuf>,
    /// What goes wrong on request.
    pub faults: FaultSettings,
    /// Event handlers.
    pub handlers: Handlers,
    /// Files with a certificate and its key, for https and wss; `None`: http and ws.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// What stdout carries.
    pub format: EmulatorFormat,
    /// The environment's word is in it: ask [`ColorChoice::enabled`].
    pub color: ColorChoice,
    /// stderr has errors only.
    pub quiet: bool,
    /// 0 to 3: nothing more, lifecycle, frames, handshake.
    pub verbosity: u8,
    /// `WPS_LOG`, a tracing filter.
    pub log_filter: Option<String>,
}

/// Fills in the defaults and reads the key.
pub fn settle(
    args: EmulatorArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<EmulatorSettings, Failure> {
    if args.double.exit_on_stdin_close && args.access_key.as_ref().is_some_and(|key| key.expose() == "-") {
        let what = "`--access-key -` reads stdin to its end, which `--exit-on-stdin-close` waits for";
        return Err(Failure::message(Kind::Usage, what)
            .blame("--access-key")
            .blame("--exit-on-stdin-close")
            .hint("`--access-key @FILE` takes the key from a file"));
    }
    if args.allow_unvalidated_entra && !args.bind.is_loopback() {
        let what = "`--allow-unvalidated-entra` lets anybody in, and `--bind` lets others than this machine connect";
        let failure = Failure::message(Kind::Usage, what).blame("--allow-unvalidated-entra").blame("--bind");
        return Err(failure.hint("leave `--bind` out, or name a loopback address"));
    }
    let advertise = args.advertise.as_deref().map(advertised).transpose()?;
    let handlers = handlers::handlers(&args.handlers, input)?;
    let key = match (&args.access_key, environment.get("WPS_ACCESS_KEY"), handlers.access_key()) {
        (Some(flag), ..) => access_key("--access-key", flag, input)?,
        (None, Some(variable), _) => {
            if variable == "-" || variable.starts_with('@') {
                input.note(Note::Warning(
                    "the value of `WPS_ACCESS_KEY` is taken as it is: `--access-key @FILE` and `-` read it from elsewhere"
                        .to_owned(),
                ));
            }
            let key = Secret::new(variable);
            check_key(&key, Kind::Usage, "`WPS_ACCESS_KEY`").blame("--access-key")?;
            key
        }
        (None, None, Some(key)) => key.clone(),
        (None, None, None) => Secret::new(DEVELOPMENT_KEY),
    };
    let length = key.expose().len();
    if length < SHORTEST_SAFE_KEY {
        input.note(Note::Warning(format!(
            "the access key has {length} bytes: SDKs of .NET sign with {SHORTEST_SAFE_KEY} or more only"
        )));
    }
    if key.expose() != DEVELOPMENT_KEY {
        secret::remember(key.expose());
    }
    let talk = talk(&args.talk, environment);
    Ok(EmulatorSettings {
        port: args.port,
        bind: args.bind,
        advertise,
        access_key: key,
        allow_anonymous: args.allow_anonymous,
        allow_unvalidated_entra: args.allow_unvalidated_entra,
        allow_origins: args.allow_origin,
        echo_events: !args.no_echo_events,
        exec: args.double.exec,
        exit_on_stdin_close: args.double.exit_on_stdin_close,
        log: args.double.log,
        faults: faults::faults(args.faults)?,
        handlers,
        tls: args.tls.tls_cert.zip(args.tls.tls_key),
        format: args.output,
        color: talk.color,
        quiet: talk.quiet,
        verbosity: talk.verbosity,
        log_filter: talk.log_filter,
    })
}

/// The endpoint that clients are told.
fn advertised(text: &str) -> Result<Url, Failure> {
    let bad = |why: &str| {
        let failure = Failure::message(Kind::Usage, format!("the URL in `--advertise` is not an endpoint: {why}"))
            .blame("--advertise");
        failure.hint("it looks like `http://HOST:PORT`, or `https://HOST/PATH` behind a gateway")
    };
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("its scheme is not `http` or `https`"));
    }
    // A path is that of a gateway, which takes it away.
    let bare = url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it has more than scheme, host, port and path"));
    }
    Ok(url)
}
