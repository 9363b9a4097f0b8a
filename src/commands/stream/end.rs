//! What the end of a stream means: words and exit code.

use anyhow::anyhow;

use super::counts;
use super::settings::Stream;
use crate::failure::{Failure, Kind};
use crate::render::streams::{arrived, failure};
use crate::render::{TOLD, nack};
use crate::run::context::{Client, Surroundings};
use crate::run::ending::Verdict;
use webpubsub_net::secret::excerpt;
use webpubsub_proto::session::{OperationKind, OutcomeCause, StreamFate, StreamReport};

/// How the run ends. `own`: what it failed by on this side.
pub fn verdict(
    surroundings: &Surroundings,
    settings: &Stream,
    client: &Client,
    report: &StreamReport,
    own: Option<Failure>,
) -> Verdict {
    let group = &settings.group;
    let far = arrived(report);
    let theirs = match &report.fate {
        StreamFate::Completed => None,
        StreamFate::Unconfirmed => Some(
            Failure::message(
                Kind::OperationUnknown,
                format!("the end of the stream to `{group}` is not confirmed, {far}: the service no longer knows it"),
            )
            .hint("its end was sent before the connection was recovered, and has probably arrived"),
        ),
        StreamFate::Closed(error) => {
            let what = if report.opened { "closed the stream" } else { "refused the stream" };
            let cause = anyhow!("{}", nack(error));
            let failure =
                Failure::new(Kind::OperationRefused, cause.context(format!("the service {what} to `{group}`, {far}")));
            Some(match error.name.as_str() {
                "Forbidden" => failure.hint(client.role_hint(OperationKind::SendToGroup, group)),
                _ => failure,
            })
        }
        StreamFate::Broken(_) => {
            Some(because(Kind::Protocol, report, format!("the stream to `{group}` is broken, {far}")))
        }
        StreamFate::Incomplete => {
            Some(because(Kind::OperationUnknown, report, format!("the stream to `{group}` is not whole, {far}")))
        }
        StreamFate::Unanswered => Some(
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` is not acknowledged, {far}"))
                .hint("`--ack-timeout` says how long the service may take"),
        ),
        // The end of the session says why.
        StreamFate::Lost(OutcomeCause::Ended | OutcomeCause::Failed(_)) if !report.started => {
            return own.map_or(Verdict::SessionEnded, Verdict::Failed);
        }
        StreamFate::Lost(_) => {
            Some(because(Kind::OperationUnknown, report, format!("the stream to `{group}` was broken off, {far}")))
        }
    };
    client.seen.stream.set(Some(counts(report, theirs.is_some())));
    if let Some(own) = own {
        return Verdict::Failed(own);
    }
    match theirs {
        Some(failure) => Verdict::Failed(failure),
        None => {
            let words = format!("streamed {far}, {} bytes, to `{group}` (stream `{}`)", report.bytes, report.stream_id);
            surroundings.report(&settings.output, &words);
            Verdict::Done("done")
        }
    }
}

fn because(kind: Kind, report: &StreamReport, what: String) -> Failure {
    let cause = failure(report).map(|error| error.message).unwrap_or_default();
    Failure::new(kind, anyhow!("{}", excerpt(&cause, 2 * TOLD)).context(what))
}
