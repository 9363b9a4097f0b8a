//! Handlers on real listeners: each answers what the test says. Nothing sleeps; everything has a time limit.

mod asking;
mod handler;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::HeaderMap;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::settings::{Handler, Routes, SystemEvents, UserEvents};
use super::*;
use crate::traffic::Traffic;
use handler::Webhook;
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::wire::Tls;
use webpubsub_proto::OwnedData;
use webpubsub_proto::fault::Faults;
use webpubsub_proto::hub::EventId;

async fn bounded<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), work).await.unwrap()
}

fn quick() -> ExchangeLimits {
    ExchangeLimits { retries: vec![Duration::from_millis(1); 3], ..ExchangeLimits::default() }
}

/// Handlers for every hub, as flags describe them.
fn routes(flags: &[String]) -> CurrentRoutes {
    let handler = |flag: &String| Handler::from_flag(flag, &UserEvents::All, SystemEvents::ALL).unwrap();
    CurrentRoutes::new(Routes { every_hub: flags.iter().map(handler).collect(), ..Routes::default() })
}

fn upstream(flag: String, limits: ExchangeLimits) -> Arc<Upstream> {
    let keys = [Secret::new(DEVELOPMENT_KEY)];
    let tunnels = Arc::new(Tunnels::new("http://localhost:8080", Faults::new(7)));
    let (endpoint, tls) = ("http://localhost:8080", Tls::default());
    Arc::new(Upstream::new(routes(&[flag]), endpoint, &keys, limits, Traffic::default(), tls, tunnels))
}

fn connect_request(offers: &[&str]) -> ConnectRequest {
    ConnectRequest {
        hub: "chat".into(),
        connection_id: "c1".into(),
        claims: Some(r#"{"sub":"alice"}"#.into()),
        query: Vec::new(),
        headers: HeaderMap::new(),
        offers: offers.iter().map(|offer| (*offer).to_owned()).collect(),
        user: Some("alice".into()),
    }
}

/// The answers of the events of connection `c1`, which exists, as they come.
struct EventClient {
    upstream: Arc<Upstream>,
    sender: mpsc::UnboundedSender<(u64, EventAnswer)>,
    answers: mpsc::UnboundedReceiver<(u64, EventAnswer)>,
    sent: u64,
}

impl EventClient {
    async fn connected(upstream: &Arc<Upstream>) -> Self {
        let admission = bounded(upstream.connect(connect_request(&[]))).await.unwrap();
        let identity = PeerIdentity { user: Some("alice".into()), subprotocol: None, simple: false };
        admission.begin(identity, || Some(())).unwrap();
        let (sender, answers) = mpsc::unbounded_channel();
        Self { upstream: Arc::clone(upstream), sender, answers, sent: 0 }
    }

    fn send(&mut self, event: &str, data: OwnedData) {
        self.ask(event, data, false);
    }

    fn invoke(&mut self, event: &str, data: OwnedData) {
        self.ask(event, data, true);
    }

    fn ask(&mut self, event: &str, data: OwnedData, is_invocation: bool) {
        self.sent += 1;
        let event_id = self.sent;
        let event = UserEvent {
            event_id: EventId(event_id),
            connection_id: "c1".into(),
            user_id: Some("alice".into()),
            event: event.to_owned(),
            data: Some(data),
            metadata: None,
            is_invocation,
        };
        let sender = self.sender.clone();
        self.upstream.ask("chat", Box::new(event), move |answer| drop(sender.send((event_id, answer))));
    }

    async fn answer(&mut self) -> (u64, EventAnswer) {
        bounded(self.answers.recv()).await.unwrap()
    }
}
