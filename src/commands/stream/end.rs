//! What the end of a stream means: words and exit code.

use anyhow::anyhow;

use super::counts;
use crate::failure::{Failure, Kind};
use crate::options::output::settings::Output;
use crate::render::streams::{arrived, failure};
use crate::render::{TOLD, nack};
use crate::run::context::{Client, Surroundings};
use crate::run::ending::Verdict;
use webpubsub_net::secret::excerpt;
use webpubsub_proto::session::{OperationKind, OutcomeCause, StreamFate, StreamReport};

/// How the run ends. `own`: what it failed by on this side; `began_again`: under the id of a start that was lost.
pub fn verdict(
    surroundings: &Surroundings,
    output: &Output,
    client: &Client,
    report: &StreamReport,
    own: Option<Failure>,
    began_again: bool,
) -> Verdict {
    let outcome = outcome(client, report).map_err(|verdict| match verdict {
        Verdict::Failed(failure) if began_again && !report.opened => Verdict::Failed(
            failure
                .hint("its first start was lost with the connection, and may have been taken")
                .hint("without `--stream-id` each has an id of its own"),
        ),
        verdict => verdict,
    });
    if let Err(Verdict::SessionEnded) = outcome {
        return own.map_or(Verdict::SessionEnded, Verdict::Failed);
    }
    client.seen.stream.set(Some(counts(report, outcome.is_err())));
    match (own, outcome) {
        (Some(own), _) => Verdict::Failed(own),
        (None, Err(verdict)) => verdict,
        (None, Ok(words)) => {
            surroundings.report(output, &words);
            Verdict::Done("done")
        }
    }
}

/// What a stream came to: words of one that has arrived, with its end.
pub fn outcome(client: &Client, report: &StreamReport) -> Result<String, Verdict> {
    let group = &report.group;
    let far = arrived(report);
    Err(Verdict::Failed(match &report.fate {
        StreamFate::Completed => {
            return Ok(format!("streamed {far}, {} bytes, to `{group}` (stream `{}`)", report.bytes, report.stream_id));
        }
        StreamFate::Unconfirmed => Failure::message(
            Kind::OperationUnknown,
            format!("the end of the stream to `{group}` is not confirmed, {far}: the service no longer knows it"),
        )
        .hint("its end was sent before the connection was recovered, and has probably arrived"),
        StreamFate::Closed(error) => {
            let what = if report.opened { "closed the stream" } else { "refused the stream" };
            let cause = anyhow!("{}", nack(error));
            let failure =
                Failure::new(Kind::OperationRefused, cause.context(format!("the service {what} to `{group}`, {far}")));
            match error.name.as_str() {
                "Forbidden" => failure.hint(client.role_hint(OperationKind::SendToGroup, group)),
                _ => failure,
            }
        }
        StreamFate::Broken(_) => because(Kind::Protocol, report, format!("the stream to `{group}` is broken, {far}")),
        StreamFate::Incomplete => {
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` is not whole, {far}"))
        }
        StreamFate::IdInUse => {
            because(Kind::OperationRefused, report, format!("the stream to `{group}` was not begun"))
        }
        StreamFate::Unanswered => {
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` is not acknowledged, {far}"))
                .hint("`--ack-timeout` says how long the service may take")
        }
        // The end of the session says why.
        StreamFate::Lost(OutcomeCause::Ended | OutcomeCause::Failed(_)) if !report.started => {
            return Err(Verdict::SessionEnded);
        }
        StreamFate::Lost(_) => {
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` was broken off, {far}"))
        }
    }))
}

fn because(kind: Kind, report: &StreamReport, what: String) -> Failure {
    let cause = failure(report).map(|error| error.message).unwrap_or_default();
    Failure::new(kind, anyhow!("{}", excerpt(&cause, 2 * TOLD)).context(what))
}
