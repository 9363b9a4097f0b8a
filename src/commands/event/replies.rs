//! Waiting for what the application server answers to events.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::failure::{Failure, Kind};
use crate::render::{counted, human};
use crate::run::context::{Client, Surroundings};
use crate::run::verdict::Verdict;

/// How long `--wait-reply` waits, unless `--timeout` says otherwise.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits for so many server messages, or instead for the record for which the expression `until` is true, until the
/// run's time is over, or the usual time.
pub(in crate::commands) async fn await_replies(
    surroundings: &Surroundings,
    limit: Option<Duration>,
    client: &Client,
    wanted: u64,
    until: Option<&str>,
) -> Verdict {
    let deadline = match limit {
        Some(limit) => surroundings.started + limit,
        None => Instant::now() + REPLY_TIMEOUT,
    };
    tokio::select! {
        () = replies(client, wanted), if until.is_none() => Verdict::Done("done"),
        () = answer(client), if until.is_some() => Verdict::Done("until"),
        () = sleep_until(deadline) => {
            let limit = human(limit.unwrap_or(REPLY_TIMEOUT));
            let came = client.seen.messages.get();
            if let Some(until) = until {
                let what = format!("no record for which `{until}` is true came within {limit}");
                let failure = Failure::message(Kind::Expectation, what);
                return Verdict::Failed(failure.hint(format!("{} came; `--timeout` waits longer", counted(came, "answer"))));
            }
            let wanted = counted(wanted, "answer");
            let failure = Failure::message(Kind::Expectation, format!("{came} of {wanted} came within {limit}"));
            Verdict::Failed(failure.hint(match came {
                0 => "the hub's event handler took the event and did not answer it; `--timeout` waits longer".to_owned(),
                _ => format!("{} came, and no more; `--timeout` waits longer", counted(came, "answer")),
            }))
        }
    }
}

/// Resolves when `--until` is met.
async fn answer(client: &Client) {
    match &client.conditions {
        Some(conditions) => drop(conditions.wait().await),
        None => std::future::pending().await,
    }
}

async fn replies(client: &Client, wanted: u64) {
    while client.seen.messages.get() < wanted {
        client.seen.more().await;
    }
}
