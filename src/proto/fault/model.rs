//! A fault as plain data.

use std::time::Duration;

/// One fault: what happens, to whom, how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub action: Action,
    /// What it is aimed at.
    pub target: FaultTarget,
    /// Which of its opportunities it takes.
    pub trigger: Trigger,
    /// Where its opportunities are.
    pub points: Points,
    /// The operations it was limited to, as words of the grammar; empty: the action's own.
    pub operations: Vec<&'static str>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The handshake is answered with this status.
    Refuse {
        /// 300 to 599.
        status: u16,
        /// In seconds, as the header has it.
        retry_after: Option<u64>,
        /// The text of the answer.
        body: Option<String>,
    },
    /// The handshake is not answered, for ever or for so long.
    Hang(Option<Duration>),
    /// The `connected` frame is left out.
    NoConnected,
    /// A recovery gets its 101, and then this close code.
    RefuseRecovery(u16),
    /// The connection loses its socket.
    Drop {
        /// How the client sees it.
        how: DropKind,
        /// When it happens.
        when: DropTime,
    },
    /// The operation is carried out, its ack is lost, and so is the socket.
    ExecuteThenDrop(DropKind),
    /// The frame is treated as if it had never come.
    Ignore,
    /// The operation is not carried out, and refused.
    Nack {
        /// The error's name.
        name: String,
        /// The error's message.
        message: String,
    },
    /// The service closes the stream: its publisher is told this error, its subscribers too (PROTOCOL §9.1).
    CloseStream {
        /// The error's name.
        name: String,
        /// The error's message.
        message: String,
    },
    /// The operation is carried out, its ack is not sent.
    SwallowAck,
    /// The ack comes later; what is behind it does not wait.
    DelayAck(Span),
    /// The ack comes twice.
    DuplicateAck,
    /// The answer to an invocation is not what it should be.
    GarbleAnswer(Garble),
    /// Everything sent arrives later, in order.
    Latency(Span),
    /// So many bytes a second are sent.
    Bandwidth(u64),
    /// Pings are not answered.
    NoPong,
    /// A frame that no client expects is sent besides.
    Garbage(Garbage),
    /// The token expires so long after it was first used.
    Expire(Duration),
    /// A request to an event handler, through a tunnel, meets this (PROTOCOL §20).
    Tunnel(TunnelFault),
}

/// What happens to a tunnel at a request that is to go through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelFault {
    /// The connection is reset once the request is out: its answer is lost.
    Lost,
    /// The request goes out so much later.
    Slow(Span),
    /// The application is told to make another connection in place of this one. The request still goes on this one.
    Reconnect(TunnelTarget),
    /// The application is told to make one more connection.
    Rebalance(TunnelTarget),
    /// The application is told to end this connection, for good. The request still goes on it.
    Close,
}

/// Where the application is told to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelTarget {
    /// An http(s) URL; empty: where it went before.
    pub endpoint: String,
    /// `target` of the URL; empty: none.
    pub target: String,
}

impl Action {
    /// When it happens. All but a drop happen where they are met.
    pub(super) fn when(&self) -> DropTime {
        match self {
            Self::Drop { when, .. } => *when,
            Self::Refuse { .. }
            | Self::Hang(_)
            | Self::NoConnected
            | Self::RefuseRecovery(_)
            | Self::ExecuteThenDrop(_)
            | Self::Ignore
            | Self::Nack { .. }
            | Self::CloseStream { .. }
            | Self::SwallowAck
            | Self::DelayAck(_)
            | Self::DuplicateAck
            | Self::GarbleAnswer(_)
            | Self::Latency(_)
            | Self::Bandwidth(_)
            | Self::NoPong
            | Self::Garbage(_)
            | Self::Expire(_)
            | Self::Tunnel(_) => DropTime::Met,
        }
    }
}

/// How a client sees that its socket is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// A TCP reset.
    Reset,
    /// The stream ends without a close frame.
    Eof,
    /// The socket stays open, and nothing comes from it or is heard on it any more.
    Silence,
    /// A close frame.
    Close {
        /// Any number, also one that must not stand in a close frame.
        code: u16,
        /// At most 123 bytes.
        reason: String,
    },
}

/// When a drop happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropTime {
    /// At the operation it is aimed at.
    Met,
    /// When so many frames have passed on the socket, both ways counted together.
    Frames(u64),
    /// So long after the socket opened.
    After(Span),
}

/// What a garbage frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// Text that is not JSON.
    Text,
    /// A binary frame.
    Binary,
    /// A text frame that is not UTF-8.
    InvalidUtf8,
    /// A JSON object of a type that nobody has heard of.
    UnknownType,
    /// A JSON object of that kind, so many bytes long.
    Huge(usize),
}

/// How the answer to an invocation is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garble {
    /// Its payload is the JSON `null`.
    Null,
    /// It says neither that it is a success nor that it is none, or its payload is of no kind.
    Shape,
    /// The second half of the frame is missing.
    Truncated,
}

/// A duration, drawn from a range where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

impl Span {
    /// The duration that chance decides.
    pub fn draw(self, chance: u64) -> Duration {
        let width = u64::try_from((self.most.saturating_sub(self.least)).as_nanos()).unwrap_or(u64::MAX);
        self.least + Duration::from_nanos(if width == 0 { 0 } else { chance % width.saturating_add(1) })
    }
}

/// What a fault is aimed at; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultTarget {
    /// A hub, lower-case.
    pub hub: Option<String>,
    /// A user id.
    pub user: Option<String>,
    /// A connection id.
    pub connection: Option<String>,
    /// A group.
    pub group: Option<String>,
    /// The name of an event.
    pub event: Option<String>,
}

/// Which of its opportunities a fault takes. They are counted from 1, over all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// The first one it takes; without `times` and `every` the only one.
    pub nth: Option<u64>,
    /// So many at most.
    pub times: Option<u64>,
    /// Only one of so many, the first one included.
    pub every: Option<u64>,
    /// With this chance, in millionths.
    pub probability: Option<u32>,
}

impl Trigger {
    /// The most often it can happen.
    pub fn limit(&self) -> Option<u64> {
        match self.nth {
            Some(_) if self.every.is_none() => Some(self.times.unwrap_or(1)),
            Some(_) | None => self.times,
        }
    }
}

/// A place where the emulator asks whether to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Point {
    /// A handshake for a new connection is to be answered.
    Connect,
    /// A handshake for a recovery is to be answered.
    Recover,
    /// A new connection has opened.
    Opened,
    /// A recovery is to be decided on.
    Recovering,
    /// A connection was recovered.
    Recovered,
    /// `joinGroup` came.
    JoinGroup,
    /// `leaveGroup` came.
    LeaveGroup,
    /// `sendToGroup` came.
    SendToGroup,
    /// `event` came.
    Event,
    /// `invoke` came.
    Invoke,
    /// `cancelInvocation` came.
    CancelInvocation,
    /// `setGroupState` came.
    SetGroupState,
    /// `subscribeGroupState` came.
    SubscribeGroupState,
    /// `unsubscribeGroupState` came.
    UnsubscribeGroupState,
    /// `ping` came.
    Ping,
    /// `sequenceAck` came.
    SequenceAck,
    /// A message goes to a client.
    Message,
    /// Any frame but a message goes to a client.
    Control,
    /// A frame has passed, either way.
    Frame,
    /// A socket has opened, or a fault came while it was open.
    Attached,
    /// A publish came that begins a stream (PROTOCOL §9.1).
    StreamStart,
    /// A fragment of a stream came.
    StreamData,
    /// A keep-alive of a stream came.
    StreamKeepalive,
    /// The end of a stream came.
    StreamEnd,
    /// A request to an event handler is to go through a tunnel.
    Tunnel,
}

/// A set of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points(pub u32);

impl Points {
    /// These points.
    pub fn of(points: &[Point]) -> Self {
        Self(points.iter().fold(0, |bits, point| bits | point.bit()))
    }

    /// Whether it holds a point.
    pub fn holds(self, point: Point) -> bool {
        self.0 & point.bit() != 0
    }

    /// Whether it holds any point of another set.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Point {
    /// Whether what happens there is about a group, so that a fault can be aimed by it.
    pub(super) fn has_group(self) -> bool {
        match self {
            Self::JoinGroup
            | Self::LeaveGroup
            | Self::SendToGroup
            | Self::SetGroupState
            | Self::SubscribeGroupState
            | Self::UnsubscribeGroupState
            | Self::Message
            | Self::StreamStart
            | Self::StreamData
            | Self::StreamKeepalive
            | Self::StreamEnd => true,
            Self::Connect
            | Self::Recover
            | Self::Opened
            | Self::Recovering
            | Self::Recovered
            | Self::Event
            | Self::Invoke
            | Self::CancelInvocation
            | Self::Ping
            | Self::SequenceAck
            | Self::Control
            | Self::Frame
            | Self::Attached
            | Self::Tunnel => false,
        }
    }

    /// The same of an event.
    pub(super) fn has_event(self) -> bool {
        match self {
            Self::Event | Self::Invoke | Self::Tunnel => true,
            Self::Connect
            | Self::Recover
            | Self::Opened
            | Self::Recovering
            | Self::Recovered
            | Self::JoinGroup
            | Self::LeaveGroup
            | Self::SendToGroup
            | Self::CancelInvocation
            | Self::SetGroupState
            | Self::SubscribeGroupState
            | Self::UnsubscribeGroupState
            | Self::Ping
            | Self::SequenceAck
            | Self::Message
            | Self::Control
            | Self::Frame
            | Self::Attached
            | Self::StreamStart
            | Self::StreamData
            | Self::StreamKeepalive
            | Self::StreamEnd => false,
        }
    }

    /// The same of a connection. Before the handshake of a new one is answered, it has no id yet.
    pub(super) fn has_connection(self) -> bool {
        match self {
            Self::Connect => false,
            Self::Recover
            | Self::Opened
            | Self::Recovering
            | Self::Recovered
            | Self::JoinGroup
            | Self::LeaveGroup
            | Self::SendToGroup
            | Self::Event
            | Self::Invoke
            | Self::CancelInvocation
            | Self::SetGroupState
            | Self::SubscribeGroupState
            | Self::UnsubscribeGroupState
            | Self::Ping
            | Self::SequenceAck
            | Self::Message
            | Self::Control
            | Self::Frame
            | Self::Attached
            | Self::StreamStart
            | Self::StreamData
            | Self::StreamKeepalive
            | Self::StreamEnd
            | Self::Tunnel => true,
        }
    }

    fn bit(self) -> u32 {
        1 << self as u8
    }
}
