//! The process that a command is carried out in: its streams before there is a console, its threads, its clock.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::context::Surroundings;
use super::expressions;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::logging;
use crate::options::data::payload::PayloadSource;
use crate::options::output::settings::OutputSettings;
use crate::options::stdin::StandardInput;
use crate::options::values::ColorChoice;
use crate::options::within::{TimeLimit, read_within};
use crate::render::Console;
use webpubsub_proto::OwnedData;

/// What a process does last, once its exit code is known and nothing else can fail. Whoever kills it before that sees a
/// run that has not ended.
#[derive(Default)]
pub struct LastAct(Mutex<Option<Act>>);

type Act = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

impl LastAct {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Puts it off until then.
    pub fn put_off(&self, act: impl FnOnce() -> Result<(), Failure> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
    }

    /// Does it, if there is anything.
    pub fn carry_out(&self) -> Result<(), Failure> {
        let act = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        act.map_or(Ok(()), |act| act())
    }
}

impl fmt::Debug for LastAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastAct")
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// When it was started.
    pub started: Instant,
    /// What it does last.
    pub last_act: &'static LastAct,
}

impl Process {
    /// What is to be sent, read by the end of `--timeout`.
    pub fn payload(self, source: &PayloadSource, timeout: Option<Duration>) -> Result<OwnedData, Failure> {
        let source = source.clone();
        read_within(self.limit(timeout), "the data", move || source.read(&mut StandardInput))
    }

    /// The end of `--timeout`.
    pub fn limit(self, timeout: Option<Duration>) -> Option<TimeLimit> {
        timeout.map(|timeout| TimeLimit { timeout, since: self.started.into_std() })
    }

    /// The surroundings of a run.
    pub fn surroundings(self, output: &OutputSettings) -> Result<Surroundings, Failure> {
        self.surroundings_of(output, false)
    }

    /// The surroundings of a run without expressions.
    pub fn without_conditions(self, console: Console) -> Surroundings {
        Surroundings { console, started: self.started, last_act: self.last_act, conditions: None }
    }

    /// With `outlives`, expressions go on when the reader of stdout has gone.
    pub fn surroundings_of(self, output: &OutputSettings, outlives: bool) -> Result<Surroundings, Failure> {
        let (console, conditions) = expressions::open(output, outlives)?;
        logging::start(output.verbosity, output.log_filter.as_deref(), &console.err)?;
        Ok(Surroundings { console, started: self.started, last_act: self.last_act, conditions })
    }
}

/// Writes all there is to stdout. A reader that has gone away wants no more.
pub fn put(bytes: &[u8]) -> Result<u8, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::message(Kind::Output, format!("could not write to stdout: {error}")))
        }
        _ => Ok(0),
    }
}

/// Opens stdout and stderr.
pub fn console(color: ColorChoice) -> Result<Console, Failure> {
    let opened = Console::builder(|terminal| color.enabled(terminal)).open();
    opened.map(|(console, _)| console).or_internal()
}

/// Runs a command of one connection, which is one task.
pub fn on_one_thread(command: impl Future<Output = u8>) -> Result<u8, Failure> {
    finish(Builder::new_current_thread().enable_all().build(), command)
}

/// Runs an emulator, which has many.
pub fn on_all_threads(command: impl Future<Output = u8>) -> Result<u8, Failure> {
    finish(Builder::new_multi_thread().enable_all().build(), command)
}

fn finish(runtime: io::Result<Runtime>, command: impl Future<Output = u8>) -> Result<u8, Failure> {
    let runtime = runtime.or_internal()?;
    let code = runtime.block_on(command);
    // A name lookup that hangs, which no runtime can cancel, must not keep the process.
    runtime.shutdown_background();
    Ok(code)
}
