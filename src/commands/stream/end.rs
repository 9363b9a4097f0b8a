//! What the end of a stream means: words and exit code.

use anyhow::anyhow;

use super::{LocalFailure, counts};
use crate::failure::{Failure, Kind};
use crate::options::output::settings::OutputSettings;
use crate::render::streams::{failure, known, with_error};
use crate::render::{TOLD, counted, nack};
use crate::run::context::{Client, Surroundings};
use crate::run::observer::Interruption;
use crate::run::verdict::Verdict;
use webpubsub_net::secret::excerpt;
use webpubsub_proto::session::{OperationKind, OutcomeCause, StreamFate, StreamReport};

/// How the run ends. `own`: what it failed by on this side, unless it is interrupted: then what is known of the stream is
/// said beside that. `began_again`: under the id of a start that was lost.
pub fn verdict(
    surroundings: &Surroundings,
    output: &OutputSettings,
    client: &Client,
    report: &StreamReport,
    own: Option<LocalFailure>,
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
        return match own {
            Some(LocalFailure::Failed(failure)) => Verdict::Failed(failure),
            Some(LocalFailure::Interrupted(_)) | None => Verdict::SessionEnded,
        };
    }
    client.seen.lines.set(Some(counts(report, outcome.is_err())));
    match (own, outcome) {
        (Some(LocalFailure::Failed(failure)), outcome) => {
            if let Ok(words) = outcome {
                surroundings.report(output, &words);
            }
            Verdict::Failed(failure)
        }
        (Some(LocalFailure::Interrupted(Interruption::Signal(number))), Ok(words)) => {
            // Whoever sent it knows why; how far the stream came is good to know.
            surroundings.report(output, &words);
            Verdict::Failed(Failure::message(Kind::Signal(number), "ended by a signal"))
        }
        (Some(LocalFailure::Interrupted(Interruption::Timeout)), Ok(words)) => {
            Verdict::Failed(Failure::message(Kind::Timeout, words))
        }
        (Some(LocalFailure::Interrupted(_)) | None, Err(verdict)) => verdict,
        (None, Ok(words)) => {
            surroundings.report(output, &words);
            Verdict::Done("done")
        }
    }
}

/// The result of a stream: words of one that has arrived, with its end.
pub fn outcome(client: &Client, report: &StreamReport) -> Result<String, Verdict> {
    let StreamReport { group, stream_id, bytes, .. } = report;
    let far = known(report);
    Err(Verdict::Failed(match &report.fate {
        StreamFate::Completed => {
            let (fragments, bytes) = (counted(report.accepted, "fragment"), counted(*bytes, "byte"));
            let error = report.abort.as_ref().map(|abort| format!(", ended {}", with_error(abort))).unwrap_or_default();
            return Ok(format!("streamed {fragments}, {bytes}, to `{group}` (stream `{stream_id}`){error}"));
        }
        StreamFate::Unconfirmed => {
            Failure::message(Kind::OperationUnknown, format!("{}: the service no longer knows it", unconfirmed(report)))
                .hint("its end was sent before the connection was recovered, and has probably arrived")
        }
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
        StreamFate::Unanswered if report.end_sent => because(Kind::OperationUnknown, report, unconfirmed(report))
            .hint("`--ack-timeout` says how long the service may take"),
        StreamFate::Unanswered => {
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` is not acknowledged, {far}"))
                .hint("`--ack-timeout` says how long the service may take")
        }
        // The end of the session says why.
        StreamFate::Lost(OutcomeCause::Ended | OutcomeCause::Failed(_) | OutcomeCause::Stopped) if !report.started => {
            return Err(Verdict::SessionEnded);
        }
        StreamFate::Lost(OutcomeCause::Stopped) if report.end_sent && report.abort.is_none() => {
            Failure::message(Kind::OperationUnknown, unconfirmed(report))
        }
        StreamFate::Lost(_) if report.end_sent && report.abort.is_none() => {
            because(Kind::OperationUnknown, report, unconfirmed(report))
        }
        // Whoever has ended the run knows why.
        StreamFate::Lost(OutcomeCause::Stopped) => {
            Failure::message(Kind::OperationUnknown, format!("the stream to `{group}` was broken off, {far}"))
        }
        StreamFate::Lost(_) => {
            because(Kind::OperationUnknown, report, format!("the stream to `{group}` was broken off, {far}"))
        }
    }))
}

/// Of a stream whose end was sent, and not answered.
fn unconfirmed(report: &StreamReport) -> String {
    format!("the end of the stream to `{}` is not confirmed, {}", report.group, known(report))
}

fn because(kind: Kind, report: &StreamReport, what: String) -> Failure {
    let cause = failure(report).map(|error| error.message).unwrap_or_default();
    Failure::new(kind, anyhow!("{}", excerpt(&cause, 2 * TOLD)).context(what))
}
