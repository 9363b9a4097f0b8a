//! What is seen of a TLS handshake from within: the certificate that the server shows, and whether it asks for ours.
//!
//! Of a handshake that fails, the library tells neither.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What was seen of the last handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenHandshake(Arc<Mutex<Handshake>>);

#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// The server's certificate.
    pub(super) shown: Option<CertificateDer<'static>>,
    /// What was made of it.
    pub(super) verdict: Option<Result<(), rustls::Error>>,
    /// The server asked for a certificate of ours.
    pub(super) asked: bool,
}

impl SeenHandshake {
    pub(super) fn lock(&self) -> MutexGuard<'_, Handshake> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Our certificate, if there is one.
#[derive(Debug)]
pub(super) struct ClientIdentity {
    pub(super) certificate: Option<Arc<CertifiedKey>>,
    pub(super) seen: SeenHandshake,
}

impl ResolvesClientCert for ClientIdentity {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen.lock().asked = true;
        self.certificate.clone()
    }

    /// Otherwise nobody would ask.
    fn has_certs(&self) -> bool {
        true
    }
}

/// A verifier that keeps what it was shown.
#[derive(Debug)]
pub(super) struct WatchingVerifier {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) seen: SeenHandshake,
}

impl ServerCertVerifier for WatchingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.seen.lock().shown = Some(end_entity.clone().into_owned());
        let verdict = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.seen.lock().verdict = Some(verdict.as_ref().map(drop).map_err(Clone::clone));
        verdict
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
pub(super) struct AcceptAll(pub(super) Arc<CryptoProvider>);

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
