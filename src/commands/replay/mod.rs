//! `wps replay`: send again what a recording holds.
//!
//! Only what users sent is: messages to groups and events, each once, however often it was tried, in their order and
//! with their distances in time. With `--received` it is what was received, published anew. A file is read and checked
//! before anything is tried, and read a second time to send it: its size does not matter.

pub mod args;
mod recorded;
pub mod settings;

use std::io::{self, Write as _};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use self::args::ReplayArgs;
use self::args::Speed;
use self::settings::ReplaySettings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::options::within::read_within;
use crate::render::{counted, human};
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::process::{Process, on_one_thread};
use crate::run::run;
use crate::run::verdict::Verdict;
use crate::run::voice::print_stderr;
#[cfg(any(test, fuzzing))]
pub use recorded::fuzz;
pub use recorded::{OpenRecording, RecordingSummary, read};
use recorded::{RecordedMessage, RecordingItem};
use webpubsub_proto::Codec;
use webpubsub_proto::session::AckMode;

impl CommandArgs for ReplayArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.connecting.output.talk)
    }

    fn prints_records(&self) -> bool {
        self.connecting.output.output == OutputFormat::Ndjson && !self.dry_run
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process| task(process, &settings)))
    }
}

fn task(process: Process, settings: &ReplaySettings) -> Result<u8, Failure> {
    let timeout = settings.connection.as_ref().and_then(|connection| connection.timeout);
    let source = settings.clone();
    let recorded = read_within(process.limit(timeout), "the recording", move || read(&source))?;
    let warn = |summary: RecordingSummary| {
        for words in summary.warnings().into_iter().filter(|_| !settings.output.quiet) {
            print_stderr(&format!("warning: {words}\n"));
        }
    };
    let known = recorded.summary();
    known.into_iter().for_each(warn);
    let Some(connection) = &settings.connection else {
        let summary = dry_run(recorded)?;
        Some(summary).filter(|_| known.is_none()).into_iter().for_each(warn);
        return Ok(0);
    };
    let surroundings = process.surroundings(&settings.output)?;
    on_one_thread(replay(&surroundings, settings, connection, recorded))
}

/// Messages that wait for their acks at the same time.
const IN_FLIGHT: usize = 256;

/// Prints the frames as they would be sent, one a line. A reader that has gone away wants no more.
pub fn dry_run(recorded: OpenRecording) -> Result<RecordingSummary, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut asked = 0;
    let mut ended = Ok(RecordingSummary::default());
    let mut failed = None;
    recorded.each(|item| {
        match item {
            RecordingItem::Message(message) => {
                // For people: what would be sent as a binary frame is printed as the JSON that it would be.
                let frame = message.frame(Codec::Json, asked);
                let written = out.write_all(frame.as_wire().bytes()).and_then(|()| out.write_all(b"\n"));
                asked += u64::from(message.acked);
                failed = written.err();
            }
            RecordingItem::End(summary) => ended = Ok(summary),
            RecordingItem::Failed(failure) => ended = Err(failure),
        }
        failed.is_none()
    });
    match failed.or_else(|| out.flush().err()) {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::message(Kind::Output, format!("could not write to stdout: {error}")))
        }
        _ => ended,
    }
}

impl RecordingSummary {
    /// What there is to be said of a recording besides how much of it is sent.
    pub fn warnings(&self) -> Vec<String> {
        let cut = self.cut.then(|| "the last line of the recording is cut off, and left out".to_owned());
        let left_out = self.left_out.words().map(|words| format!("not sent again: {words}"));
        cut.into_iter().chain(left_out).collect()
    }
}

/// Sends it all again. Returns the exit code.
pub async fn replay(
    surroundings: &Surroundings,
    settings: &ReplaySettings,
    connection: &ConnectionSettings,
    recorded: OpenRecording,
) -> u8 {
    let run_options = RunOptions::ONE_OFF;
    run(surroundings, connection, &settings.output, run_options, |client| {
        script(surroundings, settings, recorded, client)
    })
    .await
}

async fn script(
    surroundings: &Surroundings,
    settings: &ReplaySettings,
    recorded: OpenRecording,
    client: Client,
) -> Verdict {
    client.seen.connected().await;
    let known = recorded.summary();
    let mut items = match recorded.start() {
        Ok(items) => items,
        Err(error) => return Verdict::Failed(Failure::new(Kind::Internal, error)),
    };
    let mut flying = FuturesUnordered::new();
    let (mut done, mut unasked) = (0u64, 0u64);
    // When the first was to be sent, by this clock and by the recording's.
    let mut first = None;
    let mut began = Instant::now();
    let mut next: Option<RecordedMessage> = None;
    let mut ended: Option<RecordingSummary> = None;
    let mut failure: Option<Failure> = None;
    loop {
        let reads = next.is_none() && ended.is_none() && failure.is_none();
        let ready = next.as_ref().filter(|_| failure.is_none() && flying.len() < IN_FLIGHT);
        let due = ready.map(|message| due(began, message.at.saturating_sub(first.unwrap_or_default()), settings.speed));
        if !reads && due.is_none() && flying.is_empty() {
            break;
        }
        tokio::select! {
            // What was begun goes out before the next is begun.
            biased;
            Some((line, result)) = flying.next(), if !flying.is_empty() => match result {
                Ok(_) => done += 1,
                Err(Verdict::Failed(failed)) => {
                    failure.get_or_insert_with(|| at_line(failed, line));
                }
                Err(verdict) => return verdict,
            },
            item = items.recv(), if reads => match item {
                Some(RecordingItem::Message(message)) => {
                    if first.is_none() {
                        (began, first) = (Instant::now(), Some(message.at));
                    }
                    next = Some(message);
                }
                Some(RecordingItem::End(summary)) => ended = Some(summary),
                Some(RecordingItem::Failed(failed)) => failure = Some(failed),
                None => failure = Some(Failure::message(Kind::Internal, "the recording is not read any more")),
            },
            () = crate::run::ending::at(due), if due.is_some() => {
                if let Some(RecordedMessage { line, request, acked, .. }) = next.take() {
                    unasked += u64::from(!acked);
                    let mode = if acked { AckMode::Automatic } else { AckMode::None };
                    let client = &client;
                    flying.push(async move { (line, client.perform(request, mode).await) });
                }
            }
        }
    }
    let took = human(began.elapsed());
    match failure {
        None => {
            let mut more = match unasked {
                0 => "all acknowledged".to_owned(),
                _ => format!("no ack asked for {unasked} of them"),
            };
            if let Some(server @ 1..) = ended.map(|summary| summary.left_out.server) {
                more.push_str(&format!("; {server} of the server left out: `--group G` publishes them too"));
            }
            surroundings.report(&settings.output, &format!("replayed {} in {took}, {more}", counted(done, "message")));
            let warnings =
                ended.filter(|_| known.is_none() && !settings.output.quiet).map(|summary| summary.warnings());
            let err = &surroundings.console.err;
            for words in warnings.into_iter().flatten() {
                err.line(&format!("{} {words}", err.style.label("warning:")));
            }
            Verdict::Done("done")
        }
        Some(failure) => {
            let of = match known {
                Some(known) => format!("{done} of {}", counted(known.messages, "message")),
                None => counted(done, "message"),
            };
            surroundings.report(&settings.output, &format!("replayed {of} in {took}"));
            Verdict::Failed(failure)
        }
    }
}

/// When a message is to be sent.
fn due(began: Instant, after: Duration, speed: Speed) -> Instant {
    let after = match speed {
        Speed::Max => Duration::ZERO,
        // Longer than any run, when it is more than can be said.
        Speed::Times(times) => Duration::try_from_secs_f64(after.as_secs_f64() / times).unwrap_or(FAR),
    };
    began + after.min(FAR)
}

/// Longer than any run.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn at_line(failure: Failure, line: u64) -> Failure {
    failure.context(format!("line {line} of the recording could not be sent again"))
}
