//! A local Web PubSub service, for development and tests: `wps emulator`, and what `--local` hosts.
//!
//! [`hub`](webpubsub_proto::hub) decides everything the protocol leaves to the service, without I/O; [`server`] puts HTTP, WebSockets and
//! clocks around it; [`events`] answers what clients ask the application when there is no [`upstream`] handler for that.
//! State is in memory and bounded. Never depends on the client.

mod config;
pub mod events;
mod metadata;
mod ready;
pub mod server;
mod traffic;
pub mod upstream;

pub use config::ServerConfig;
pub use events::EventHandler;
pub use ready::{DEFAULT_HUB, DEFAULT_PORT, Ready};
pub use server::{Bind, BindError, Detached, Listener, chosen_seed, random_seed, run};
pub use traffic::Observer;
pub use upstream::{CurrentRoutes, watch};
pub use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
