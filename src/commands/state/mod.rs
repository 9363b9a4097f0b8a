//! `wps state`: what the members of a group say of themselves (PROTOCOL §9.3).

pub mod args;
pub mod settings;

use std::cell::Cell;

use futures_util::future::pending;
use tokio::time::{Instant, sleep_until, timeout};

use self::args::{StateCommand, StateListArgs, StateSetArgs, StateWatchArgs};
use self::settings::{StateCommon, StateList, StateSet, StateWatch};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::render::{counted, human};
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::expressions::verdict;
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::seen::StatesSeen;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use webpubsub_proto::session::{AckMode, Request};

impl StateCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Set(args) => args,
            Self::List(args) => args,
            Self::Watch(args) => args,
        }
    }
}

impl CommandArgs for StateSetArgs {
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
        let settings = settings::set(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.common.output)?;
            on_one_thread(set(&surroundings, &settings))
        }))
    }
}

impl CommandArgs for StateListArgs {
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
        let settings = settings::list(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.0.output)?;
            on_one_thread(list(&surroundings, &settings))
        }))
    }
}

impl CommandArgs for StateWatchArgs {
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
        let settings = settings::watch(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings(&settings.common.output)?;
            on_one_thread(watch(&surroundings, &settings))
        }))
    }
}

/// No messages: what is told of states is printed by itself.
fn run_options(stays: bool) -> RunOptions {
    RunOptions {
        shown: MessageScope::None,
        limit: None,
        follows_stdout: stays,
        hosts: false,
        chatty: stays,
        follows_conditions: stays,
    }
}

/// Says something of this connection, and stays. Returns the exit code.
pub async fn set(surroundings: &Surroundings, settings: &StateSet) -> u8 {
    let StateSet { common, state, duration } = settings;
    let run_options = RunOptions { follows_stdout: false, follows_conditions: false, ..run_options(true) };
    run(surroundings, &common.connection, &common.output, run_options, |client| async move {
        let request = Request::SetState { group: common.group.clone(), state: state.clone() };
        if let Err(verdict) = join_and(&client, common, request).await {
            return verdict;
        }
        let what = if state.is_some() { "set" } else { "cleared" };
        surroundings.report(&common.output, &format!("{what} the state in `{}`", common.group));
        match (state, duration) {
            (None, _) => Verdict::Done("done"),
            (Some(_), None) => pending().await,
            (Some(_), Some(duration)) => {
                sleep_until(surroundings.started + *duration).await;
                Verdict::Done("for")
            }
        }
    })
    .await
}

/// Prints what members say of themselves. Returns the exit code.
pub async fn list(surroundings: &Surroundings, StateList(common): &StateList) -> u8 {
    run(surroundings, &common.connection, &common.output, run_options(false), |client| async move {
        match ask(surroundings, common, &client).await {
            Ok(()) => Verdict::Done("done"),
            Err(verdict) => verdict,
        }
    })
    .await
}

/// Prints what members say of themselves, and what changes. Returns the exit code.
pub async fn watch(surroundings: &Surroundings, settings: &StateWatch) -> u8 {
    let StateWatch { common, duration } = settings;
    let deadline = duration.map(|duration| surroundings.started + duration);
    run(surroundings, &common.connection, &common.output, run_options(true), |client| async move {
        let answered = Cell::new(false);
        let attend = async {
            match ask(surroundings, common, &client).await {
                Ok(()) => {
                    answered.set(true);
                    pending().await
                }
                Err(verdict) => verdict,
            }
        };
        let met = async {
            match &client.conditions {
                Some(conditions) => conditions.wait().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            met = met => verdict(&met, &common.output),
            verdict = attend => verdict,
            () = at(deadline) => {
                let lacks = || format!("the states in `{}` were not received", common.group);
                Verdict::time_up("for", &client.seen, (!answered.get()).then(lacks))
            }
        }
    })
    .await
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn join_and(client: &Client, common: &StateCommon, request: Request) -> Result<(), Verdict> {
    client.perform(Request::Join { group: common.group.clone() }, AckMode::Automatic).await?;
    client.perform(request, AckMode::Automatic).await.map(drop)
}

/// Joins and subscribes; done when all there was is told.
async fn ask(surroundings: &Surroundings, common: &StateCommon, client: &Client) -> Result<(), Verdict> {
    client.perform(Request::Join { group: common.group.clone() }, AckMode::Automatic).await?;
    let states = states_of(client, &common.group, common.connection.session.ack_timeout).await?;
    if let Some(words) = words(states, &common.group) {
        surroundings.report(&common.output, &words);
    }
    Ok(())
}

/// Subscribes to the states of a group and waits for all there are.
pub(super) async fn states_of(
    client: &Client,
    group: &str,
    patience: std::time::Duration,
) -> Result<StatesSeen, Verdict> {
    client.seen.forget_states();
    client.perform(Request::SubscribeStates { group: group.to_owned() }, AckMode::Automatic).await?;
    timeout(patience, client.seen.states()).await.map_err(|_| {
        let what = format!("the service acknowledged, and told no states of `{group}` within {}", human(patience));
        Verdict::Failed(Failure::message(Kind::OperationUnknown, what).hint("`--ack-timeout` waits longer"))
    })
}

/// What is to be said of states that have come.
pub(super) fn words(states: StatesSeen, group: &str) -> Option<String> {
    match states {
        StatesSeen { may_be_cut_short: true, members } => Some(format!(
            "{} have a state, and there may be more: the service tells no more at once",
            counted(members as u64, "member")
        )),
        StatesSeen { members: 0, .. } => Some(format!("no member of `{group}` has a state")),
        StatesSeen { .. } => None,
    }
}
