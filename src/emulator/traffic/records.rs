//! What records say of where something happened, and of whom: the live trace says the same in words of its own.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

/// The client that a frame comes from or goes to.
#[derive(Clone, Debug)]
pub(crate) struct FrameOwner {
    /// Number of the WebSocket.
    pub socket: u64,
    /// Name of the hub.
    pub hub: Arc<str>,
    /// Absent before there is a connection.
    pub connection_id: Option<Arc<str>>,
}

impl FrameOwner {
    pub fn place(&self) -> Place<'_> {
        Place { socket: self.socket, hub: &self.hub, connection_id: self.connection_id.as_deref() }
    }
}

/// Where a record belongs.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place<'a> {
    /// Number of the WebSocket.
    pub socket: u64,
    /// Name of the hub.
    pub hub: &'a str,
    /// Absent before there is a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<&'a str>,
}

/// A WebSocket was upgraded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened<'a> {
    /// `None` when anonymous, or when it wants to recover a connection that is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    /// `simple` or the name of a subprotocol; absent when it recovers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'a, str>>,
    /// It wants to go on with a connection that lost its socket.
    pub recovers: bool,
}

/// An event handler was asked, and has answered or failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked<'a> {
    /// The hub whose event it was.
    pub hub: &'a str,
    /// Whose event it was.
    pub connection_id: &'a str,
    /// The name of the event.
    pub event: &'a str,
    /// The handler, as it was configured.
    pub handler: &'a str,
    /// Absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From the beginning of the request to its answer, or to its failure, in milliseconds.
    pub elapsed_ms: f64,
    /// What was wrong, when no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}
