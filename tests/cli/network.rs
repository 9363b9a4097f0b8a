//! Proxies, certificates, addresses and headers on the way to the service.

use std::net::TcpListener;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use tempfile::NamedTempFile;

use crate::support::proxy::{Manners, Proxy};
use crate::support::service::ClosedPort;
use crate::support::tls::{self, Authority, Unusual, named};
use crate::support::{Ended, Service, process::Setup, wps};

/// A name that no resolver knows.
const HOST: &str = "service.invalid";

/// One attempt, with little patience.
fn attempt(url: &str) -> Setup {
    wps(["send", "g", "hello", "--reconnect-retries", "0", "--connect-timeout", "1500ms", "--url", url])
}

/// The error, with `PORT` in place of the service's port and `PROXY` in place of the proxy's.
fn report(ended: &Ended, service: &Service, proxy: &Proxy) -> String {
    let at = ended.stderr.find("error: ").unwrap_or_else(|| panic!("no error in:\n{}", ended.stderr));
    ended.stderr[at..].replace(&service.port().to_string(), "PORT").replace(&proxy.port().to_string(), "PROXY")
}

/// Takes the message of [`attempt`] and sees it off; then the run has succeeded.
#[track_caller]
fn assert_sent(service: &Service, run: Setup) -> Ended {
    let run = run.start();
    let mut peer = service.connect();
    let frame = peer.operation();
    peer.ack(&frame["ackId"]);
    peer.see_off();
    let ended = run.end();
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    ended
}

#[test]
fn an_http_proxy_of_the_flag_is_asked_for_a_name_that_is_not_resolved_here() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(Some("user:p@ss")));
    let url = format!("http://user:p%40ss@127.0.0.1:{}", proxy.port());
    assert_sent(&service, attempt(&service.url_of(HOST)).args(["--proxy", &url]));
    let asked = proxy.asked();
    assert!(asked.starts_with(&format!("CONNECT {HOST}:{} HTTP/1.1\r\n", service.port())), "{asked}");
    assert!(!asked.contains("access_token"), "the token is for the service: {asked}");
}

#[test]
fn tls_goes_through_the_proxy_to_the_service_itself() {
    let authority = Authority::new();
    let service = Service::with_tls(Some(authority.server(named(&[HOST]), &Unusual::default())));
    for manners in [Manners::Http(None), Manners::Socks(None)] {
        let scheme = if matches!(manners, Manners::Http(_)) { "http" } else { "socks5h" };
        let proxy = Proxy::start(manners);
        let run = attempt(&service.url_of(HOST))
            .arg("--ca-cert")
            .arg(authority.file.path())
            .env("HTTPS_PROXY", format!("{scheme}://127.0.0.1:{}", proxy.port()));
        assert_sent(&service, run);
        assert!(proxy.asked().contains(&format!("{HOST}:{}", service.port())));
    }
}

#[test]
fn a_proxy_of_the_environment_is_used_for_loopback_too_unless_it_is_excepted() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(None));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        assert_sent(&service, attempt(&service.url()).env(name, &url));
        proxy.asked();
    }
    for exception in ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "*"] {
        assert_sent(&service, attempt(&service.url()).env("HTTP_PROXY", &url).env("NO_PROXY", exception));
    }
    assert_sent(&service, attempt(&service.url()).env("HTTPS_PROXY", &url));
    assert_sent(&service, attempt(&service.url()).env("HTTP_PROXY", &url).env("REQUEST_METHOD", "GET"));
    assert_sent(&service, attempt(&service.url()).env("HTTP_PROXY", &url).args(["--proxy", "none"]));
    proxy.assert_not_asked();
}

#[test]
fn local_never_goes_through_a_proxy() {
    let port = ClosedPort::reserve();
    let proxy = Proxy::start(Manners::Http(None));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let ended = wps(["listen", &format!("--local={}", port.port()), "--for", "300ms", "-g", "g"])
        .env("ALL_PROXY", &url)
        .env("HTTP_PROXY", &url);
    drop(port);
    let ended = ended.run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    proxy.assert_not_asked();
}

#[test]
fn a_407_is_final_and_says_where_credentials_go() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(Some("user:password")));
    let run = |credentials: &str| {
        let url = format!("http://{credentials}127.0.0.1:{}", proxy.port());
        let ended = wps(["send", "g", "x", "--reconnect-delay", "10ms", "--url", &service.url_of(HOST)])
            .env("HTTP_PROXY", url)
            .run();
        proxy.asked();
        proxy.assert_not_asked();
        assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
        report(&ended, &service, &proxy)
    };
    assert_eq!(
        run(""),
        "error: could not connect to hub `hub1` at `service.invalid:PORT`\n\
         caused by: the proxy `http://127.0.0.1:PROXY` wants credentials: 407 Proxy Authentication Required\n\
         caused by: it answered: sign on!\n\
         hint: user and password stand in `HTTP_PROXY`, before the host: `USER:PASSWORD@HOST:PORT`\n"
    );
    assert_eq!(
        run("user:sesame-sesame@"),
        "error: could not connect to hub `hub1` at `service.invalid:PORT`\n\
         caused by: the proxy `http://127.0.0.1:PROXY` did not accept the credentials: 407 Proxy Authentication \
         Required\n\
         caused by: it answered: sign on!\n\
         hint: check user and password in `HTTP_PROXY`; characters such as `@`, `:`, `/` and `%` are written as `%40`, \
         …\n"
    );
    service.assert_no_more_calls();
}

#[test]
fn a_proxy_that_speaks_other_schemes_of_authentication_is_explained() {
    let service = Service::start();
    let answer = "HTTP/1.1 407 Sign On\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\
                  Content-Length: 0\r\n\r\n";
    let proxy = Proxy::start(Manners::Says(answer.to_owned()));
    let url = format!("http://user:password@127.0.0.1:{}", proxy.port());
    attempt(&service.url_of(HOST)).args(["--proxy", &url]).run().assert_failed(
        4,
        &["did not accept the credentials: 407 Sign On", "hint: the proxy takes `Negotiate`, `NTLM`"],
    );
}

#[test]
fn what_goes_wrong_with_a_proxy_is_said_of_the_proxy() {
    let service = Service::start();
    let closed = ClosedPort::reserve();
    let refusing = "HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nby policy\n".to_owned();
    for (manners, what, hint) in [
        (
            None,
            "could not connect to the proxy `http://127.0.0.1:PROXY`: connection refused",
            "`--proxy none` goes without",
        ),
        (
            Some(Manners::Says(refusing)),
            "the proxy `http://127.0.0.1:PROXY` refused the way to `service.invalid:PORT`: 403 Forbidden\n\
             caused by: it answered: by policy",
            "ask whoever runs the proxy to let `service.invalid:PORT` through",
        ),
        (
            Some(Manners::Says("HTTP/1.1 503 Later\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n".to_owned())),
            "the proxy `http://127.0.0.1:PROXY` refused the way to `service.invalid:PORT`: 503 Later",
            "the proxy asks to wait 9 s",
        ),
        (
            Some(Manners::Says("SSH-2.0-OpenSSH_9.9\r\n".to_owned())),
            "the proxy `http://127.0.0.1:PROXY` did not answer in HTTP: ",
            "is there a proxy at `http://127.0.0.1:PROXY`",
        ),
        (
            Some(Manners::Says(String::new())),
            "the proxy `http://127.0.0.1:PROXY` closed the connection without an answer",
            "is there a proxy at",
        ),
        (
            Some(Manners::Hangs),
            "timed out after 1.5 s while waiting for the proxy `http://127.0.0.1:PROXY` to",
            "`--connect-timeout`",
        ),
    ] {
        let proxy = manners.map(Proxy::start);
        let port = proxy.as_ref().map_or(closed.port(), Proxy::port);
        let ended = attempt(&service.url_of(HOST)).args(["--proxy", &format!("http://127.0.0.1:{port}")]).run();
        assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
        let report = ended.stderr.replace(&service.port().to_string(), "PORT").replace(&port.to_string(), "PROXY");
        let cause = report.find(what).unwrap_or_else(|| panic!("`{what}` is missing in {report}"));
        assert!(report[cause..].contains(hint), "{report}");
    }
    service.assert_no_more_calls();
}

#[test]
fn a_proxy_that_cuts_is_tried_again_and_one_that_forbids_is_not() {
    let service = Service::start();
    let args = ["send", "g", "x", "--reconnect-retries", "2", "--reconnect-delay", "10ms", "--url"];
    for (manners, attempts) in [(Manners::Cuts, 3), (Manners::SocksRefusing(2), 1), (Manners::SocksRefusing(4), 3)] {
        let proxy = Proxy::start(manners);
        let url = format!("socks5h://127.0.0.1:{}", proxy.port());
        let ended = wps(args).arg(service.url_of(HOST)).args(["--proxy", &url]).run();
        assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("warning: could not connect").count() + 1, attempts, "{}", ended.stderr);
    }
}

#[test]
fn a_socks_proxy_is_given_the_name_and_credentials() {
    let service = Service::start();
    for (manners, credentials) in [
        (Manners::Socks(None), ""),
        (Manners::Socks(None), "user:password@"),
        (Manners::Socks(Some("user:p@ss")), "user:p%40ss@"),
    ] {
        let proxy = Proxy::start(manners);
        let url = format!("socks5h://{credentials}127.0.0.1:{}", proxy.port());
        assert_sent(&service, attempt(&service.url_of(HOST)).env("ALL_PROXY", &url));
        assert_eq!(proxy.asked(), format!("{HOST}:{}", service.port()));
    }
}

#[test]
fn a_socks_proxy_that_refuses_is_explained() {
    let service = Service::start();
    let run = |manners, credentials: &str| {
        let proxy = Proxy::start(manners);
        let url = format!("socks5://{credentials}127.0.0.1:{}", proxy.port());
        let ended = attempt(&service.url_of(HOST)).env("ALL_PROXY", url).run();
        assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
        report(&ended, &service, &proxy)
    };
    let words = run(Manners::Socks(Some("user:password")), "");
    assert!(
        words.contains("the proxy `socks5h://127.0.0.1:PROXY` wants credentials\nhint: user and password"),
        "{words}"
    );
    let words = run(Manners::Socks(Some("user:password")), "user:sesame@");
    assert!(words.contains("did not accept the credentials\nhint: check user and password in `ALL_PROXY`"), "{words}");
    let words = run(Manners::SocksRefusing(5), "");
    assert!(words.contains("refused the way to `service.invalid:PORT`: connection refused\nhint: ask"), "{words}");
}

#[test]
fn no_secret_of_the_network_is_seen_even_when_everything_is_logged() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(Some("user:open-sesame/1")));
    let headers = tls::file("Authorization: Bearer strawberry-field\nX-Api-Key: chocolate-key\n");
    let url = format!("http://user:open-sesame%2F1@127.0.0.1:{}", proxy.port());
    let header = format!("@{}", headers.path().display());
    let run =
        attempt(&service.url_of(HOST)).args(["-vvv", "--proxy", &url, "--header", &header, "--header", "X-A: shown"]);
    let ended = assert_sent(&service, run.env("WPS_LOG", "trace"));
    ended.assert_stderr(&["CONNECT service.invalid:", "through the proxy `http://127.0.0.1:", "x-a: \"shown\""]);
    let basic = STANDARD.encode("user:open-sesame/1");
    for secret in ["open-sesame", "strawberry", "chocolate", &basic, crate::support::token::SIGNATURE] {
        assert!(!ended.stderr.contains(secret), "{secret}: {}", ended.stderr);
    }
    // Nor when they are wrong, and the proxy says them again.
    let answer = "HTTP/1.1 407 No\r\nContent-Length: 40\r\n\r\nopen-sesame/1 is not the password of user";
    let proxy = Proxy::start(Manners::Says(answer.to_owned()));
    let url = format!("http://user:open-sesame%2F1@127.0.0.1:{}", proxy.port());
    let ended = attempt(&service.url_of(HOST)).args(["-vvv", "--proxy", &url]).env("WPS_LOG", "trace").run();
    ended.assert_failed(4, &["it answered: [redacted] is not the password of"]);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}

#[test]
fn headers_are_sent_with_the_handshake_and_only_there() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(None));
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let run = attempt(&service.url())
        .args(["--proxy", &url, "--header", "X-One: 1", "--header", "Host: virtual.example"])
        .args(["--header", "User-Agent:mine"])
        .start();
    let request = service.request();
    let header = |name| request.header(name).map(str::to_owned);
    assert_eq!(header("x-one").as_deref(), Some("1"));
    assert_eq!(header("host").as_deref(), Some("virtual.example"));
    assert_eq!(header("user-agent").as_deref(), Some("mine"));
    assert!(!proxy.asked().to_lowercase().contains("x-one"));
    request.refuse("404 Not Found", &[], "");
    assert_eq!(run.end().code, 6);
}

#[test]
fn proxy_and_headers_can_come_from_stdin() {
    let service = Service::start();
    let proxy = Proxy::start(Manners::Http(Some("user:password")));
    let url = format!("\u{feff}http://user:password@127.0.0.1:{}\r\n", proxy.port());
    assert_sent(&service, attempt(&service.url_of(HOST)).args(["--proxy", "-"]).stdin(url));
    proxy.asked();

    let run = attempt(&service.url()).args(["--header", "-"]).stdin("X-One: 1\n\nAuthorization: Bearer x\r\n").start();
    let request = service.request();
    assert_eq!((request.header("x-one"), request.header("authorization")), (Some("1"), Some("Bearer x")));
    request.refuse("404 Not Found", &[], "");
    assert_eq!(run.end().code, 6);
}

#[test]
fn stdin_is_taken_once() {
    let url = "ws://service.invalid/client/hubs/hub1";
    for (args, both) in [
        (vec!["send", "g", "x", "--url", "-", "--proxy", "-"], "`--url -` and `--proxy -`"),
        (vec!["listen", "--connection-string", "-", "--header", "-"], "`--connection-string -` and `--header -`"),
        (vec!["doctor", "--url", url, "--proxy", "-", "--header", "-"], "`--proxy -` and `--header -`"),
        (vec!["send", "g", "-", "--url", url, "--header", "-"], "`--header -` and DATA `-`"),
        (vec!["event", "e", "-", "--url", url, "--proxy", "-"], "`--proxy -` and DATA `-`"),
        (vec!["repl", "--url", url, "--proxy", "-"], "`--proxy -` and the lines"),
        (vec!["url", "inspect", "-", "--connection-string", "-"], "`--connection-string -` and URL `-`"),
    ] {
        wps(&args).run().assert_failed(2, &[&format!("error: {both} both take standard input\nhint: "), "@FILE"]);
    }
    let twice = wps(["listen", "--url", url, "--header", "-", "--header", "-"]).run();
    twice.assert_failed(2, &["error: `--header -` is given twice", "hint: "]);
}

#[test]
fn an_address_in_place_of_dns_keeps_the_name_for_the_certificate() {
    let authority = Authority::new();
    let service = Service::with_tls(Some(authority.server(named(&[HOST]), &Unusual::default())));
    let closed = "127.9.9.9";
    for addresses in ["127.0.0.1".to_owned(), format!("{closed},127.0.0.1")] {
        let resolve = format!("{HOST}:{}:{addresses}", service.port());
        let run =
            attempt(&service.url_of(HOST)).args(["--resolve", &resolve]).arg("--ca-cert").arg(authority.file.path());
        assert_sent(&service, run);
    }
}

#[test]
fn a_service_with_an_ipv6_address_only_is_reached() {
    // A machine without IPv6 has nothing to test here.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let service = Service::listening(listener, None);
    assert_sent(&service, attempt(&service.url()));
    let resolve = format!("{HOST}:{}:[::1]", service.port());
    assert_sent(&service, attempt(&service.url().replace("[::1]", HOST)).args(["--resolve", &resolve]));
}

/// What [`attempt`] says to a server with this certificate, trusting its authority.
fn refused_certificate(config: Arc<ServerConfig>, roots: &NamedTempFile) -> String {
    let service = Service::with_tls(Some(config));
    let run = attempt(&service.url()).arg("--ca-cert").arg(roots.path()).start();
    assert!(service.accept().try_request().is_none(), "the token goes to nobody who is not trusted");
    let ended = run.end();
    assert_eq!((ended.code, ended.text()), (4, ""), "{}", ended.stderr);
    ended.stderr
}

#[test]
fn a_certificate_that_is_not_acceptable_is_explained() {
    let authority = Authority::new();
    let usual = Unusual::default();
    let mut expired = named(&["127.0.0.1"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let said = refused_certificate(authority.server(expired, &usual), &authority.file);
    assert!(
        said.contains("was not accepted: it expired at 2001-02-03T00:00:00Z\nhint: renew the certificate"),
        "{said}"
    );
    let said = refused_certificate(authority.server(named(&["other.example"]), &usual), &authority.file);
    assert!(said.contains("was not accepted: it is for `other.example`\nhint: use a host name"), "{said}");
    let said = refused_certificate(authority.server(named(&["127.0.0.1"]), &usual), &Authority::new().file);
    assert!(said.contains("was not accepted: its issuer is not trusted\nhint: `--ca-cert FILE`"), "{said}");
    let mut params = named(&["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let said = refused_certificate(authority.server(params.clone(), &usual), &authority.file);
    assert!(said.contains("the certificate of an authority, not of a server\nhint: `--ca-cert FILE`"), "{said}");
    // What `openssl req -x509` makes is one too, and is taken when it is named itself.
    let key = KeyPair::generate().unwrap();
    let itself = params.self_signed(&key).unwrap();
    let own = tls::file(&itself.pem());
    let service = Service::with_tls(Some(tls::config(itself, &key, None, false)));
    assert_sent(&service, attempt(&service.url()).arg("--ca-cert").arg(own.path()));
}

#[test]
fn tls_1_2_is_spoken_where_the_server_knows_no_more() {
    let authority = Authority::new();
    let unusual = Unusual { tls12: true, ..Unusual::default() };
    let service = Service::with_tls(Some(authority.server(named(&["127.0.0.1"]), &unusual)));
    let run = attempt(&service.url()).arg("--ca-cert").arg(authority.file.path()).arg("--no-system-roots");
    assert_sent(&service, run);
}

#[test]
fn a_service_that_wants_a_client_certificate_gets_it() {
    let authority = Authority::new();
    for tls12 in [false, true] {
        let unusual = Unusual { tls12, clients: Some(&authority) };
        let service = Service::with_tls(Some(authority.server(named(&["127.0.0.1"]), &unusual)));
        let (certificate, key) = authority.client();
        let (chain, pem) = (tls::file(&certificate), tls::file(&key.serialize_pem()));
        let run = || attempt(&service.url()).arg("--ca-cert").arg(authority.file.path());
        let with = run().arg("--client-cert").arg(chain.path()).arg("--client-key").arg(pem.path());
        assert_sent(&service, with);
        let both = tls::file(&format!("{certificate}{}", sec1(&key)));
        assert_sent(&service, run().arg("--client-cert").arg(both.path()));

        let without = run().start();
        assert!(service.accept().try_request().is_none());
        without.end().assert_failed(
            4,
            &[
                "caused by: `127.0.0.1` wants a client certificate (alert certificate_required)\n",
                "hint: `--client-cert FILE --client-key FILE` shows the service who is calling\n",
            ],
        );
        let (stranger, key) = Authority::called("elsewhere").client();
        let both = tls::file(&format!("{stranger}{}", key.serialize_pem()));
        let stranger = run().arg("--client-cert").arg(both.path()).start();
        assert!(service.accept().try_request().is_none());
        stranger
            .end()
            .assert_failed(4, &["did not accept the client certificate (alert ", "hint: the service has to know"]);
    }
}

/// The key in the form of `BEGIN EC PRIVATE KEY`, which PKCS#8 wraps.
fn sec1(key: &KeyPair) -> String {
    let der = key.serialize_der();
    // SEQUENCE { INTEGER 1, OCTET STRING of 32 bytes, … }, behind its tag and length.
    let at = der.windows(5).position(|part| part == [2, 1, 1, 4, 32]).unwrap() - 2;
    let body = STANDARD.encode(&der[at..]);
    format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----\n")
}

#[test]
fn files_that_cannot_be_used_say_what_to_do() {
    let service = Service::with_tls(Some(tls::identity().0));
    let (certificate, key) = Authority::new().client();
    let chain = tls::file(&certificate);
    let encrypted = tls::file("-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VzYW1l\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let other = tls::file(&KeyPair::generate().unwrap().serialize_pem());
    let binary = tls::file("0\u{1}\u{2}");
    let key = tls::file(&key.serialize_pem());
    let name = |file: &NamedTempFile| file.path().display().to_string();
    let client = |chain: &NamedTempFile, key: Option<&NamedTempFile>| {
        let mut args = vec!["--client-cert".to_owned(), name(chain)];
        args.extend(key.into_iter().flat_map(|key| ["--client-key".to_owned(), name(key)]));
        args
    };
    for (args, what, hint) in [
        (
            client(&chain, Some(&encrypted)),
            format!("could not use `{}` for TLS: the private key in it is encrypted", name(&encrypted)),
            format!("`openssl pkey -in {} -out FILE.pem` decrypts it", name(&encrypted)),
        ),
        (
            client(&chain, None),
            format!("could not use `{}` for TLS: there is no private key in it", name(&chain)),
            "`--client-key FILE`, or `--tls-key FILE` of an emulator, names the file with the private key".to_owned(),
        ),
        (
            client(&chain, Some(&other)),
            format!("the private key in it does not belong to the certificate in `{}`", name(&chain)),
            "give the private key that the certificate was made for".to_owned(),
        ),
        (
            client(&binary, Some(&key)),
            format!("could not use `{}` for TLS: it is not a PEM file", name(&binary)),
            format!("`openssl x509 -inform der -in {} -out FILE.pem` makes PEM", name(&binary)),
        ),
        (
            vec!["--ca-cert".to_owned(), "missing.pem".to_owned()],
            "could not use `missing.pem` for TLS: there is no such file".to_owned(),
            "check the path".to_owned(),
        ),
    ] {
        let ended = attempt(&service.url()).args(&args).run();
        ended.assert_failed(3, &["error: the connection could not be set up\n", &what, &format!("hint: {hint}")]);
        assert!(!ended.stderr.contains("c2VzYW1l"), "{}", ended.stderr);
    }
}

#[test]
fn flags_of_the_network_that_are_wrong_are_usage_errors() {
    let url = "ws://service.invalid/client/hubs/hub1";
    for (args, part) in [
        (["--proxy", "gopher://sesame"], "error: the proxy in `--proxy` is malformed"),
        (["--header", "sesame"], "error: `--header` is not a header"),
        (["--header", "Upgrade: sesame"], "error: `--header` cannot set `upgrade`"),
        (["--resolve", "a:b:c"], "error: `a:b:c` is not a value of `--resolve`"),
        (["--client-key", "f"], "error: missing: `--client-cert`"),
    ] {
        let ended = attempt(url).args(args).run();
        ended.assert_failed(2, &[part, "hint: "]);
        assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
    }
    let ended = attempt(url).env("http_proxy", "http://user:ses/ame@proxy").run();
    ended.assert_failed(3, &["error: the proxy in `http_proxy` is malformed", "hint: "]);
    assert!(!ended.stderr.contains("ses/ame"), "{}", ended.stderr);
}
