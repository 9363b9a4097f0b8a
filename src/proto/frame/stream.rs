//! The frames of group streams as plain data (PROTOCOL §9.1).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::AckError;
use crate::data::Data;

/// What a publisher says about one of its streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamRequest<'a> {
    /// Begin it.
    Start {
        /// Not empty; unique among the open streams of the connection.
        stream_id: Cow<'a, str>,
        /// Where its fragments go.
        target: StreamTarget<'a>,
        /// It ends when nothing comes for so many milliseconds; `None`: the service's default, five minutes.
        idle_timeout_ms: Option<u32>,
    },
    /// A fragment.
    Data {
        /// Whose.
        stream_id: Cow<'a, str>,
        /// From 1, one more for each fragment.
        sequence_id: u64,
        /// The payload.
        data: Data<'a>,
    },
    /// It is not idle, although nothing comes.
    Keepalive {
        /// Which.
        stream_id: Cow<'a, str>,
    },
    /// End it.
    End {
        /// Which.
        stream_id: Cow<'a, str>,
        /// It has failed.
        error: Option<StreamEndError<'a>>,
    },
}

/// Where the fragments of a stream go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamTarget<'a> {
    /// To a group.
    Group {
        /// Which.
        group: Cow<'a, str>,
        /// Not to the publisher's connection.
        no_echo: bool,
    },
    /// To the application. The schema has it, no service takes it.
    Event {
        /// Name of the event.
        event: Cow<'a, str>,
    },
}

/// Why a publisher ends its stream early.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamEndError<'a> {
    /// For people.
    pub message: Option<Cow<'a, str>>,
    /// For programs.
    pub user_error_code: Option<Cow<'a, str>>,
}

/// What the service says to the publisher of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamAnswer<'a> {
    /// All fragments before this one have been accepted.
    Ack {
        /// Whose.
        stream_id: Cow<'a, str>,
        /// The fragment that is due next.
        expected: u64,
    },
    /// A fragment was not accepted, and the stream goes on from the one that is due.
    Nack {
        /// Whose.
        stream_id: Cow<'a, str>,
        /// The fragment that is due next.
        expected: u64,
        /// `InvalidSequenceId`, `TransientError`, or a name newer than this code.
        name: Cow<'a, str>,
        /// For people.
        message: Cow<'a, str>,
    },
    /// The stream is over.
    Closed {
        /// Which.
        stream_id: Cow<'a, str>,
        /// Not as its publisher wanted.
        error: Option<AckError<'a>>,
    },
}

impl StreamRequest<'_> {
    /// The stream that it is about.
    pub fn stream_id(&self) -> &str {
        match self {
            Self::Start { stream_id, .. }
            | Self::Data { stream_id, .. }
            | Self::Keepalive { stream_id }
            | Self::End { stream_id, .. } => stream_id,
        }
    }
}

impl StreamAnswer<'_> {
    /// The stream that it is about.
    pub fn stream_id(&self) -> &str {
        match self {
            Self::Ack { stream_id, .. } | Self::Nack { stream_id, .. } | Self::Closed { stream_id, .. } => stream_id,
        }
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ack { .. } => "streamAck",
            Self::Nack { .. } => "streamNack",
            Self::Closed { .. } => "streamClosed",
        }
    }
}

/// The `stream` object of a message: which fragment of which stream it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamInfo<'a> {
    /// Unique among the open streams of its publisher, not among those of the group.
    #[serde(borrow)]
    pub stream_id: Cow<'a, str>,
    /// From 1, one more for each fragment.
    pub stream_sequence_id: u64,
    /// Nothing follows. The message has no payload of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_stream: Option<bool>,
    /// Why it ended, if it was not at its publisher's wish.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub error: Option<StreamError<'a>>,
}

/// Why a stream ended early, as its subscribers are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamError<'a> {
    /// `UserError`: its publisher said so. Otherwise the service's: `IdleTimeout`, `Cancelled` and others.
    #[serde(default, borrow)]
    pub name: Cow<'a, str>,
    /// For people; may be empty.
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    pub message: Cow<'a, str>,
    /// The publisher's, for programs; may be empty.
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    pub user_error_code: Cow<'a, str>,
}

impl<'a> StreamInfo<'a> {
    /// Reads it from its JSON text. `None`: it is no such object.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Its JSON text.
    pub fn to_json(&self) -> String {
        // Serialising plain structs into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether it is the last.
    pub fn is_end(&self) -> bool {
        self.end_of_stream == Some(true)
    }
}
