//! TLS for `wss`: whom to trust, and what a failed TLS handshake means.
//!
//! The platform's verifier decides, with the roots of `--ca-cert` added. It is built at the first secure dial, since
//! reading the platform's roots takes longer than everything else `wps` does before it connects, and then kept.

mod accept;
mod named;
mod watch;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, CipherSuite, ClientConfig, ProtocolVersion, RootCertStore};
use rustls_pki_types::{ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::trace;

use super::certificate::Certificate;
use super::error::{CertificateProblem, DialError, reason_of};
use super::pem::{self, PemProblem};
use super::trail::Facts;
pub use accept::{AcceptError, AcceptedTls, ReloadResult, ServerTls};
use named::NamedVerifier;
use watch::{AcceptAll, ClientIdentity, Handshake, SeenHandshake, WatchingVerifier};

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
    built: Arc<OnceLock<BuiltConfig>>,
}

#[derive(Clone)]
struct BuiltConfig {
    config: Arc<ClientConfig>,
    /// Of the last handshake; dials do not overlap.
    seen: SeenHandshake,
}

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

    /// The files that are read before the first handshake.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let TlsSettings { ca_cert, client_cert, .. } = &self.settings;
        let mut files: Vec<PathBuf> = ca_cert.iter().cloned().collect();
        if let Some((chain, key)) = client_cert {
            files.extend([chain.clone(), key.clone()]);
        }
        files.dedup();
        files
    }

    /// For whoever brings an HTTP client: what it is to use. Reads the files, unless that was done before.
    pub async fn client_config(&self) -> Result<ClientConfig, DialError> {
        Ok(ClientConfig::clone(&*self.built().await?.config))
    }

    /// Reads the files, unless that was done before.
    pub(super) async fn prepare(&self) -> Result<(), DialError> {
        self.built().await.map(drop)
    }

    /// Speaks TLS over `stream`, expecting the certificate of `host` (without brackets).
    pub(super) async fn connect<S>(&self, host: &str, stream: S) -> Result<TlsStream<S>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| DialError::BadTarget { part: "host" })?;
        let BuiltConfig { config, seen } = self.built().await?;
        *seen.lock() = Handshake::default();
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
            cipher: session.negotiated_cipher_suite().map(|suite| cipher_name(suite.suite())),
            certificate: session.peer_certificates().and_then(<[_]>::first).and_then(Certificate::read),
            verified: !self.settings.insecure,
        }
    }

    /// What is known of a connection that did not come about: the certificate, if it was shown.
    pub(super) fn facts_of_failure(&self) -> Option<Facts> {
        let shown = self.built.get()?.seen.lock().shown.take()?;
        let certificate = Some(Certificate::read(&shown)?);
        Some(Facts::Tls { version: None, cipher: None, certificate, verified: !self.settings.insecure })
    }

    /// What was made of the last certificate that a server showed, for whoever brings an HTTP client, whose errors do not
    /// say it in words. `None`: no server has shown one.
    pub fn verdict(&self) -> Option<Result<(), CertificateProblem>> {
        let verdict = self.built.get()?.seen.lock().verdict.clone()?;
        Some(verdict.map_err(|error| match error {
            rustls::Error::InvalidCertificate(error) => (&error).into(),
            other => CertificateProblem::Other(other.to_string()),
        }))
    }

    /// A failure of TLS in other words, where it came after the server had asked who is calling.
    pub(super) fn judge(&self, error: DialError) -> DialError {
        let asked = self.built.get().is_some_and(|built| built.seen.lock().asked);
        match error {
            DialError::Tls { host, alert: Some(alert), .. } if asked => {
                DialError::ClientCertificate { host, given: self.settings.client_cert.is_some(), alert }
            }
            other => other,
        }
    }

    /// Reads the files beside the runtime: one that is a pipe, or far away, may take for ever.
    async fn built(&self) -> Result<BuiltConfig, DialError> {
        if let Some(built) = self.built.get() {
            return Ok(built.clone());
        }
        let settings = self.settings.clone();
        let built = spawn_blocking(move || build(&settings)).await;
        let built = built.map_err(|error| DialError::TlsSetup { problem: error.to_string() })??;
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

/// The registered name of a cipher suite; those of TLS 1.3 have another in the library.
fn cipher_name(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name,
    }
}

fn build(settings: &TlsSettings) -> Result<BuiltConfig, DialError> {
    let setup = |error: rustls::Error| DialError::TlsSetup { problem: error.to_string() };
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(settings, &provider)?;
    let seen = SeenHandshake::default();
    let verifier = Arc::new(WatchingVerifier { verifier, seen: seen.clone() });
    let certificate = settings.client_cert.as_ref().map(|(chain, key)| identity(chain, key, &provider)).transpose()?;
    let identity = Arc::new(ClientIdentity { certificate, seen: seen.clone() });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = builder.with_client_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(BuiltConfig { config: Arc::new(config), seen })
}

/// Our certificate and its key.
fn identity(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, DialError> {
    let certificates = pem::certificates(chain)?;
    let certified = CertifiedKey::from_der(certificates, pem::key(key)?, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            pem::problem(key, PemProblem::KeyMismatch { certificate: chain.to_owned() })
        }
        rustls::Error::InvalidCertificate(_) => pem::problem(chain, PemProblem::BadCertificate),
        _ => pem::problem(key, PemProblem::BadKey),
    })?;
    Ok(Arc::new(certified))
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
        return Ok(Arc::new(AcceptAll(provider)));
    }
    let certificates = roots.clone();
    let verifier: Arc<dyn ServerCertVerifier> = if settings.only_ca_cert {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root).map_err(|_| bad())?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
        builder.build().map_err(|error| DialError::TlsSetup { problem: error.to_string() })?
    } else {
        // Only a root that does not parse can make this fail where the platform's roots alone would not.
        Arc::new(Verifier::new_with_extra_roots(roots, provider).map_err(|_| bad())?)
    };
    Ok(Arc::new(NamedVerifier { verifier, certificates }))
}

/// Tells problems with the certificate from other failures of the handshake.
fn explain(host: &str, error: &io::Error) -> DialError {
    let host = host.to_owned();
    let problem = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            return DialError::Certificate { host, problem: error.into() };
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            let problem = CertificateProblem::Other("the server has none".to_owned());
            return DialError::Certificate { host, problem };
        }
        Some(rustls::Error::InvalidMessage(_)) => "the server does not speak TLS".to_owned(),
        Some(rustls::Error::AlertReceived(alert)) => return alerted(host, *alert),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        None => reason_of(error),
    };
    DialError::Tls { host, problem, alert: None }
}

/// The other end ended the TLS with an alert, perhaps after the handshake (RFC 8446 §6.2).
pub(super) fn alerted(host: String, alert: AlertDescription) -> DialError {
    let alert = alert_name(alert);
    DialError::Tls { host, problem: format!("the server ended it with the alert {alert}"), alert: Some(alert) }
}

/// The name that the RFC has for an alert, and other programs show: `handshake_failure`.
fn alert_name(alert: AlertDescription) -> String {
    if let AlertDescription::Unknown(number) = alert {
        return format!("number {number}");
    }
    let name = format!("{alert:?}");
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let after_small = index > 0 && letters[index - 1].is_ascii_lowercase();
        let before_small = index > 0 && letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (after_small || before_small) {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

impl From<&CertificateError> for CertificateProblem {
    fn from(error: &CertificateError) -> Self {
        let at = |time: &UnixTime| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs()));
        match error {
            // A bad signature: the trusted issuer has the same name but another key, say because it was made anew.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired => Self::Expired { since: None },
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired { since: at(not_after) },
            CertificateError::NotValidYet => Self::NotYetValid { from: None },
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid { from: at(not_before) },
            CertificateError::NotValidForName => Self::WrongName { presented: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => {
                // `DnsName("example.com")`: the verifier hands over what it would print for debugging.
                let name = |name: &String| match (name.find('('), name.rfind(')')) {
                    (Some(open), Some(close)) if open < close => name[open + 1..close].trim_matches('"').to_owned(),
                    _ => name.clone(),
                };
                Self::WrongName { presented: presented.iter().map(name).collect() }
            }
            CertificateError::Revoked => Self::Revoked,
            CertificateError::Other(other)
                if matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
            {
                Self::IsAuthority
            }
            other => Self::Other(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_and_ciphers_have_their_registered_names() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(alert_name(AlertDescription::UnknownPSKIdentity), "unknown_psk_identity");
        assert_eq!(alert_name(AlertDescription::CertificateRequired), "certificate_required");
        assert_eq!(alert_name(AlertDescription::Unknown(200)), "number 200");
        assert_eq!(cipher_name(CipherSuite::TLS13_AES_256_GCM_SHA384), "TLS_AES_256_GCM_SHA384");
    }
}
