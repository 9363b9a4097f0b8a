//! `wps event`: send a custom event to the application server.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::ack_mode;
use super::run::{Client, Surroundings, Verdict, Wants, run};
use super::send::sent;
use super::tap::Shown;
use crate::client::session::Request;
use crate::failure::{Failure, Kind};
use crate::protocol::OwnedData;
use crate::render::human;
use crate::settings::Event;

/// How long `--wait-reply` waits, unless `--timeout` says otherwise.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends the event, waits for the ack and, if asked to, for answers. Returns the exit code.
pub async fn event(surroundings: &Surroundings, settings: &Event, data: OwnedData) -> u8 {
    let shown = if settings.wait_reply.is_some() { Shown::Server } else { Shown::None };
    // Answers come before the ack: the script ends the run, when it has both.
    let wants = Wants { shown, limit: None, follows_stdout: false, hosts: false, chatty: false };
    run(surroundings, &settings.connection, &settings.output, wants, |client| {
        script(surroundings, settings, data, client)
    })
    .await
}

async fn script(surroundings: &Surroundings, settings: &Event, data: OwnedData, client: Client) -> Verdict {
    let request = Request::Event { event: settings.event.clone(), data };
    let outcome = match client.perform(request, ack_mode(settings.ack)).await {
        Ok(outcome) => outcome,
        Err(verdict) => return verdict,
    };
    if let Some(words) = sent(&format!("sent the event `{}`", settings.event), &outcome) {
        surroundings.report(&settings.output, &words);
    }
    let Some(wanted) = settings.wait_reply else { return Verdict::Done("done") };
    await_replies(surroundings, settings.connection.timeout, &client, wanted).await
}

/// Waits for so many server messages, until the run's time is over, or the usual time.
pub(super) async fn await_replies(
    surroundings: &Surroundings,
    limit: Option<Duration>,
    client: &Client,
    wanted: u64,
) -> Verdict {
    let deadline = match limit {
        Some(limit) => surroundings.started + limit,
        None => Instant::now() + REPLY_TIMEOUT,
    };
    tokio::select! {
        () = replies(client, wanted) => Verdict::Done("done"),
        () = sleep_until(deadline) => {
            let limit = human(limit.unwrap_or(REPLY_TIMEOUT));
            let came = client.seen.messages.get();
            Verdict::Failed(
                Failure::message(Kind::Expectation, format!("{came} of {wanted} answer(s) came within {limit}"))
                    .hint("the hub's event handler took the event and did not answer it; `--timeout` waits longer"),
            )
        }
    }
}

async fn replies(client: &Client, wanted: u64) {
    while client.seen.messages.get() < wanted {
        client.seen.more().await;
    }
}
