//! A local Web PubSub service, for development and tests: `wps emulator`, and what `--local` hosts.
//!
//! [`hub`](webpubsub_proto::hub) decides everything the protocol leaves to the service, without I/O; [`server`] puts HTTP, WebSockets and
//! clocks around it; [`events`] answers what clients ask the application when there is no [`upstream`] handler for that.
//! State is in memory and bounded. Never depends on the client.
//!
//! [`Emulator::start`] runs one in the process of a test; [`run`] serves a listener of one's own. The client that is
//! tested may be anybody's: the official libraries work with it as well as `webpubsub-client`.
//!
//! **The API is young.** It is what the binary `wps` and these tests needed so far; until 1.0 any release may change it.
//! What is served, the protocol and the REST API, is settled: it is the service's.

mod charset;
mod config;
pub mod events;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod livetrace;
mod metadata;
mod object;
mod ready;
mod running;
pub mod server;
mod tasks;
mod traffic;
mod tunnel;
pub mod upstream;

pub use config::ServerConfig;
pub use events::EventHandler;
pub use ready::{DEFAULT_HUB, DEFAULT_PORT, Ready};
pub use running::Emulator;
pub use server::{Bind, BindError, DetachedListener, Listener, chosen_seed, random_seed, run};
pub use traffic::Observer;
pub use upstream::{CurrentRoutes, watch};
pub use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
