//! The Web PubSub wire protocol as plain data: frames, their codecs, names, limits and close codes.
//!
//! Both ends of the wire live here, because the crate holds both: the client encodes [`Upstream`] and decodes
//! [`Downstream`], the emulator the other way round. Nothing in this module does I/O, keeps state or depends on
//! another module of the crate. Payloads are borrowed from the frame they came in and keep their digits and key order.
//!
//! **The API is young.** It serves `webpubsub-client` and `webpubsub-emulator`, which are what most programs want; until
//! 1.0 any release may change it.

mod close;
mod codec;
mod data;
mod dense;
pub mod fault;
pub mod filter;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod group_state;
pub mod hub;
mod metadata;
mod names;
mod pattern;
pub mod session;
pub mod signalr;
#[cfg(test)]
mod simulation;
pub mod skim;
pub mod trace;
pub mod tunnel;
mod wire;

pub use close::explain_close_code;
pub use codec::{
    Codec, DownstreamDecoder, Malformed, SharedMessage, Unpacked, check_any, decode_downstream, decode_upstream,
    encode_downstream, encode_upstream, present,
};
pub use data::{Data, DataKind, Octets, OwnedData, Quoted, Text};
pub use dense::Dense;
pub use frame::{
    AckError, Downstream, InvokeAnswer, Message, Origin, StreamAnswer, StreamEndError, StreamError, StreamInfo,
    StreamRequest, StreamTarget, Upstream,
};
pub use group_state::{GroupState, MAX_SNAPSHOT_ITEMS, MAX_STATE_BYTES, StateFrame, StateItem, StateTooBig};
pub use metadata::{Metadata, MetadataError, check_metadata};
pub use names::{NameError, check_event_name, check_group_name, check_hub_name};
pub use pattern::{GroupPattern, LONGEST_PATTERN, MOST_STARS};
pub use wire::{EncodedFrame, SharedFrame, WireFrame};

/// Largest frame the service takes, in bytes (PROTOCOL §12: 1 MB documented, 1 MiB in the official emulator).
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// How many unacknowledged messages the service keeps for one reliable connection (PROTOCOL §7.1).
pub const MAX_UNACKED_MESSAGES: usize = 1000;

/// How many unacknowledged bytes the service keeps for one reliable connection (PROTOCOL §7.1).
pub const MAX_UNACKED_BYTES: usize = 16 * 1024 * 1024;

/// How long after a drop the service keeps the state of a reliable connection, in seconds (PROTOCOL §7.2).
pub const RECOVERY_WINDOW_SECS: u64 = 30;

/// How long a group stream may be silent when its publisher does not say: then the service ends it, and whoever receives
/// it takes it to have ended (PROTOCOL §9.1, §19.28).
pub const STREAM_IDLE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);

/// Longest time to live of a message, in seconds (PROTOCOL §4.2).
pub const MAX_TTL_SECONDS: u16 = 300;

/// The subprotocols this crate speaks (PROTOCOL §0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// `json.webpubsub.azure.v1`: no sequence ids, no recovery.
    Json,
    /// `json.reliable.webpubsub.azure.v1`: sequence ids, acknowledgements and recovery.
    JsonReliable,
    /// `protobuf.webpubsub.azure.v1`: as `Json`, in binary frames.
    Protobuf,
    /// `protobuf.reliable.webpubsub.azure.v1`: as `JsonReliable`, in binary frames.
    ProtobufReliable,
}

impl Subprotocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::JsonReliable, Self::Protobuf, Self::ProtobufReliable];

    /// The value of `Sec-WebSocket-Protocol`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json.webpubsub.azure.v1",
            Self::JsonReliable => "json.reliable.webpubsub.azure.v1",
            Self::Protobuf => "protobuf.webpubsub.azure.v1",
            Self::ProtobufReliable => "protobuf.reliable.webpubsub.azure.v1",
        }
    }

    /// The subprotocol of that name, compared without case (PROTOCOL §1.4).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }

    /// How its frames are encoded.
    pub fn codec(self) -> Codec {
        match self {
            Self::Json | Self::JsonReliable => Codec::Json,
            Self::Protobuf | Self::ProtobufReliable => Codec::Protobuf,
        }
    }

    /// Whether a dropped connection of this subprotocol can be recovered (PROTOCOL §7).
    pub fn is_reliable(self) -> bool {
        match self {
            Self::JsonReliable | Self::ProtobufReliable => true,
            Self::Json | Self::Protobuf => false,
        }
    }
}
