//! From an address to a WebSocket: DNS, TCP, a proxy perhaps, TLS, handshake.
//!
//! A dial has no deadline of its own: whoever awaits it bounds it, drops it, and asks its [`DialProgress`] where it was.
//! The driver calls this, once for each attempt.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::{HeaderName, HeaderValue};
use tokio::net::{TcpStream, lookup_host};
use tracing::trace;

use super::error::{DialError, reason_of};
use super::handshake::handshake;
use super::link::Link;
use super::meter::Metered;
use super::proxy::{Proxies, Proxy, ProxyError, ProxyProblem, ProxyScheme, Route, tunnel};
use super::stream::{Stream, Transport, prepare};
use super::target::{Stage, Target, bracketed};
use super::tls::Tls;
use super::trail::{DialProgress, Facts, StepKind};

/// How long an address may keep the next one waiting (RFC 8305, *Connection Attempt Delay*).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// What holds for every dial of a run.
#[derive(Clone, Debug, Default)]
pub struct DialOptions {
    /// TLS, used for secure targets only.
    pub tls: Tls,
    /// Headers for the handshake, beside and in place of our own. Mark secret values as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Addresses to use in place of what DNS says.
    pub resolve: Vec<Override>,
    /// Proxies on the way.
    pub proxies: Proxies,
}

/// An address for a host and port, in place of what DNS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// As in [`Target::host`]; letter case does not matter.
    pub host: String,
    /// As in [`Target::port`].
    pub port: u16,
    /// Where to connect. Several overrides for a host are tried in turn.
    pub address: IpAddr,
}

/// Connects to `target`. Takes as long as it takes; dropping the future ends the attempt. `progress` is of this dial
/// alone.
pub async fn dial(target: &Target, options: &DialOptions, progress: &DialProgress) -> Result<Link<Stream>, DialError> {
    dial_with(&SystemResolver, target, options, progress).await
}

/// Connects to the server of `target` and speaks TLS where it is secure: for HTTP, which needs no more.
pub(super) async fn connect(
    target: &Target,
    options: &DialOptions,
    progress: &DialProgress,
) -> Result<Stream, DialError> {
    let result = DialAttempt { lookup: &SystemResolver, target, options, progress }.stream().await;
    result.map_err(|error| options.tls.judge(error))
}

/// Whom to ask for the addresses of a name.
pub(super) trait Lookup: Send + Sync {
    /// The addresses, in the order of preference.
    fn lookup(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// The resolver of this machine.
struct SystemResolver;

impl Lookup for SystemResolver {
    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        lookup_host((host, port)).await.map(Iterator::collect)
    }
}

/// [`dial`] with a resolver of one's own.
pub(super) async fn dial_with(
    lookup: &impl Lookup,
    target: &Target,
    options: &DialOptions,
    progress: &DialProgress,
) -> Result<Link<Stream>, DialError> {
    let result = DialAttempt { lookup, target, options, progress }.run().await;
    let result = result.map_err(|error| options.tls.judge(error));
    if let Err(error) = &result {
        progress.failed(error);
    }
    result
}

struct DialAttempt<'a, L> {
    lookup: &'a L,
    target: &'a Target,
    options: &'a DialOptions,
    progress: &'a DialProgress,
}

impl<L: Lookup> DialAttempt<'_, L> {
    async fn run(&self) -> Result<Link<Stream>, DialError> {
        let Self { target, options, progress, .. } = self;
        let stream = self.stream().await?;
        progress.begin(StepKind::Upgrade, Stage::Upgrading { authority: target.authority.clone() });
        let meter = stream.meter();
        match handshake(stream, target, &options.headers).await {
            Ok((mut link, agreement)) => {
                link.watch(meter);
                let subprotocol = target.subprotocol.map(str::to_owned);
                progress.done(Facts::Answer { status: 101, date: agreement.date, subprotocol });
                Ok(link)
            }
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    progress.note(Facts::Answer { status: refusal.status, date: refusal.date, subprotocol: None });
                }
                Err(error)
            }
        }
    }

    /// All but the handshake.
    async fn stream(&self) -> Result<Stream, DialError> {
        let Self { target, options, progress, .. } = self;
        let transport = match options.proxies.route(target) {
            Route::Direct(why) => self.direct(why).await?,
            Route::Through(proxy) => self.through(proxy).await?,
        };
        if target.secure {
            let host = target.bare_host();
            progress.begin(StepKind::Tls, Stage::Files { paths: options.tls.files() });
            options.tls.prepare().await?;
            progress.set(Stage::Tls { host: host.to_owned() });
            match options.tls.connect(host, transport).await {
                Ok(stream) => {
                    progress.done(options.tls.facts(&stream));
                    Ok(Stream::Tls(Box::new(stream)))
                }
                Err(error) => {
                    if let Some(facts) = options.tls.facts_of_failure() {
                        progress.note(facts);
                    }
                    Err(error)
                }
            }
        } else {
            progress.skip(StepKind::Tls, "`ws` is without TLS");
            Ok(Stream::Plain(transport))
        }
    }

    async fn direct(&self, why: String) -> Result<Transport, DialError> {
        let (host, port) = (self.target.bare_host(), self.target.port);
        let failed = |source| DialError::Resolve { host: host.to_owned(), source };
        let addresses = self.resolve(host, port).await.map_err(failed)?;
        let tcp = connect_first(addresses, None, self.progress)
            .await
            .map_err(|failures| DialError::Connect { authority: host_and_port(host, port), failures })?;
        self.progress.skip(StepKind::Proxy, why);
        Ok(Transport::Tcp(Metered::new(tcp)))
    }

    /// Connects to the proxy and from there to the target.
    async fn through(&self, proxy: &Proxy) -> Result<Transport, DialError> {
        let target = self.target;
        // An address that was given for the target is what the proxy is asked for, in place of the name.
        let overridden =
            self.overrides(target.bare_host(), target.port).first().map(|address| address.ip().to_string());
        let host = overridden.as_deref().unwrap_or(target.bare_host());
        let authority = host_and_port(host, target.port);
        let failed = |problem| {
            let (proxy, from, target) = (proxy.to_string(), proxy.from.clone(), authority.clone());
            DialError::Proxy(Box::new(ProxyError { proxy, from, target, problem }))
        };
        let addresses = self.resolve(&proxy.host, proxy.port).await;
        let addresses = addresses.map_err(|error| failed(ProxyProblem::Resolve(error)))?;
        let tcp = connect_first(addresses, Some(proxy), self.progress)
            .await
            .map_err(|failures| failed(ProxyProblem::Connect(failures)))?;
        let stage = Stage::Proxy { proxy: proxy.to_string(), target: authority.clone() };
        self.progress.begin(StepKind::Proxy, stage.clone());
        let transport = if proxy.scheme == ProxyScheme::Https {
            self.progress.set(Stage::Files { paths: self.options.tls.files() });
            self.options.tls.prepare().await?;
            self.progress.set(stage);
            let tls = self.options.tls.connect(&proxy.host, Metered::new(tcp)).await.map_err(|error| match error {
                DialError::Certificate { problem, .. } => failed(ProxyProblem::Certificate(problem)),
                DialError::Tls { problem, .. } => failed(ProxyProblem::Tls(problem)),
                other => other,
            })?;
            Transport::Tls(Box::new(tls))
        } else {
            Transport::Tcp(Metered::new(tcp))
        };
        let transport = tunnel(proxy, transport, host, target.port, &authority).await.map_err(failed)?;
        let (proxy, from) = (proxy.to_string(), proxy.from.clone());
        trace!("`{authority}` through the proxy `{proxy}`");
        self.progress.done(Facts::Tunnel { proxy, from, target: authority });
        Ok(transport)
    }

    /// The addresses that were given for a host.
    fn overrides(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        let fits = |entry: &&Override| entry.port == port && entry.host.eq_ignore_ascii_case(host);
        self.options.resolve.iter().filter(fits).map(|entry| SocketAddr::new(entry.address, port)).collect()
    }

    /// The addresses of a host, in the order in which to try them. Never empty.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let overrides = self.overrides(host, port);
        if overrides.is_empty()
            && let Ok(address) = host.parse::<IpAddr>()
        {
            self.progress.skip(StepKind::Resolve, format!("`{host}` is an address"));
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        self.progress.begin(StepKind::Resolve, Stage::Resolving { host: host.to_owned() });
        let overridden = !overrides.is_empty();
        let found = if overridden { overrides } else { alternate(self.lookup.lookup(host, port).await?) };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        trace!("`{host}` is at {found:?}");
        let addresses = found.iter().map(SocketAddr::ip).collect();
        self.progress.done(Facts::Addresses { host: host.to_owned(), addresses, overridden });
        Ok(found)
    }
}

/// Alternates between the two address families, beginning with the one the resolver put first, so that a family
/// without a route costs one delay and not one for each of its addresses (RFC 8305 §4).
fn alternate(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    loop {
        match (first.next(), second.next()) {
            (None, None) => return ordered,
            (one, other) => ordered.extend(one.into_iter().chain(other)),
        }
    }
}

/// Tries the addresses in turn, the next one when the last has failed or has taken too long; the first connection
/// wins. Fails with the reason of each.
async fn connect_first(
    addresses: Vec<SocketAddr>,
    proxy: Option<&Proxy>,
    progress: &DialProgress,
) -> Result<TcpStream, Vec<(SocketAddr, io::Error)>> {
    let mut waiting = addresses.into_iter();
    let mut started = Vec::new();
    let mut failures = Vec::new();
    let mut attempts = FuturesUnordered::new();
    let proxy = proxy.map(Proxy::to_string);
    progress.begin(StepKind::Connect, Stage::Connecting { proxy: proxy.clone(), addresses: Vec::new() });
    loop {
        let next = waiting.next();
        let last = next.is_none();
        if let Some(address) = next {
            started.push(address);
            progress.set(Stage::Connecting { proxy: proxy.clone(), addresses: started.clone() });
            attempts.push(async move { (address, TcpStream::connect(address).await) });
        }
        // Until it is the next address's turn.
        loop {
            let attempt = tokio::select! {
                attempt = attempts.next() => attempt,
                () = tokio::time::sleep(NEXT_ADDRESS_AFTER), if !last => break,
            };
            match attempt {
                Some((address, Ok(stream))) => {
                    let failures = failures.iter().map(|(address, error)| (*address, reason_of(error))).collect();
                    progress.done(Facts::Connected { address, failures });
                    trace!("connected to {address}");
                    prepare(&stream);
                    return Ok(stream);
                }
                Some((address, Err(error))) => {
                    failures.push((address, error));
                    if !last {
                        break;
                    }
                }
                None if last => return Err(failures),
                None => break,
            }
        }
    }
}

/// Host and port, as people write them.
fn host_and_port(host: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(host))
}
