//! The emulator's server: HTTP, WebSockets and clocks around the hubs.
//!
//! [`run`] is a function of its environment: it serves a listener until it is told to stop, says goodbye to its clients
//! and returns. All protocol decisions are the hubs'; this module checks tokens, upgrades, and moves frames.

mod carrier;
mod control;
mod feed;
mod handshake;
mod handshake_faults;
mod hubs;
mod listener;
mod livetrace;
mod memory;
mod outbox;
mod page;
mod pages;
mod refusals;
mod request;
mod rest;
mod secure;
mod socket;
#[cfg(test)]
mod tests;
mod trace;
mod tunnel;
mod upgrade;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tower_layer::Layer as _;

use super::config::ServerConfig;
use super::ready::endpoint;
use super::tasks::Tasks;
use super::traffic::{Observer, Traffic};
use super::tunnel::Tunnels;
use super::upstream::Upstream;
use carrier::Carrier;
pub use listener::{Bind, BindError, DetachedListener, Listener};

use feed::TrafficFeed;
use handshake_faults::HandshakeFaults;
use hubs::{Events, Hubs};
use pages::AllowedPages;
use refusals::Refusals;
use secure::Secure;
use webpubsub_net::secret::Secret;
use webpubsub_proto::fault::Faults;

/// How long clients have for the closing handshake when the server stops. Whoever waits for the emulator is promised a
/// second for all of it, and letting go of thousands of clients takes its part of that.
const GOODBYE: Duration = Duration::from_millis(500);
/// How long a peer may take to send the head of a request.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is kept of what a connection sends before somebody takes it, and so the largest head, in bytes.
const MAX_HTTP_BUFFER: usize = 64 * 1024;
/// Pause after a failed accept, which mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long event handlers are told about the connections that end with the server.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Between two warnings about that.
const ACCEPT_WARNINGS: Duration = Duration::from_secs(10);

/// A seed nobody can guess.
pub fn random_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(seed)
}

/// What the parts of a running server share.
struct Server {
    keys: Vec<Secret>,
    allow_anonymous: bool,
    /// REST requests are let in with an Entra token, whoever signed it.
    allow_unvalidated_entra: bool,
    /// Which web pages are let in.
    pages: AllowedPages,
    endpoint: String,
    traffic: Traffic,
    /// What is said of whom is refused.
    refusals: Refusals,
    /// Of the control endpoint.
    feed: Arc<TrafficFeed>,
    /// Whether the endpoint was chosen by the user, and so is right wherever a client comes from.
    advertised: bool,
    hubs: Arc<Hubs>,
    faults: HandshakeFaults,
    /// The event handlers, where there can be any.
    upstream: Option<Arc<Upstream>>,
    /// What applications have opened for the events of their hubs.
    tunnels: Arc<Tunnels>,
    /// One task for each WebSocket.
    sockets: Tasks,
}

impl Server {
    /// Runs a socket's task until it ends or the server stops.
    fn spawn_socket(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.sockets.spawn_on(task, &Handle::current());
    }
}

/// Serves until `shutdown` is ready, then closes all connections and returns, half a second later or soon after.
pub async fn run(listener: Listener, config: ServerConfig, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let endpoint = endpoint(&config, listener.local_addr()?, listener.is_localhost());
    let advertised = config.advertise.is_some();
    let ServerConfig {
        keys,
        allow_anonymous,
        allow_unvalidated_entra,
        allow_origins,
        events,
        mut traffic,
        handlers,
        handler_tls,
        handler_limits,
        tls,
        hub,
        seed,
        faults: given,
        ..
    } = config;
    let feed = Arc::new(TrafficFeed::default());
    traffic.add(Arc::clone(&feed) as Arc<dyn Observer>);
    let faults = Faults::new(chance_of(&seed));
    for fault in given {
        faults.add(fault);
    }
    let tunnels = Arc::new(Tunnels::new(&endpoint, faults.clone()));
    let upstream = handlers.map(|routes| {
        let (traffic, tunnels) = (traffic.clone(), Arc::clone(&tunnels));
        Arc::new(Upstream::new(routes, &endpoint, &keys, handler_limits, traffic, handler_tls, tunnels))
    });
    let events = Events { otherwise: events, upstream: upstream.clone() };
    let secure = tls.map(|tls| Arc::new(Secure::new(tls, &endpoint)));
    let hubs = Arc::new(Hubs::new(hub, events, traffic.clone(), seed, faults.clone()));
    let pages = AllowedPages::new(&keys, allow_anonymous || allow_unvalidated_entra, allow_origins, &endpoint);
    let server = Arc::new(Server {
        keys,
        allow_anonymous,
        allow_unvalidated_entra,
        pages,
        endpoint,
        traffic,
        refusals: Refusals::default(),
        feed,
        advertised,
        hubs: Arc::clone(&hubs),
        faults: HandshakeFaults::new(faults),
        upstream,
        tunnels,
        sockets: Tasks::default(),
    });
    // Dropped, and so aborted, when this function returns or is dropped itself.
    let mut requests = JoinSet::new();
    let mut background = JoinSet::new();
    background.spawn(async move { hubs.serve_timers().await });
    let tidied = Arc::clone(&server);
    background.spawn(async move {
        let upstream = async {
            if let Some(upstream) = &tidied.upstream {
                upstream.tidy().await;
            }
        };
        tokio::join!(tidied.sockets.tidy(), upstream);
    });
    if let Some(secure) = secure.clone() {
        background.spawn(async move { secure.watch().await });
    }
    let counted = Arc::clone(&server);
    memory::prepare();
    background.spawn(memory::give_back(move || counted.hubs.connection_count() + counted.sockets.len()));
    let routes = [handshake::router(Arc::clone(&server)), control::router(Arc::clone(&server)), page::router()];
    let router = routes.into_iter().fold(Router::new(), Router::merge);
    let mut shutdown = std::pin::pin!(shutdown);
    let mut last_warning: Option<Instant> = None;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let router = router.clone();
                    match secure.clone() {
                        None => requests.spawn(serve_requests(stream, peer, router)),
                        Some(secure) => requests.spawn(serve_secure(stream, peer, secure, router, Arc::clone(&server))),
                    };
                }
                Err(error) => {
                    if last_warning.is_none_or(|last| last.elapsed() >= ACCEPT_WARNINGS) {
                        last_warning = Some(Instant::now());
                        tracing::warn!(%error, "could not accept a connection; clients have to wait");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = requests.join_next() => {}
        }
    }
    drop(listener);
    requests.shutdown().await;
    server.hubs.shutdown();
    server.traffic.live().end();
    let mut sockets = server.sockets.take();
    // Whoever does not answer in time is dropped.
    let goodbyes = tokio::time::timeout(GOODBYE, async { while sockets.join_next().await.is_some() {} });
    let last_words = async {
        if let Some(upstream) = &server.upstream {
            upstream.finish(LAST_WORDS).await;
        }
        server.tunnels.close();
    };
    let _ = tokio::join!(goodbyes, last_words);
    server.traffic.finish();
    Ok(())
}

/// The same for a client that has to begin TLS first.
async fn serve_secure(stream: TcpStream, peer: SocketAddr, secure: Arc<Secure>, router: Router, server: Arc<Server>) {
    // An answer of the handshake must not wait for acknowledgements of the one before.
    let _ = stream.set_nodelay(true);
    if let Some(stream) = secure.greet(stream, peer, &server.traffic).await {
        drop((secure, server));
        serve_requests(stream, peer, router).await;
    }
}

/// Serves the requests of one connection, until it ends or becomes a WebSocket.
async fn serve_requests(stream: impl Carrier, peer: SocketAddr, router: Router) {
    // Small frames must not wait for acknowledgements of the ones before.
    let _ = stream.tcp().set_nodelay(true);
    let local = stream.tcp().local_addr().ok().map(|address| address.ip());
    let visit = control::Visit { peer: peer.ip(), local };
    let service = TowerToHyperService::new(Extension(visit).layer(router));
    let connection = http1().serve_connection(TokioIo::new(stream), service).with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an HTTP connection broke");
    }
}

/// How HTTP is served.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_TIMEOUT)
        .max_buf_size(MAX_HTTP_BUFFER)
        // Whoever has no more to send is answered all the same.
        .half_close(true);
    builder
}

/// A number that the seed decides and that tells nothing about it: what faults leave to chance can be seen.
fn chance_of(seed: &[u8; 32]) -> u64 {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), b"faults");
    tag.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A seed that everybody can choose again, so that ids, tokens and faults are the same each time.
pub fn chosen_seed(number: u64) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    seed
}

/// Seconds since 1970.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
