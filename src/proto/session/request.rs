//! What can be asked of the service, under which ackId, and how it may end (PROTOCOL §4, §6).

use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::{Nack, OperationKind};
use crate::{Codec, EncodedFrame, GroupState, Metadata, OwnedData, Upstream};

/// Names an operation between its issuer and the session; chosen by the issuer, unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u64);

/// What an operation asks of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Join a group and stay joined across reconnects.
    Join {
        /// The group.
        group: String,
    },
    /// Leave a group.
    Leave {
        /// The group.
        group: String,
    },
    /// Publish to a group.
    Send {
        /// The group.
        group: String,
        /// The payload.
        data: OwnedData,
        /// Not to this connection.
        no_echo: bool,
        /// For how long it is worth delivering, in seconds, at most 300; 0 and `None`: for ever (PROTOCOL §4.2).
        ttl_seconds: Option<u16>,
        /// What goes with the payload.
        metadata: Option<Metadata>,
    },
    /// Send a custom event to the application server.
    Event {
        /// Its name.
        event: String,
        /// The payload.
        data: OwnedData,
        /// What goes with the payload.
        metadata: Option<Metadata>,
    },
    /// Say something of oneself to the members of a group, and again on each new connection (PROTOCOL §9.3).
    SetState {
        /// The group; the connection has to be in it.
        group: String,
        /// In place of what was said before, of at most 512 bytes ([`GroupState::check`]); `None`: nothing any more.
        state: Option<GroupState>,
    },
    /// Be told what the members of a group say of themselves, also on each new connection.
    SubscribeStates {
        /// The group; the connection has to be in it.
        group: String,
    },
    /// Be told that no more.
    UnsubscribeStates {
        /// The group.
        group: String,
    },
}

impl Request {
    /// A message to a group, its sender included if it is a member, and nothing besides.
    pub fn send(group: impl Into<String>, data: OwnedData) -> Self {
        Self::Send { group: group.into(), data, no_echo: false, ttl_seconds: None, metadata: None }
    }

    /// An event, and nothing besides.
    pub fn event(event: impl Into<String>, data: OwnedData) -> Self {
        Self::Event { event: event.into(), data, metadata: None }
    }

    /// Its name on the wire.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Join { .. } => OperationKind::JoinGroup,
            Self::Leave { .. } => OperationKind::LeaveGroup,
            Self::Send { .. } => OperationKind::SendToGroup,
            Self::Event { .. } => OperationKind::Event,
            Self::SetState { .. } => OperationKind::SetGroupState,
            Self::SubscribeStates { .. } => OperationKind::SubscribeGroupState,
            Self::UnsubscribeStates { .. } => OperationKind::UnsubscribeGroupState,
        }
    }

    /// The frame under that ackId.
    pub fn encode(&self, codec: Codec, ack_id: Option<u64>) -> EncodedFrame {
        codec.encode_upstream(&self.frame(ack_id))
    }

    pub(super) fn frame(&self, ack_id: Option<u64>) -> Upstream<'_> {
        match self {
            Self::Join { group } => Upstream::JoinGroup { group: group.into(), ack_id },
            Self::Leave { group } => Upstream::LeaveGroup { group: group.into(), ack_id },
            Self::Send { group, data, no_echo, ttl_seconds, metadata } => Upstream::SendToGroup {
                group: group.into(),
                ack_id,
                no_echo: *no_echo,
                ttl_seconds: *ttl_seconds,
                data: data.as_data(),
                metadata: metadata.as_ref().map(Metadata::as_json),
            },
            Self::Event { event, data, metadata } => Upstream::Event {
                event: event.into(),
                ack_id,
                data: data.as_data(),
                metadata: metadata.as_ref().map(Metadata::as_json),
            },
            Self::SetState { group, state } => {
                Upstream::SetGroupState { group: group.into(), ack_id, state: state.clone() }
            }
            Self::SubscribeStates { group } => Upstream::SubscribeGroupState { group: group.into(), ack_id },
            Self::UnsubscribeStates { group } => Upstream::UnsubscribeGroupState { group: group.into(), ack_id },
        }
    }

    /// Whether it is about what members of groups say of themselves.
    pub(super) fn is_about_states(&self) -> bool {
        match self {
            Self::SetState { .. } | Self::SubscribeStates { .. } | Self::UnsubscribeStates { .. } => true,
            Self::Join { .. } | Self::Leave { .. } | Self::Send { .. } | Self::Event { .. } => false,
        }
    }

    /// The group or the event's name.
    pub fn target(&self) -> &str {
        match self {
            Self::Join { group }
            | Self::Leave { group }
            | Self::Send { group, .. }
            | Self::SetState { group, .. }
            | Self::SubscribeStates { group }
            | Self::UnsubscribeStates { group } => group,
            Self::Event { event, .. } => event,
        }
    }

    pub(super) fn into_target(self) -> String {
        match self {
            Self::Join { group }
            | Self::Leave { group }
            | Self::Send { group, .. }
            | Self::SetState { group, .. }
            | Self::SubscribeStates { group }
            | Self::UnsubscribeStates { group } => group,
            Self::Event { event, .. } => event,
        }
    }
}

/// Which ackId an operation carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMode {
    /// The next free one.
    Automatic,
    /// This one.
    Id(u64),
    /// This one, of an operation that its issuer records by itself and brings again: it is no part of a snapshot.
    Recorded {
        /// The id.
        id: u64,
        /// An earlier process may have sent it on the connection that goes on.
        again: bool,
    },
    /// None: fire and forget.
    None,
}

/// How an operation ended. Each has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service has carried it out.
    Acked {
        /// The operation's id.
        ack_id: u64,
        /// It had been carried out by an earlier attempt.
        duplicate: bool,
        /// How often it was sent.
        attempts: u32,
        /// From the first sending to the ack.
        elapsed: Duration,
    },
    /// Sent without asking for an ack.
    Sent,
    /// A join of a group that the connection has been in since an earlier process; nothing was sent.
    AlreadyJoined,
    /// The service refused it.
    Refused {
        /// The operation's id.
        ack_id: u64,
        /// Why.
        error: Nack,
        /// How often it was sent.
        attempts: u32,
        /// From the first sending to the last refusal.
        elapsed: Duration,
    },
    /// No attempt was acknowledged in time.
    NotAcknowledged {
        /// The operation's id.
        ack_id: u64,
        /// How often it was sent.
        attempts: u32,
    },
    /// It was sent, and the connection ended for good before the ack: it may or may not have been carried out.
    Unknown {
        /// The operation's id.
        ack_id: u64,
        /// Why nobody waits for the ack.
        cause: OutcomeCause,
    },
    /// The session ended before it was sent.
    NotSent {
        /// Why not.
        cause: OutcomeCause,
    },
    /// Its ackId was used for another operation of this connection.
    IdInUse {
        /// The id.
        ack_id: u64,
    },
}
