use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::guard::check;
use super::*;
use crate::events::EventHandler;
use crate::server::handshake_faults::HandshakeFaults;
use crate::server::hubs::{Events, Hubs};
use crate::server::pages::AllowedPages;
use crate::server::refusals::Refusals;
use crate::tasks::Tasks;
use crate::traffic::Traffic;
use crate::tunnel::Tunnels;
use webpubsub_net::secret::Secret;
use webpubsub_proto::fault::Faults;
use webpubsub_proto::hub::HubConfig;

const KEY: &str = "0123456789";

fn server(advertised: bool) -> Server {
    let (config, traffic, faults) = (HubConfig::default(), Traffic::default(), Faults::new(0));
    let events = Events { otherwise: EventHandler::Echo, upstream: None };
    Server {
        keys: vec![Secret::new(""), Secret::new(KEY)],
        allow_anonymous: false,
        allow_unvalidated_entra: false,
        pages: AllowedPages::new(&[], false, Vec::new(), "https://dev.example"),
        endpoint: "https://dev.example".to_owned(),
        advertised,
        traffic: traffic.clone(),
        refusals: Refusals::default(),
        feed: Arc::default(),
        hubs: Arc::new(Hubs::new(config, events, traffic, [7; 32], faults.clone())),
        upstream: None,
        tunnels: Arc::new(Tunnels::new("https://dev.example", faults.clone())),
        faults: HandshakeFaults::new(faults),
        sockets: Tasks::default(),
    }
}

/// The status a request of this peer, to this address, with these headers gets; 200 when it passes.
fn status(peer: &str, local: &str, headers: &[(&'static str, &str)]) -> u16 {
    let server = server(true);
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let visit = Visit { peer: ip(peer), local: Some(ip(local)) };
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    check(&server, &visit, &headers).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
}

#[tokio::test]
async fn peers_of_this_machine_need_no_key() {
    for (peer, local) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::ffff:127.0.0.1", "::ffff:127.0.0.1")] {
        assert_eq!(status(peer, local, &[("host", "localhost:8080")]), 200, "{peer}");
        assert_eq!(status(peer, local, &[("host", "dev.example")]), 200, "the advertised host");
        assert_eq!(status(peer, local, &[]), 403, "no Host");
    }
}

#[tokio::test]
async fn other_peers_need_the_access_key() {
    let (peer, local) = ("10.0.0.2", "10.0.0.1");
    let with = |host: &str, key: &str| status(peer, local, &[("host", host), ("authorization", key)]);
    for host in ["10.0.0.1:8080", "dev.example", "localhost:8080", "[::ffff:10.0.0.1]:8080"] {
        assert_eq!(status(peer, local, &[("host", host)]), 401, "{host}");
        assert_eq!(with(host, &format!("Bearer {KEY}")), 200, "{host}");
        assert_eq!(with(host, &format!("bearer {KEY}")), 200, "{host}");
    }
    // The empty key of the list is none.
    for key in ["Bearer ", "Bearer 012345678", "Bearer 01234567890", "Basic 0123456789", "0123456789"] {
        assert_eq!(with("10.0.0.1:8080", key), 401, "{key}");
    }
    // The key does not help a name that is not the emulator's.
    for host in ["evil.example", "10.0.0.3:8080", "dev.example.evil.example"] {
        assert_eq!(with(host, &format!("Bearer {KEY}")), 403, "{host}");
    }
}

#[tokio::test]
async fn a_page_has_to_be_of_the_same_origin() {
    let ask = |host: &str, origin: &str| status("127.0.0.1", "127.0.0.1", &[("host", host), ("origin", origin)]);
    assert_eq!(ask("localhost:8080", "http://localhost:8080"), 200);
    // Behind a proxy that ends TLS.
    assert_eq!(ask("dev.example", "https://dev.example"), 200);
    for origin in [
        "http://localhost",
        "http://127.0.0.1:8080",
        "http://localhost:8080.evil.example",
        "null",
        "ws://localhost:8080",
    ] {
        assert_eq!(ask("localhost:8080", origin), 403, "{origin}");
    }
}

#[tokio::test]
async fn what_connects_from_another_machine_is_named_by_the_name_that_machine_used() {
    let endpoint = |advertised: bool, host: &str| {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
        resources::endpoint_of(&server(advertised), &headers)
    };
    for local in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        assert_eq!(endpoint(false, local), "https://dev.example", "the emulator's own");
    }
    assert_eq!(endpoint(false, "10.0.0.1:8080"), "https://10.0.0.1:8080", "with TLS, as its own is");
    assert_eq!(endpoint(true, "10.0.0.1:8080"), "https://dev.example", "what was chosen by hand is right");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_awaited_for_ever() {
    let slow = futures_util::stream::pending::<Result<bytes::Bytes, std::convert::Infallible>>();
    let request = Request::new(Body::from_stream(slow));
    let refusal = body::<serde_json::Value>(request).await.unwrap_err();
    assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
}
