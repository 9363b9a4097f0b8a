//! `wps invoke --lines` and `--ndjson`: an invocation for each line, many under way at once, each answer printed with its
//! line as it comes. The input is read no faster than they are answered.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::settings::InvokeManySettings;
use crate::commands::Task;
use crate::commands::bulk::intake::{BulkIntake, InputBatch};
use crate::commands::bulk::message::{BulkMessage, InputItem, LineKind, MessageBuilder};
use crate::commands::bulk::settings::BulkFeed;
use crate::commands::bulk::settings::MessageContent;
use crate::failure::{Failure, Kind};
use crate::options::operation::settings::AckRequest;
use crate::render::{counted, human};
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::explain::invocation_failure;
use crate::run::process::on_one_thread;
use crate::run::run;
use crate::run::seen::SentCounts;
use crate::run::verdict::Verdict;
use webpubsub_client::event::{InvokeOutcome, Invoked};
use webpubsub_net::secret::redact;
use webpubsub_proto::session::Invocation;

/// Failures that are told one by one; more are only counted.
const TOLD: u64 = 100;

/// The invocations.
pub(super) fn task(settings: InvokeManySettings) -> Task {
    Box::new(move |process| {
        let data_type = match &settings.feed {
            BulkFeed::Lines(data_type) => Some(*data_type),
            BulkFeed::Records | BulkFeed::Repeated { .. } => None,
        };
        let what = LineKind::Invocation { metadata: settings.metadata.clone() };
        let codec = settings.connection.protocol.codec();
        let maker = MessageBuilder::new(what, settings.event.as_deref(), data_type, AckRequest::None, codec, false);
        let intake = BulkIntake::read(maker, settings.keep_going)?;
        let surroundings = process.surroundings_of(&settings.output, true)?;
        on_one_thread(invoke_all(&surroundings, &settings, intake))
    })
}

async fn invoke_all(surroundings: &Surroundings, settings: &InvokeManySettings, intake: BulkIntake) -> u8 {
    run(surroundings, &settings.connection, &settings.output, RunOptions::ONE_OFF, |client| {
        InvokeRun {
            surroundings,
            settings,
            client,
            intake,
            input_ended: false,
            ready: VecDeque::new(),
            open: FuturesUnordered::new(),
            counts: SentCounts { sent: 0, acked: 0, failed: 0 },
            skipped: 0,
            called_off: 0,
            called_off_lines: (u64::MAX, 0),
            unsent: 0,
            last_line: 0,
            first: None,
            since: Instant::now(),
            over: false,
        }
        .run()
    })
    .await
}

/// One under way, with its line.
type OpenInvocation = Pin<Box<dyn Future<Output = (u64, Invoked)>>>;

struct InvokeRun<'a> {
    surroundings: &'a Surroundings,
    settings: &'a InvokeManySettings,
    client: Client,
    intake: BulkIntake,
    /// Nothing more is read.
    input_ended: bool,
    /// Read and not asked, in order.
    ready: VecDeque<BulkMessage>,
    open: FuturesUnordered<OpenInvocation>,
    counts: SentCounts,
    /// Records that are no invocations.
    skipped: u64,
    /// Sent, and called off by the end before they were answered.
    called_off: u64,
    /// The first and the last of their lines.
    called_off_lines: (u64, u64),
    /// Read, and not sent when the end came.
    unsent: u64,
    /// The last line that was read.
    last_line: u64,
    /// The failure of the lowest line, whose kind is the exit code.
    first: Option<(u64, Failure)>,
    since: Instant,
    /// The session has ended.
    over: bool,
}

impl InvokeRun<'_> {
    async fn run(mut self) -> Verdict {
        while !self.is_done() && !self.over {
            self.ask();
            let reads = !self.input_ended && self.ready.is_empty();
            tokio::select! {
                biased;
                Some((line, invoked)) = self.open.next() => self.settle(line, &invoked),
                batch = self.intake.next(), if reads => self.take(batch),
            }
        }
        self.end()
    }

    fn is_done(&self) -> bool {
        self.input_ended && self.ready.is_empty() && self.open.is_empty()
    }

    fn take(&mut self, batch: Option<InputBatch>) {
        match batch {
            None => self.input_ended = true,
            Some(InputBatch::Failed(failure)) => {
                self.input_ended = true;
                self.note_first(self.last_line + 1, failure);
            }
            Some(InputBatch::Items(entries)) => {
                for entry in entries {
                    self.last_line = entry.line;
                    match entry.item {
                        InputItem::Message(message) => self.ready.push_back(message),
                        InputItem::Skipped => self.skipped += 1,
                        InputItem::Bad(bad) => {
                            self.fail(entry.line, bad.failure, "cannot be sent");
                            // Those before it are still sent.
                            if bad.last || !self.settings.keep_going {
                                self.input_ended = true;
                                return;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Asks as many as may wait at once.
    fn ask(&mut self) {
        while self.open.len() < self.settings.in_flight
            && let Some(message) = self.ready.pop_front()
        {
            let BulkMessage { line, target, content, .. } = message;
            let MessageContent { data, metadata, .. } = content;
            let invocation = Invocation { metadata, ..Invocation::new(target.as_ref().to_owned(), data) };
            let invoking = self.client.handle.invoke(invocation, Some(line));
            self.open.push(Box::pin(async move { (line, invoking.await) }));
        }
    }

    fn settle(&mut self, line: u64, invoked: &Invoked) {
        self.counts.sent += u64::from(invoked.invocation_id.is_some());
        match &invoked.outcome {
            InvokeOutcome::Answered { .. } => self.counts.acked += 1,
            InvokeOutcome::NotSent { .. } => self.unsent += 1,
            // The run was ended, and whoever did that knows: that they may have been carried out is said together.
            InvokeOutcome::Cancelled => {
                self.counts.failed += 1;
                self.called_off += 1;
                let (first, last) = self.called_off_lines;
                self.called_off_lines = (first.min(line), last.max(line));
            }
            InvokeOutcome::Refused { .. }
            | InvokeOutcome::NotUnderstood { .. }
            | InvokeOutcome::TimedOut
            | InvokeOutcome::Unknown { .. }
            | InvokeOutcome::IdInUse => {
                if let Some(failure) = invocation_failure(invoked) {
                    self.fail(line, failure, "failed");
                }
                if !self.settings.keep_going {
                    self.input_ended = true;
                    self.unsent += self.ready.drain(..).count() as u64;
                    self.client.handle.withdraw();
                }
            }
        }
        self.over |= matches!(invoked.outcome, InvokeOutcome::NotSent { .. }) && self.first.is_none();
    }

    /// A line has failed, and is told of if it goes on: the failure that ends it is told at the end.
    fn fail(&mut self, line: u64, failure: Failure, what: &str) {
        self.counts.failed += 1;
        let causes = format!("{:#}", failure.error).replace(" at line 1 column ", " at column ");
        if self.settings.keep_going && !self.settings.output.quiet && self.counts.failed <= TOLD {
            let style = self.surroundings.console.err.style;
            let words = format!("line {line} {what}: {causes}");
            let words = redact(&words);
            self.surroundings.console.err.line(&format!("{} {}", style.label("warning:"), style.clean(&words)));
        }
        let error = anyhow::anyhow!("{causes}").context(format!("line {line} {what}"));
        self.note_first(line, Failure { error, ..failure });
    }

    fn note_first(&mut self, line: u64, failure: Failure) {
        if self.first.as_ref().is_none_or(|(first, _)| line < *first) {
            self.first = Some((line, failure));
        }
    }

    /// What is to be known of those that were sent, and called off before they were answered.
    fn called_off_in_words(&self) -> Option<String> {
        let (first, last) = self.called_off_lines;
        match self.called_off {
            0 => None,
            1 => Some(format!(
                "the invocation of line {first} was called off before its answer: it may have been carried out"
            )),
            count => Some(format!(
                "{count} invocations, of lines {first} to {last}, were called off before their answers: they may have been \
                 carried out"
            )),
        }
    }

    fn end(mut self) -> Verdict {
        self.unsent += self.ready.len() as u64;
        self.client.seen.lines.set(Some(self.counts));
        if !self.settings.output.quiet {
            let SentCounts { sent, acked, failed } = self.counts;
            let mut words = format!("sent {}, {acked} answered", counted(sent, "invocation"));
            let called_off = (self.called_off, "called off");
            for (count, what) in [
                (failed - self.called_off, "failed"),
                called_off,
                (self.unsent, "read and not sent"),
                (self.skipped, "skipped"),
            ] {
                if count > 0 {
                    words += &format!(", {count} {what}");
                }
            }
            words += &format!(", in {}", human(self.since.elapsed()));
            let style = self.surroundings.console.err.style;
            self.surroundings.console.err.line(&style.dim(&words));
        }
        let called_off = self.called_off_in_words();
        match self.first {
            Some((_, failure)) => Verdict::Failed(match called_off {
                Some(words) => failure.hint(words),
                None => failure,
            }),
            None if let Some(words) = called_off => Verdict::Failed(Failure::message(Kind::OperationUnknown, words)),
            None if self.over || self.unsent > 0 => Verdict::SessionEnded,
            None => Verdict::Done("done"),
        }
    }
}
