//! A client of Azure Web PubSub: one connection that is recovered when it can be and made anew when it cannot, messages
//! in their order and each once, operations that end with an ack or say why not.
//!
//! ```
//! use webpubsub_client::{AccessUrl, Client, Event};
//!
//! # use webpubsub_emulator::Emulator;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let emulator = Emulator::start_default().await?;
//! # let url = emulator.client_url().expose();
//! let (client, mut events) = Client::builder(AccessUrl::parse(url)?).connect().await?;
//! client.join("chat").await?;
//! client.send_text("chat", "hello").await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         assert_eq!(message.text().as_deref(), Some("hello"));
//!         break;
//!     }
//! }
//! client.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::builder`] takes where the client access URL comes from: an [`AccessUrl`], a [`Signer`] with an access key, or
//! a [`UrlProvider`] of one's own. The [`Builder`] connects and gives a [`Client`] for operations and the stream of its
//! [`Events`]. What keeps the connection is a task of the tokio runtime that it was started in.
//!
//! Beyond messages there are calls of the application server ([`Client::invoke`]), streams of fragments with an end
//! ([`Client::open_stream`], [`Client::streams`]) and what the members of a group say of themselves
//! ([`Client::set_state`], [`Client::watch_states`]).
//!
//! * Read the [`Events`], or drop them: when enough of them wait, the socket is not read any more, and with it no acks.
//! * An [`Operation`] is a future. Dropping it does not take back what was handed over.
//! * The connection is closed by [`Client::close`], or when the last clone of the [`Client`] is dropped.
//!
//! **The API is young**: until 1.0 any release may change it. The protocol's rules (PROTOCOL §…) are those of the
//! reference in `webpubsub-proto`. Below the façade are the modules [`driver`], [`handle`] and [`event`], which the
//! binary `wps` is made of; they change more often.

#![warn(missing_docs)]

mod builder;
mod client;
pub mod driver;
mod error;
pub mod event;
mod group_stream;
pub mod handle;
mod invocation;
mod operation;
mod stream;

pub use builder::Builder;
pub use client::Client;
pub use driver::{ProviderError, ProviderFailure, Providing, UrlProvider, UrlSource};
pub use error::{ConnectionError, InvokeError, OperationError};
pub use group_stream::{OpenStream, StreamError, StreamReadError, StreamReader, StreamWriter, Streamed, Streams};
pub use invocation::{Answer, Invoke};
pub use operation::{Ack, Operation, Publish};
pub use stream::{Event, Events, Message, StreamFailure, StreamPart};
pub use webpubsub_net::auth::access_url::{AccessUrl, AccessUrlError, Signer};
pub use webpubsub_net::auth::connection_string::{ConnectionString, ConnectionStringError};
pub use webpubsub_net::secret::Secret;
pub use webpubsub_net::wire::{DialOptions, Exceptions, Override, Proxies, Proxy, ProxyScheme, Tls, TlsSettings};
pub use webpubsub_proto::session::{
    Backoff, BackoffMode, Counts, FailedAttempt, Loss, Nack, OnUnknown, OperationKind, OutcomeCause, Retries, Standing,
    StateChange, StateChanges, Status, StreamTrouble,
};
pub use webpubsub_proto::{
    Data, DataKind, GroupState, Metadata, MetadataError, NameError, Octets, Origin, OwnedData, StateTooBig,
    Subprotocol, Text,
};
