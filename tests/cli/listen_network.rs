//! `wps listen` over the networks that `doctor_network` has `wps doctor` examine: what it gets through, and what it says
//! where it does not.

use std::net::TcpListener;
use std::sync::Arc;

use rcgen::date_time_ymd;
use rustls::ServerConfig;

use crate::support::proxy::{Manners, Proxy};
use crate::support::tls::{self, Authority, Unusual, named};
use crate::support::{Service, process::Setup, wps};

/// A name that no resolver knows.
const HOST: &str = "service.invalid";

fn listen(url: &str) -> Setup {
    wps(["listen", "-g", "g", "--count", "1", "--no-reconnect", "--connect-timeout", "10s", "--url", url])
}

/// Runs until a message has come.
#[track_caller]
fn assert_gets_through(service: &Service, run: Setup) {
    let run = run.start();
    let mut peer = service.connect();
    peer.grant_join("g");
    peer.say(1, "hello");
    peer.see_off();
    let ended = run.end();
    assert_eq!((ended.code, ended.text()), (0, "[g] bob: hello\n"), "{}", ended.stderr);
}

#[test]
fn it_listens_through_proxies_that_want_credentials() {
    let service = Service::start();
    for (manners, scheme) in
        [(Manners::Http(Some("user:password")), "http"), (Manners::Socks(Some("user:password")), "socks5h")]
    {
        let proxy = Proxy::start(manners);
        let url = format!("{scheme}://user:password@127.0.0.1:{}", proxy.port());
        assert_gets_through(&service, listen(&service.url_of(HOST)).args(["--proxy", &url]));
    }
}

#[test]
fn a_proxy_that_lets_nobody_through_ends_it_with_the_reason() {
    let service = Service::start();
    for (manners, what, hint) in [
        (Manners::Http(Some("user:password")), "wants credentials: 407", "hint: user and password stand in `--proxy`"),
        (Manners::Cuts, "the proxy `http://127.0.0.1:", "hint: is there a proxy at"),
    ] {
        let proxy = Proxy::start(manners);
        let url = format!("http://127.0.0.1:{}", proxy.port());
        listen(&service.url_of(HOST)).args(["--proxy", &url]).run().assert_failed(4, &[what, hint]);
    }
    service.assert_no_more_calls();
}

#[test]
fn it_listens_with_private_authorities_client_certificates_and_old_tls() {
    let authority = Authority::new();
    let (certificate, key) = authority.client();
    let (chain, pem) = (tls::file(&certificate), tls::file(&key.serialize_pem()));
    for (tls12, clients) in [(false, None), (true, None), (false, Some(&authority)), (true, Some(&authority))] {
        let unusual = Unusual { tls12, clients };
        let service = Service::with_tls(Some(authority.server(named(&["127.0.0.1"]), &unusual)));
        let mut run = listen(&service.url()).arg("--ca-cert").arg(authority.file.path());
        if clients.is_some() {
            run = run.arg("--client-cert").arg(chain.path()).arg("--client-key").arg(pem.path());
        }
        assert_gets_through(&service, run);
    }
}

#[test]
fn a_certificate_that_is_not_acceptable_ends_it_with_the_reason() {
    let authority = Authority::new();
    let usual = Unusual::default();
    let wanting = Unusual { clients: Some(&authority), ..Unusual::default() };
    let mut expired = named(&["127.0.0.1"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let servers: [(Arc<ServerConfig>, &str); 4] = [
        (authority.server(expired, &usual), "it expired at 2001-02-03"),
        (authority.server(named(&["other.example"]), &usual), "it is for `other.example`"),
        (Authority::new().server(named(&["127.0.0.1"]), &usual), "its issuer is not trusted"),
        (authority.server(named(&["127.0.0.1"]), &wanting), "wants a client certificate"),
    ];
    for (config, what) in servers {
        let service = Service::with_tls(Some(config));
        let run = listen(&service.url()).arg("--ca-cert").arg(authority.file.path()).start();
        assert!(service.accept().try_request().is_none(), "the token goes to nobody who is not trusted");
        run.end().assert_failed(4, &[what, "hint: "]);
    }
}

#[test]
fn it_listens_to_a_service_with_an_ipv6_address_only() {
    // A machine without IPv6 has nothing to test here.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let service = Service::listening(listener, None);
    assert_gets_through(&service, listen(&service.url()));
}
