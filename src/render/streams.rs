//! What is said of group streams (PROTOCOL §9.1): words for people, and records.

use super::ndjson::write;
use super::text::{Weight, counted, nack};
use crate::records::{self, EndError, NamedError, StreamEnded, StreamStarted};
use webpubsub_client::event::Nack;
use webpubsub_proto::session::{
    OutcomeCause, StreamAbort, StreamBreach, StreamFate, StreamNews, StreamReport, StreamTrouble,
};

/// Why a stream that was published has failed, with a name as errors of the service have; `None`: it has not.
pub fn failure(report: &StreamReport) -> Option<Nack> {
    let failed = |name: &str, message: String| Some(Nack { name: name.to_owned(), message });
    match &report.fate {
        StreamFate::Completed | StreamFate::Unconfirmed => None,
        StreamFate::Closed(error) => Some(error.clone()),
        StreamFate::Incomplete => {
            failed("Incomplete", "the service ended the stream without having accepted all of it".to_owned())
        }
        StreamFate::Broken(StreamBreach { expected, accepted, sent }) => failed(
            "InvalidAcknowledgement",
            format!("the service expects fragment {expected}, with {accepted} accepted and {sent} sent"),
        ),
        StreamFate::IdInUse => failed("IdInUse", "a stream with this id has not ended yet".to_owned()),
        StreamFate::Unanswered if report.end_sent => {
            failed("Unanswered", "the service did not confirm the end in time".to_owned())
        }
        StreamFate::Unanswered => failed("Unanswered", "the service did not answer in time".to_owned()),
        StreamFate::Lost(cause) => failed(lost(cause), cause.to_string()),
    }
}

/// What a stream is lost by, as the name of an error.
fn lost(cause: &OutcomeCause) -> &'static str {
    match cause {
        OutcomeCause::Stopped | OutcomeCause::Ended | OutcomeCause::Withdrawn | OutcomeCause::Cancelled => "Stopped",
        OutcomeCause::TimedOut => "TimedOut",
        OutcomeCause::Failed(_)
        | OutcomeCause::ConnectionLost(_)
        | OutcomeCause::EarlierLost
        | OutcomeCause::Forgotten
        | OutcomeCause::Killed { .. } => "ConnectionLost",
    }
}

/// The error with which a publisher ends a stream.
pub fn with_error(abort: &StreamAbort) -> String {
    match (&abort.code, &abort.message) {
        (Some(code), _) => format!("with the error `{code}`"),
        (None, Some(message)) => format!("with the error: {message}"),
        (None, None) => "with an error".to_owned(),
    }
}

/// How far a stream is known to have come that was published, when something else about it is not.
pub fn known(report: &StreamReport) -> String {
    let StreamReport { accepted, written, .. } = *report;
    match (accepted, written) {
        (0, 0) => "nothing was sent".to_owned(),
        (1, 1) => "its one fragment is known to have arrived".to_owned(),
        (accepted, written) if accepted == written => format!("all {accepted} fragments are known to have arrived"),
        (0, written) => format!("none of {} is known to have arrived", counted(written, "fragment")),
        (1, written) => format!("fragment 1 of {written} is known to have arrived"),
        (accepted, written) => format!("fragments 1 to {accepted} of {written} are known to have arrived"),
    }
}

/// In words.
pub fn words(news: &StreamNews) -> Option<(Weight, String)> {
    Some(match news {
        StreamNews::Started { group, stream_id } => {
            (Weight::Info, format!("stream `{stream_id}` to `{group}` has begun"))
        }
        StreamNews::Ended(report) => {
            let StreamReport { group, stream_id, fate, .. } = report;
            let known = known(report);
            match (failure(report), fate) {
                (Some(error), _) => {
                    // The command that asked for it says it at the end.
                    (Weight::Info, format!("stream `{stream_id}` to `{group}` has failed, {known}: {}", nack(&error)))
                }
                (None, StreamFate::Unconfirmed) => (
                    Weight::Warning,
                    format!(
                        "stream `{stream_id}` to `{group}` has probably ended, {known}: after the recovery the \
                         service no longer knew it"
                    ),
                ),
                (None, _) => {
                    let error = report.abort.as_ref().map(|abort| format!(" {}", with_error(abort)));
                    let (error, fragments) = (error.unwrap_or_default(), counted(report.accepted, "fragment"));
                    (Weight::Info, format!("stream `{stream_id}` to `{group}` has ended{error}, {fragments}"))
                }
            }
        }
        StreamNews::Trouble { group, stream_id, trouble, .. } => {
            let of = format!("stream `{stream_id}` in `{group}`");
            let words = match trouble {
                StreamTrouble::JoinedLate { first } => {
                    format!("{of} was under way already, its first fragment here is {first}")
                }
                StreamTrouble::Gap { expected, number } => {
                    let missing = counted(number.saturating_sub(*expected), "fragment");
                    format!("{of} is not whole: {missing} missing before {number}")
                }
                StreamTrouble::Repeated { expected, number } => {
                    format!("{of} is out of order: fragment {number} came where {expected} was next")
                }
                StreamTrouble::IdleTimeout => format!("{of} has not ended, and nothing comes any more"),
                StreamTrouble::Cut => format!("{of} was cut: the connection was lost before its end"),
            };
            (Weight::Warning, words)
        }
    })
}

/// Appends the record.
pub fn record(out: &mut Vec<u8>, time: &str, news: &StreamNews) {
    match news {
        StreamNews::Started { group, stream_id } => write(out, time, &StreamStarted { group, stream_id }),
        StreamNews::Ended(report) => {
            let error = failure(report);
            let fields = StreamEnded {
                group: &report.group,
                stream_id: &report.stream_id,
                fragments: report.accepted,
                bytes: report.bytes,
                end_error: report.abort.as_ref().map(|StreamAbort { code, message }| EndError {
                    user_error_code: code.as_deref(),
                    message: message.as_deref(),
                }),
                unconfirmed: (report.fate == StreamFate::Unconfirmed).then_some(true),
                error: error.as_ref().map(NamedError::from),
            };
            write(out, time, &fields);
        }
        StreamNews::Trouble { group, stream_id, user_id, trouble } => {
            let (expected, number) = match *trouble {
                StreamTrouble::JoinedLate { first } => (Some(1), Some(first)),
                StreamTrouble::Gap { expected, number } | StreamTrouble::Repeated { expected, number } => {
                    (Some(expected), Some(number))
                }
                StreamTrouble::IdleTimeout | StreamTrouble::Cut => (None, None),
            };
            let fields = records::StreamTrouble {
                group,
                stream_id,
                from_user_id: user_id.as_deref(),
                reason: trouble.name(),
                expected,
                stream_sequence_id: number,
            };
            write(out, time, &fields);
        }
    }
}
