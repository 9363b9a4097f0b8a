//! https and wss: TLS before anything else, with a certificate from files that may change.
//!
//! Each client begins TLS in a task of its own, and has a time for it, so that none of them keeps others waiting. Who comes
//! without TLS is answered once, in its own language. What a client does not accept is said on stderr, since a client of
//! WebSockets often hears no more than that it was not connected.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};
use url::{Host, Url};

use super::trace;
use crate::traffic::Traffic;
use webpubsub_net::clock;
use webpubsub_net::wire::{AcceptError, AcceptedTls, DialError, ReloadResult, ServerTls};

/// How long a client may take to begin TLS.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks at the files.
const INTERVAL: Duration = Duration::from_millis(200);
/// The most troubles of clients that are remembered; further ones are said with `-v` only.
const MAX_REMEMBERED: usize = 1024;

/// Who comes over TLS, and by what.
#[derive(Debug)]
pub(super) struct Secure {
    tls: Arc<ServerTls>,
    /// What clients are told, `https://…`.
    endpoint: String,
    /// How long a client may take to begin TLS.
    limit: Duration,
    /// What was said of whom, while the certificate is the same.
    said: Mutex<HashSet<(IpAddr, TlsTrouble)>>,
}

/// Why a client gets no further, as far as its user has to do something about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TlsTrouble {
    /// It does not speak TLS, but HTTP.
    Plain,
    /// It does not accept the certificate, and has said so by this alert.
    Distrust(String),
}

impl Secure {
    /// For a server that clients know by `endpoint`.
    pub(super) fn new(tls: Arc<ServerTls>, endpoint: &str) -> Self {
        let secure = Self { tls, endpoint: endpoint.to_owned(), limit: BEGIN_TIMEOUT, said: Mutex::default() };
        secure.warn_of_certificate();
        secure
    }

    /// Begins TLS with a client. One that does not speak it is answered here.
    pub(super) async fn greet(&self, stream: TcpStream, peer: SocketAddr, traffic: &Traffic) -> Option<AcceptedTls> {
        let peer = peer.ip().to_canonical();
        let begun = timeout(self.limit, async {
            let mut first = [0];
            match stream.peek(&mut first).await {
                Ok(1..) if first[0].is_ascii_alphabetic() => Ok(ClientStart::Plain(stream)),
                Ok(1..) => self.tls.accept(stream).await.map(ClientStart::Tls),
                Ok(0) | Err(_) => Err(AcceptError::Gone),
            }
        });
        match begun.await {
            Ok(Ok(ClientStart::Tls(accepted))) => return Some(accepted),
            Ok(Ok(ClientStart::Plain(stream))) => self.refuse_plain(stream, peer, traffic).await,
            Ok(Err(error)) => self.log_failure(peer, &error),
            Err(_) => {
                info!("a client at `{peer}` has not begun TLS within {} s, and was let go", self.limit.as_secs());
            }
        }
        None
    }

    /// Says in HTTP that this is not the place for it.
    async fn refuse_plain(&self, stream: TcpStream, peer: IpAddr, traffic: &Traffic) {
        let sockets = self.endpoint.replacen("http", "ws", 1);
        let address = format!("the address is `{}`, for WebSockets `{sockets}`", self.endpoint);
        self.warn_once(
            peer,
            TlsTrouble::Plain,
            &format!("a client at `{peer}` does not speak TLS, and this port does: {address}"),
        );
        let body = format!("This port speaks TLS: {address}.");
        trace::refused(traffic, StatusCode::BAD_REQUEST.as_u16(), "it was asked without TLS");
        let service = service_fn(|_| {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            async { Ok::<_, Infallible>(response) }
        });
        let connection = super::http1().keep_alive(false).serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            debug!(%error, "an HTTP connection broke");
        }
    }

    /// Logs why a client has not begun TLS.
    fn log_failure(&self, peer: IpAddr, error: &AcceptError) {
        if let Some(alert) = error.distrust() {
            let file = self.tls.chain().display();
            let told = format!(
                "a client at `{peer}` does not accept the certificate (alert {alert}): it has to trust `{file}`, or who \
                 issued it, and to ask for a name that it is for"
            );
            return self.warn_once(peer, TlsTrouble::Distrust(alert), &told);
        }
        match error {
            // Whoever only looks whether the port is open does that.
            AcceptError::Gone => debug!("a client at `{peer}` left before TLS had begun"),
            AcceptError::Alert { .. } | AcceptError::Tls { .. } => {
                info!("a client at `{peer}` has not begun TLS: {error}");
            }
        }
    }

    /// Warns once of a client's address, and then with `-v` only.
    fn warn_once(&self, peer: IpAddr, trouble: TlsTrouble, told: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (peer, trouble);
        if said.contains(&key) || said.len() >= MAX_REMEMBERED {
            info!("{told}");
        } else {
            said.insert(key);
            warn!("{told}");
        }
    }

    /// Says what clients will not like about the certificate.
    fn warn_of_certificate(&self) {
        let file = self.tls.chain().display();
        let Some(certificate) = self.tls.certificate() else { return };
        let now = SystemTime::now();
        if now > certificate.not_after {
            warn!("the certificate in `{file}` has expired at {}", clock::seconds(certificate.not_after));
        } else if now < certificate.not_before {
            warn!("the certificate in `{file}` is valid from {} on only", clock::seconds(certificate.not_before));
        }
        let Some(host) = secure_host(&self.endpoint).filter(|host| !self.tls.is_for(host)) else { return };
        let names: Vec<String> = certificate.names.iter().map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { "no name at all (subjectAltName)".to_owned() } else { names.join(", ") };
        warn!(
            "the certificate in `{file}` is for {names}, and clients are told `{}`: those that check it will refuse \
             `{host}`; `--advertise` tells them another name",
            self.endpoint
        );
    }

    /// Keeps the certificate as the files have it. Never returns.
    pub(super) async fn watch(&self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was found wrong at the last look, and whether it was said. While files are just being written, they look
        // wrong for a moment.
        let mut wrong: Option<(String, bool)> = None;
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self.tls);
            let Ok(found) = spawn_blocking(move || tls.reload()).await else { continue };
            wrong = self.looked(found, wrong);
        }
    }

    /// After a look at the files; gives what is wrong.
    fn looked(&self, found: Result<ReloadResult, DialError>, wrong: Option<(String, bool)>) -> Option<(String, bool)> {
        let file = self.tls.chain().display();
        match found {
            Ok(ReloadResult::Same) => {
                if matches!(wrong, Some((_, true))) {
                    info!("the certificate in `{file}` and its key are again what they were");
                }
                None
            }
            Ok(ReloadResult::Changed) => {
                info!("the certificate in `{file}` or its key has changed, and is shown from now on");
                self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.warn_of_certificate();
                None
            }
            Err(error) => {
                let problem = error.to_string();
                let (again, said) = match &wrong {
                    Some((known, said)) => (*known == problem, *said),
                    None => (false, false),
                };
                if again && !said {
                    warn!(
                        "the certificate has changed and cannot be used, so the one before is still shown: {problem}"
                    );
                }
                Some((problem, again))
            }
        }
    }
}

/// How a client has begun.
enum ClientStart {
    Tls(AcceptedTls),
    /// With what is no TLS, but may be HTTP.
    Plain(TcpStream),
}

/// The host of an endpoint that clients reach by TLS, without brackets.
fn secure_host(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok().filter(|url| url.scheme() == "https")?;
    url.host().map(|host| match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_go_on_with_tls_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let files = [("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        let [chain, key] = files;
        let tls = Arc::new(ServerTls::read(chain, key).unwrap());
        let secure = Secure { limit: Duration::from_millis(20), ..Secure::new(tls, "https://localhost:8443") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Nothing, the beginning of a record, and a record without its end.
        for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(begun).await.unwrap();
            let (accepted, peer) = listener.accept().await.unwrap();
            assert!(secure.greet(accepted, peer, &Traffic::default()).await.is_none());
            let mut answer = Vec::new();
            let read = timeout(Duration::from_secs(20), client.read_to_end(&mut answer)).await.unwrap();
            assert!(answer.is_empty(), "{read:?}: {answer:?}");
        }
    }

    #[test]
    fn the_host_that_a_certificate_has_to_be_for_is_that_of_an_endpoint_over_tls() {
        let host = |endpoint| secure_host(endpoint).unwrap_or_default();
        assert_eq!(host("https://localhost:8443"), "localhost");
        assert_eq!(host("https://[::1]:8443"), "::1");
        assert_eq!(host("https://dev.example/gateway"), "dev.example");
        assert_eq!(host("http://localhost:8080"), "");
    }
}
