//! Many messages in order: `wps send` and `wps event` with `--lines`, `--ndjson` and `--repeat`.
//!
//! The intake reads, the window says how many may be under way, the pipeline carries them and tells how each one ended,
//! the tally counts. The input is read no faster than messages settle; every ack is awaited; what fails is named by its
//! line. All ends of lines pass through [`BulkRun::settle`].

pub mod args;
pub(crate) mod intake;
mod lines;
pub(crate) mod message;
mod pace;
mod position;
mod progress;
mod ranges;
pub mod settings;
mod tally;
mod window;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::settings::{BulkSettings, Template};
use super::Task;
use super::event::replies::await_replies;
use crate::failure::{Failure, Kind};
use crate::options::operation::settings::AckRequest;
use crate::options::values::OutputFormat;
use crate::render::sanitize::for_line;
use crate::run::context::{Client, RunOptions, Surroundings};
use crate::run::ending::at;
use crate::run::observer::RunObserver;
use crate::run::process::on_one_thread;
use crate::run::run_observed;
use crate::run::seen::SentCounts;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use crate::state::{LineFailure, MOST_LEFT};
pub use intake::BulkIntake;
use intake::InputBatch;
pub use lines::{InputLine, LineCutter};
pub use message::data_of_record;
use message::{BulkMessage, InputEntry, InputItem};
pub use pace::Pace;
use position::{Fate, Position};
use progress::BulkProgressLine;
use tally::{Tally, UnknownReason};
use webpubsub_client::event::Lifecycle;
use webpubsub_client::handle::{Pipeline, Settlement, Submission};
use webpubsub_net::secret::redact;
use webpubsub_proto::session::{AckMode, OnUnknown, OperationKind, Outcome, OutcomeCause};
use window::Window;

/// The sending of many messages.
pub fn task(settings: BulkSettings) -> Task {
    Box::new(move |process| {
        let intake = BulkIntake::open(&settings)?;
        let surroundings = process.surroundings_of(&settings.output, true)?;
        on_one_thread(send_all(&surroundings, &settings, intake))
    })
}

/// Most bytes handed over at once, but for the last message.
const BATCH_BYTES: usize = 64 * 1024;

/// Sends what the intake holds and waits for every ack. Returns the exit code.
pub async fn send_all(surroundings: &Surroundings, settings: &BulkSettings, intake: BulkIntake) -> u8 {
    let shown = if settings.awaits_replies() { MessageScope::Server } else { MessageScope::None };
    let run_options = RunOptions { shown, ..RunOptions::ONE_OFF };
    let output = &settings.output;
    let prints = output.format != OutputFormat::Text || settings.awaits_replies();
    let crowded = prints && surroundings.console.out.style.terminal;
    let wanted = !output.quiet && output.verbosity == 0 && !crowded && !intake.is_typed();
    let progress = Rc::new(BulkProgressLine::new(surroundings.console.err.clone(), wanted));
    let watch = Rc::new(BulkObserver { progress, live: Cell::new(false), changed: Notify::new() });
    let observer: Rc<dyn RunObserver> = Rc::clone(&watch) as Rc<dyn RunObserver>;
    run_observed(surroundings, &settings.connection, output, run_options, Some(observer), |client| {
        BulkRun::new(surroundings, settings, intake, client, watch).run()
    })
    .await
}

/// Sees whether there is a connection, and keeps the progress line out of the way of others.
#[derive(Debug)]
struct BulkObserver {
    progress: Rc<BulkProgressLine>,
    /// There is a connection.
    live: Cell<bool>,
    /// Notified when that changes.
    changed: Notify,
}

impl RunObserver for BulkObserver {
    fn lifecycle(&self, event: &Lifecycle) {
        let live = match event {
            // Nothing is said of it.
            Lifecycle::Ack(_) => return,
            Lifecycle::Connected { .. } | Lifecycle::Recovered { .. } => true,
            Lifecycle::Recovering { .. } | Lifecycle::SessionLost { .. } | Lifecycle::Disconnected { .. } => false,
            Lifecycle::AttemptFailed { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::Joined { .. }
            | Lifecycle::Stream(_)
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::SequenceGap { .. }
            | Lifecycle::OperationUnknown { .. } => self.live.get(),
        };
        self.progress.clear();
        if self.live.replace(live) != live {
            self.changed.notify_one();
        }
    }
}

/// A bulk under way.
struct BulkRun<'a> {
    surroundings: &'a Surroundings,
    settings: &'a BulkSettings,
    client: Client,
    pipeline: Pipeline,
    intake: BulkIntake,
    /// Nothing more is read.
    input_ended: bool,
    /// Messages that were read and not handed over, in order.
    ready: VecDeque<BulkMessage>,
    window: Window,
    /// The last line that was read.
    read_line: u64,
    tally: Tally,
    pace: Option<Pace>,
    /// `--session`.
    position: Option<Position>,
    /// More lines have failed than `--session` remembers, and that was said.
    forgets: bool,
    /// Why nothing can go on, at once.
    broken: Option<Failure>,
    /// Lines of an earlier run are lost: nothing more is sent, once all of these are known.
    doomed: bool,
    watch: Rc<BulkObserver>,
    since: Instant,
    /// The session has ended.
    over: bool,
}

impl<'a> BulkRun<'a> {
    fn new(
        surroundings: &'a Surroundings,
        settings: &'a BulkSettings,
        intake: BulkIntake,
        client: Client,
        watch: Rc<BulkObserver>,
    ) -> Self {
        let now = Instant::now();
        let resend = settings.connection.session.on_unknown == OnUnknown::Resend;
        Self {
            surroundings,
            settings,
            pipeline: client.handle.pipeline(),
            position: client.lines_file.clone().map(|file| Position::new(file, resend)),
            forgets: false,
            broken: None,
            doomed: false,
            client,
            tally: Tally::new(intake.unit()),
            intake,
            input_ended: false,
            ready: VecDeque::new(),
            window: Window::new(settings.in_flight),
            read_line: 0,
            pace: settings.interval.map(|interval| Pace::new(interval, now)),
            watch,
            since: now,
            over: false,
        }
    }

    async fn run(mut self) -> Verdict {
        if self.intake.is_typed() && !self.settings.output.quiet && self.surroundings.console.err.style.terminal {
            let words = "each line typed here is sent; Ctrl-D ends the input";
            self.surroundings.console.err.line(&self.surroundings.console.err.style.dim(words));
        }
        let mut settled = Vec::new();
        while !self.is_done() && !self.over {
            if self.position.is_some()
                && let Some(open) = self.pipeline.settled(&mut settled).now_or_never()
            {
                // What has settled is known before anything is recorded.
                self.over = !open;
                settled.drain(..).for_each(|settlement| self.settle(settlement));
            }
            self.hand_over().await;
            if let Some(failure) = self.broken.take() {
                return Verdict::Failed(failure);
            }
            let reads = self.reads();
            let due = self.waits_for_pace();
            let away = self.waits_for_connection();
            let record_by = self.position.as_ref().and_then(Position::record_by);
            tokio::select! {
                biased;
                open = self.pipeline.settled(&mut settled) => {
                    self.over = !open;
                    settled.drain(..).for_each(|settlement| self.settle(settlement));
                }
                batch = self.intake.next(), if reads => self.take(batch),
                () = at(due), if due.is_some() => {}
                () = at(record_by), if record_by.is_some() => {
                    self.broken = self.position.as_mut().and_then(|position| position.write().err());
                }
                () = self.watch.changed.notified(), if away => {}
                () = at(self.watch.progress.due()) => {
                    let extent = self.intake.extent(self.window.settled_line());
                    self.watch.progress.draw(self.tally.sent + self.window.open() as u64, self.tally.acked, extent);
                }
            }
        }
        if let Some(failure) = self.broken.take() {
            return Verdict::Failed(failure);
        }
        if self.is_done() && self.settings.ack == AckRequest::None && self.tally.sent > 0 {
            // What was sent before has been read when this is answered.
            self.over |= self.client.handle.ping().await.is_none();
        }
        self.end().await
    }

    /// Whether all there was has settled.
    fn is_done(&self) -> bool {
        self.input_ended && self.ready.is_empty() && self.window.is_empty()
    }

    /// Whether more is to be read.
    fn reads(&self) -> bool {
        let position = self.position.as_ref();
        let wanted = self.ready.is_empty() || position.is_some_and(|position| !position.is_compared());
        wanted && !self.input_ended && position.is_none_or(Position::has_room)
    }

    /// When the pace lets the next message go, if nothing else holds it.
    fn waits_for_pace(&self) -> Option<Instant> {
        let message = self.ready.front()?;
        let pace = self.pace.as_ref().filter(|_| self.watch.live.get())?;
        self.window.has_room(message.size).then(|| pace.due())
    }

    /// A pace is kept on the wire, and what may have been sent is recorded with its connection: so without one nothing
    /// is handed over.
    fn waits_for_connection(&self) -> bool {
        (self.pace.is_some() || self.position.is_some()) && !self.watch.live.get()
    }

    /// Takes what was read.
    fn take(&mut self, batch: Option<InputBatch>) {
        match batch {
            None => {
                self.input_ended = true;
                self.broken = self.position.as_ref().and_then(|position| position.ended().err());
                if self.broken.is_some() {
                    return;
                }
            }
            Some(InputBatch::Failed(failure)) => {
                self.input_ended = true;
                self.tally.input_failed(self.read_line, failure);
            }
            Some(InputBatch::Items(entries)) => {
                for entry in entries {
                    if let Err(failure) = self.take_line(entry) {
                        self.broken = Some(failure);
                        return;
                    }
                    if self.input_ended {
                        break;
                    }
                }
            }
        }
        let compared = self.position.as_ref().is_none_or(Position::is_compared);
        // What cannot be compared to its end is not sent.
        if if compared { self.doomed } else { self.input_ended } {
            self.stop_sending();
        }
    }

    /// Takes a line. Fails when it is not the line that an earlier run has sent.
    fn take_line(&mut self, InputEntry { line, digest, item }: InputEntry) -> Result<(), Failure> {
        self.read_line = line;
        let ends = matches!(&item, InputItem::Bad(bad) if bad.last || !self.settings.keep_going);
        // A new line that is bad and ends the bulk leaves no trace: it may be another one, or none, in the next run.
        let position = self.position.as_mut().filter(|position| !(ends && position.is_compared()));
        let traced = position.is_some();
        let fate = position.map(|position| position.take(line, digest)).transpose()?;
        let position = self.position.as_mut();
        match (item, fate) {
            (InputItem::Message(message), None) => self.ready.push_back(message),
            (InputItem::Message(_), Some(Fate::Skip)) => self.tally.earlier += 1,
            (InputItem::Message(mut message), Some(Fate::Send { id, again })) => {
                if let Some(position) = position {
                    message.mode = position.mode(message.mode, id, again);
                }
                self.ready.push_back(message);
            }
            (InputItem::Message(message), Some(Fate::Unknown { id, why })) => {
                let id = if let AckMode::Id(own) = message.mode { own } else { id };
                self.tally.lose(line, id, why);
                self.settled(line, Some(LineFailure::Unknown));
                self.doomed |= !self.settings.keep_going;
            }
            (InputItem::Message(_), Some(Fate::NoId)) => {
                self.fail(line, Failure::message(Kind::Usage, "there is no ackId left for it"), "cannot be sent");
                self.input_ended = true;
            }
            (InputItem::Skipped, _) => {
                self.tally.skipped += 1;
                self.settled(line, None);
            }
            (InputItem::Bad(bad), _) => {
                // It is bad in every run, and told in every run.
                if traced {
                    self.settled(line, None);
                }
                self.fail(line, bad.failure, "cannot be sent");
                // Those before it are still sent.
                self.input_ended |= ends;
            }
        }
        Ok(())
    }

    /// A line needs no more to be done; `left`: it may not have arrived.
    fn settled(&mut self, line: u64, left: Option<LineFailure>) {
        let Some(position) = &mut self.position else { return };
        if !position.settle(line, left) && !std::mem::replace(&mut self.forgets, true) {
            self.warn(&format!(
                "more than {MOST_LEFT} {unit}s have failed: the session file remembers the first {MOST_LEFT}, and takes \
                 the others, from {unit} {line} on, for done: another run does not send them again",
                unit = self.intake.unit()
            ));
        }
    }

    /// Hands over as much as window and pace let through.
    async fn hand_over(&mut self) {
        if self.waits_for_connection() {
            return;
        }
        let compared = self.input_ended || self.position.as_ref().is_none_or(Position::is_compared);
        // Before that not all of them are read, and those that are not would be told by another run only.
        let lost = compared && self.position.as_ref().is_some_and(Position::is_lost);
        if lost && self.lose_earlier() && !self.settings.keep_going {
            // Nor is what stands behind them.
            self.stop_sending();
            self.client.handle.stop();
        }
        if let Some(position) = &mut self.position {
            let ahead =
                [self.ready.front(), self.ready.back()].into_iter().flatten().any(|it| !position.admits(it.line));
            let idle = self.ready.is_empty() && self.window.is_empty();
            if compared
                && (ahead || idle || position.is_due())
                && let Err(failure) = position.write()
            {
                self.broken = Some(failure);
                return;
            }
            if !compared {
                return;
            }
        }
        let now = Instant::now();
        let (mut submissions, mut bytes) = (Vec::new(), 0);
        while self.ready.front().is_some_and(|message| self.window.has_room(message.size))
            && self.may_go()
            && self.pace.as_mut().is_none_or(|pace| pace.take(now))
            && let Some(message) = self.ready.pop_front()
        {
            let BulkMessage { line, target, content, mode, size } = message;
            let request = self.settings.template.request(&target, content);
            if let Some(position) = &mut self.position {
                position.hand_over(line);
            }
            let tag = self.window.push(line, target, size);
            submissions.push(Submission { tag, line, request, mode });
            bytes += size;
            if bytes >= BATCH_BYTES {
                self.pipeline.submit(std::mem::take(&mut submissions)).await;
                bytes = 0;
            }
        }
        if !submissions.is_empty() {
            self.pipeline.submit(submissions).await;
        }
    }

    /// Whether it is recorded that the next line may be sent.
    fn may_go(&self) -> bool {
        let line = self.ready.front().map_or(0, |message| message.line);
        self.position.as_ref().is_none_or(|position| position.admits(line))
    }

    /// A line has come to its end: every line that was handed over passes here, once. Up to
    /// [`Window::settled_line`] all have.
    fn settle(&mut self, Settlement { tag, outcome }: Settlement) {
        let known = !matches!(outcome, Outcome::Unknown { .. } | Outcome::NotSent { .. });
        let Some(slot) = self.window.settle(tag, known) else { return };
        let line = slot.line;
        match &outcome {
            Outcome::Acked { .. } | Outcome::Sent | Outcome::AlreadyJoined => self.settled(line, None),
            Outcome::Refused { .. } | Outcome::IdInUse { .. } => self.settled(line, Some(LineFailure::Refused)),
            // Another run goes on with it, on the same connection.
            Outcome::Unknown { cause: OutcomeCause::Stopped, .. } => {}
            Outcome::NotAcknowledged { .. } if !self.settings.keep_going => {}
            Outcome::Unknown { .. } | Outcome::NotAcknowledged { .. } => self.settled(line, Some(LineFailure::Unknown)),
            Outcome::NotSent { .. } => {}
        }
        match &outcome {
            Outcome::Acked { duplicate, .. } => self.tally.acked(*duplicate),
            // No line is a join.
            Outcome::Sent | Outcome::AlreadyJoined => self.tally.sent += 1,
            Outcome::NotSent { .. } => self.tally.unsent += 1,
            Outcome::Unknown { cause: OutcomeCause::Stopped, .. } if self.position.is_some() => {
                self.tally.sent += 1;
                self.tally.kept += 1;
            }
            Outcome::Unknown { ack_id, cause } => {
                self.tally.lose(line, *ack_id, UnknownReason::Cause(cause.clone()));
                if !self.settings.keep_going {
                    self.lose_earlier();
                    // Nothing more is sent. What was sent before is asked for as long as the connection lasts: the
                    // service may have hung up for this line alone.
                    self.stop_sending();
                    self.client.handle.withdraw();
                }
            }
            Outcome::IdInUse { ack_id } => {
                let failure = Failure::message(
                    Kind::Input,
                    format!("ackId {ack_id} was used for another message of this connection"),
                );
                let failure = failure.hint(
                    "ids are one space: give each record one of its own, or none; `--ack-id N` starts those of the \
                     others at N",
                );
                self.fail(line, failure, "cannot be sent");
                if !self.settings.keep_going {
                    self.stop_sending();
                }
            }
            Outcome::Refused { .. } | Outcome::NotAcknowledged { .. } => {
                self.tally.sent += 1;
                let kind = match self.settings.template {
                    Template::Send { .. } => OperationKind::SendToGroup,
                    Template::Event { .. } => OperationKind::Event,
                };
                if let Some(failure) = self.client.failure_of(kind, &slot.target, &outcome) {
                    self.fail(line, failure, "failed");
                }
                if !self.settings.keep_going {
                    self.stop_sending();
                }
            }
        }
    }

    /// Lines that an earlier run may have sent on the connection that is lost are unknown, and not handed over again.
    /// Whether there are such lines.
    fn lose_earlier(&mut self) -> bool {
        let earlier = |message: &BulkMessage| match message.mode {
            AckMode::Recorded { id, again: true } => Some((message.line, id)),
            AckMode::Recorded { again: false, .. } | AckMode::Automatic | AckMode::Id(_) | AckMode::None => None,
        };
        let lost: Vec<(u64, u64)> = self.ready.iter().filter_map(earlier).collect();
        self.ready.retain(|message| earlier(message).is_none());
        for (line, id) in &lost {
            self.tally.lose(*line, *id, UnknownReason::Cause(OutcomeCause::EarlierLost));
            self.settled(*line, Some(LineFailure::Unknown));
        }
        !lost.is_empty()
    }

    /// What was not handed over is not sent.
    fn stop_sending(&mut self) {
        self.input_ended = true;
        self.tally.unsent += self.ready.drain(..).count() as u64;
    }

    /// A line has failed, and is told of if the bulk goes on: the failure that ends it is told at the end.
    fn fail(&mut self, line: u64, failure: Failure, what: &str) {
        let told = self.tally.fail(line, failure, what);
        if let (Some(words), true) = (told, self.settings.keep_going) {
            self.warn(&words);
        }
    }

    fn warn(&self, words: &str) {
        if self.settings.output.quiet {
            return;
        }
        self.watch.progress.clear();
        let style = self.surroundings.console.err.style;
        let words = redact(words);
        self.surroundings.console.err.line(&format!("{} {}", style.label("warning:"), for_line(&words)));
    }

    /// The summary, and the result of the bulk.
    async fn end(mut self) -> Verdict {
        self.tally.unsent += self.ready.len() as u64 + self.window.open() as u64;
        let Tally { sent, acked, failed, .. } = self.tally;
        self.client.seen.lines.set(Some(SentCounts { sent, acked, failed }));
        self.watch.progress.clear();
        if !self.settings.output.quiet {
            let mut words =
                self.tally.summary(self.since.elapsed().as_secs_f64(), self.settings.ack != AckRequest::None);
            let settled = self.window.settled_line();
            if settled > 0 && (self.over || self.tally.is_cut_short()) {
                words += &format!("; settled up to {} {settled}", self.intake.unit());
            }
            let style = self.surroundings.console.err.style;
            self.surroundings.console.err.line(&style.dim(&words));
        }
        let cut_short = self.tally.is_cut_short();
        let finished = self.is_done() && !cut_short;
        let verdict = match self.tally.into_failure() {
            Some(failure) => Verdict::Failed(failure),
            None if self.over || cut_short => Verdict::SessionEnded,
            None if self.settings.awaits_replies() => {
                let (limit, until) = (self.settings.connection.timeout, &self.settings.output.expressions.until);
                let wanted = self.settings.wait_reply.unwrap_or(1);
                await_replies(self.surroundings, limit, &self.client, wanted, until.as_deref()).await
            }
            None => Verdict::Done("done"),
        };
        let Some(position) = &mut self.position else { return verdict };
        let is_clean = finished && matches!(verdict, Verdict::Done(_));
        match (if is_clean { position.finish() } else { position.leave() }, verdict) {
            (Err(failure), Verdict::Done(_) | Verdict::SessionEnded) => Verdict::Failed(failure),
            (_, verdict) => verdict,
        }
    }
}
