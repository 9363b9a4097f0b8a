//! TLS for `wss`: whom to trust, and what a failed TLS handshake means.
//!
//! The platform's verifier decides, with the roots of `--ca-cert` added. It is built at the first secure dial, since
//! reading the platform's roots takes longer than everything else `wps` does before it connects, and then kept.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, ProtocolVersion, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::trace;

use super::certificate::Certificate;
use super::error::{CertificateProblem, DialError, reason_of};
use super::trail::Facts;

/// What was configured about TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// A PEM file whose certificates are trusted beside the platform's.
    pub ca_cert: Option<PathBuf>,
    /// PEM files with a certificate chain and its private key, for servers that ask who is calling.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Accept every certificate. The connection is encrypted, but with whom is not known.
    pub insecure: bool,
}

/// The settings, and what was built from them. Cheap to clone; clones share what was built.
#[derive(Clone, Default)]
pub struct Tls {
    settings: TlsSettings,
    built: Arc<OnceLock<Built>>,
}

#[derive(Clone)]
struct Built {
    config: Arc<ClientConfig>,
    /// The last certificate that was checked, to be told when it was not accepted. Dials do not overlap.
    shown: Shown,
}

type Shown = Arc<Mutex<Option<CertificateDer<'static>>>>;

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.settings).finish()
    }
}

impl Tls {
    /// Reads nothing yet.
    pub fn new(settings: TlsSettings) -> Self {
        Self { settings, built: Arc::default() }
    }

    /// Speaks TLS over `stream`, expecting the certificate of `host` (without brackets).
    pub(super) async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| DialError::BadTarget { part: "host" })?;
        let Built { config, shown } = self.built()?;
        *shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| explain(host, &error))?;
        let (_, session) = stream.get_ref();
        trace!("TLS with {:?}, {:?}", session.protocol_version(), session.negotiated_cipher_suite());
        Ok(stream)
    }

    /// What is known of a connection.
    pub(super) fn facts<S>(&self, stream: &TlsStream<S>) -> Facts {
        let (_, session) = stream.get_ref();
        Facts::Tls {
            version: session.protocol_version().map(version_name),
            cipher: session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())),
            certificate: session.peer_certificates().and_then(<[_]>::first).and_then(Certificate::read),
            verified: !self.settings.insecure,
        }
    }

    /// What is known of a connection that did not come about: the certificate, if it was shown.
    pub(super) fn facts_of_failure(&self) -> Option<Facts> {
        let shown = self.built.get()?.shown.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let certificate = Some(Certificate::read(&shown)?);
        Some(Facts::Tls { version: None, cipher: None, certificate, verified: !self.settings.insecure })
    }

    fn built(&self) -> Result<Built, DialError> {
        if let Some(built) = self.built.get() {
            return Ok(built.clone());
        }
        let built = build(&self.settings)?;
        Ok(self.built.get_or_init(|| built).clone())
    }
}

/// `TLSv1_3` as people write it.
fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

fn build(settings: &TlsSettings) -> Result<Built, DialError> {
    let setup = |error: rustls::Error| DialError::TlsSetup { problem: error.to_string() };
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.ca_cert {
        _ if settings.insecure => Arc::new(AcceptAll(Arc::clone(&provider))),
        None => Arc::new(Verifier::new(Arc::clone(&provider)).map_err(setup)?),
        Some(path) => {
            let roots = read_certificates(path)?;
            // Only a root that does not parse can make this fail where the platform's roots alone would not.
            Arc::new(
                Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
                    .map_err(|error| pem_file(path, format!("a certificate in it is malformed ({error})")))?,
            )
        }
    };
    let shown = Shown::default();
    let verifier = Arc::new(Watching { verifier, shown: Arc::clone(&shown) });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.client_cert {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(read_certificates(chain)?, read_key(key)?)
            .map_err(|error| pem_file(key, format!("it does not fit `{}` ({error})", chain.display())))?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Built { config: Arc::new(config), shown })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(pem_file(path, "there is no certificate in it")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(pem_file(path, pem_problem(&error, "certificate"))),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, DialError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem_file(path, pem_problem(&error, "private key")))
}

fn pem_file(path: &Path, problem: impl Into<String>) -> DialError {
    DialError::PemFile { path: path.to_owned(), problem: problem.into() }
}

/// In our own words: those of the library quote the lines, and a line may be part of a key.
fn pem_problem(error: &pem::Error, wanted: &str) -> String {
    match error {
        pem::Error::Io(error) => reason_of(error),
        pem::Error::NoItemsFound => format!("there is no {wanted} in it"),
        _ => "it is not well-formed PEM".to_owned(),
    }
}

/// Tells problems with the certificate from other failures of the handshake.
fn explain(host: &str, error: &io::Error) -> DialError {
    let host = host.to_owned();
    let problem = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            return DialError::Certificate { host, problem: certificate_problem(error) };
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            let problem = CertificateProblem::Other("the server has none".to_owned());
            return DialError::Certificate { host, problem };
        }
        Some(rustls::Error::InvalidMessage(_)) => "the server does not speak TLS".to_owned(),
        Some(rustls::Error::AlertReceived(alert)) => format!("the server ended it with the alert {alert:?}"),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        None => reason_of(error),
    };
    DialError::Tls { host, problem }
}

fn certificate_problem(error: &CertificateError) -> CertificateProblem {
    let at = |time: &UnixTime| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs()));
    match error {
        // A bad signature: the trusted issuer has the same name but another key, say because it was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateProblem::UnknownIssuer,
        CertificateError::Expired => CertificateProblem::Expired { since: None },
        CertificateError::ExpiredContext { not_after, .. } => CertificateProblem::Expired { since: at(not_after) },
        CertificateError::NotValidYet => CertificateProblem::NotYetValid { from: None },
        CertificateError::NotValidYetContext { not_before, .. } => {
            CertificateProblem::NotYetValid { from: at(not_before) }
        }
        CertificateError::NotValidForName => CertificateProblem::WrongName { presented: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            // `DnsName("example.com")`: the verifier hands over what it would print for debugging.
            let name = |name: &String| match (name.find('('), name.rfind(')')) {
                (Some(open), Some(close)) if open < close => name[open + 1..close].trim_matches('"').to_owned(),
                _ => name.clone(),
            };
            CertificateProblem::WrongName { presented: presented.iter().map(name).collect() }
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => CertificateProblem::IsAuthority,
        other => CertificateProblem::Other(other.to_string()),
    }
}

/// A verifier that keeps what it was shown.
#[derive(Debug)]
struct Watching {
    verifier: Arc<dyn ServerCertVerifier>,
    shown: Shown,
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// `--insecure`. Signatures are still checked: the other end holds the key of the certificate it shows, whosever that
/// is.
#[derive(Debug)]
struct AcceptAll(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
