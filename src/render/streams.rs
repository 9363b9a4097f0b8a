//! What is said of group streams (PROTOCOL §9.1): words for people, and records.

use serde::Serialize;

use super::ndjson::{ErrorField, write};
use super::text::{Weight, counted, nack};
use webpubsub_client::event::Nack;
use webpubsub_proto::session::{StreamBreach, StreamFate, StreamNews, StreamReport, StreamTrouble};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started<'a> {
    group: &'a str,
    stream_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    group: &'a str,
    stream_id: &'a str,
    fragments: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unconfirmed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorField<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trouble<'a> {
    group: &'a str,
    stream_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_user_id: Option<&'a str>,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_sequence_id: Option<u64>,
}

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
        StreamFate::Unanswered => failed("Unanswered", "the service did not answer in time".to_owned()),
        StreamFate::Lost(cause) => failed("ConnectionLost", cause.to_string()),
    }
}

/// How far a stream came that was published.
pub fn arrived(report: &StreamReport) -> String {
    let StreamReport { accepted, written, .. } = *report;
    match (accepted, written) {
        (accepted, written) if accepted == written => counted(accepted, "fragment"),
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
            let arrived = arrived(report);
            match (failure(report), fate) {
                (Some(error), _) => {
                    // The command that asked for it says it at the end.
                    (Weight::Info, format!("stream `{stream_id}` to `{group}` has failed, {arrived}: {}", nack(&error)))
                }
                (None, StreamFate::Unconfirmed) => (
                    Weight::Warning,
                    format!(
                        "stream `{stream_id}` to `{group}` has probably ended, {arrived}: after the recovery the \
                         service no longer knew it"
                    ),
                ),
                (None, _) => (Weight::Info, format!("stream `{stream_id}` to `{group}` has ended, {arrived}")),
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
        StreamNews::Started { group, stream_id } => write(out, "stream-started", time, Started { group, stream_id }),
        StreamNews::Ended(report) => {
            let error = failure(report);
            let fields = Ended {
                group: &report.group,
                stream_id: &report.stream_id,
                fragments: report.accepted,
                bytes: report.bytes,
                unconfirmed: (report.fate == StreamFate::Unconfirmed).then_some(true),
                error: error.as_ref().map(ErrorField::from),
            };
            write(out, "stream-ended", time, fields);
        }
        StreamNews::Trouble { group, stream_id, user_id, trouble } => {
            let (expected, number) = match *trouble {
                StreamTrouble::JoinedLate { first } => (Some(1), Some(first)),
                StreamTrouble::Gap { expected, number } | StreamTrouble::Repeated { expected, number } => {
                    (Some(expected), Some(number))
                }
                StreamTrouble::IdleTimeout | StreamTrouble::Cut => (None, None),
            };
            let fields = Trouble {
                group,
                stream_id,
                from_user_id: user_id.as_deref(),
                reason: trouble.name(),
                expected,
                stream_sequence_id: number,
            };
            write(out, "stream-trouble", time, fields);
        }
    }
}
