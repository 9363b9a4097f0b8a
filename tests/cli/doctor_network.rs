//! `wps doctor` over proxies and TLS: the step at which it fails, or that it gets through.

use std::net::TcpListener;
use std::sync::Arc;

use rcgen::date_time_ymd;
use rustls::ServerConfig;
use serde_json::Value;

use crate::support::proxy::{Manners, Proxy};
use crate::support::tls::{self, Authority, Unusual, named};
use crate::support::{Ended, Service, process::Setup, wps};

const HOST: &str = "service.invalid";

fn doctor(url: &str) -> Setup {
    wps(["doctor", "-o", "ndjson", "--connect-timeout", "5s", "--url", url])
}

/// The finding about a step.
#[track_caller]
fn found(ended: &Ended, step: &str) -> Value {
    let records = ended.records();
    let found = records.into_iter().find(|record| record["step"] == step);
    found.unwrap_or_else(|| panic!("no `{step}` in {}", ended.text()))
}

#[track_caller]
fn assert_fails(ended: &Ended, step: &str, detail: &str) {
    let failed = found(ended, step);
    assert_eq!((ended.code, failed["status"].as_str()), (4, Some("failed")), "{}", ended.text());
    assert!(failed["detail"].as_str().is_some_and(|text| text.contains(detail)), "{failed}");
    assert!(failed["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{failed}");
    assert_eq!(found(ended, "upgrade")["status"], "skipped");
}

/// Runs until the service has answered the handshake and gone away: the network was no obstacle.
#[track_caller]
fn gets_through(service: &Service, run: Setup) -> Ended {
    let run = run.start();
    service.request().upgrade().close(1001, "");
    let ended = run.end();
    assert_eq!(found(&ended, "upgrade")["status"], "ok", "{}", ended.text());
    ended
}

#[test]
fn a_proxy_is_a_step_of_its_own() {
    let service = Service::start();
    for (manners, credentials, detail) in [
        (Manners::Http(Some("user:password")), "", "407"),
        (Manners::Http(Some("user:password")), "user:sesame-sesame@", "407"),
        (Manners::Cuts, "", "proxy"),
    ] {
        let proxy = Proxy::start(manners);
        let url = format!("http://{credentials}127.0.0.1:{}", proxy.port());
        let ended = doctor(&service.url_of(HOST)).args(["--proxy", &url]).run();
        assert_fails(&ended, "proxy", detail);
        assert!(!ended.text().contains("sesame"), "{}", ended.text());
    }
    for (manners, scheme) in
        [(Manners::Http(Some("user:password")), "http"), (Manners::Socks(Some("user:password")), "socks5h")]
    {
        let proxy = Proxy::start(manners);
        let url = format!("{scheme}://user:password@127.0.0.1:{}", proxy.port());
        let ended = gets_through(&service, doctor(&service.url_of(HOST)).args(["--proxy", &url]));
        assert_eq!(found(&ended, "proxy")["status"], "ok", "{}", ended.text());
    }
}

#[test]
fn a_certificate_that_is_not_acceptable_fails_at_tls() {
    let authority = Authority::new();
    let usual = Unusual::default();
    let mut expired = named(&["127.0.0.1"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let refused = |config: Arc<ServerConfig>, authority: &Authority| {
        let service = Service::with_tls(Some(config));
        let run = doctor(&service.url()).arg("--ca-cert").arg(authority.file.path()).start();
        assert!(service.accept().try_request().is_none());
        run.end()
    };
    assert_fails(&refused(authority.server(expired, &usual), &authority), "tls", "expired");
    assert_fails(&refused(authority.server(named(&["other.example"]), &usual), &authority), "tls", "other.example");
    let stranger = Authority::new();
    assert_fails(&refused(authority.server(named(&["127.0.0.1"]), &usual), &stranger), "tls", "not trusted");
    let wanting = Unusual { clients: Some(&authority), ..Unusual::default() };
    let service = Service::with_tls(Some(authority.server(named(&["127.0.0.1"]), &wanting)));
    let run = doctor(&service.url()).arg("--ca-cert").arg(authority.file.path()).start();
    assert!(service.accept().try_request().is_none());
    let ended = run.end();
    assert_eq!(ended.code, 4);
    assert!(ended.text().contains("wants a client certificate"), "{}", ended.text());
}

#[test]
fn private_authorities_old_tls_and_client_certificates_are_no_obstacle() {
    let authority = Authority::new();
    let (certificate, key) = authority.client();
    let (chain, pem) = (tls::file(&certificate), tls::file(&key.serialize_pem()));
    for tls12 in [false, true] {
        let unusual = Unusual { tls12, clients: Some(&authority) };
        let service = Service::with_tls(Some(authority.server(named(&["127.0.0.1"]), &unusual)));
        let run = doctor(&service.url()).arg("--ca-cert").arg(authority.file.path());
        let run = run.arg("--client-cert").arg(chain.path()).arg("--client-key").arg(pem.path());
        let ended = gets_through(&service, run);
        let tls = found(&ended, "tls");
        let version = if tls12 { "1.2" } else { "1.3" };
        assert!(tls["detail"].as_str().is_some_and(|text| text.contains(version)), "{tls}");
    }
}

#[test]
fn a_service_with_an_ipv6_address_only_is_no_obstacle() {
    // A machine without IPv6 has nothing to test here.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let service = Service::listening(listener, None);
    let ended = gets_through(&service, doctor(&service.url()));
    assert!(found(&ended, "tcp")["detail"].as_str().is_some_and(|text| text.contains("[::1]")), "{}", ended.text());
}
