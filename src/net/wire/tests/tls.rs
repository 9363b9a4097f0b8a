//! Dialling over TLS, with certificates made on the spot.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{accepting, listener, read_head, target, told, within};
use crate::wire::dial::Override;
use crate::wire::{
    CertificateProblem, DialError, DialOptions, DialProgress, Facts, Link, Proxies, Proxy, ProxyScheme, StepKind,
    Stream, Tls, TlsSettings, dial,
};

const HOST: &str = "service.example";

/// A certificate and its key.
struct TestCertificate {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl TestCertificate {
    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate: certificate.into(), key }
    }

    fn signed(params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        Self { pem: certificate.pem(), certificate: certificate.into(), key }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn trusting(path: &Path) -> TlsSettings {
    TlsSettings { ca_cert: Some(path.to_owned()), ..TlsSettings::default() }
}

fn insecure() -> TlsSettings {
    TlsSettings { insecure: true, ..TlsSettings::default() }
}

/// Dials a server with this identity, which wants its clients known by these roots, if any.
async fn dial_to(
    server: &TestCertificate,
    clients: Option<RootCertStore>,
    settings: TlsSettings,
) -> Result<Link<Stream>, DialError> {
    watch_dial_to(server, clients, settings, &DialProgress::default()).await
}

async fn watch_dial_to(
    server: &TestCertificate,
    clients: Option<RootCertStore>,
    settings: TlsSettings,
    progress: &DialProgress,
) -> Result<Link<Stream>, DialError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        ),
    };
    let mut config = builder.with_single_cert(vec![server.certificate.clone()], server.key()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (listener, port) = listener().await;
    let server = async move {
        let (stream, _) = listener.accept().await.unwrap();
        // The client may well not like what it sees.
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return };
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let options = DialOptions {
        tls: Tls::new(settings),
        resolve: vec![Override { host: HOST.to_owned(), port, address }],
        ..DialOptions::default()
    };
    let target = target(HOST, port, true);
    within(async { tokio::join!(dial(&target, &options, progress), server).0 }).await
}

fn problem(result: Result<Link<Stream>, DialError>) -> CertificateProblem {
    let error = result.expect_err("the certificate is not acceptable");
    told(&error);
    match error {
        DialError::Certificate { host, problem } if host == HOST => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_only_when_it_is_trusted() {
    let server = TestCertificate::self_signed(named(HOST));
    let other = file(&TestCertificate::self_signed(named(HOST)).pem);
    let own = file(&server.pem);
    assert_eq!(problem(dial_to(&server, None, trusting(other.path())).await), CertificateProblem::UnknownIssuer);
    dial_to(&server, None, trusting(own.path())).await.unwrap();
    dial_to(&server, None, insecure()).await.unwrap();
}

#[tokio::test]
async fn the_platform_does_not_vouch_for_a_certificate_made_on_the_spot() {
    let server = TestCertificate::self_signed(named(HOST));
    match dial_to(&server, None, TlsSettings::default()).await.expect_err("nobody trusts it") {
        DialError::Certificate { problem, .. } => assert_eq!(problem, CertificateProblem::UnknownIssuer),
        // A machine without roots.
        error => assert!(matches!(error, DialError::TlsSetup { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn an_authority_of_the_file_vouches_for_servers() {
    let authority = authority();
    let server = TestCertificate::signed(named(HOST), &authority);
    // Any of several certificates in the file will do.
    let roots = file(&format!("{}{}", TestCertificate::self_signed(named("other")).pem, authority.pem()));
    dial_to(&server, None, trusting(roots.path())).await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_from_an_expired_one() {
    let server = TestCertificate::self_signed(named("other.example"));
    let roots = file(&server.pem);
    let presented = vec!["other.example".to_owned()];
    let found = problem(dial_to(&server, None, trusting(roots.path())).await);
    assert_eq!(found, CertificateProblem::WrongName { presented });
    assert_eq!(found.to_string(), "it is for `other.example`");

    let mut params = named(HOST);
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let server = TestCertificate::self_signed(params);
    let roots = file(&server.pem);
    let found = problem(dial_to(&server, None, trusting(roots.path())).await);
    assert_eq!(found.to_string(), "it expired at 2001-02-03T00:00:00Z");
    dial_to(&server, None, insecure()).await.unwrap();

    let mut params = named(HOST);
    params.not_before = date_time_ymd(4000, 1, 1);
    let server = TestCertificate::self_signed(params);
    let roots = file(&server.pem);
    let found = problem(dial_to(&server, None, trusting(roots.path())).await);
    assert_eq!(found.to_string(), "it is valid only from 4000-01-01T00:00:00Z on");
}

/// Takes a connection over TLS, reads a request's head and gives the answer made from it.
async fn answer_over_tls<S>(
    identity: &TestCertificate,
    stream: S,
    answer: impl FnOnce(&str) -> String,
) -> (String, TlsStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key())
        .unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
    let head = read_head(&mut stream).await;
    stream.write_all(answer(&head).as_bytes()).await.unwrap();
    (head, stream)
}

#[tokio::test]
async fn a_proxy_may_be_spoken_to_in_tls_around_that_of_the_server() {
    let authority = authority();
    let proxy = TestCertificate::signed(named("localhost"), &authority);
    let server = TestCertificate::signed(named(HOST), &authority);
    let roots = file(&authority.pem());
    let (listener, port) = listener().await;
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let agree = |_: &str| "HTTP/1.1 200 OK\r\n\r\n".to_owned();
        let (asked, tunnel) = answer_over_tls(&proxy, stream, agree).await;
        assert!(asked.starts_with("CONNECT service.example:443 HTTP/1.1\r\n"), "{asked}");
        answer_over_tls(&server, tunnel, accepting).await
    };
    let from = "--proxy".to_owned();
    let proxy = Proxy { scheme: ProxyScheme::Https, host: "localhost".to_owned(), port, credentials: None, from };
    let proxies = Proxies { secure: Some(proxy), ..Proxies::default() };
    let resolve = vec![Override { host: "localhost".to_owned(), port, address: IpAddr::V4(Ipv4Addr::LOCALHOST) }];
    let options = DialOptions { tls: Tls::new(trusting(roots.path())), resolve, proxies, ..DialOptions::default() };
    let (target, progress) = (target(HOST, 443, true), DialProgress::default());
    let (link, _) = within(async { tokio::join!(dial(&target, &options, &progress), serve) }).await;
    link.unwrap();
}

#[tokio::test]
async fn the_trail_has_the_servers_certificate_accepted_or_not() {
    let server = TestCertificate::self_signed(named("other.example"));
    let roots = file(&server.pem);
    for (settings, accepted, checked) in [(trusting(roots.path()), false, true), (insecure(), true, false)] {
        let progress = DialProgress::default();
        let result = watch_dial_to(&server, None, settings, &progress).await;
        assert_eq!(result.is_ok(), accepted);
        let steps = progress.steps();
        let step = steps.iter().find(|step| step.kind == StepKind::Tls).unwrap();
        let Some(Facts::Tls { version, certificate: Some(certificate), verified, .. }) = &step.facts else {
            panic!("{step:?}");
        };
        assert_eq!((certificate.names.as_slice(), *verified), (&["other.example".to_owned()][..], checked));
        assert_eq!(version.as_deref(), accepted.then_some("TLS 1.3"));
        assert_eq!(step.detail().contains("is for `other.example`"), !accepted, "{}", step.detail());
    }
}

/// As `openssl req -x509` makes one when nothing is said.
fn authority_of_itself(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[tokio::test]
async fn a_certificate_that_is_named_itself_is_accepted_while_its_names_and_its_time_are_right() {
    let only = |path: &Path| TlsSettings { only_ca_cert: true, ..trusting(path) };
    let tried = async |params: CertificateParams| {
        let server = TestCertificate::self_signed(params);
        let itself = file(&server.pem);
        let other = file(&TestCertificate::self_signed(authority_of_itself(HOST)).pem);
        // The same names and another key.
        for settings in [trusting(other.path()), only(other.path())] {
            dial_to(&server, None, settings).await.expect_err("it is another certificate");
        }
        let [one, two] = [trusting(itself.path()), only(itself.path())];
        [dial_to(&server, None, one).await, dial_to(&server, None, two).await]
    };
    for result in tried(authority_of_itself(HOST)).await {
        result.unwrap();
    }
    for result in tried(authority_of_itself("other.example")).await {
        let presented = vec!["other.example".to_owned()];
        assert_eq!(problem(result), CertificateProblem::WrongName { presented });
    }
    let mut past = authority_of_itself(HOST);
    (past.not_before, past.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
    for result in tried(past).await {
        let problem = problem(result);
        assert!(matches!(problem, CertificateProblem::Expired { .. }), "{problem}");
    }
    let mut future = authority_of_itself(HOST);
    (future.not_before, future.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    for result in tried(future).await {
        let problem = problem(result);
        assert!(matches!(problem, CertificateProblem::NotYetValid { .. }), "{problem}");
    }
    // Not self-signed: an authority that nobody named issued it, and it is the one that was named.
    let server = TestCertificate::signed(named(HOST), &authority());
    let itself = file(&server.pem);
    dial_to(&server, None, trusting(itself.path())).await.unwrap();
}

#[tokio::test]
async fn an_authoritys_own_certificate_is_not_a_servers() {
    let authority = authority();
    let params = authority_of_itself(HOST);
    let server = TestCertificate::signed(params, &authority);
    let roots = file(&authority.pem());
    assert_eq!(problem(dial_to(&server, None, trusting(roots.path())).await), CertificateProblem::IsAuthority);
}

#[tokio::test]
async fn a_server_that_asks_who_is_calling_is_shown_the_client_certificate() {
    let authority = authority();
    let server = TestCertificate::signed(named(HOST), &authority);
    let client = TestCertificate::signed(named("me"), &authority);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let (ca, chain, key) = (file(&authority.pem()), file(&client.pem), file(&client.key.serialize_pem()));
    let client_cert = Some((chain.path().to_owned(), key.path().to_owned()));
    let settings = TlsSettings { client_cert, ..trusting(ca.path()) };
    dial_to(&server, Some(roots.clone()), settings).await.unwrap();
    let error = dial_to(&server, Some(roots), trusting(ca.path())).await.expect_err("a stranger");
    // With TLS 1.3 the client learns of it only when it reads the answer.
    assert_eq!(told(&error), "`service.example` wants a client certificate (alert certificate_required)");

    // One that the server does not know the issuer of.
    let client = TestCertificate::self_signed(named("me"));
    let (chain, key) = (file(&client.pem), file(&client.key.serialize_pem()));
    let client_cert = Some((chain.path().to_owned(), key.path().to_owned()));
    let settings = TlsSettings { client_cert, ..trusting(ca.path()) };
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let error = dial_to(&server, Some(roots), settings).await.expect_err("a stranger with a paper");
    let words = told(&error);
    assert!(words.starts_with("`service.example` did not accept the client certificate (alert "), "{words}");
}

#[tokio::test]
async fn a_client_certificate_may_bring_its_key_in_the_same_file() {
    let server = TestCertificate::self_signed(named(HOST));
    let client = TestCertificate::self_signed(named("me"));
    for pem in [
        format!("{}{}", client.pem, client.key.serialize_pem()),
        format!("{}{}", client.key.serialize_pem(), client.pem),
    ] {
        let both = file(&pem);
        let client_cert = Some((both.path().to_owned(), both.path().to_owned()));
        dial_to(&server, None, TlsSettings { client_cert, ..insecure() }).await.unwrap();
    }
}

#[tokio::test]
async fn the_files_roots_may_replace_the_platforms() {
    let authority = authority();
    let server = TestCertificate::signed(named(HOST), &authority);
    let (own, other) = (file(&authority.pem()), file(&TestCertificate::self_signed(named("other")).pem));
    let only = |path: &Path| TlsSettings { only_ca_cert: true, ..trusting(path) };
    dial_to(&server, None, only(own.path())).await.unwrap();
    assert_eq!(problem(dial_to(&server, None, only(other.path())).await), CertificateProblem::UnknownIssuer);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_configuration_errors() {
    let server = TestCertificate::self_signed(named(HOST));
    let (good, key) = (file(&server.pem), file(&server.key.serialize_pem()));
    let stranger = file(&KeyPair::generate().unwrap().serialize_pem());
    let broken = file("-----BEGIN CERTIFICATE-----\nsecret!\n-----END CERTIFICATE-----\n");
    let nonsense = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let empty = file("");
    let pkcs8 = file("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBX\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let traditional = file(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,3A\n\nMIIBvTBX\n\
         -----END RSA PRIVATE KEY-----\n",
    );
    let broken_key = file("-----BEGIN PRIVATE KEY-----\nsecret!\n-----END PRIVATE KEY-----\n");
    let no_key = file("-----BEGIN PRIVATE KEY-----\nMIIBvTBX\n-----END PRIVATE KEY-----\n");
    let der = file("0\u{1}\u{2}");
    let client =
        |chain: &Path, key: &Path| TlsSettings { client_cert: Some((chain.to_owned(), key.to_owned())), ..insecure() };
    for (settings, expected) in [
        (
            trusting(Path::new("/nonexistent/ca.pem")),
            "could not use `/nonexistent/ca.pem` for TLS: there is no such file",
        ),
        (trusting(empty.path()), "there is no certificate in it"),
        (trusting(broken.path()), "it is not well-formed PEM"),
        (trusting(nonsense.path()), "a certificate in it is malformed"),
        (client(key.path(), key.path()), "there is no certificate in it"),
        (client(good.path(), good.path()), "there is no private key in it"),
        (client(good.path(), stranger.path()), "the private key in it does not belong to the certificate in `"),
        (client(good.path(), pkcs8.path()), "the private key in it is encrypted"),
        (client(good.path(), traditional.path()), "the private key in it is encrypted"),
        (client(good.path(), broken_key.path()), "it is not well-formed PEM"),
        (client(good.path(), no_key.path()), "the private key in it is malformed or of an unknown kind"),
        (client(good.path(), der.path()), "it is not a PEM file"),
        (client(der.path(), key.path()), "it is not a PEM file"),
    ] {
        let error = dial_to(&server, None, settings).await.expect_err("the file is bad");
        assert!(
            matches!(error, DialError::BadTarget { .. } | DialError::PemFile { .. } | DialError::TlsSetup { .. }),
            "{error:?}"
        );
        let words = told(&error);
        assert!(words.contains(expected) && !words.contains("secret!"), "{words}");
    }
}

/// Dials a server that does this once it is connected.
async fn dial_raw(secure: bool, answer: &'static [u8]) -> DialError {
    let (listener, port) = listener().await;
    let server = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 5];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await.unwrap();
        stream.write_all(answer).await.unwrap();
        // Otherwise what was not read would reset the connection.
        stream.shutdown().await.unwrap();
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    };
    let options = DialOptions { tls: Tls::new(insecure()), ..DialOptions::default() };
    let (target, progress) = (target("127.0.0.1", port, secure), DialProgress::default());
    let dial = async {
        let result = dial(&target, &options, &progress).await;
        result.expect_err("it does not work")
    };
    within(async { tokio::join!(dial, server).0 }).await
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_hangs_up() {
    let words = told(&dial_raw(true, b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
    assert_eq!(words, "the TLS handshake with `127.0.0.1` failed: the server does not speak TLS");
    let words = told(&dial_raw(true, b"").await);
    assert_eq!(words, "the TLS handshake with `127.0.0.1` failed: the server closed the connection");
    // A fatal alert, "handshake failure".
    let words = told(&dial_raw(true, b"\x15\x03\x03\x00\x02\x02\x28").await);
    assert_eq!(
        words,
        "the TLS handshake with `127.0.0.1` failed: the server ended it with the alert handshake_failure"
    );
    // The other way round: a server with TLS, dialled without.
    let error = dial_raw(false, b"\x15\x03\x03\x00\x02\x02\x16").await;
    assert!(matches!(error, DialError::NotHttp { .. }), "{error:?}");
}
