//! What a session tells its user.
//!
//! [`Lifecycle`] events are rare and own their text; messages are many and are handed out borrowed, see [`Received`].
//! Names are those of the CLI contract's NDJSON records, which are those of the official client libraries.

use std::time::Duration;

use super::request::OperationId;
use super::snapshot::KeptLoss;
use super::streams::StreamNews;
use crate::{GroupState, Message};

/// Kind of an operation, by its name on the wire (PROTOCOL §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// PROTOCOL §4.1.
    JoinGroup,
    /// PROTOCOL §4.1.
    LeaveGroup,
    /// PROTOCOL §4.2.
    SendToGroup,
    /// PROTOCOL §4.3.
    Event,
    /// PROTOCOL §9.3, a clear too.
    SetGroupState,
    /// PROTOCOL §9.3.
    SubscribeGroupState,
    /// PROTOCOL §9.3.
    UnsubscribeGroupState,
}

impl OperationKind {
    /// Whether it may be done again on another connection with the same result (PROTOCOL §19.7, §19.31); a publish would
    /// be doubled.
    pub(super) fn is_repeatable(self) -> bool {
        match self {
            Self::JoinGroup
            | Self::LeaveGroup
            | Self::SetGroupState
            | Self::SubscribeGroupState
            | Self::UnsubscribeGroupState => true,
            Self::SendToGroup | Self::Event => false,
        }
    }

    /// The wire's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::JoinGroup => "joinGroup",
            Self::LeaveGroup => "leaveGroup",
            Self::SendToGroup => "sendToGroup",
            Self::Event => "event",
            Self::SetGroupState => "setGroupState",
            Self::SubscribeGroupState => "subscribeGroupState",
            Self::UnsubscribeGroupState => "unsubscribeGroupState",
        }
    }
}

/// The error of a negative ack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// `Forbidden`, `InternalServerError` or another; may be empty.
    pub name: String,
    /// For people.
    pub message: String,
}

/// How a connection was lost.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Loss {
    /// The service's close code, when there was a close frame.
    pub close_code: Option<u16>,
    /// The reason in that frame.
    pub close_reason: Option<String>,
    /// The message of a `disconnected` frame before it (PROTOCOL §5.2).
    pub message: Option<String>,
    /// What the code means.
    pub explanation: Option<&'static str>,
    /// What broke, when there was no close frame.
    pub error: Option<String>,
}

impl Loss {
    /// The loss in one line.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        // What the explanation of the code says too, or another part, is said once.
        let explained =
            |words: &str| self.close_code.is_some() && self.explanation.is_some_and(|text| says(text, words));
        let message = self.message.as_deref().filter(|message| !message.is_empty() && !explained(message));
        if let Some(message) = message {
            parts.push(format!("the service said `{message}`"));
        }
        if let Some(code) = self.close_code {
            let told = |reason: &str| explained(reason) || message.is_some_and(|message| bare(message) == bare(reason));
            let reason = self.close_reason.as_deref().filter(|reason| !reason.is_empty() && !told(reason));
            let reason = reason.map(|reason| format!(" `{reason}`")).unwrap_or_default();
            let explanation = self.explanation.map(|text| format!(": {text}")).unwrap_or_default();
            parts.push(format!("close code {code}{reason}{explanation}"));
        }
        if let Some(error) = &self.error {
            parts.push(error.clone());
        }
        if parts.is_empty() { "the connection ended".into() } else { parts.join("; ") }
    }
}

/// Text without its case and full stop.
fn bare(text: &str) -> String {
    text.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Whether the text says all of those words; a single one may mean more.
fn says(text: &str, words: &str) -> bool {
    let words = bare(words);
    words.contains(' ') && bare(text).contains(&words)
}

/// Something other than a message happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// A new connection.
    Connected {
        /// Its id.
        connection_id: String,
        /// `None`: anonymous.
        user_id: Option<String>,
    },
    /// The connection was lost and is being recovered; once per loss.
    Recovering {
        /// Its id.
        connection_id: String,
        /// How it was lost.
        loss: Loss,
    },
    /// The connection goes on.
    Recovered {
        /// Its id.
        connection_id: String,
        /// Attempts this took.
        attempts: u32,
        /// From the loss to now; of a connection of an earlier process, from its last record.
        downtime: Duration,
    },
    /// An attempt to connect or recover failed. Said on stderr; not a record of its own.
    AttemptFailed {
        /// What failed.
        error: String,
        /// Whether it was an attempt to recover.
        recovery: bool,
    },
    /// A fresh connection will be tried.
    Reconnecting {
        /// Number of the retry, from 1.
        attempt: u32,
        /// Pause before it.
        delay: Duration,
        /// Why.
        error: String,
    },
    /// Messages may be missing.
    SessionLost {
        /// The connection given up.
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
    /// An operation of the user's was acknowledged, positively or not.
    Ack(AckReport),
    /// An attempt of an operation failed, and another follows. Said on stderr; not a record of its own.
    OperationRetried(FailedAttempt),
    /// What became of an operation of an earlier process cannot be known.
    OperationUnknown {
        /// What it was.
        operation: OperationKind,
        /// The group or the event's name.
        target: String,
        /// Its id.
        ack_id: u64,
        /// Why not.
        reason: String,
    },
    /// Something about a stream (PROTOCOL §9.1).
    Stream(StreamNews),
    /// A group was joined.
    Joined {
        /// The group.
        group: String,
        /// The operation's id; `None` when no ack was asked for, or it has been joined since an earlier process.
        ack_id: Option<u64>,
        /// Whether it was joined again on a new connection.
        rejoined: bool,
    },
    /// A group was left.
    Left {
        /// The group.
        group: String,
        /// The operation's id.
        ack_id: Option<u64>,
    },
    /// A group could not be joined again on a new connection.
    RejoinFailed {
        /// The group.
        group: String,
        /// Why not.
        error: Nack,
    },
    /// What this connection said of itself in a group could not be said again on a new connection, or what the others say
    /// is not told any more (PROTOCOL §19.30).
    RestateFailed {
        /// The group.
        group: String,
        /// What was tried: `setGroupState` or `subscribeGroupState`.
        operation: OperationKind,
        /// Why not.
        error: Nack,
    },
    /// Sequence ids were skipped (PROTOCOL §19.10).
    SequenceGap {
        /// The id that was next.
        expected: u64,
        /// The id that came.
        sequence_id: u64,
        /// Frames that came since the last id and were not understood: what is missing may be among them.
        not_understood: u64,
    },
}

impl Lifecycle {
    /// Whether it tells of something lost, which stays recorded until it is put out (`--session`).
    pub fn is_loss(&self) -> bool {
        KeptLoss::of(self).is_some()
    }
}

/// An attempt of an operation that failed and is followed by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// What it was.
    pub operation: OperationKind,
    /// The group or the event's name.
    pub target: String,
    /// Its id, the same for every attempt.
    pub ack_id: u64,
    /// Which attempt failed, from 1.
    pub attempt: u32,
    /// Why.
    pub error: Nack,
}

/// An acknowledged operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckReport {
    /// Its name between its issuer and the session; `None`: no issuer of this process waits for it.
    pub id: Option<OperationId>,
    /// The line of input it came from. The session knows of none; who issued it fills it in.
    pub line: Option<u64>,
    /// What it was.
    pub operation: OperationKind,
    /// The group or the event's name.
    pub target: String,
    /// Its id.
    pub ack_id: u64,
    /// `None`: success.
    pub error: Option<Nack>,
    /// The service had carried it out before (PROTOCOL §5.3).
    pub duplicate: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// From the first sending to the ack.
    pub elapsed: Duration,
}

/// What the members of a group say of themselves, or what has changed of that (PROTOCOL §9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChanges {
    /// The group.
    pub group: String,
    /// It answers what was asked: all that there was, or, on a new connection, what has changed since. The other members
    /// have no state, unless it may be cut short.
    pub snapshot: bool,
    /// It has as many as a snapshot can have: there may be more.
    pub may_be_cut_short: bool,
    /// In the order they came.
    pub changes: Vec<StateChange>,
}

/// What a member says of itself now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Whose it is.
    pub connection_id: String,
    /// `None`: anonymous.
    pub user_id: Option<String>,
    /// `None`: nothing any more.
    pub state: Option<GroupState>,
    /// Since when, in milliseconds since the epoch; `None`: it was gone when the states were asked for again.
    pub updated_at: Option<i64>,
    /// It was so before anybody asked.
    pub snapshot: bool,
}

/// What a received frame is to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A message to deliver.
    Message(Message<'a>),
    /// What members of groups say of themselves. Empty only where it answers what was asked.
    States(StateChanges),
    /// A frame to pass on as not understood (PROTOCOL §19.13).
    Unknown {
        /// What was not understood.
        reason: std::borrow::Cow<'static, str>,
    },
    /// A message that was delivered before.
    Duplicate,
    /// A frame of the protocol itself; whatever it means was put out as [`Lifecycle`].
    Control,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_says_in_several_ways_is_described_once() {
        let loss = |message: Option<&str>, code, reason: Option<&str>, explanation| {
            Loss {
                close_code: code,
                close_reason: reason.map(str::to_owned),
                message: message.map(str::to_owned),
                explanation,
                error: None,
            }
            .describe()
        };
        let going = Some("the service is going away");
        assert_eq!(
            loss(Some("Going away."), Some(1001), Some("going away"), going),
            "close code 1001: the service is going away"
        );
        assert_eq!(
            loss(Some("bye"), Some(1001), Some("upgrade"), going),
            "the service said `bye`; close code 1001 `upgrade`: the service is going away"
        );
        assert_eq!(
            loss(Some("upgrade"), Some(4000), Some("upgrade"), None),
            "the service said `upgrade`; close code 4000"
        );
        assert_eq!(loss(None, None, None, None), "the connection ended");
    }
}
