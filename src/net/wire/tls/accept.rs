//! TLS at the other end: the certificate that a server shows, and the clients that begin TLS with it.
//!
//! Certificate and key stand in PEM files that may change while the server runs. Each pair has a configuration of its own,
//! so that what was agreed under one, a session to be resumed too, is worth nothing under the next.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use ring::digest::{self, SHA256};
use rustls::client::verify_server_name;
use rustls::crypto::ring::default_provider;
use rustls::server::ParsedCertificate;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::super::certificate::Certificate;
use super::super::error::DialError;
use super::super::meter::Metered;
use super::super::pem::{self, PemProblem};
use super::alert_name;

/// A server's certificate and key, from files that may change. Its methods that read them block.
#[derive(Debug)]
pub struct ServerTls {
    chain: PathBuf,
    key: PathBuf,
    current: Mutex<CurrentCertificate>,
}

/// What is shown to clients that come now.
#[derive(Clone, Debug)]
struct CurrentCertificate {
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
    /// Of what both files held. The key itself is kept in one place only.
    digest: [u8; 32],
}

/// What another look at the files has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadResult {
    /// They are as they were.
    Same,
    /// They have changed, and what they hold now is shown.
    Changed,
}

/// Why a client has not begun TLS.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// It ended the handshake with this alert (RFC 8446 §6.2).
    #[error("the client ended it with the alert {}", alert_name(*alert))]
    Alert {
        /// Which.
        alert: AlertDescription,
    },
    /// It left, or its connection broke.
    #[error("the connection ended")]
    Gone,
    /// It speaks something else, or nothing that both ends know.
    #[error("{problem}")]
    Tls {
        /// What is wrong.
        problem: rustls::Error,
    },
}

impl AcceptError {
    /// The alert by which a client says that it does not accept the certificate, by its registered name.
    pub fn distrust(&self) -> Option<String> {
        match self {
            Self::Alert { alert } if is_distrust(*alert) => Some(alert_name(*alert)),
            Self::Alert { .. } | Self::Gone | Self::Tls { .. } => None,
        }
    }
}

/// Whether an alert says something about our certificate.
fn is_distrust(alert: AlertDescription) -> bool {
    [
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
    ]
    .contains(&alert)
}

impl ServerTls {
    /// Reads a certificate with those of its issuers, and its private key. The error is always
    /// [`DialError::PemFile`], or [`DialError::TlsSetup`] where the machine has no TLS. Blocks.
    pub fn read(chain: PathBuf, key: PathBuf) -> Result<Self, DialError> {
        let current = current(&chain, &key)?;
        Ok(Self { chain, key, current: Mutex::new(current) })
    }

    /// Looks at the files again. Where they cannot be used, what they held before is still shown. Blocks.
    pub fn reload(&self) -> Result<ReloadResult, DialError> {
        if digest(&self.chain, &self.key)? == self.lock().digest {
            return Ok(ReloadResult::Same);
        }
        let current = current(&self.chain, &self.key)?;
        *self.lock() = current;
        Ok(ReloadResult::Changed)
    }

    /// The file with the certificate.
    pub fn chain(&self) -> &Path {
        &self.chain
    }

    /// What the certificate says about itself; `None` where it cannot be read.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::read(&self.lock().certificate)
    }

    /// Whether the certificate is for a host, which is a name or an address without brackets.
    pub fn is_for(&self, host: &str) -> bool {
        let current = self.lock();
        let parsed = ParsedCertificate::try_from(&current.certificate);
        let name = ServerName::try_from(host);
        matches!((parsed, name), (Ok(parsed), Ok(name)) if verify_server_name(&parsed, &name).is_ok())
    }

    /// Begins TLS with a client. Takes as long as the client does.
    pub async fn accept(&self, stream: TcpStream) -> Result<AcceptedTls, AcceptError> {
        let config = Arc::clone(&self.lock().config);
        let accepted = TlsAcceptor::from(config).accept(Metered::new(stream)).await;
        accepted.map(|stream| AcceptedTls(Box::new(stream))).map_err(|error| judge(&error))
    }

    fn lock(&self) -> MutexGuard<'_, CurrentCertificate> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads both files and makes of them what clients are shown.
fn current(chain: &Path, key: &Path) -> Result<CurrentCertificate, DialError> {
    let setup = |error: rustls::Error| DialError::TlsSetup { problem: error.to_string() };
    let provider = Arc::new(default_provider());
    // Before the rest: what changes in between is seen at the next look.
    let digest = digest(chain, key)?;
    let certified = super::identity(chain, key, &provider)?;
    let first = certified.cert.first().cloned();
    let certificate = first.ok_or_else(|| pem::problem(chain, PemProblem::NoCertificate))?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(setup)?;
    let resolver = SingleCertAndKey::from(Arc::unwrap_or_clone(certified));
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(CurrentCertificate { config: Arc::new(config), certificate, digest })
}

/// Of what both files hold.
fn digest(chain: &Path, key: &Path) -> Result<[u8; 32], DialError> {
    let mut both = digest::Context::new(&SHA256);
    for path in [chain, key] {
        let text = pem::again(path)?;
        both.update(&(text.len() as u64).to_be_bytes());
        both.update(&text);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(both.finish().as_ref());
    Ok(digest)
}

fn judge(error: &io::Error) -> AcceptError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => AcceptError::Alert { alert: *alert },
        Some(problem) => AcceptError::Tls { problem: problem.clone() },
        None => AcceptError::Gone,
    }
}

/// The byte stream of a client that speaks TLS with us.
#[derive(Debug)]
pub struct AcceptedTls(Box<TlsStream<Metered<TcpStream>>>);

impl AcceptedTls {
    /// What it lies on. Nothing may be read from it or written to it.
    pub fn tcp(&self) -> &TcpStream {
        self.0.get_ref().0.get_ref()
    }

    /// Whether bytes have moved below since this was asked last: parts of a record too, of which nothing is seen above.
    pub fn take_moved(&self) -> bool {
        self.0.get_ref().0.take_moved()
    }
}

impl AsyncRead for AcceptedTls {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for AcceptedTls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
