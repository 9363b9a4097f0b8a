//! From an address to a WebSocket: DNS, TCP, TLS, handshake.
//!
//! A dial has no deadline of its own: whoever awaits it bounds it, drops it, and asks its [`Progress`] where it was.
//! The driver calls this, once for each attempt.

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
use super::stream::Stream;
use super::target::{Stage, Target};
use super::tls::Tls;
use super::trail::{Facts, Progress, StepKind};

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
pub async fn dial(target: &Target, options: &DialOptions, progress: &Progress) -> Result<Link<Stream>, DialError> {
    let result = attempt(target, options, progress).await;
    if let Err(error) = &result {
        progress.failed(error);
    }
    result
}

async fn attempt(target: &Target, options: &DialOptions, progress: &Progress) -> Result<Link<Stream>, DialError> {
    let addresses = resolve(target, options, progress).await?;
    trace!("`{}` is at {addresses:?}", target.host);
    let tcp = connect(target, addresses, progress).await?;
    trace!("connected to {:?}", tcp.peer_addr());
    // Frames are small and answers are awaited: Nagle's algorithm would only hold them back. Where the option cannot
    // be set the connection works all the same.
    let _ = tcp.set_nodelay(true);
    let stream = if target.secure {
        let host = target.bare_host();
        progress.begin(StepKind::Tls, Stage::Tls { host: host.to_owned() });
        Stream::Tls(Box::new(options.tls.connect(host, tcp, progress).await?))
    } else {
        progress.skip(StepKind::Tls, "`ws` is without TLS");
        Stream::Plain(tcp)
    };
    progress.begin(StepKind::Upgrade, Stage::Upgrading { authority: target.authority.clone() });
    match handshake(stream, target, &options.headers).await {
        Ok((link, agreement)) => {
            let subprotocol = Some(target.subprotocol.to_owned());
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

/// The addresses of the target, in the order in which to try them. Never empty.
async fn resolve(target: &Target, options: &DialOptions, progress: &Progress) -> Result<Vec<SocketAddr>, DialError> {
    let host = target.bare_host();
    let fits = |entry: &&Override| entry.port == target.port && entry.host.eq_ignore_ascii_case(host);
    let overrides: Vec<SocketAddr> =
        options.resolve.iter().filter(fits).map(|entry| SocketAddr::new(entry.address, target.port)).collect();
    let known = |addresses: &[SocketAddr], overridden| {
        let addresses = addresses.iter().map(SocketAddr::ip).collect();
        Facts::Addresses { host: host.to_owned(), addresses, overridden }
    };
    if overrides.is_empty()
        && let Ok(address) = host.parse::<IpAddr>()
    {
        progress.skip(StepKind::Resolve, format!("`{host}` is an address"));
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    progress.begin(StepKind::Resolve, Stage::Resolving { host: host.to_owned() });
    if !overrides.is_empty() {
        progress.done(known(&overrides, true));
        return Ok(overrides);
    }
    let failed = |source| DialError::Resolve { host: host.to_owned(), source };
    let found: Vec<SocketAddr> = lookup_host((host, target.port)).await.map_err(failed)?.collect();
    if found.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    let ordered = alternate(found);
    progress.done(known(&ordered, false));
    Ok(ordered)
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
/// wins.
async fn connect(target: &Target, addresses: Vec<SocketAddr>, progress: &Progress) -> Result<TcpStream, DialError> {
    let mut waiting = addresses.into_iter();
    let mut started = Vec::new();
    let mut failures = Vec::new();
    let mut attempts = FuturesUnordered::new();
    progress.begin(StepKind::Connect, Stage::Connecting { addresses: Vec::new() });
    loop {
        let next = waiting.next();
        let last = next.is_none();
        if let Some(address) = next {
            started.push(address);
            progress.set(Stage::Connecting { addresses: started.clone() });
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
                    return Ok(stream);
                }
                Some((address, Err(error))) => {
                    failures.push((address, error));
                    if !last {
                        break;
                    }
                }
                None if last => {
                    return Err(DialError::Connect { authority: host_and_port(target), failures });
                }
                None => break,
            }
        }
    }
}

/// Host and port, as people write them.
fn host_and_port(target: &Target) -> String {
    let host = target.bare_host();
    if host.contains(':') { format!("[{host}]:{}", target.port) } else { format!("{host}:{}", target.port) }
}
