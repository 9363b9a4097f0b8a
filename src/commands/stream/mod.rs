//! `wps stream`: publish stdin to a group as one stream, as it comes (PROTOCOL §9.1).

pub mod args;
pub mod end;
pub mod intake;
pub mod settings;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use self::args::StreamArgs;
use self::intake::{StreamBatch, StreamIntake};
use self::settings::StreamSettings;
use super::{CommandArgs, Task};
use crate::failure::Failure;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::observer::{Interruption, Reaction, RunObserver};
use crate::run::process::on_one_thread;
use crate::run::run_observed;
use crate::run::seen::SentCounts;
use webpubsub_client::handle::{OutgoingStream, new_stream_id};
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::{StreamAbort, StreamReport};

impl CommandArgs for StreamArgs {
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
            let intake = StreamIntake::open(settings.feed, settings.connection.protocol.codec())?;
            let surroundings = process.surroundings_of(&settings.output, true)?;
            on_one_thread(stream(&surroundings, &settings, intake))
        }))
    }
}

/// How long the end of a stream that was broken off may take.
pub const PARTING: Duration = Duration::from_millis(1500);

/// What readers are told of a stream that its user has broken off.
pub fn broken_off() -> StreamAbort {
    abort("Aborted", "the publisher has broken off")
}

/// The same, when something has ended the run.
fn broken_off_by(interruption: Interruption) -> StreamAbort {
    match interruption {
        Interruption::Signal(_) => broken_off(),
        Interruption::Timeout => abort("Aborted", "the publisher's time was over"),
    }
}

fn abort(code: &str, message: &str) -> StreamAbort {
    StreamAbort { code: Some(code.to_owned()), message: Some(message.to_owned()) }
}

/// Publishes the stream. Returns the exit code.
pub async fn stream(surroundings: &Surroundings, settings: &StreamSettings, intake: StreamIntake) -> u8 {
    let run_options = RunOptions::ONE_OFF;
    let interrupted = Rc::new(StreamInterruption::default());
    let observer: Rc<dyn RunObserver> = Rc::clone(&interrupted) as Rc<dyn RunObserver>;
    run_observed(
        surroundings,
        &settings.connection,
        &settings.output,
        run_options,
        Some(observer),
        |client| async move {
            let mut publishing =
                StreamPublisher { settings, client: &client, interrupted: &interrupted, intake, began_again: false };
            let (report, own) = publishing.run().await;
            let again = publishing.began_again && settings.run.stream_id.is_some();
            end::verdict(surroundings, &settings.output, &client, &report, own, again)
        },
    )
    .await
}

/// Sees what ends the run: the first time it ends the stream, the second time the run.
#[derive(Debug, Default)]
struct StreamInterruption {
    by: Cell<Option<Interruption>>,
    changed: Notify,
}

impl RunObserver for StreamInterruption {
    fn interrupted(&self, by: Interruption) -> Reaction {
        if self.by.get().is_some() {
            return Reaction::Ends;
        }
        self.by.set(Some(by));
        self.changed.notify_one();
        Reaction::Parting
    }
}

impl StreamInterruption {
    async fn wait(&self) -> Interruption {
        loop {
            if let Some(by) = self.by.get() {
                return by;
            }
            self.changed.notified().await;
        }
    }
}

/// A stream under way.
struct StreamPublisher<'a> {
    settings: &'a StreamSettings,
    client: &'a Client,
    interrupted: &'a StreamInterruption,
    intake: StreamIntake,
    /// A start was lost, and sent once more.
    began_again: bool,
}

/// What a stream that was published to its end, or not, has failed by on this side.
pub enum LocalFailure {
    /// Something has ended the run.
    Interrupted(Interruption),
    /// Its input is bad.
    Failed(Failure),
}

/// Why it is ended before its input is.
enum EarlyEnd {
    /// It is over already.
    Over(StreamReport),
    /// Somebody wants the run to end.
    Interrupted(Interruption),
    /// The input is bad.
    Bad(Failure),
}

impl From<StreamReport> for EarlyEnd {
    fn from(report: StreamReport) -> Self {
        Self::Over(report)
    }
}

impl StreamPublisher<'_> {
    /// How the stream ended, and what it failed by on this side.
    async fn run(&mut self) -> (StreamReport, Option<LocalFailure>) {
        loop {
            let mut stream = self.open();
            match self.opened(&mut stream).await {
                Ok(()) => {}
                // Nothing was sent, so that it may begin again.
                Err(EarlyEnd::Over(report)) if report.is_lost_before_its_start() => {
                    self.began_again = true;
                    continue;
                }
                Err(cause) => return self.break_off(stream, cause).await,
            }
            return match self.pump(&mut stream).await {
                Ok(()) => {
                    stream.end(self.settings.run.end_error.clone());
                    tokio::select! {
                        report = stream.over() => (report, None),
                        by = self.interrupted.wait() => self.break_off(stream, EarlyEnd::Interrupted(by)).await,
                    }
                }
                Err(cause) => self.break_off(stream, cause).await,
            };
        }
    }

    fn open(&self) -> OutgoingStream {
        let StreamSettings { group, run, .. } = self.settings;
        self.client.handle.stream(run.open(group, new_stream_id), run.buffer)
    }

    async fn opened(&self, stream: &mut OutgoingStream) -> Result<(), EarlyEnd> {
        tokio::select! {
            opened = stream.opened() => Ok(opened?),
            by = self.interrupted.wait() => Err(EarlyEnd::Interrupted(by)),
        }
    }

    /// Sends what comes, until the input ends.
    async fn pump(&mut self, stream: &mut OutgoingStream) -> Result<(), EarlyEnd> {
        loop {
            let piece = tokio::select! {
                biased;
                by = self.interrupted.wait() => return Err(EarlyEnd::Interrupted(by)),
                report = stream.over() => return Err(EarlyEnd::Over(report)),
                piece = self.intake.next() => piece,
            };
            match piece {
                None => return Ok(()),
                Some(StreamBatch::Failed(failure)) => return Err(EarlyEnd::Bad(failure)),
                Some(StreamBatch::Fragments(fragments)) => {
                    for data in fragments {
                        self.write(stream, data).await?;
                    }
                }
            }
        }
    }

    async fn write(&self, stream: &mut OutgoingStream, data: OwnedData) -> Result<(), EarlyEnd> {
        tokio::select! {
            biased;
            by = self.interrupted.wait() => Err(EarlyEnd::Interrupted(by)),
            written = stream.write(data) => Ok(written?),
        }
    }

    /// Informs the subscribers that nothing more comes, as far as that goes quickly.
    async fn break_off(&self, mut stream: OutgoingStream, cause: EarlyEnd) -> (StreamReport, Option<LocalFailure>) {
        let (abort, own) = match cause {
            EarlyEnd::Over(report) => return (report, None),
            EarlyEnd::Interrupted(by) => (broken_off_by(by), LocalFailure::Interrupted(by)),
            EarlyEnd::Bad(failure) => {
                (abort("BadInput", "the publisher's input is bad"), LocalFailure::Failed(failure))
            }
        };
        stream.end(Some(abort));
        // Before there was a connection there is nobody to be told.
        let patience = if self.client.seen.was_connected() { PARTING } else { Duration::ZERO };
        let report = tokio::select! {
            report = stream.over() => report,
            () = sleep(patience) => {
                // Its result so far is known when the session ends.
                self.client.handle.stop();
                match timeout(PARTING, stream.over()).await {
                    Ok(report) => report,
                    Err(_) => stream.unknown(),
                }
            }
        };
        (report, Some(own))
    }
}

/// What was sent and what arrived, for the last record.
fn counts(report: &StreamReport, failed: bool) -> SentCounts {
    SentCounts { sent: report.written, acked: report.accepted, failed: u64::from(failed) }
}
