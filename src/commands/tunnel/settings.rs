//! What `wps tunnel` will do: which hub's events, from which service, to which server.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use webpubsub_emulator::upstream::settings::UrlTemplate;
use webpubsub_proto::tunnel::TunnelConfig;

use super::args::TunnelArgs;
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::connection::args::TokenArgs;
use crate::options::connection::settings::{ConnectionSource, resolve_service, warn_if_exposed};
use crate::options::environment::{Environment, Input};
use crate::options::network::settings::{self as network, NetworkSettings, TlsOptions, tls};
use crate::options::output::settings::OutputSettings;
use crate::options::reconnect::settings::{alive, attempts};
use crate::options::stdin;

/// The most requests at the upstream at a time.
const PARALLEL: usize = 256;
/// When so many wait for their turn, no more is read.
const WAITING: usize = 1024;
/// The most memory of requests that are not answered, and of answers that the service does not take.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How long a connection that the service wants to end waits for answers.
const LEAVE: Duration = Duration::from_secs(10);
/// All of it when the run is to end, which has two seconds (CLI contract, *Ending*).
const STOP: Duration = Duration::from_millis(1800);

/// `wps tunnel`.
#[derive(Clone, Debug)]
pub struct TunnelSettings {
    /// Where the service is, and what opens it.
    pub source: ConnectionSource,
    /// The way there.
    pub network: NetworkSettings,
    /// How the service is authenticated.
    pub tls: TlsOptions,
    /// Scheme, host and port.
    pub upstream: Url,
    /// How long it may take.
    pub upstream_timeout: Duration,
    /// How it is authenticated, where it is `https`.
    pub upstream_tls: TlsOptions,
    /// Where it is asked first whether it wants events.
    pub check: Option<UrlTemplate>,
    /// Connections and limits; its seed is drawn later.
    pub tunnel: TunnelConfig,
    /// Where frames are recorded.
    pub record: Option<PathBuf>,
    /// What is printed: text or records.
    pub output: OutputSettings,
    /// `--timeout`, from the start of the process.
    pub timeout: Option<Duration>,
}

impl TunnelSettings {
    /// The hub whose events come.
    pub fn hub(&self) -> &str {
        match &self.source {
            ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => &signer.hub,
            ConnectionSource::Keyless(keyless) => &keyless.hub,
            // No service is resolved to these.
            ConnectionSource::Url(_) | ConnectionSource::Command(_) => "",
        }
    }
}

/// What the flags say.
pub fn settle(args: TunnelArgs, environment: &Environment, input: &mut dyn Input) -> Result<TunnelSettings, Failure> {
    stdin::refuse_two(&stdin::takers_of(None, args.key.connection_string.as_ref(), Some(&args.network)))?;
    input.limit(args.report.timeout.timeout);
    let upstream = upstream(&args.upstream)?;
    let check = if args.no_check { None } else { Some(check(&upstream, &args.check)?) };
    let reconnect = &args.reconnect;
    let attempts = attempts(&reconnect.attempts, true)?;
    let (ping_interval, ping_timeout) = alive(reconnect)?;
    let tunnel = TunnelConfig {
        connections: usize::from(args.connections),
        connect_timeout: args.connect_timeout,
        retries_until_connected: attempts.until_connected,
        retries_once_connected: attempts.once_connected,
        backoff: attempts.backoff,
        ping_interval,
        ping_timeout,
        leave_timeout: LEAVE,
        stop_timeout: STOP,
        parallel: PARALLEL,
        waiting: WAITING,
        most_bytes: MOST_BYTES,
        seed: 0,
    };
    let timeout = args.report.timeout.timeout;
    let output = OutputSettings::of_report(args.report, environment)?;
    let token = TokenArgs { hub: args.hub, user: None, roles: Vec::new(), initial_groups: Vec::new(), ttl: None };
    let source = resolve_service((&args.key, &args.endpoint), &token, environment, input)?;
    let tls = tls(&args.network);
    if let Some((_, key)) = &tls.client_cert {
        warn_if_exposed(key, input);
    }
    let upstream_tls =
        TlsOptions { ca_cert: tls.ca_cert.clone(), insecure: args.upstream_insecure, ..TlsOptions::default() };
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(TunnelSettings {
        source,
        network,
        tls,
        upstream,
        upstream_timeout: args.upstream_timeout,
        upstream_tls,
        check,
        tunnel,
        record: args.record,
        output,
        timeout,
    })
}

/// Scheme, host and port, and nothing else.
fn upstream(text: &str) -> Result<Url, Failure> {
    let bad = |what: String| {
        let failure = Failure::message(Kind::Usage, format!("the URL in `--upstream` {what}")).blame("--upstream");
        failure.hint("it looks like `http://localhost:3000`")
    };
    let url = Url::parse(text).map_err(|error| bad(format!("is none: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("has the scheme `{}`, and not `http` or `https`", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("has a user, whom events have no use for".to_owned()));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        let origin = url.origin().ascii_serialization();
        let failure = bad("has a path or a query, and those come with the events".to_owned());
        return Err(failure.hint(format!(
            "give `{origin}`, and the path in the hub's event handler: `tunnel:///PATH`; `--check PATH` says where it is \
             asked first"
        )));
    }
    Ok(url)
}

fn check(upstream: &Url, path: &str) -> Result<UrlTemplate, Failure> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let text = format!("{}{slash}{path}", upstream.origin().ascii_serialization());
    UrlTemplate::new(&text).or_fail(Kind::Usage, "the path in `--check` is not valid").blame("--check")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_scheme_host_and_port_alone() {
        for good in ["http://localhost:3000", "http://localhost:3000/", "https://[::1]:7071"] {
            assert!(upstream(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("localhost:3000", "has the scheme `localhost`"),
            ("3000", "is none"),
            ("ws://localhost:3000", "has the scheme `ws`"),
            ("http://localhost:3000/api", "has a path or a query"),
            ("http://localhost:3000/?x=1", "has a path or a query"),
            ("http://me:secret@localhost:3000", "has a user"),
        ] {
            let failure = upstream(bad).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.summary().contains(why), "{bad}: {}", failure.summary());
            assert!(!failure.summary().contains("secret"));
        }
    }
}
