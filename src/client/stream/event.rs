//! What a client tells its user.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::{ConnectionError, nack, shown};
use webpubsub_proto::session::{
    FailedAttempt, Lifecycle, Loss, Nack, OperationKind, StateChanges, StreamNews, StreamTrouble,
};
use webpubsub_proto::{Data, GroupState, Origin, OwnedData, StreamInfo, WireFrame};

/// Something happened. How an operation ended is told by its future, not here.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message came. Messages of a connection come in the service's order and each once (PROTOCOL §7, §19.10); with a
    /// subprotocol without recovery those of a time without a connection are lost.
    Message(Message),
    /// A frame came that is not understood (PROTOCOL §19.13): something newer than this crate.
    NotUnderstood {
        /// The whole frame: UTF-8 in the JSON subprotocols.
        frame: Vec<u8>,
        /// What was not understood.
        reason: String,
    },
    /// There is a new connection. The first, or one in place of one that could not be recovered (PROTOCOL §5.1).
    Connected {
        /// Its id.
        connection_id: String,
        /// Whose it is; `None`: anonymous.
        user_id: Option<String>,
    },
    /// The connection was lost and is being recovered; once for each loss (PROTOCOL §7.2).
    Recovering {
        /// Its id.
        connection_id: String,
        /// How it was lost.
        loss: Loss,
    },
    /// The connection goes on; nothing was missed.
    Recovered {
        /// Its id.
        connection_id: String,
        /// Attempts that this took.
        attempts: u32,
        /// From the loss to now.
        downtime: Duration,
    },
    /// An attempt to connect or to recover failed.
    AttemptFailed {
        /// What failed.
        error: String,
        /// Whether it was one to recover.
        recovery: bool,
    },
    /// A new connection will be tried.
    Reconnecting {
        /// Number of the retry, from 1.
        attempt: u32,
        /// The pause before it.
        delay: Duration,
        /// Why.
        error: String,
    },
    /// The connection could not be recovered: messages may be missing (PROTOCOL §7.3).
    SessionLost {
        /// Its id.
        connection_id: String,
        /// Why it could not go on.
        reason: String,
    },
    /// A connection was given up.
    Disconnected {
        /// Its id.
        connection_id: String,
        /// How it was lost.
        loss: Loss,
    },
    /// A group was joined.
    Joined {
        /// The group.
        group: String,
        /// Whether it was joined again on a new connection, by itself.
        rejoined: bool,
    },
    /// A group was left.
    Left {
        /// The group.
        group: String,
    },
    /// A group could not be joined again on a new connection (PROTOCOL §19.4).
    RejoinFailed {
        /// The group.
        group: String,
        /// Why not.
        error: Nack,
    },
    /// What members of a group say of themselves, or what has changed of that, since
    /// [`Client::watch_states`](crate::Client::watch_states) (PROTOCOL §9.3). First comes one with all there is, a
    /// snapshot, which may be empty.
    States(StateChanges),
    /// What this client said of itself in a group could not be said again on a new connection, or what the others say is
    /// not told any more (PROTOCOL §19.30).
    RestateFailed {
        /// The group.
        group: String,
        /// `setGroupState` or `subscribeGroupState`.
        operation: OperationKind,
        /// Why not.
        error: Nack,
    },
    /// An attempt of an operation failed for a passing reason, and another follows (PROTOCOL §19.6).
    OperationRetried(FailedAttempt),
    /// Sequence ids were skipped: messages are missing, by a fault of the service (PROTOCOL §19.10).
    SequenceGap {
        /// The id that was next.
        expected: u64,
        /// The id that came.
        sequence_id: u64,
        /// Frames that came in between and were not understood: what is missing may be among them.
        not_understood: u64,
    },
    /// Something is wrong with a group stream that is being received (PROTOCOL §19.27, §19.28). It comes before the
    /// fragment that shows it. Not of streams that have a [`StreamReader`](crate::StreamReader), which is told itself.
    StreamTrouble {
        /// The group that it is published to.
        group: String,
        /// Its id.
        stream_id: String,
        /// Whose it is; `None`: anonymous, or a protobuf subprotocol, which does not say.
        user_id: Option<String>,
        /// What it is.
        trouble: StreamTrouble,
    },
    /// The client is over. Nothing follows.
    Ended {
        /// Why; `None`: it was closed, or dropped.
        error: Option<ConnectionError>,
    },
}

impl Event {
    /// What is told of this; `None`: its user hears of it otherwise.
    pub(crate) fn of(lifecycle: &Lifecycle) -> Option<Self> {
        Some(match lifecycle.clone() {
            Lifecycle::Connected { connection_id, user_id } => Self::Connected { connection_id, user_id },
            Lifecycle::Recovering { connection_id, loss } => Self::Recovering { connection_id, loss: shown_loss(loss) },
            Lifecycle::Recovered { connection_id, attempts, downtime } => {
                Self::Recovered { connection_id, attempts, downtime }
            }
            Lifecycle::AttemptFailed { error, recovery } => Self::AttemptFailed { error: shown(&error), recovery },
            Lifecycle::Reconnecting { attempt, delay, error } => {
                Self::Reconnecting { attempt, delay, error: shown(&error) }
            }
            Lifecycle::SessionLost { connection_id, reason } => {
                Self::SessionLost { connection_id, reason: shown(&reason) }
            }
            Lifecycle::Disconnected { connection_id, loss } => {
                Self::Disconnected { connection_id, loss: shown_loss(loss) }
            }
            Lifecycle::Joined { group, ack_id: _, rejoined } => Self::Joined { group, rejoined },
            Lifecycle::Left { group, ack_id: _ } => Self::Left { group },
            Lifecycle::RejoinFailed { group, error } => Self::RejoinFailed { group, error: nack(error) },
            Lifecycle::RestateFailed { group, operation, error } => {
                Self::RestateFailed { group, operation, error: nack(error) }
            }
            Lifecycle::OperationRetried(failed) => {
                let error = nack(failed.error);
                Self::OperationRetried(FailedAttempt { error, ..failed })
            }
            Lifecycle::SequenceGap { expected, sequence_id, not_understood } => {
                Self::SequenceGap { expected, sequence_id, not_understood }
            }
            Lifecycle::Stream(StreamNews::Trouble { group, stream_id, user_id, trouble }) => {
                Self::StreamTrouble { group, stream_id, user_id, trouble }
            }
            // Its writer tells it.
            Lifecycle::Stream(StreamNews::Started { .. } | StreamNews::Ended(_)) => return None,
            // The future of the operation tells it. Of an earlier process there are none here.
            Lifecycle::Ack(_) | Lifecycle::OperationUnknown { .. } => return None,
        })
    }

    pub(crate) fn not_understood(frame: WireFrame<'_>, reason: &str) -> Self {
        let frame = match frame {
            WireFrame::Text(text) => text.as_bytes(),
            WireFrame::Binary(bytes) => bytes,
        };
        Self::NotUnderstood { frame: frame.to_vec(), reason: reason.to_owned() }
    }

    /// About how many bytes of data it holds.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Message(message) => message.weight(),
            Self::NotUnderstood { frame, .. } => frame.len(),
            Self::States(states) => {
                states.changes.iter().map(|change| STATE + change.state.as_ref().map_or(0, GroupState::bytes)).sum()
            }
            Self::Connected { .. }
            | Self::Recovering { .. }
            | Self::Recovered { .. }
            | Self::AttemptFailed { .. }
            | Self::Reconnecting { .. }
            | Self::SessionLost { .. }
            | Self::Disconnected { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::RejoinFailed { .. }
            | Self::RestateFailed { .. }
            | Self::OperationRetried(_)
            | Self::SequenceGap { .. }
            | Self::StreamTrouble { .. }
            | Self::Ended { .. } => 0,
        }
    }
}

/// About how many bytes a state has besides what it says.
const STATE: usize = 64;

fn shown_loss(loss: Loss) -> Loss {
    let Loss { close_code, close_reason, message, explanation, error } = loss;
    let words = |text: Option<String>| text.as_deref().map(shown);
    Loss { close_code, close_reason: words(close_reason), message: words(message), explanation, error: words(error) }
}

/// A message (PROTOCOL §5.4).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// The group that it was published to and who did, or the server.
    pub origin: Origin<'static>,
    /// Its number on this connection, from 1; `None` with a subprotocol without recovery (PROTOCOL §7.1).
    pub sequence_id: Option<u64>,
    /// The payload: a kind and bytes, at most 1 MiB as a frame (PROTOCOL §4.4, §12).
    pub data: OwnedData,
    /// The JSON text of its `metadata` object, where it has one (PROTOCOL §4.5).
    pub metadata: Option<String>,
    /// Which part of which group stream it is; `None`: of none (PROTOCOL §9.1).
    pub stream: Option<StreamPart>,
}

/// Which part of a group stream a message is (PROTOCOL §9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPart {
    /// What its publisher has named the stream.
    pub stream_id: String,
    /// Its number in the stream, from 1.
    pub number: u64,
    /// Nothing follows. The message has no payload of its own then, as a rule.
    pub is_end: bool,
    /// Why the stream ended, if it was not as its publisher wanted.
    pub error: Option<StreamFailure>,
}

/// Why a group stream ended early (PROTOCOL §9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamFailure {
    /// `UserError`: its publisher said so. Otherwise the service's: `IdleTimeout`, `Cancelled` and others.
    pub name: String,
    /// For people; may be empty.
    pub message: String,
    /// The publisher's, for programs; may be empty.
    pub user_error_code: String,
}

impl fmt::Display for StreamFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.user_error_code.is_empty() {
            write!(f, " ({})", self.user_error_code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl StreamPart {
    fn of(info: StreamInfo<'_>) -> Self {
        let is_end = info.is_end();
        let StreamInfo { stream_id, stream_sequence_id, end_of_stream: _, error } = info;
        let error = error.map(|error| StreamFailure {
            name: shown(&error.name),
            message: shown(&error.message),
            user_error_code: shown(&error.user_error_code),
        });
        Self { stream_id: stream_id.into_owned(), number: stream_sequence_id, is_end, error }
    }
}

impl Message {
    pub(crate) fn of(message: &webpubsub_proto::Message<'_>) -> Self {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        Self {
            origin: match &message.origin {
                Origin::Group { group, user_id } => {
                    Origin::Group { group: owned(group), user_id: user_id.as_ref().map(owned) }
                }
                Origin::Server => Origin::Server,
            },
            sequence_id: message.sequence_id,
            data: message.data.to_owned(),
            metadata: message.metadata.map(str::to_owned),
            stream: message.stream.and_then(StreamInfo::parse).map(StreamPart::of),
        }
    }

    /// About how many bytes of data it holds.
    pub(crate) fn weight(&self) -> usize {
        self.data.as_data().weight() + self.metadata.as_ref().map_or(0, String::len)
    }

    /// The group that it was published to; `None`: it is from the server.
    pub fn group(&self) -> Option<&str> {
        match &self.origin {
            Origin::Group { group, .. } => Some(group),
            Origin::Server => None,
        }
    }

    /// Who has published it to a group; `None`: somebody anonymous, a protobuf subprotocol, which does not say, or the
    /// server.
    pub fn user_id(&self) -> Option<&str> {
        match &self.origin {
            Origin::Group { user_id, .. } => user_id.as_deref(),
            Origin::Server => None,
        }
    }

    /// The characters of a text, or the JSON text of a JSON value, with the sender's digits and order of keys. `None`: it
    /// is of another kind.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.data.as_data() {
            Data::Json(text) => Some(Cow::Borrowed(text)),
            Data::Text(text) => Some(text.decode()),
            Data::Binary(_) | Data::Protobuf(_) => None,
        }
    }

    /// Its bytes: those of [`Self::text`], or the decoded ones. `None`: the service sent base64 that is none.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.data.as_data().to_bytes()
    }

    /// Its JSON as a value of that type; a text is a string of JSON, and bytes are one of base64. Fails as serde_json does.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.data.as_data().to_json())
    }
}
