//! What a failure means: every exhaustive decision of the session in one place, without a catch-all arm.

use std::time::Duration;

use crate::{AckError, explain_close_code};

/// Why a dial failed, as far as the session's decisions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialClass {
    /// DNS, TCP, a passing TLS error, a timeout, a connection closed before an answer.
    Unreachable,
    /// The server's certificate is not acceptable.
    Certificate,
    /// A proxy on the way does not let us through, and will not the next time.
    Proxy,
    /// The server answered the handshake with this HTTP status instead of 101.
    Status(u16),
    /// The server does not accept the subprotocol.
    Subprotocol,
    /// The answer is not a WebSocket handshake at all.
    NotWebSocket,
    /// No URL or no TLS configuration could be made; nothing was dialled.
    Configuration,
}

/// Why a session ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// Never connected.
    Unreachable,
    /// Never connected: the last socket opened, and `connected` did not come in time (PROTOCOL §19.1).
    NotGreeted,
    /// 401 or 403.
    Unauthorized,
    /// The handshake was refused otherwise.
    HandshakeRefused,
    /// The service broke the protocol.
    Protocol,
    /// Connected once, lost, not regained.
    Lost,
    /// Nothing could be dialled.
    Configuration,
}

/// Whether a fresh connection may be tried again, and how the session ends if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DialVerdict {
    pub(crate) retry: bool,
    pub(crate) end: EndKind,
}

/// CLI contract, *Staying connected*: final at once are certificate errors and every status but 408, 429 and 5xx.
pub(crate) fn dial_verdict(class: DialClass) -> DialVerdict {
    let (retry, end) = match class {
        DialClass::Unreachable => (true, EndKind::Unreachable),
        DialClass::Certificate | DialClass::Proxy => (false, EndKind::Unreachable),
        DialClass::Status(401 | 403) => (false, EndKind::Unauthorized),
        DialClass::Status(408 | 429 | 500..=599) => (true, EndKind::Unreachable),
        // The refusal of a proxy that nobody knew of, not the service's: it was never reached.
        DialClass::Status(407) => (false, EndKind::Unreachable),
        DialClass::Status(_) | DialClass::Subprotocol => (false, EndKind::HandshakeRefused),
        DialClass::NotWebSocket => (false, EndKind::Protocol),
        DialClass::Configuration => (false, EndKind::Configuration),
    };
    DialVerdict { retry, end }
}

/// Whether a failed dial is this side's affair alone: nothing was dialled, and nothing will be by this process.
pub(super) fn stands_in_the_way(class: DialClass) -> bool {
    match class {
        DialClass::Configuration => true,
        DialClass::Certificate
        | DialClass::Proxy
        | DialClass::Unreachable
        | DialClass::Status(_)
        | DialClass::Subprotocol
        | DialClass::NotWebSocket => false,
    }
}

/// How an open socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// The service's close frame; 1005 when it had no code.
    Close {
        /// WebSocket close code.
        code: u16,
        /// Its reason, often empty.
        reason: String,
    },
    /// The transport broke without a close frame.
    Broken(String),
    /// Nothing was received for so long.
    Silent(Duration),
    /// The service sent a text frame that is not UTF-8; it was closed with 1007.
    InvalidUtf8,
    /// The service broke WebSocket framing.
    Framing(String),
    /// The service sent a message larger than we take.
    TooBig,
}

impl LossCause {
    pub(super) fn close_code(&self) -> Option<u16> {
        match self {
            Self::Close { code, .. } => Some(*code),
            Self::Broken(_) | Self::Silent(_) | Self::InvalidUtf8 | Self::Framing(_) | Self::TooBig => None,
        }
    }

    pub(crate) fn error(&self) -> Option<String> {
        match self {
            Self::Close { .. } => None,
            Self::Broken(error) => Some(error.clone()),
            Self::Silent(silence) => {
                let secs = silence.as_secs_f64();
                // As exact as anybody wants to know it, and a whole number as one.
                let secs = if secs < 10.0 { (secs * 10.0).round() / 10.0 } else { secs.round() };
                Some(format!("nothing was received for {secs} s"))
            }
            Self::InvalidUtf8 => Some("the service sent a text frame that is not UTF-8".into()),
            Self::Framing(error) => Some(format!("the service broke the WebSocket protocol: {error}")),
            Self::TooBig => Some("the service sent a message that is too large".into()),
        }
    }

    /// Whether the service says that it ended the socket for what it was sent.
    pub(super) fn is_accusation(&self) -> bool {
        matches!(self, Self::Close { code: 1002 | 1003 | 1007 | 1009, .. })
    }

    /// What the close code means, in words.
    pub(super) fn explanation(&self) -> Option<&'static str> {
        self.close_code().and_then(explain_close_code)
    }
}

/// What to do about a lost reliable connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossVerdict {
    Recover,
    /// Recover, unless the same has come since the connection got any further.
    RecoverOnce,
    Fresh,
}

/// PROTOCOL §7.2, §19.2: of all that a close frame can hold, only 1008 ends recovery. A service that cannot take what was
/// sent to it (1002, 1003, 1007, 1009) still has the messages that are due; an operation that it closes for each time is
/// found by that (see `Blame`). Bytes that are no frames, or announce one that the service would never send, are mostly
/// the work of somebody on the way, and come whole the second time. When they do not, and for a text that is no text,
/// recovering would only replay it for ever (PROTOCOL §19.13).
pub(super) fn loss_verdict(cause: &LossCause) -> LossVerdict {
    match cause {
        LossCause::Close { code: 1008, .. } => LossVerdict::Fresh,
        LossCause::Close { .. } | LossCause::Broken(_) | LossCause::Silent(_) => LossVerdict::Recover,
        LossCause::Framing(_) | LossCause::TooBig => LossVerdict::RecoverOnce,
        LossCause::InvalidUtf8 => LossVerdict::Fresh,
    }
}

/// What an ack means for its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckVerdict {
    Done { duplicate: bool },
    Retry,
    Refused,
}

/// PROTOCOL §5.3, §19.6: only `InternalServerError` is worth a retry, and `Duplicate` is success.
pub(super) fn ack_verdict(result: &Result<(), AckError<'_>>) -> AckVerdict {
    match result {
        Ok(()) => AckVerdict::Done { duplicate: false },
        Err(error) => match error.name.as_ref() {
            "Duplicate" => AckVerdict::Done { duplicate: true },
            "InternalServerError" => AckVerdict::Retry,
            _ => AckVerdict::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_verdict() {
        for (status, retry, end) in [
            (401, false, EndKind::Unauthorized),
            (403, false, EndKind::Unauthorized),
            (404, false, EndKind::HandshakeRefused),
            (200, false, EndKind::HandshakeRefused),
            (301, false, EndKind::HandshakeRefused),
            (407, false, EndKind::Unreachable),
            (408, true, EndKind::Unreachable),
            (429, true, EndKind::Unreachable),
            (500, true, EndKind::Unreachable),
            (503, true, EndKind::Unreachable),
        ] {
            assert_eq!(dial_verdict(DialClass::Status(status)), DialVerdict { retry, end }, "{status}");
        }
    }

    #[test]
    fn what_stands_in_the_way_for_good_is_not_tried_again() {
        for class in [DialClass::Certificate, DialClass::Proxy] {
            assert_eq!(dial_verdict(class), DialVerdict { retry: false, end: EndKind::Unreachable });
        }
    }

    #[test]
    fn of_all_close_codes_only_1008_is_not_recovered_nor_is_what_would_be_replayed_for_ever() {
        for code in 0..=u16::MAX {
            let expected = if code == 1008 { LossVerdict::Fresh } else { LossVerdict::Recover };
            assert_eq!(loss_verdict(&LossCause::Close { code, reason: String::new() }), expected, "{code}");
        }
        assert_eq!(loss_verdict(&LossCause::Broken(String::new())), LossVerdict::Recover);
        assert_eq!(loss_verdict(&LossCause::InvalidUtf8), LossVerdict::Fresh);
        for cause in [LossCause::Framing(String::new()), LossCause::TooBig] {
            assert_eq!(loss_verdict(&cause), LossVerdict::RecoverOnce, "{cause:?}");
        }
    }

    #[test]
    fn only_internal_server_errors_are_retried() {
        let nack = |name: &'static str| Err(AckError { name: name.into(), message: "".into() });
        assert_eq!(ack_verdict(&Ok(())), AckVerdict::Done { duplicate: false });
        assert_eq!(ack_verdict(&nack("Duplicate")), AckVerdict::Done { duplicate: true });
        assert_eq!(ack_verdict(&nack("InternalServerError")), AckVerdict::Retry);
        for name in ["Forbidden", "NotFound", "Timeout", "BadRequest", "SomethingNew", ""] {
            assert_eq!(ack_verdict(&nack(name)), AckVerdict::Refused, "{name}");
        }
    }
}
