//! How a hub parts from a client, and why connections end.

use std::borrow::Cow;

use crate::Codec;

/// How the hub ends a connection: what the `disconnected` frame of a PubSub client says, and the close frame.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    pub(super) code: u16,
    /// Of the `disconnected` frame.
    pub(super) message: Cow<'static, str>,
    /// Of the close frame; at most 123 bytes.
    pub(super) reason: &'static str,
}

impl Farewell {
    const fn new(code: u16, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), reason: message }
    }

    /// The application closes the connection (PROTOCOL §5.2).
    pub(super) fn by_application(reason: Option<&str>) -> Self {
        const MESSAGE: &str = "Application server closed the connection.";
        let message = match reason {
            Some(reason) => Cow::Owned(format!("{MESSAGE} Reason: {reason}")),
            None => Cow::Borrowed(MESSAGE),
        };
        Self { code: 1000, message, reason: "" }
    }

    /// A text frame where only binary ones are taken, or the other way round (PROTOCOL §4.11, §10.3).
    pub(super) fn wrong_frame_type(codec: Codec) -> Self {
        match codec {
            Codec::Json => Self::new(1003, "The JSON subprotocol requires text messages."),
            Codec::Protobuf => Self::new(1003, "The protobuf.webpubsub.azure.v1 subprotocol requires binary messages."),
        }
    }

    /// A frame that is not understood (PROTOCOL §4.11, §10.3).
    pub(super) fn malformed(codec: Codec) -> Self {
        match codec {
            Codec::Json => Self::new(1007, "The client message is not a valid JSON protocol message."),
            Codec::Protobuf => {
                Self::new(1007, "The client message is not a valid protobuf.webpubsub.azure.v1 protocol message.")
            }
        }
    }

    pub(super) const GOING_AWAY: Self = Self::new(1001, "The service is going away.");
    pub(super) const FRAMING: Self = Self::new(1002, "The client broke the WebSocket protocol.");
    pub(super) const TOO_SLOW: Self = Self::new(1008, "The client is too slow: too much is waiting for it.");
    pub(super) const RAW_MODE_FORBIDDEN: Self =
        Self::new(1008, "The connection is not authorized for raw sendToGroup mode.");
    pub(super) const NOT_RECOVERED: Self = Self::new(1008, "The connection could not be recovered.");
    pub(super) const EXPIRED: Self = Self::new(1008, "The access token has expired.");
    pub(super) const TOO_BIG: Self = Self::new(1009, "The client message is larger than 1 MiB.");
    pub(super) const HANDLER_FAILED: Self = Self::new(1011, "Internal server error");
}

/// Why a connection ended that its client closed.
pub(super) const LEFT: &str = "The client closed the connection.";
/// Why a connection ended whose socket broke and which is of a kind that cannot be recovered.
pub(super) const LOST: &str = "The connection was lost.";
/// Why a reliable connection ended that was not recovered.
pub(super) const NOT_BACK: &str = "The connection was lost and not recovered in time.";
