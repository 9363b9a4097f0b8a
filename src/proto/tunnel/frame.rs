//! The frames of the tunnel as plain data (PROTOCOL §20.3).

use std::borrow::Cow;

use bytes::Bytes;

/// Headers in their order: each name with its values. Names come as they were written, and may repeat.
pub type TunnelHeaders = Vec<(String, Vec<String>)>;

/// A frame, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelFrame {
    /// Type 1.
    Request(TunnelRequest),
    /// Type 2.
    Response(TunnelResponse),
    /// Type 5: a text for the log.
    Status {
        /// For people.
        message: String,
        /// Follows a frame through the service.
        tracing: Tracing,
    },
    /// Type 6: this connection is to end, another to take its place.
    Reconnect(TunnelMove),
    /// Type 7: this connection is to end, and nothing to take its place.
    Close {
        /// For people.
        message: String,
        /// Follows a frame through the service.
        tracing: Tracing,
    },
    /// Type 8: one more connection is to be made.
    Rebalance(TunnelMove),
    /// Type 10: the connection is up.
    Connected {
        /// Of the connection.
        connection_id: String,
        /// The `sub` of its token.
        user_id: Option<String>,
        /// Never used (PROTOCOL §20.4).
        reconnection_token: Option<String>,
        /// Follows a frame through the service.
        tracing: Tracing,
    },
}

/// An HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelRequest {
    /// Of whoever asks; the answer repeats it.
    pub ack_id: i64,
    /// As in `POST`.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// `None`: `null`.
    pub headers: Option<TunnelHeaders>,
    /// The answer repeats it.
    pub local_routing: bool,
    /// The answer repeats it.
    pub channel_name: String,
    /// Follows a frame through the service.
    pub tracing: Tracing,
    /// The body; `None`: none at all.
    pub body: Option<Bytes>,
}

impl TunnelRequest {
    /// Path and query of its URL, from `/` on, whatever scheme and host it names (PROTOCOL §20.5).
    pub fn path_and_query(&self) -> Cow<'_, str> {
        let rest = match self.url.split_once("://") {
            Some((_, rest)) => rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]),
            None => self.url.as_str(),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        if rest.starts_with('/') { rest.into() } else { format!("/{rest}").into() }
    }

    /// The first value of a header, whose name has no case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().flatten().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.flat_map(|(_, values)| values).map(String::as_str).next()
    }
}

/// An HTTP response, or a piece of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelResponse {
    /// That of the request.
    pub ack_id: i64,
    /// HTTP status. Of several pieces that of the first counts.
    pub status: u16,
    /// `None`: `null`.
    pub headers: Option<TunnelHeaders>,
    /// That of the request.
    pub local_routing: bool,
    /// That of the request.
    pub channel_name: String,
    /// Further pieces of the body follow.
    pub not_completed: bool,
    /// Follows a frame through the service.
    pub tracing: Tracing,
    /// The body, or a piece of it; `None`: none at all.
    pub body: Option<Bytes>,
}

/// Where another connection is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelMove {
    /// What its URL is to name as `target`; empty: nothing.
    pub target_id: String,
    /// An http(s) URL; empty: where the first connection went.
    pub endpoint: String,
    /// For people.
    pub message: String,
    /// Follows a frame through the service.
    pub tracing: Tracing,
}

/// `TracingId`, which is no business of ours, and is kept as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracing {
    /// Not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A number.
    Id(u64),
}
