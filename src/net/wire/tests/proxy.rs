//! Dialling through proxies that the tests play themselves.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{accepting, header, listener, read_head, target, told, within};
use crate::secret::Secret;
use crate::wire::dial::{Lookup, Override, dial_with};
use crate::wire::{
    DialError, DialOptions, DialProgress, Exceptions, Facts, Link, Proxies, Proxy, ProxyProblem, ProxyScheme, StepKind,
    Stream, Target,
};

/// A resolver that knows nobody: behind a proxy, no name is looked up here.
struct NoResolver;

impl Lookup for NoResolver {
    async fn lookup(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        panic!("`{host}` was looked up");
    }
}

fn proxy(scheme: ProxyScheme, port: u16, credentials: Option<(&str, &str)>) -> Proxy {
    let credentials = credentials.map(|(user, password)| (user.to_owned(), Secret::new(password)));
    Proxy { scheme, host: "127.0.0.1".to_owned(), port, credentials, from: "`ALL_PROXY`".to_owned() }
}

/// Dials a name that only the proxy knows, over this proxy, which `server` plays.
async fn through<F: Future>(proxy: Proxy, server: F) -> (DialProgress, Result<Link<Stream>, DialError>, F::Output) {
    through_to(&target("service.example", 80, false), proxy, server).await
}

async fn through_to<F: Future>(
    target: &Target,
    proxy: Proxy,
    server: F,
) -> (DialProgress, Result<Link<Stream>, DialError>, F::Output) {
    let proxies = Proxies { plain: Some(proxy), ..Proxies::default() };
    let (options, progress) = (DialOptions { proxies, ..DialOptions::default() }, DialProgress::default());
    let (link, said) =
        within(async { tokio::join!(dial_with(&NoResolver, target, &options, &progress), server) }).await;
    (progress, link, said)
}

/// An HTTP proxy that answers once, and behind which is a service if the answer says so. Returns what it was asked.
async fn http_proxy(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let asked = read_head(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    if answer.contains(" 200 ") {
        serve(&mut stream).await;
    }
    asked
}

/// The service behind a proxy.
async fn serve(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let head = read_head(stream).await;
    assert_eq!(header(&head, "host"), ["service.example:80"]);
    assert_eq!(header(&head, "proxy-authorization"), [""; 0]);
    stream.write_all(accepting(&head).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_http_proxy_is_asked_by_name_with_credentials() {
    let (listener, port) = listener().await;
    let with = Some(("user", "p:ä ss"));
    for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 Connection established\r\nX-Any: thing\r\n\r\n"] {
        let (progress, link, asked) =
            through(proxy(ProxyScheme::Http, port, with), http_proxy(&listener, answer)).await;
        link.unwrap();
        assert!(asked.starts_with("CONNECT service.example:80 HTTP/1.1\r\n"), "{asked}");
        assert_eq!(header(&asked, "host"), ["service.example:80"]);
        assert_eq!(header(&asked, "proxy-authorization"), ["Basic dXNlcjpwOsOkIHNz"]);
        let steps = progress.steps();
        let kinds: Vec<StepKind> = steps.iter().map(|step| step.kind).collect();
        use StepKind::{Connect, Proxy, Resolve, Tls, Upgrade};
        assert_eq!(kinds, [Resolve, Connect, Proxy, Tls, Upgrade]);
        let tunnel = Facts::Tunnel {
            proxy: format!("http://127.0.0.1:{port}"),
            from: "`ALL_PROXY`".to_owned(),
            target: "service.example:80".to_owned(),
        };
        assert_eq!(steps[2].facts, Some(tunnel));
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_address_that_was_given_for_the_target() {
    let (listener, port) = listener().await;
    let proxies = Proxies { plain: Some(proxy(ProxyScheme::Http, port, None)), ..Proxies::default() };
    let address = "2001:db8::1".parse().unwrap();
    let resolve = vec![Override { host: "service.example".to_owned(), port: 80, address }];
    let (options, progress) = (DialOptions { proxies, resolve, ..DialOptions::default() }, DialProgress::default());
    let target = target("service.example", 80, false);
    let server = http_proxy(&listener, "HTTP/1.1 200 OK\r\n\r\n");
    let (link, asked) =
        within(async { tokio::join!(dial_with(&NoResolver, &target, &options, &progress), server) }).await;
    link.unwrap();
    assert!(asked.starts_with("CONNECT [2001:db8::1]:80 HTTP/1.1\r\n"), "{asked}");
}

/// The error of an HTTP proxy that answers like this.
async fn refused(answer: &str) -> (DialError, String) {
    let (listener, port) = listener().await;
    let (_, link, _) = through(proxy(ProxyScheme::Http, port, None), http_proxy(&listener, answer)).await;
    let error = link.expect_err("the proxy does not let it through");
    let words = told(&error).replace(&port.to_string(), "PORT");
    (error, words)
}

fn is_final(error: &DialError) -> bool {
    let DialError::Proxy(error) = error else { panic!("{error:?}") };
    error.is_final()
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_says_which_kind() {
    let (error, words) = refused(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
         Proxy-Authenticate: NTLM\r\nContent-Length: 7\r\n\r\nsign on",
    )
    .await;
    assert_eq!(words, "the proxy `http://127.0.0.1:PORT` wants credentials: 407 Proxy Authentication Required");
    assert!(is_final(&error));
    assert_eq!(error.answer().unwrap().body, "sign on");
    let DialError::Proxy(error) = error else { unreachable!() };
    let ProxyProblem::Credentials { schemes, given: false, .. } = &error.problem else { panic!("{error:?}") };
    assert_eq!(schemes[..], ["Negotiate", "NTLM"]);
}

#[tokio::test]
async fn what_a_proxy_refuses_for_good_is_told_from_what_may_pass() {
    for (status, last) in [("403 Forbidden", true), ("404 Not Found", true), ("301 Moved", true)] {
        let (error, words) = refused(&format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        let expected = format!("the proxy `http://127.0.0.1:PORT` refused the way to `service.example:80`: {status}");
        assert_eq!((words, is_final(&error)), (expected, last));
    }
    for status in ["502 Bad Gateway", "503 Service Unavailable", "429 Too Many Requests"] {
        let (error, _) = refused(&format!("HTTP/1.1 {status}\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(!is_final(&error));
        assert_eq!(error.answer().unwrap().retry_after.unwrap().as_secs(), 7);
    }
}

#[tokio::test]
async fn a_proxy_that_cuts_or_speaks_something_else_is_recognised() {
    let (_, words) = refused("").await;
    assert_eq!(words, "the proxy `http://127.0.0.1:PORT` closed the connection without an answer");
    let (_, words) = refused("SSH-2.0-OpenSSH_9.9\r\n").await;
    assert!(words.starts_with("the proxy `http://127.0.0.1:PORT` did not answer in HTTP: "), "{words}");
    // Even a proxy that agrees must not speak for the service.
    let (listener, port) = listener().await;
    let answer = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n";
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let (_, link, ()) = through(proxy(ProxyScheme::Http, port, None), server).await;
    let words = told(&link.expect_err("it said too much"));
    assert!(words.ends_with("did not answer in HTTP: more came than the answer"), "{words}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let (listener, port) = listener().await;
    drop(listener);
    let (_, link, ()) = through(proxy(ProxyScheme::Socks5, port, None), async {}).await;
    let words = told(&link.expect_err("nobody is there")).replace(&port.to_string(), "PORT");
    assert_eq!(
        words,
        "could not connect to the proxy `socks5h://127.0.0.1:PORT`: connection refused (`127.0.0.1:PORT`)"
    );
}

/// What a SOCKS proxy sees: the methods offered, user and password, the request.
#[derive(Debug, Default, PartialEq)]
struct SocksRequest {
    methods: Vec<u8>,
    user: String,
    password: String,
    request: Vec<u8>,
}

/// A SOCKS 5 proxy that picks this method and gives this answer; behind it is a service.
async fn socks_proxy(listener: &TcpListener, method: u8, verdict: u8, answer: u8) -> SocksRequest {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut asked = SocksRequest::default();
    assert_eq!(stream.read_u8().await.unwrap(), 5);
    asked.methods = bytes(&mut stream).await;
    stream.write_all(&[5, method]).await.unwrap();
    if method == 0xff {
        return asked;
    }
    if method == 2 {
        assert_eq!(stream.read_u8().await.unwrap(), 1);
        asked.user = String::from_utf8(bytes(&mut stream).await).unwrap();
        asked.password = String::from_utf8(bytes(&mut stream).await).unwrap();
        stream.write_all(&[1, verdict]).await.unwrap();
        if verdict != 0 {
            return asked;
        }
    }
    asked.request = vec![0; 4];
    stream.read_exact(&mut asked.request).await.unwrap();
    let rest = match asked.request[3] {
        1 => 4,
        3 => usize::from(stream.read_u8().await.unwrap()),
        _ => 16,
    };
    let mut address = vec![0; rest + 2];
    stream.read_exact(&mut address).await.unwrap();
    asked.request.extend(address);
    stream.write_all(&[5, answer, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    if answer == 0 {
        serve(&mut stream).await;
    }
    asked
}

async fn bytes(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let length = stream.read_u8().await.unwrap();
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_and_takes_credentials() {
    let (listener, port) = listener().await;
    let request = [&[5, 1, 0, 3][..], b"service.example", &[0, 80]].concat();
    let (_, link, asked) = through(proxy(ProxyScheme::Socks5, port, None), socks_proxy(&listener, 0, 0, 0)).await;
    link.unwrap();
    assert_eq!((asked.methods, &asked.request), (vec![0], &request));
    let with = proxy(ProxyScheme::Socks5, port, Some(("user", "sesame")));
    let (_, link, asked) = through(with, socks_proxy(&listener, 2, 0, 0)).await;
    link.unwrap();
    assert_eq!((asked.user.as_str(), asked.password.as_str()), ("user", "sesame"));
    assert_eq!(asked.request, request);
}

#[tokio::test]
async fn a_socks_proxy_that_refuses_is_told_in_words() {
    let (listener, port) = listener().await;
    let told_of = async |credentials, method, verdict, answer| {
        let proxy = proxy(ProxyScheme::Socks5, port, credentials);
        let (_, link, _) = through(proxy, socks_proxy(&listener, method, verdict, answer)).await;
        let error = link.expect_err("it was refused");
        let words = told(&error).replace(&format!("the proxy `socks5h://127.0.0.1:{port}` "), "");
        (words, is_final(&error))
    };
    let with = Some(("user", "sesame"));
    assert_eq!(told_of(None, 0xff, 0, 0).await, ("wants credentials".to_owned(), true));
    assert_eq!(told_of(with, 0xff, 0, 0).await, ("did not accept the credentials".to_owned(), true));
    assert_eq!(told_of(with, 2, 1, 0).await, ("did not accept the credentials".to_owned(), true));
    for (code, words, last) in [
        (1, "general failure", false),
        (2, "its rules do not allow it", true),
        (3, "network unreachable", false),
        (4, "host unreachable", false),
        (5, "connection refused", false),
        (6, "it took too many hops (TTL expired)", false),
        (7, "it does not make connections", true),
        (8, "it does not take this kind of address", true),
    ] {
        let expected = format!("refused the way to `service.example:80`: {words}");
        assert_eq!(told_of(None, 0, 0, code).await, (expected, last));
    }
    let (words, _) = told_of(None, 0, 0, 99).await;
    assert_eq!(words, "did not answer in SOCKS 5: what came breaks the protocol");
}

#[tokio::test]
async fn a_target_among_the_exceptions_is_reached_without_the_proxy() {
    let (listener, port) = listener().await;
    let target = target("127.0.0.1", port, false);
    let proxies = Proxies {
        plain: Some(proxy(ProxyScheme::Http, 1, None)),
        exceptions: Exceptions::new("127.0.0.0/8", "NO_PROXY"),
        ..Proxies::default()
    };
    let (options, progress) = (DialOptions { proxies, ..DialOptions::default() }, DialProgress::default());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(accepting(&head).as_bytes()).await.unwrap();
    };
    let (link, ()) = within(async { tokio::join!(dial_with(&NoResolver, &target, &options, &progress), server) }).await;
    link.unwrap();
    let steps = progress.steps();
    let step = steps.iter().find(|step| step.kind == StepKind::Proxy).unwrap();
    assert_eq!(step.detail(), "`127.0.0.1` is in `NO_PROXY`");
}
