//! TLS for `wss`: whom to trust, and what a failed TLS handshake means.
//!
//! The platform's verifier decides, with the roots of `--ca-cert` added. It is built at the first secure dial, since
//! reading the platform's roots takes longer than everything else `wps` does before it connects, and then kept.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::trace;

use super::certificate::Certificate;
use super::error::{CertificateProblem, DialError, reason_of};
use super::pem::{self, PemProblem};
use super::trail::Facts;

/// What was configured about TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// A PEM file whose certificates are trusted beside the platform's.
    pub ca_cert: Option<PathBuf>,
    /// Trust them alone, and not the platform's.
    pub only_ca_cert: bool,
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

    /// Whether servers are shown a certificate when they ask for one.
    pub(super) fn has_client_certificate(&self) -> bool {
        self.settings.client_cert.is_some()
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
    let verifier = verifier(settings, &provider)?;
    let shown = Shown::default();
    let verifier = Arc::new(Watching { verifier, shown: Arc::clone(&shown) });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.client_cert {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let certificates = pem::certificates(chain)?;
            builder.with_client_auth_cert(certificates, pem::key(key)?).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    pem::problem(key, PemProblem::KeyMismatch { certificate: chain.clone() })
                }
                rustls::Error::InvalidCertificate(_) => pem::problem(chain, PemProblem::BadCertificate),
                _ => pem::problem(key, PemProblem::BadKey),
            })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Built { config: Arc::new(config), shown })
}

/// Who decides about the server's certificate.
fn verifier(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, DialError> {
    let provider = Arc::clone(provider);
    let Some(path) = &settings.ca_cert else {
        return if settings.insecure {
            Ok(Arc::new(AcceptAll(provider)))
        } else {
            let setup = |error: rustls::Error| DialError::TlsSetup { problem: error.to_string() };
            Ok(Arc::new(Verifier::new(provider).map_err(setup)?))
        };
    };
    let roots = pem::certificates(path)?;
    let bad = || pem::problem(path, PemProblem::BadCertificate);
    if settings.insecure {
        Ok(Arc::new(AcceptAll(provider)))
    } else if settings.only_ca_cert {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root).map_err(|_| bad())?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
        Ok(builder.build().map_err(|error| DialError::TlsSetup { problem: error.to_string() })?)
    } else {
        // Only a root that does not parse can make this fail where the platform's roots alone would not.
        Ok(Arc::new(Verifier::new_with_extra_roots(roots, provider).map_err(|_| bad())?))
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
        Some(rustls::Error::AlertReceived(alert)) if is_about_the_client(*alert) => {
            return client_certificate(host, *alert);
        }
        Some(rustls::Error::AlertReceived(alert)) => format!("the server ended it with the alert {alert:?}"),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        None => reason_of(error),
    };
    DialError::Tls { host, problem }
}

/// The alerts by which a server says that it does not like who is calling (RFC 8446 §6.2).
pub(super) fn is_about_the_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

/// What such an alert means; whether a certificate was shown, the dial knows.
pub(super) fn client_certificate(host: String, alert: AlertDescription) -> DialError {
    DialError::ClientCertificate { host, given: false, alert: format!("{alert:?}") }
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
