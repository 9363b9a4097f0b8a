//! Who may use the control endpoint: programs of this machine, the emulator's own page, and whoever has the access key.
//!
//! A page of another site is kept out by its `Origin`, and where its name was made to lead here (DNS rebinding) by the
//! `Host` that it then asks for. Peers of other machines show the access key.

use std::net::IpAddr;

use http::StatusCode;
use http::header::{self, HeaderMap};
use ring::hmac;
use ring::rand::SystemRandom;
use url::Url;

use super::ControlRefusal;
use crate::server::Server;
use crate::server::request::bearer;

/// Who is at the other end of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Visit {
    /// Who asks.
    pub(in crate::server) peer: IpAddr,
    /// Which of this machine's addresses was asked.
    pub(in crate::server) local: Option<IpAddr>,
}

/// Refuses a request that must not be answered.
pub(super) fn check(server: &Server, visit: &Visit, headers: &HeaderMap) -> Result<(), ControlRefusal> {
    let forbidden = |message: &str| ControlRefusal::new(StatusCode::FORBIDDEN, message);
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(forbidden("The request has no Host, or several.")),
    };
    if !is_own_name(host, server, visit) {
        let hint = "use `localhost`, `127.0.0.1` or `[::1]`, the address that was bound, or the host of --advertise";
        return Err(forbidden("The Host of the request is not a name of this emulator.").hint(hint));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let authority = origin.to_str().ok().and_then(|origin| {
            let (scheme, authority) = origin.split_once("://")?;
            matches!(scheme, "http" | "https").then_some(authority)
        });
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err(forbidden("The request comes from a page of another origin."));
        }
    }
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        return Err(forbidden("The request comes from a page of another site."));
    }
    if visit.peer.to_canonical().is_loopback() || bearer(headers).is_some_and(|shown| is_key(shown, server)) {
        return Ok(());
    }
    let message = "A peer of another machine needs the access key.";
    Err(ControlRefusal::new(StatusCode::UNAUTHORIZED, message).hint("send it as `Authorization: Bearer KEY`"))
}

/// Whether a `Host` is a name of this emulator, and no name that somebody else has made to lead here.
fn is_own_name(host: &str, server: &Server, visit: &Visit) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    if url.path() != "/" || !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let advertised = Url::parse(&server.endpoint).ok();
    if advertised.is_some_and(|advertised| advertised.host() == url.host()) {
        return true;
    }
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => is_own_address(ip.into(), visit),
        Some(url::Host::Ipv6(ip)) => is_own_address(ip.into(), visit),
        None => false,
    }
}

fn is_own_address(ip: IpAddr, visit: &Visit) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || visit.local.is_some_and(|local| local.to_canonical() == ip)
}

/// Compares by tags under a key of the moment, so that the time it takes tells nothing.
pub(super) fn is_key(shown: &str, server: &Server) -> bool {
    let Ok(key) = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()) else { return false };
    let tag = hmac::sign(&key, shown.as_bytes());
    let matching = server
        .keys
        .iter()
        .filter(|own| !own.expose().is_empty() && hmac::verify(&key, own.expose().as_bytes(), tag.as_ref()).is_ok());
    matching.count() > 0
}
