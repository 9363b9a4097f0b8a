//! One of the connections of a run: a task with a client of its own, what it receives and what it publishes.
//!
//! The client and the publisher share the task, so that an ack costs no thread a wake-up. Samples are gathered here and put
//! where the coordinator takes them once for each batch of frames.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep};

use super::clock::Clock;
use super::measure::{BenchReceiver, BenchSender, Interval, MessageResult, Next, PublishedCounts, RunTimes, SendPlan};
use super::settings::BenchSettings;
use crate::failure::Failure;
use crate::options::connection::settings::ConnectionSource;
use crate::run::chance::seed;
use crate::run::explain::{ConnectContext, operation_failure, session_failure};
use webpubsub_client::driver::{CurrentUrl, Driver, NetDialer, UrlSource};
use webpubsub_client::event::{EventSink, Flow, Lifecycle, Received, WireFrame};
use webpubsub_client::handle::{Handle, Pipeline, Settlement, Submission};
use webpubsub_net::wire::DialOptions;
use webpubsub_proto::session::{AckMode, End, OperationKind, Outcome, Request};
use webpubsub_proto::{Data, Origin, OwnedData};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BenchPhase {
    /// Connections are opened.
    Opening,
    /// Publishers send.
    Running,
    /// Nothing more is sent; what is under way may come.
    Draining,
    /// All is over.
    Closing,
}

/// What a connection tells the coordinator.
#[derive(Debug)]
pub enum BenchNotice {
    /// It is connected, and in its group.
    Ready,
    /// Its publisher has sent all it had to.
    Sent,
    /// All of that has ended.
    Done,
    /// Its subscriber has as many messages as were wanted.
    LimitReached,
    /// It cannot go on.
    Failed(Box<Failure>),
    /// Something that goes on all the same.
    Trouble(String),
}

/// What all connections of a run share.
#[derive(Debug)]
pub struct BenchContext {
    pub bench: BenchSettings,
    pub clock: Clock,
    /// When it began; nothing until it does.
    pub times: OnceLock<RunTimes>,
    pub options: DialOptions,
    /// Of all connections, so that an identity that has given a token need not give it again for each.
    pub source: UrlSource,
    /// Of one processor each, so that few wait for the same.
    pub shards: Vec<Mutex<Interval>>,
    /// Copies that acknowledged messages should arrive in, and messages of this process that have arrived.
    pub expected: AtomicU64,
    pub arrived: AtomicU64,
    /// When the last answer to a message came, by the clock.
    pub answered: AtomicU64,
    /// Connections that are being opened at once.
    pub dials: Semaphore,
    /// Of each publisher, by its place.
    pub wakers: Vec<Arc<Notify>>,
    /// The first refusal of a message.
    pub refusal: OnceLock<Outcome>,
}

impl BenchContext {
    /// Where a connection puts its samples.
    pub fn shard(&self, connection: u64) -> MutexGuard<'_, Interval> {
        let at = usize::try_from(connection % self.shards.len() as u64).unwrap_or_default();
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the connections go, as far as errors tell it.
    pub fn place(&self, url: &CurrentUrl) -> ConnectContext {
        let connection = &self.bench.connection;
        let place = ConnectContext {
            url: self.source.at_once(),
            local: matches!(connection.source, ConnectionSource::Local { .. }),
            connect_timeout: connection.session.connect_timeout,
            longest_pause: connection.session.reconnect_backoff.max_delay,
            kept: false,
            verbose: self.bench.output.verbosity > 0,
        };
        place.at(url)
    }
}

/// The result of a connection.
#[derive(Debug)]
pub struct ConnectionResult {
    pub receiver: Option<BenchReceiver>,
    /// The publisher's number, and what it sent.
    pub published: Option<(u64, PublishedCounts)>,
}

/// Carries a connection from its dial to its end.
pub async fn connection(
    number: u64,
    receiver: Option<BenchReceiver>,
    sending: Option<SendPlan>,
    shared: Arc<BenchContext>,
    notices: mpsc::UnboundedSender<BenchNotice>,
    mut phase: watch::Receiver<BenchPhase>,
) -> ConnectionResult {
    let bench = &shared.bench;
    let nothing = ConnectionResult { receiver: None, published: None };
    // Spread over the ramp, and never so many at once that the service has to turn some away.
    let pause = bench.ramp.mul_f64(number as f64 / bench.connections as f64);
    let permit = async {
        sleep(pause).await;
        shared.dials.acquire().await
    };
    let permit = tokio::select! {
        permit = permit => permit.ok(),
        () = reached(&mut phase, BenchPhase::Closing) => return nothing,
    };
    let connected = Arc::new(Notify::new());
    let wanted = match bench.length {
        super::settings::LoadLength::Count(count) if sending.is_none() && bench.publishers == 0 => count,
        super::settings::LoadLength::Count(_) | super::settings::LoadLength::For(_) => u64::MAX,
    };
    let group =
        receiver.as_ref().map(|_| bench.groups[usize::try_from(bench.group_of(number)).unwrap_or_default()].clone());
    let sink = BenchSink {
        number,
        shared: Arc::clone(&shared),
        group: group.clone().unwrap_or_default(),
        receiver,
        connected: Arc::clone(&connected),
        since: Some(Instant::now()),
        notices: notices.clone(),
        wanted,
        arrived: 0,
    };
    let mut config = bench.connection.session.clone();
    config.seed = seed();
    let dialer = NetDialer::new(shared.source.clone(), shared.options.clone(), bench.connection.protocol)
        .with_stated_limit(config.connect_timeout);
    let url = dialer.current_url();
    let (driver, handle) = Driver::new(config, dialer, sink);
    let script = async {
        let mut publisher = None;
        let mut closing = phase.clone();
        let life = async {
            if let Some(group) = group {
                let outcome = handle.submit(Request::Join { group: group.clone() }, AckMode::Automatic).await;
                let patience = bench.connection.session.ack_timeout;
                let place = shared.place(&url);
                if let Some(failure) = operation_failure(OperationKind::JoinGroup, &group, &outcome, patience, &place) {
                    notify(&notices, BenchNotice::Failed(Box::new(failure)));
                    return reached(&mut phase, BenchPhase::Closing).await;
                }
                if matches!(outcome, Outcome::NotSent { .. }) {
                    return handle.ended().await;
                }
            } else {
                connected.notified().await;
            }
            drop(permit);
            notify(&notices, BenchNotice::Ready);
            reached(&mut phase, BenchPhase::Running).await;
            if let (Some(sending), Some(times)) = (sending, shared.times.get()) {
                let publisher = publisher.insert(BenchPublisher::new(number, sending, *times, &shared, &handle));
                publisher.run(&mut phase, &notices).await;
                notify(&notices, BenchNotice::Done);
            }
            reached(&mut phase, BenchPhase::Closing).await;
        };
        tokio::select! {
            biased;
            () = handle.ended() => {}
            () = reached(&mut closing, BenchPhase::Closing) => {}
            () = life => {}
        }
        handle.stop();
        publisher.map(BenchPublisher::end)
    };
    let ((finished, dialer, sink), published) = tokio::join!(driver.run(), script);
    if let End::Failed { kind, message } = &finished.end {
        let failure = session_failure(*kind, message, dialer.last_error().as_ref(), &shared.place(&url));
        notify(&notices, BenchNotice::Failed(Box::new(failure)));
    }
    ConnectionResult { receiver: sink.receiver, published }
}

/// Nobody may be there any more.
fn notify(notices: &mpsc::UnboundedSender<BenchNotice>, notice: BenchNotice) {
    let _ = notices.send(notice);
}

/// Resolves when the run is as far as that, or further.
async fn reached(phase: &mut watch::Receiver<BenchPhase>, wanted: BenchPhase) {
    // Without a coordinator nothing goes on.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

/// Most messages handed over at once.
const BATCH: usize = 64;
/// Most bytes, but for the last message.
const BATCH_BYTES: usize = 64 * 1024;

/// Publishes.
struct BenchPublisher<'a> {
    connection: u64,
    number: u64,
    sender: BenchSender,
    shared: &'a BenchContext,
    pipeline: Pipeline,
    wake: Arc<Notify>,
    settled: Vec<Settlement>,
}

impl<'a> BenchPublisher<'a> {
    fn new(connection: u64, sending: SendPlan, times: RunTimes, shared: &'a BenchContext, handle: &Handle) -> Self {
        let place = usize::try_from(sending.place).unwrap_or_default();
        let wake = shared.wakers.get(place).map_or_else(|| Arc::new(Notify::new()), Arc::clone);
        let number = sending.publisher;
        let sender = BenchSender::new(sending, times);
        Self { connection, number, sender, shared, pipeline: handle.pipeline(), wake, settled: Vec::new() }
    }

    /// Sends what is due, until nothing more is to be sent and all has ended.
    async fn run(&mut self, phase: &mut watch::Receiver<BenchPhase>, notices: &mpsc::UnboundedSender<BenchNotice>) {
        let mut has_sent_all = false;
        loop {
            let draining = *phase.borrow() >= BenchPhase::Draining;
            if draining && !self.sender.has_schedule() {
                self.sender.stop();
            }
            self.hand_over().await;
            self.put();
            let mut next = self.sender.next(self.shared.clock.now());
            // What was due by the end is sent, as far as there is room.
            if draining && matches!(next, Next::Full | Next::At(_)) {
                self.sender.stop();
                next = Next::Over;
            }
            if next == Next::Over {
                if !std::mem::replace(&mut has_sent_all, true) {
                    notify(notices, BenchNotice::Sent);
                }
                if self.sender.is_settled() {
                    return;
                }
            }
            tokio::select! {
                biased;
                open = self.pipeline.settled(&mut self.settled) => {
                    if !open {
                        return;
                    }
                    self.settle();
                }
                _ = phase.changed() => {}
                () = self.wake.notified(), if matches!(next, Next::At(_)) => {}
                () = std::future::ready(()), if next == Next::Now => {}
            }
        }
    }

    /// Hands over what is due, as far as there is room.
    async fn hand_over(&mut self) {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let now = self.shared.clock.now();
            if self.sender.next(now) != Next::Now {
                break;
            }
            let message = self.sender.send(now);
            bytes += message.text.len();
            let group = self.shared.bench.groups[usize::try_from(message.group).unwrap_or_default()].clone();
            let data = OwnedData::text(&message.text);
            let request = Request::send(group, data);
            batch.push(Submission { tag: message.number, line: 0, request, mode: AckMode::Automatic });
        }
        if !batch.is_empty() {
            self.pipeline.submit(batch).await;
        }
    }

    fn settle(&mut self) {
        let now = self.shared.clock.now();
        let groups = self.shared.bench.groups.len() as u64;
        let mut expected = 0;
        for Settlement { tag, outcome } in self.settled.drain(..) {
            let ended = match outcome {
                Outcome::Acked { .. } => MessageResult::Acked,
                Outcome::Refused { .. } => {
                    // The first one is what is told.
                    let _ = self.shared.refusal.set(outcome);
                    MessageResult::Refused
                }
                Outcome::Sent
                | Outcome::AlreadyJoined
                | Outcome::NotAcknowledged { .. }
                | Outcome::Unknown { .. }
                | Outcome::NotSent { .. }
                | Outcome::IdInUse { .. } => MessageResult::Unacked,
            };
            if self.sender.settle(tag, ended, now) && ended == MessageResult::Acked {
                expected += self.shared.bench.subscribers_in((self.number % groups + tag % groups) % groups);
            }
        }
        self.shared.expected.fetch_add(expected, Ordering::Relaxed);
        self.shared.answered.fetch_max(now, Ordering::Relaxed);
    }

    fn put(&mut self) {
        if !self.sender.samples.is_empty() {
            self.sender.samples.put(&mut self.shared.shard(self.connection));
        }
    }

    /// What was sent.
    fn end(mut self) -> (u64, PublishedCounts) {
        self.sender.end();
        self.put();
        (self.number, self.sender.published())
    }
}

/// Takes what comes on a connection.
#[derive(Debug)]
struct BenchSink {
    number: u64,
    shared: Arc<BenchContext>,
    /// The group of the subscriber.
    group: String,
    receiver: Option<BenchReceiver>,
    /// Notified when there is a connection.
    connected: Arc<Notify>,
    /// Since when the first connection is made; `None`: there was one.
    since: Option<Instant>,
    notices: mpsc::UnboundedSender<BenchNotice>,
    /// That is told when so many have come.
    wanted: u64,
    /// How many have come.
    arrived: u64,
}

impl BenchSink {
    fn trouble(&self, text: String) {
        notify(&self.notices, BenchNotice::Trouble(text));
    }
}

impl EventSink for BenchSink {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        match event {
            Lifecycle::Connected { .. } => {
                if let Some(since) = self.since.take() {
                    let elapsed = super::clock::nanos(since.elapsed());
                    self.shared.shard(self.number).connect.saturating_record(elapsed);
                }
                self.connected.notify_one();
            }
            Lifecycle::Recovering { loss, .. } => {
                self.shared.shard(self.number).counts.losses += 1;
                self.trouble(format!("a connection was lost: {}", loss.describe()));
            }
            Lifecycle::SessionLost { reason, .. } => self.trouble(format!("a connection was lost for good: {reason}")),
            Lifecycle::AttemptFailed { error, .. } => self.trouble(error.clone()),
            Lifecycle::RejoinFailed { group, error } => {
                self.trouble(format!("could not join `{group}` again: {}", crate::render::nack(error)));
            }
            Lifecycle::Disconnected { .. } => {
                // Where it cannot be recovered there was no other word of it.
                if !self.shared.bench.connection.session.reliable {
                    self.shared.shard(self.number).counts.losses += 1;
                }
            }
            Lifecycle::Recovered { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::Ack(_)
            | Lifecycle::OperationRetried(_)
            | Lifecycle::OperationUnknown { .. }
            | Lifecycle::Stream(_)
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::Joined { .. }
            | Lifecycle::Left { .. }
            | Lifecycle::SequenceGap { .. } => {}
        }
        Flow::Continue
    }

    fn frame(&mut self, _frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        let (Received::Message(message), Some(receiver)) = (received, &mut self.receiver) else {
            return Flow::Continue;
        };
        // What comes before the start is no part of the run.
        let Some(times) = self.shared.times.get().copied() else { return Flow::Continue };
        let now = self.shared.clock.now();
        let in_group = matches!(&message.origin, Origin::Group { group, .. } if *group == self.group);
        match message.data {
            Data::Text(text) if in_group => receiver.take(&text.decode(), now, times),
            Data::Text(_) | Data::Json(_) | Data::Binary(_) | Data::Protobuf(_) => receiver.samples.counts.foreign += 1,
        }
        Flow::Continue
    }

    fn flush(&mut self) {
        let Some(receiver) = self.receiver.as_mut().filter(|receiver| !receiver.samples.is_empty()) else { return };
        let (arrived, own) = (receiver.samples.counts.arrived, std::mem::take(&mut receiver.own));
        receiver.samples.put(&mut self.shared.shard(self.number));
        self.shared.arrived.fetch_add(own, Ordering::Relaxed);
        let before = self.arrived;
        self.arrived += arrived;
        if before < self.wanted && self.arrived >= self.wanted {
            notify(&self.notices, BenchNotice::LimitReached);
        }
    }

    fn poll_room(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Nobody waits longer for connections to close.
pub const CLOSING: Duration = Duration::from_secs(4);
