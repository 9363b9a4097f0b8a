//! How an emulator is set up.

use std::fmt;
use std::sync::Arc;

use super::events::EventHandler;
use super::traffic::Traffic;
use super::upstream::{CurrentRoutes, ExchangeLimits};
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::secret::Secret;
use webpubsub_net::wire::{ServerTls, Tls};
use webpubsub_proto::fault::Fault;
use webpubsub_proto::hub::HubConfig;

/// What a server does differently for different users.
#[derive(Clone)]
pub struct ServerConfig {
    /// The access keys; tokens signed with any of them are accepted.
    pub keys: Vec<Secret>,
    /// Let clients without a token in, as anonymous ones without roles.
    pub allow_anonymous: bool,
    /// Let REST requests in with an Entra token whose signature nobody has checked.
    pub allow_unvalidated_entra: bool,
    /// Origins of web pages that may use the service, besides those of this machine, while its key is the published one
    /// or anonymous clients are let in; `*`: all.
    pub allow_origins: Vec<String>,
    /// The endpoint clients know the server by, in which port 0 stands for the one that is listened at; `None`: by its
    /// address.
    pub advertise: Option<String>,
    /// Who answers user events when there is no event handler.
    pub events: EventHandler,
    /// Those who see everything that passes.
    pub traffic: Traffic,
    /// The event handlers, where there can be any; `None` says that there never will be.
    pub handlers: Option<CurrentRoutes>,
    /// Which certificates of event handlers are accepted.
    pub handler_tls: Tls,
    /// How long event handlers may take, and how often they are asked.
    pub handler_limits: ExchangeLimits,
    /// What clients over TLS are shown; then there are no others. `None`: http and ws.
    pub tls: Option<Arc<ServerTls>>,
    /// Limits and intervals.
    pub hub: HubConfig,
    /// Source of connection ids and reconnection tokens, and of what faults leave to chance.
    pub seed: [u8; 32],
    /// What goes wrong from the beginning, in this order.
    pub faults: Vec<Fault>,
}

impl ServerConfig {
    /// The official emulator's key, no anonymous clients, events are echoed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            keys: vec![Secret::new(DEVELOPMENT_KEY)],
            allow_anonymous: false,
            allow_unvalidated_entra: false,
            allow_origins: Vec::new(),
            advertise: None,
            events: EventHandler::Echo,
            traffic: Traffic::default(),
            handlers: None,
            handler_tls: Tls::default(),
            handler_limits: ExchangeLimits::default(),
            tls: None,
            hub: HubConfig::default(),
            seed,
            faults: Vec::new(),
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The seed gives away every reconnection token.
        f.debug_struct("ServerConfig")
            .field("keys", &self.keys)
            .field("allow_anonymous", &self.allow_anonymous)
            .field("allow_origins", &self.allow_origins)
            .field("advertise", &self.advertise)
            .field("events", &self.events)
            .field("handlers", &self.handlers)
            .field("tls", &self.tls.as_ref().map(|tls| tls.chain()))
            .field("hub", &self.hub)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
