//! The loop of every command that has a client: the client, the command's script and what interrupts them side by side, until
//! the client is over.

use std::future::Future;
use std::pin::{Pin, pin};

use futures_util::future::Fuse;
use tokio::time::Instant;

use super::ending::{InterruptSources, RunInterrupt, interruption};
use super::observer::Reaction;
use crate::render::Console;
use crate::signal::Signals;
use webpubsub_client::handle::Handle;

/// What is a command's own in the loop. `R` is the result of its script.
pub trait Attendant<R> {
    /// What may interrupt it at this stage.
    fn sources(&self, stage: &Stage) -> InterruptSources;

    /// The script has ended. Returns the result that counts.
    fn script_ended(&self, result: R) -> R {
        result
    }

    /// What becomes of an interruption while nothing else has ended the run.
    fn reaction(&self, _interrupt: &RunInterrupt) -> Reaction {
        Reaction::Ends
    }

    /// Somebody wants the run to end, soon.
    fn hurry(&self) {}
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Neither its script nor an interruption has ended it.
    pub undecided: bool,
    /// Its script ends by an interruption.
    pub parting: bool,
    /// Something has interrupted it, or its end.
    pub interrupted: bool,
}

/// What has become of a run.
pub struct Attended<R, O> {
    /// Of the client.
    pub over: O,
    /// Of the script, and when; absent where something else ended the run.
    pub result: Option<(R, Instant)>,
    /// What ended it before its script did.
    pub interrupt: Option<RunInterrupt>,
    /// What its script ended by.
    pub parting: Option<RunInterrupt>,
    /// What came when it was ending already: the client was dropped at once.
    pub late: Option<RunInterrupt>,
    /// Since when somebody wants it to end.
    pub hurried: Option<Instant>,
}

/// Runs all of it. `beside` is ready only with what ends the run, and not polled once it is decided.
pub async fn attend<S: Future, O>(
    client: (impl Future<Output = O>, &Handle),
    mut script: Pin<&mut Fuse<S>>,
    beside: impl Future<Output = RunInterrupt>,
    (signals, console): (&mut Signals, &Console),
    attendant: &impl Attendant<S::Output>,
) -> Attended<S::Output, O> {
    let (running, handle) = client;
    let (mut running, mut beside) = (pin!(running), pin!(beside));
    let (mut result, mut interrupt, mut parting, mut late, mut hurried) = (None, None, None, None, None);
    loop {
        let undecided = result.is_none() && interrupt.is_none();
        let interrupted = interrupt.is_some() || late.is_some();
        let sources = attendant.sources(&Stage { undecided, parting: parting.is_some(), interrupted });
        tokio::select! {
            // The script first: what it says of a deadline is more exact.
            biased;
            ended = &mut script, if undecided => {
                result = Some((attendant.script_ended(ended), Instant::now()));
                handle.stop();
            }
            over = &mut running => return Attended { over, result, interrupt, parting, late, hurried },
            came = &mut beside, if undecided => {
                interrupt = Some(came);
                handle.stop();
            }
            came = interruption(signals, sources, console) => {
                let reaction = if undecided { attendant.reaction(&came) } else { Reaction::Ends };
                if reaction == Reaction::GoesOn {
                    continue;
                }
                hurried.get_or_insert_with(Instant::now);
                attendant.hurry();
                if reaction == Reaction::Parting {
                    parting.get_or_insert(came);
                } else if undecided {
                    interrupt = Some(came);
                    handle.stop();
                } else {
                    // Asked twice, or in a hurry to leave: at once.
                    late.get_or_insert(came);
                    handle.abort();
                }
            }
        }
    }
}
