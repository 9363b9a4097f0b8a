//! Where a connecting command connects and how it stays connected.

use std::path::PathBuf;
use std::time::Duration;

use webpubsub_proto::session::Config;
use webpubsub_proto::{Codec, Subprotocol};

use super::args::ConnectingArgs;
use crate::failure::{Failure, Kind};
use crate::options::connection::settings::{ConnectionSource, resolve, warn_if_exposed};
use crate::options::environment::{Environment, Input};
use crate::options::network::settings::{self as network, NetworkSettings, TlsOptions, tls};
use crate::options::operation::args::AckArgs;
use crate::options::operation::settings::on_unknown;
use crate::options::reconnect::settings::{ReconnectPolicy, session};
use crate::options::session_file::settings::SessionFileSettings;
use crate::options::stdin;

/// Where to connect and how to stay connected.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// Where the URL comes from.
    pub source: ConnectionSource,
    /// Subprotocol to offer.
    pub protocol: Subprotocol,
    /// The way there.
    pub network: NetworkSettings,
    /// How the server is authenticated.
    pub tls: TlsOptions,
    /// The session's share. Its `seed` is 0 here: whoever starts the session draws one.
    pub session: Config,
    /// `--timeout`, from the start of the process.
    pub timeout: Option<Duration>,
    /// The file that every frame is recorded in.
    pub record: Option<PathBuf>,
    /// `--session`: the connection outlives the process.
    pub session_file: Option<SessionFileSettings>,
}

pub fn publishing(ack: &AckArgs) -> ReconnectPolicy {
    ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown: on_unknown(ack.unknown.on_unknown) }
}

pub fn stdin_takers(args: &ConnectingArgs) -> Vec<&'static str> {
    stdin::takers(&args.connection.source, Some(&args.network))
}

pub fn connection(
    args: ConnectingArgs,
    policy: ReconnectPolicy,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ConnectionSettings, Failure> {
    stdin::refuse_two(&stdin_takers(&args))?;
    if args.record.record.as_ref().is_some_and(|file| file.as_os_str() == "-") {
        let failure = Failure::message(Kind::Usage, "`--record` takes a file, and stdout has other things to carry")
            .blame("--record");
        return Err(failure.hint("`./-` is a file of that name"));
    }
    input.limit(args.timeout.timeout);
    let protocol = args.connection.protocol.subprotocol();
    let mut session = session(&args.reconnect, &args.retry, &policy, protocol, args.connection.connect_timeout)?;
    let source = resolve(&args.connection.source, &args.token, environment, input)?;
    session.renews_url = matches!(source, ConnectionSource::Command(_) | ConnectionSource::Keyless(_));
    let tls = tls(&args.network);
    if let Some((_, key)) = &tls.client_cert {
        warn_if_exposed(key, input);
    }
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(ConnectionSettings {
        source,
        protocol,
        network,
        tls,
        session,
        timeout: args.timeout.timeout,
        record: args.record.record,
        session_file: None,
    })
}

/// The connection, kept there. Fails with a usage error where it cannot be recovered.
pub fn keep(
    connection: ConnectionSettings,
    session_file: Option<SessionFileSettings>,
) -> Result<ConnectionSettings, Failure> {
    if session_file.is_some() && !connection.protocol.is_reliable() {
        let failure = Failure::message(Kind::Usage, "`--session` needs a subprotocol with recovery").blame("--session");
        let hint = match connection.protocol.codec() {
            Codec::Json => "leave `--protocol json` away: `json-reliable` is the default",
            Codec::Protobuf => "`--protocol protobuf-reliable` has it",
        };
        return Err(failure.hint(hint));
    }
    Ok(ConnectionSettings { session_file, ..connection })
}
