//! Why there is no connection, and why an operation was not carried out.
//!
//! Their words may be shown: what repeats a token or a key is redacted.

use thiserror::Error;

use crate::driver::{DialedError, Finished};
use webpubsub_net::secret;
use webpubsub_proto::session::{End, EndKind, InvokeOutcome, Nack, Outcome, OutcomeCause};
use webpubsub_proto::{MAX_FRAME_BYTES, NameError, StateTooBig};

use crate::operation::Ack;

/// Why there is no connection: there never was, or it ended for good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The service was not reached, in all attempts: the network, a proxy, TLS, a status that may pass (408, 429, 5xx), or
    /// the provider of the URL.
    #[error("the service was not reached: {message}")]
    Unreachable {
        /// The last failure.
        message: String,
    },
    /// A WebSocket was there, and no `connected` frame came in time (PROTOCOL §1.5, §19.1).
    #[error("the service did not greet: {message}")]
    NotGreeted {
        /// The last failure.
        message: String,
    },
    /// The service did not accept the token: 401 or 403. Not tried again.
    #[error("the service did not let the client in: {message}")]
    Unauthorized {
        /// What it answered.
        message: String,
        /// The HTTP status, where it is known.
        status: Option<u16>,
    },
    /// The service refused the handshake otherwise, such as with 404. Not tried again.
    #[error("the service refused the handshake: {message}")]
    HandshakeRefused {
        /// What it answered.
        message: String,
        /// The HTTP status, where it is known.
        status: Option<u16>,
    },
    /// What answers is not the service, or breaks the protocol.
    #[error("the service broke the protocol: {message}")]
    Protocol {
        /// How.
        message: String,
    },
    /// There was a connection; it was lost, and not regained in all attempts.
    #[error("the connection was lost: {message}")]
    Lost {
        /// The last failure.
        message: String,
    },
    /// Nothing could be dialled: a file of certificates that cannot be read, for example.
    #[error("nothing could be dialled: {message}")]
    Configuration {
        /// Why not.
        message: String,
    },
    /// It was closed by this side before there was a connection.
    #[error("the client was closed before it was connected")]
    Closed,
    /// The runtime that the client's task ran in is gone.
    #[error("the runtime of the client is gone")]
    Gone,
}

impl ConnectionError {
    /// Why a run ended; `None`: it was asked to.
    pub(crate) fn of(finished: Finished, dialed: Option<&DialedError>) -> Option<Self> {
        let (kind, message) = match finished.end {
            End::Stopped => return None,
            End::Failed { kind, message } => (kind, shown(&message)),
        };
        let status = || Some(dialed?.dial()?.answer()?.status);
        Some(match kind {
            EndKind::Unreachable => Self::Unreachable { message },
            EndKind::NotGreeted => Self::NotGreeted { message },
            EndKind::Unauthorized => Self::Unauthorized { message, status: status() },
            EndKind::HandshakeRefused => Self::HandshakeRefused { message, status: status() },
            EndKind::Protocol => Self::Protocol { message },
            EndKind::Lost => Self::Lost { message },
            EndKind::Configuration => Self::Configuration { message },
        })
    }
}

/// Why an operation was not carried out, or may not have been.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// A name that the service does not take (PROTOCOL §1.3). Nothing was sent.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A state that the service does not take: over 512 bytes (PROTOCOL §9.3). Nothing was sent.
    #[error(transparent)]
    State(#[from] StateTooBig),
    /// The value could not be made JSON. Nothing was sent.
    #[error("the value could not be made JSON")]
    Json(#[source] serde_json::Error),
    /// The frame would be larger than the service takes, 1 MiB (PROTOCOL §12). Nothing was sent: the service would have
    /// ended the connection. The size counts as encoded: in the JSON subprotocols text is escaped, and bytes are base64.
    #[error("the frame would have {bytes} bytes, and the service takes {MAX_FRAME_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The service refused it for good: `Forbidden`, where the token has no role for it (PROTOCOL §5.3, §11).
    /// `InternalServerError` is tried again before it comes here (§19.6).
    #[error("the service refused it, {} (ackId {ack_id})", explained(.error))]
    Refused {
        /// The operation's ackId.
        ack_id: u64,
        /// The service's error.
        error: Nack,
        /// How often it was sent.
        attempts: u32,
    },
    /// No attempt was acknowledged in time. It may have been carried out.
    #[error("the service did not acknowledge it in {attempts} attempts (ackId {ack_id})")]
    NotAcknowledged {
        /// The operation's ackId.
        ack_id: u64,
        /// How often it was sent.
        attempts: u32,
    },
    /// It was sent, and the connection ended for good before the ack: it may have been carried out (PROTOCOL §19.7).
    #[error("whether it was carried out is not known: {cause} (ackId {ack_id})")]
    Unknown {
        /// The operation's ackId.
        ack_id: u64,
        /// Why nobody waits for the ack any more.
        cause: OutcomeCause,
    },
    /// It was never sent.
    #[error("it was not sent: {cause}")]
    NotSent {
        /// Why not.
        cause: OutcomeCause,
    },
    /// The ackId that was given is that of another operation of this connection (PROTOCOL §6).
    #[error("the ackId {ack_id} belongs to another operation of this connection")]
    IdInUse {
        /// The id.
        ack_id: u64,
    },
}

/// Why an invocation was not answered, or not with success (PROTOCOL §9.2).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// A name that the service does not take (PROTOCOL §1.3). Nothing was sent.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The value could not be made JSON. Nothing was sent.
    #[error("the value could not be made JSON")]
    Json(#[source] serde_json::Error),
    /// The id that was given is empty. Nothing was sent.
    #[error("the invocationId is empty")]
    EmptyId,
    /// The id that was given is that of another invocation whose answer may still come. Nothing was sent.
    #[error("the invocationId is that of another invocation whose answer may still come")]
    IdInUse,
    /// The frame would be larger than the service takes, 1 MiB (PROTOCOL §12). Nothing was sent.
    #[error("the frame would have {bytes} bytes, and the service takes {MAX_FRAME_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The answer is that it failed: `BadRequest`, `InternalServerError`, or another name.
    #[error("it failed: {}", explained(.error))]
    Refused {
        /// The service's error.
        error: Nack,
    },
    /// It was answered, and the answer is not understood.
    #[error("its answer is not understood: {reason}")]
    NotUnderstood {
        /// What was not understood.
        reason: String,
    },
    /// Its time was over; the service was told. It may have been carried out.
    #[error("it was not answered in time; it may have been carried out")]
    TimedOut,
    /// It was sent, and its answer is lost: it may have been carried out (PROTOCOL §19.17).
    #[error("its answer is lost: {cause}; it may have been carried out")]
    Unknown {
        /// Why nobody waits for the answer any more.
        cause: OutcomeCause,
    },
    /// It was never sent.
    #[error("it was not sent: {cause}")]
    NotSent {
        /// Why not.
        cause: OutcomeCause,
    },
}

impl InvokeError {
    /// Of an invocation that was not answered with success.
    pub(crate) fn of(outcome: InvokeOutcome) -> Self {
        match outcome {
            InvokeOutcome::Refused { error } => Self::Refused { error: nack(error) },
            InvokeOutcome::NotUnderstood { reason } => Self::NotUnderstood { reason: shown(&reason) },
            // One that is answered does not come here.
            InvokeOutcome::Answered { .. } => Self::NotUnderstood { reason: String::new() },
            InvokeOutcome::TimedOut => Self::TimedOut,
            InvokeOutcome::Cancelled => Self::Unknown { cause: OutcomeCause::Cancelled },
            InvokeOutcome::Unknown { cause } => Self::Unknown { cause: known(cause) },
            InvokeOutcome::NotSent { cause } => Self::NotSent { cause: known(cause) },
            InvokeOutcome::IdInUse => Self::IdInUse,
        }
    }
}

pub(crate) fn explained(error: &Nack) -> String {
    match (error.name.as_str(), error.message.as_str()) {
        ("", "") => "without a reason".to_owned(),
        ("", words) | (words, "") => words.to_owned(),
        (name, message) => format!("{name}: {message}"),
    }
}

pub(crate) fn result(outcome: Outcome) -> Result<Ack, OperationError> {
    match outcome {
        Outcome::Acked { ack_id, duplicate, attempts, elapsed } => {
            Ok(Ack { ack_id: Some(ack_id), duplicate, attempts, elapsed: Some(elapsed) })
        }
        Outcome::Sent => Ok(Ack { ack_id: None, duplicate: false, attempts: 1, elapsed: None }),
        // Nothing was sent: there was no need.
        Outcome::AlreadyJoined => Ok(Ack { ack_id: None, duplicate: true, attempts: 0, elapsed: None }),
        Outcome::Refused { ack_id, error, attempts, elapsed: _ } => {
            Err(OperationError::Refused { ack_id, error: nack(error), attempts })
        }
        Outcome::NotAcknowledged { ack_id, attempts } => Err(OperationError::NotAcknowledged { ack_id, attempts }),
        Outcome::Unknown { ack_id, cause } => Err(OperationError::Unknown { ack_id, cause: known(cause) }),
        Outcome::NotSent { cause } => Err(OperationError::NotSent { cause: known(cause) }),
        Outcome::IdInUse { ack_id } => Err(OperationError::IdInUse { ack_id }),
    }
}

/// Without what may repeat a secret: the service's words, and those of what is on the way to it.
pub(crate) fn shown(text: &str) -> String {
    secret::redact(text).into_owned()
}

pub(crate) fn nack(Nack { name, message }: Nack) -> Nack {
    Nack { name: shown(&name), message: shown(&message) }
}

pub(crate) fn known(cause: OutcomeCause) -> OutcomeCause {
    match cause {
        OutcomeCause::Failed(reason) => OutcomeCause::Failed(shown(&reason)),
        OutcomeCause::ConnectionLost(reason) => OutcomeCause::ConnectionLost(shown(&reason)),
        OutcomeCause::Killed { sockets, bytes, loss } => OutcomeCause::Killed { sockets, bytes, loss: shown(&loss) },
        OutcomeCause::Stopped
        | OutcomeCause::Ended
        | OutcomeCause::Withdrawn
        | OutcomeCause::EarlierLost
        | OutcomeCause::TimedOut
        | OutcomeCause::Cancelled
        | OutcomeCause::Forgotten => cause,
    }
}
