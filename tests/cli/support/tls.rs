//! Certificates that no platform trusts, and the servers that show them.

use std::io::Write as _;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;

/// A server's TLS, and a file with its certificate, which is for `localhost` and 127.0.0.1.
pub fn identity() -> (Arc<ServerConfig>, NamedTempFile) {
    make(&["localhost", "127.0.0.1"], 4096, &[&TLS13, &TLS12])
}

/// One whose certificate expired at the beginning of 2020.
pub fn expired() -> (Arc<ServerConfig>, NamedTempFile) {
    make(&["localhost", "127.0.0.1"], 2020, &[&TLS13, &TLS12])
}

/// One whose certificate is for another name.
pub fn for_name(name: &str) -> (Arc<ServerConfig>, NamedTempFile) {
    make(&[name], 4096, &[&TLS13, &TLS12])
}

/// One that speaks TLS 1.2 only.
pub fn old() -> (Arc<ServerConfig>, NamedTempFile) {
    make(&["localhost", "127.0.0.1"], 4096, &[&TLS12])
}

fn make(
    names: &[&str],
    until: i32,
    versions: &[&'static SupportedProtocolVersion],
) -> (Arc<ServerConfig>, NamedTempFile) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
    let certificate = params.self_signed(&key).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(certificate.pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    (Arc::new(config), file)
}
