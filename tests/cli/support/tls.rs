//! Certificates that no platform trusts, and servers that show them.

use std::io::Write as _;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;

/// A server's TLS for `localhost` and 127.0.0.1, and a file with its certificate.
pub fn identity() -> (Arc<ServerConfig>, NamedTempFile) {
    let key = KeyPair::generate().unwrap();
    let certificate = named(&["localhost", "127.0.0.1"]).self_signed(&key).unwrap();
    let file = file(&certificate.pem());
    (config(certificate, &key, None, false), file)
}

/// An authority of our own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its certificate.
    pub file: NamedTempFile,
}

/// What is unusual about a server.
#[derive(Default)]
pub struct Unusual<'a> {
    /// It speaks TLS 1.2 only.
    pub tls12: bool,
    /// It wants to see a certificate of this authority.
    pub clients: Option<&'a Authority>,
}

impl Authority {
    /// A new one; all of them have the same name.
    pub fn new() -> Self {
        Self::called("laboratory")
    }

    /// A new one with a name.
    pub fn called(name: &str) -> Self {
        let mut params = named(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = file(&issuer.pem());
        Self { issuer, file }
    }

    /// A server with a certificate.
    pub fn server(&self, params: CertificateParams, unusual: &Unusual<'_>) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        config(certificate, &key, unusual.clients, unusual.tls12)
    }

    /// A client's certificate and its key, in PEM.
    pub fn client(&self) -> (String, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (named(&["client"]).signed_by(&key, &self.issuer).unwrap().pem(), key)
    }
}

/// A certificate for these names.
pub fn named(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// A certificate for these names, by nobody else, and its key, in PEM.
pub fn pair(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (named(names).self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// A file that holds this.
pub fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// A server that shows this certificate.
pub fn config(
    certificate: rcgen::Certificate,
    key: &KeyPair,
    clients: Option<&Authority>,
    tls12: bool,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = if tls12 { vec![&TLS12] } else { vec![&TLS12, &TLS13] };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    Arc::new(builder.with_single_cert(vec![certificate.into()], key).unwrap())
}
