//! `wps listen`: print what arrives.

pub mod args;
mod on_ready;
pub mod settings;

use std::cell::Cell;

use futures_util::future::pending;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use self::args::ListenArgs;
use self::on_ready::OnReadyCommand;
use self::settings::ListenSettings;
use super::{CommandArgs, Task};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::render::MetCondition;
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::expressions::verdict;
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::seen::MessageCounter;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use webpubsub_net::auth::token::peek_claims;
use webpubsub_proto::session::{AckMode, Request};

impl CommandArgs for ListenArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.connecting.output.talk)
    }

    fn prints_records(&self) -> bool {
        self.connecting.output.output == OutputFormat::Ndjson
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(listen(&surroundings, &settings))
        }))
    }
}

/// Joins the groups and prints until something ends it. Returns the exit code.
pub async fn listen(surroundings: &Surroundings, settings: &ListenSettings) -> u8 {
    let run_options = RunOptions {
        shown: MessageScope::All,
        limit: settings.count,
        follows_stdout: true,
        hosts: true,
        chatty: true,
        follows_conditions: true,
    };
    let beside = OnReadyCommand::default();
    let code = run(surroundings, &settings.connection, &settings.output, run_options, |client| {
        script(surroundings, settings, &beside, client)
    })
    .await;
    beside.end().await;
    code
}

async fn script(
    surroundings: &Surroundings,
    settings: &ListenSettings,
    beside: &OnReadyCommand,
    client: Client,
) -> Verdict {
    let joined = Cell::new(false);
    let flag = tokio::select! {
        biased;
        met = conditions(&client) => return verdict(&met, &settings.output),
        verdict = attend(surroundings, settings, beside, (&client, &joined)) => return verdict,
        () = after(settings.duration.map(|duration| surroundings.started + duration)) => "for",
        () = idle(settings.idle_timeout, &client.seen) => "idle-timeout",
    };
    Verdict::time_up(flag, &client.seen, (!joined.get()).then_some("not every group was joined"))
}

/// Joins all at once, in their order, then starts what is to be started; ends only when something fails.
async fn attend(
    surroundings: &Surroundings,
    settings: &ListenSettings,
    beside: &OnReadyCommand,
    (client, joined): (&Client, &Cell<bool>),
) -> Verdict {
    let joins = settings.groups.iter().map(|group| Request::Join { group: group.clone() });
    let states = settings.groups.iter().filter(|_| settings.states);
    let states = states.map(|group| Request::SubscribeStates { group: group.clone() });
    let operations = joins.chain(states).map(|request| (request, AckMode::Automatic));
    let failed = client.perform_all(operations).await.into_iter().find_map(Result::err);
    match failed {
        Some(verdict) => verdict,
        None => {
            joined.set(true);
            client.seen.connected().await;
            tokio::select! {
                biased;
                verdict = beside.run(settings.on_ready.as_ref(), client) => verdict,
                verdict = explain_silence(surroundings, settings, client) => verdict,
            }
        }
    }
}

/// For so long nobody wonders why nothing comes.
const SILENCE: Duration = Duration::from_secs(5);

/// Prints once what it takes to see something, when nothing has come and no group is listened to. Never ends.
async fn explain_silence(surroundings: &Surroundings, settings: &ListenSettings, client: &Client) -> Verdict {
    if settings.sees_no_group && !settings.output.quiet {
        sleep(SILENCE).await;
        let claims = client.access_url().and_then(|url| url.token().and_then(|token| peek_claims(token.expose())));
        let is_member = claims.is_some_and(|claims| !claims.groups.is_empty());
        if client.seen.messages.get() == 0 && !is_member {
            let text = "nothing has come yet: without `--group` only what an application server sends to this \
                        connection is seen; `--group NAME` joins a group, `wps send NAME DATA` publishes to it";
            surroundings.console.err.line(&surroundings.console.err.style.dim(text));
        }
    }
    pending().await
}

/// Resolves when a condition is met.
async fn conditions(client: &Client) -> MetCondition {
    match &client.conditions {
        Some(conditions) => conditions.wait().await,
        None => pending().await,
    }
}

async fn after(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Resolves when no message has come for so long. Messages that wait for a slow reader are not missing.
async fn idle(limit: Option<Duration>, seen: &MessageCounter) {
    let Some(limit) = limit else { return pending().await };
    loop {
        let due = seen.last_message.get() + limit;
        sleep_until(due).await;
        if seen.is_blocked() {
            sleep(limit).await;
        } else if seen.last_message.get() + limit <= Instant::now() {
            return;
        }
    }
}
