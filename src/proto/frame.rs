//! The frames of the PubSub subprotocols as plain data, whatever the encoding (PROTOCOL §4, §5).

mod stream;

use std::borrow::Cow;

use super::data::Data;
use super::group_state::{GroupState, StateFrame};

pub use stream::{StreamAnswer, StreamEndError, StreamError, StreamInfo, StreamRequest, StreamTarget};

/// A frame from a client to the service (PROTOCOL §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream<'a> {
    /// PROTOCOL §4.1.
    JoinGroup {
        /// Group to join.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
    },
    /// PROTOCOL §4.1.
    LeaveGroup {
        /// Group to leave.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
    },
    /// PROTOCOL §4.2.
    SendToGroup {
        /// Group to publish to.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
        /// Do not deliver to the sending connection.
        no_echo: bool,
        /// For how long it is worth delivering, in seconds, at most 300; 0 is the same as nothing: for ever.
        ttl_seconds: Option<u16>,
        /// The payload.
        data: Data<'a>,
        /// JSON text of the `metadata` object (PROTOCOL §4.5).
        metadata: Option<&'a str>,
    },
    /// PROTOCOL §4.3.
    Event {
        /// Name of the event.
        event: Cow<'a, str>,
        /// Asks for an ack under this id, which comes after the handler has answered.
        ack_id: Option<u64>,
        /// The payload.
        data: Data<'a>,
        /// JSON text of the `metadata` object (PROTOCOL §4.5).
        metadata: Option<&'a str>,
    },
    /// PROTOCOL §9.2: an event that is answered.
    Invoke {
        /// Names it in its answer; not empty, unique among the connection's unanswered ones.
        invocation_id: Cow<'a, str>,
        /// Name of the event.
        event: Cow<'a, str>,
        /// The payload; `None`: it has none.
        data: Option<Data<'a>>,
        /// JSON text of the `metadata` object (PROTOCOL §4.5).
        metadata: Option<&'a str>,
    },
    /// PROTOCOL §9.2: nobody waits for the answer any more.
    CancelInvocation {
        /// Which.
        invocation_id: Cow<'a, str>,
    },
    /// PROTOCOL §4.7: everything up to and including this sequence id has arrived.
    SequenceAck(u64),
    /// PROTOCOL §4.6.
    Ping,
    /// PROTOCOL §9.3: what this connection says of itself.
    SetGroupState {
        /// To the members of this group.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
        /// In place of all it said before; `None`: nothing any more.
        state: Option<GroupState>,
    },
    /// PROTOCOL §9.3: what the members say of themselves is to be told, from now on.
    SubscribeGroupState {
        /// Of this group.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
    },
    /// PROTOCOL §9.3: and no more.
    UnsubscribeGroupState {
        /// Of this group.
        group: Cow<'a, str>,
        /// Asks for an ack under this id.
        ack_id: Option<u64>,
    },
    /// PROTOCOL §9.1.
    Stream(StreamRequest<'a>),
}

/// A frame from the service to a client (PROTOCOL §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downstream<'a> {
    /// PROTOCOL §5.1.
    Connected {
        /// Id of the connection, for its whole life.
        connection_id: Cow<'a, str>,
        /// `None` when the client is anonymous.
        user_id: Option<Cow<'a, str>>,
        /// Present on reliable connections.
        reconnection_token: Option<Cow<'a, str>>,
    },
    /// PROTOCOL §5.2.
    Disconnected {
        /// Why the service ends the connection.
        message: Option<Cow<'a, str>>,
    },
    /// PROTOCOL §5.3.
    Ack {
        /// The operation's id.
        ack_id: u64,
        /// `Ok` when the operation was carried out.
        result: Result<(), AckError<'a>>,
    },
    /// PROTOCOL §5.4.
    Message(Message<'a>),
    /// PROTOCOL §4.6.
    Pong,
    /// PROTOCOL §9.3.
    GroupState(StateFrame<'a>),
    /// PROTOCOL §9.2: the answer to an invocation.
    InvokeResponse {
        /// Which.
        invocation_id: Cow<'a, str>,
        /// What was answered.
        answer: InvokeAnswer<'a>,
    },
    /// PROTOCOL §9.1.
    Stream(StreamAnswer<'a>),
    /// A frame that this version does not understand (PROTOCOL §5: passed on, never an error).
    Unknown {
        /// Its sequence id, if it has one: unknown frames are sequenced too (PROTOCOL §19.9).
        sequence_id: Option<u64>,
        /// What was not understood.
        reason: Cow<'static, str>,
    },
}

/// The error of a negative ack (PROTOCOL §5.3), of an invocation (§9.2), or of a stream that was closed (§9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckError<'a> {
    /// `Forbidden`, `InternalServerError`, `Duplicate`, or a name newer than this code; empty when absent.
    pub name: Cow<'a, str>,
    /// For people; not to be matched on.
    pub message: Cow<'a, str>,
}

/// What an invocation was answered with (PROTOCOL §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeAnswer<'a> {
    /// It was carried out.
    Success {
        /// The payload; `None`: it has none.
        data: Option<Data<'a>>,
        /// JSON text of the `metadata` object (PROTOCOL §4.5).
        metadata: Option<&'a str>,
    },
    /// It was refused, or it failed.
    Failure(AckError<'a>),
    /// An answer that is not understood. The invocation has ended all the same (PROTOCOL §19.19). Nobody sends it.
    NotUnderstood {
        /// What was not understood.
        reason: Cow<'static, str>,
    },
}

/// A data message (PROTOCOL §5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who sent it.
    pub origin: Origin<'a>,
    /// Present on reliable connections; starts at 1, one more for each message.
    pub sequence_id: Option<u64>,
    /// The payload.
    pub data: Data<'a>,
    /// JSON text of the `metadata` object (PROTOCOL §4.5).
    pub metadata: Option<&'a str>,
    /// JSON text of the `stream` object, which [`StreamInfo::parse`] reads (PROTOCOL §9.1).
    pub stream: Option<&'a str>,
    /// It may have been handed out before, by an earlier process. The session's word; not on the wire.
    pub redelivered: bool,
}

/// Where a message came from (PROTOCOL §5.4, `from`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Published to a group.
    Group {
        /// The group.
        group: Cow<'a, str>,
        /// The publisher's user id; `None` when anonymous or published over REST.
        user_id: Option<Cow<'a, str>>,
    },
    /// Sent by the application server.
    Server,
}
