//! `wps repl`: lines of the CLI's own grammar on one connection, from a person at a terminal or from a script.
//!
//! A person's lines come from an editor on a thread of its own, a script's from a reader on another; this task carries
//! them out one after another, beside the client. At a terminal everything is printed by the editor, above its prompt.

mod execute;
mod history;
mod lines;
mod script;
mod watch;

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::rc::Rc;
use std::sync::Arc;

use super::print_failure;
use super::run::{Client, Surroundings, Verdict, Wants, hub, run_watched};
use super::tap::Shown;
use crate::failure::{Failure, Kind};
use crate::render::{Console, Recorder};
use crate::settings::Repl;
use execute::{Done, Executor};
use history::History;
use lines::Entry;
use script::Entries;
use watch::{Shared, Watch};

/// Where the lines come from, and where output goes.
#[derive(Debug)]
pub struct Opened {
    console: Console,
    from: From,
}

#[derive(Debug)]
enum From {
    Script(Entries),
}

impl Opened {
    /// Where everything is printed.
    pub fn console(&self) -> &Console {
        &self.console
    }
}

/// Opens the script.
pub fn open(settings: &Repl) -> Result<Opened, Failure> {
    let internal = |error: std::io::Error| Failure::new(Kind::Internal, error);
    let input = script::open(settings.script.as_deref())?;
    let entries = script::read(input).map_err(internal)?;
    let console = Console::open(|terminal| settings.output.color.enabled(terminal)).map_err(internal)?;
    Ok(Opened { console, from: From::Script(entries) })
}

/// Runs until the lines end, or the session does. Returns the exit code.
pub async fn repl(surroundings: &Surroundings, settings: &Repl, opened: Opened) -> u8 {
    let wants = Wants { shown: Shown::All, limit: None, follows_stdout: false, hosts: true, chatty: true };
    let recorder = Recorder::new(Some(hub(&settings.connection)), settings.connection.protocol.name());
    let interactive = false;
    let watch = Watch::new(Arc::new(Shared::default()), recorder, interactive);
    let watcher = Rc::clone(&watch);
    run_watched(surroundings, &settings.connection, &settings.output, wants, Some(watcher), |client| async move {
        let executor = Executor {
            client,
            watch,
            surroundings,
            output: &settings.output,
            connection: &settings.connection,
            history: Arc::new(History::default()),
            interactive,
        };
        match opened.from {
            From::Script(entries) => run_script(&executor, entries, settings).await,
        }
    })
    .await
}

/// Carries out a script, line by line.
async fn run_script(executor: &Executor<'_>, mut entries: Entries, settings: &Repl) -> Verdict {
    let mut first: Option<Failure> = None;
    while let Some(entry) = entries.recv().await {
        let done = match entry {
            Ok(entry) => match executor.carry_out(&entry.text).await {
                Done::Failed(failure) => Done::Failed(at_line(failure, &entry)),
                done => done,
            },
            Err(failure) => Done::Failed(failure),
        };
        match done {
            Done::Next => {}
            Done::Quit => break,
            Done::SessionEnded => return Verdict::SessionEnded,
            Done::Failed(failure) if settings.keep_going => {
                print_failure(&executor.surroundings.console, &failure);
                first.get_or_insert(failure);
            }
            Done::Failed(failure) => return Verdict::Failed(failure),
        }
    }
    first.map_or(Verdict::Done("done"), Verdict::Told)
}

/// Says which line it was.
fn at_line(failure: Failure, entry: &Entry) -> Failure {
    let Failure { kind, error, hints } = failure;
    let text = format!("line {}: {error}", entry.line);
    let mut causes: VecDeque<String> = error.chain().skip(1).map(ToString::to_string).collect();
    let mut error = match causes.pop_back() {
        Some(root) => anyhow::anyhow!("{root}"),
        None => return Failure { kind, error: anyhow::anyhow!("{text}"), hints },
    };
    while let Some(cause) = causes.pop_back() {
        error = error.context(cause);
    }
    Failure { kind, error: error.context(text), hints }
}
