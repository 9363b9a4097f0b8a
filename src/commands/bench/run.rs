//! The course of a run: connections are opened, publishers send, what is under way may come, all is closed, and the
//! result is printed, however it ended.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use super::args::Rate;
use super::clock::{Clock, Pacer, cpu_time, nanos};
use super::connection::{BenchContext, BenchNotice, BenchPhase, CLOSING, ConnectionResult, connection};
use super::cost::grouped;
use super::histogram_log::{ACK, HistogramLog, LATENCY};
use super::measure::{
    BenchReceiver, DeliveryTally as Received, Interval, MessageCounts, Payloads, PublishedCounts, Publishers, RunTimes,
    SendPlan, SendSchedule, Timeline,
};
use super::output::BenchOutput;
use super::results::{Results, millis, tenths};
use super::settings::{BenchMode, BenchSettings, LoadLength};
use super::text::counted;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::run::context::Surroundings;
use crate::run::ending::{InterruptSources, RunInterrupt, at, interruption};
use crate::run::explain::operation_failure;
use crate::run::network::dial_options;
use crate::run::url_source::url_source;
use crate::run::verdict::Verdict;
use crate::signal::Signals;
use webpubsub_client::driver::CurrentUrl;
use webpubsub_proto::session::OperationKind;

/// Connections that are opened at once, so that none is turned away for want of patience.
const DIALS: usize = 64;
/// From the last connection to the first message: all tasks know by then.
const BEFORE_START: Duration = Duration::from_millis(20);
/// When all has come, a second copy may still.
const FOR_DOUBLES: Duration = Duration::from_millis(200);
/// When it is not known whether more is to come, nothing for so long means that nothing is.
const QUIET: Duration = Duration::from_secs(1);
/// From one look to the next whether all has come.
const LOOK: Duration = Duration::from_millis(10);
/// Lateness of this tool that makes its figures doubtful.
const TOO_LATE: f64 = 10.0;
/// The same of the work of its processors, of each hundred.
const TOO_BUSY: f64 = 85.0;

/// The result of a run.
pub struct BenchResult {
    /// Why it ended; `None`: something from outside ended it.
    pub verdict: Option<Verdict>,
    pub interrupt: Option<RunInterrupt>,
    /// Since when somebody wants it to end.
    pub hurried: Option<Instant>,
    pub results: Results,
    pub timeline: Timeline,
    /// Lost messages by the second in which that was noticed.
    pub lost: std::collections::BTreeMap<u32, u64>,
    /// Whether it got as far as sending or receiving anything.
    pub began: bool,
}

/// A run.
pub struct BenchRun<'a> {
    shared: Arc<BenchContext>,
    records: &'a mut BenchOutput,
    log: Option<HistogramLog>,
    phase: watch::Sender<BenchPhase>,
    notices: mpsc::UnboundedReceiver<BenchNotice>,
    tasks: JoinSet<ConnectionResult>,
    pacer: Option<Pacer>,
    current: Interval,
    timeline: Timeline,
    began: Option<Instant>,
    /// The processors' time at the start of the load, and over it.
    cpu: (Option<Duration>, Option<Duration>),
    /// Of the load, without the ramp.
    length: Duration,
    /// Publishers that have sent all, those of which all has ended, and subscribers that have enough.
    sent_all: u64,
    done: u64,
    limits_reached: u64,
    /// Nothing is waited for any longer; known once nothing more is sent.
    drained_by: Option<Instant>,
}

impl<'a> BenchRun<'a> {
    /// Sets it up, and starts its connections.
    pub fn start(
        bench: &BenchSettings,
        records: &'a mut BenchOutput,
        log: Option<HistogramLog>,
    ) -> Result<Self, Failure> {
        let empty = Interval::new().or_internal()?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(BenchContext {
            bench: bench.clone(),
            clock: Clock::new(),
            times: OnceLock::new(),
            options: dial_options(&bench.connection),
            source: url_source(&bench.connection)?,
            shards: (0..processors).map(|_| Mutex::new(empty.clone())).collect(),
            expected: 0.into(),
            arrived: 0.into(),
            answered: 0.into(),
            dials: Semaphore::new(DIALS),
            wakers: (0..bench.publishers).map(|_| Arc::new(Notify::new())).collect(),
            refusal: OnceLock::new(),
        });
        let (phase, watched) = watch::channel(BenchPhase::Opening);
        let (sender, notices) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let payloads = Payloads::new(&bench.run, (bench.sizes.0, bench.sizes.1), bench.seed);
        let own = bench.publisher_offset..bench.publisher_offset + bench.publishers;
        let publishers = Publishers { run: bench.only_run.then(|| bench.run.as_str().into()), own };
        let groups = bench.groups.len() as u64;
        for number in 0..bench.connections {
            let receiver = bench
                .subscriber_on(number)
                .map(|it| BenchReceiver::new(publishers.clone(), bench.group_of(it), groups));
            let sending = bench.publisher_on(number).map(|place| sending(bench, place, &payloads));
            let (shared, sender, watched) = (Arc::clone(&shared), sender.clone(), watched.clone());
            tasks.spawn(connection(number, receiver, sending, shared, sender, watched));
        }
        Ok(Self {
            shared,
            records,
            log,
            phase,
            notices,
            tasks,
            pacer: None,
            timeline: Timeline::new(empty.clone()),
            current: empty,
            began: None,
            cpu: (None, None),
            length: Duration::ZERO,
            sent_all: 0,
            done: 0,
            limits_reached: 0,
            drained_by: None,
        })
    }

    /// Carries it out, until it is over or something ends it.
    pub async fn carry_out(
        mut self,
        surroundings: &Surroundings,
        signals: &mut Signals,
    ) -> Result<BenchResult, Failure> {
        let deadline = self.shared.bench.connection.timeout.map(|limit| surroundings.started + limit);
        let watched = InterruptSources { deadline, output: true, closed_output: false };
        let mut interrupt = None;
        let verdict = tokio::select! {
            biased;
            came = interruption(signals, watched, &surroundings.console) => {
                interrupt = Some(came);
                None
            }
            verdict = self.load() => Some(verdict),
        };
        let hurried = interrupt.is_some().then(Instant::now);
        self.end_load();
        let done = self.close(signals).await;
        self.records.clear_progress();
        self.finish(verdict, interrupt, hurried, done)
    }

    async fn load(&mut self) -> Verdict {
        match self.try_load().await {
            Ok(reason) => Verdict::Done(reason),
            Err(failure) => Verdict::Failed(failure),
        }
    }

    async fn try_load(&mut self) -> Result<&'static str, Failure> {
        self.open().await?;
        self.begin()?;
        let reason = self.steady().await?;
        self.end_load();
        match self.shared.bench.length {
            // As long as it was to be, whenever this was noticed.
            LoadLength::For(time) if reason == "for" => self.length = self.shared.bench.ramp.saturating_add(time),
            // The wait for acks that did not come is no part of it.
            LoadLength::Count(_) if self.drained_by.is_some() && self.done < self.shared.bench.publishers => {
                self.length = self.answered_after();
            }
            LoadLength::For(_) | LoadLength::Count(_) => {}
        }
        self.drain().await?;
        Ok(reason)
    }

    /// Waits until all connections are there.
    async fn open(&mut self) -> Result<(), Failure> {
        let all = self.shared.bench.connections;
        let mut ready = 0;
        while ready < all {
            let words = format!("connected {} of {}", grouped(ready), grouped(all));
            self.records.progress(&words);
            match self.notices.recv().await {
                Some(BenchNotice::Ready) => ready += 1,
                Some(BenchNotice::Failed(failure)) => return Err(self.not_all(*failure, ready)),
                Some(BenchNotice::Trouble(text)) => self.records.trouble(&text),
                Some(BenchNotice::Sent | BenchNotice::Done | BenchNotice::LimitReached) => {}
                None => return Err(Failure::message(Kind::Internal, "the connections are gone")),
            }
        }
        Ok(())
    }

    /// A connection could not be had.
    fn not_all(&self, failure: Failure, ready: u64) -> Failure {
        let all = self.shared.bench.connections;
        if all == 1 {
            return failure;
        }
        failure.hint(format!("{ready} of {all} connections were there by then"))
    }

    /// Publishers start, at a moment that all of them know.
    fn begin(&mut self) -> Result<(), Failure> {
        let BenchSettings { rate, publishers, ramp, .. } = self.shared.bench;
        let clock = self.shared.clock;
        let start = clock.now().saturating_add(nanos(BEFORE_START));
        // Without a ramp everything is measured, also what others sent before.
        let steady = if ramp.is_zero() { 0 } else { start.saturating_add(nanos(ramp)) };
        let times = RunTimes { start, steady };
        // It is set once.
        let _ = self.shared.times.set(times);
        if let Rate::PerSecond(rate) = rate
            && publishers > 0
        {
            let schedule = SendSchedule::new(rate, publishers, ramp);
            let pacer = Pacer::start(clock, start, schedule, self.shared.wakers.clone());
            self.pacer = Some(pacer.or_internal()?);
        }
        self.began = Some(clock.instant(start));
        if self.shared.bench.mode == BenchMode::Sub {
            // Whoever publishes may wait for this.
            self.records.print_line(&format!(
                "subscribed {} to `{}`",
                match self.shared.bench.subscribers {
                    1 => "once".to_owned(),
                    subscribers => format!("{} times", grouped(subscribers)),
                },
                self.shared.bench.group
            ));
        }
        self.cpu.0 = cpu_time();
        self.phase.send_replace(BenchPhase::Running);
        Ok(())
    }

    /// Until the load is over; one of a number of messages is with their acks, or when those are no longer waited for.
    /// Returns the word for why.
    async fn steady(&mut self) -> Result<&'static str, Failure> {
        let Some(began) = self.began else { return Ok("failed") };
        let BenchSettings { length, ramp, drain, publishers, subscribers, .. } = self.shared.bench;
        let end = match length {
            LoadLength::For(time) => began.checked_add(ramp).and_then(|steady| steady.checked_add(time)),
            LoadLength::Count(_) => None,
        };
        let mut tick = 1;
        loop {
            let over = match (length, publishers) {
                (LoadLength::For(_), _) => false,
                (LoadLength::Count(_), 0) => self.limits_reached >= subscribers,
                (LoadLength::Count(_), _) => self.done >= publishers,
            };
            if over {
                return Ok("count");
            }
            if matches!(length, LoadLength::Count(_)) && publishers > 0 && self.sent_all >= publishers {
                self.drained_by.get_or_insert_with(|| Instant::now() + drain);
            }
            tokio::select! {
                biased;
                () = at(end) => return Ok("for"),
                () = at(self.drained_by) => return Ok("count"),
                () = sleep_until(began + Duration::from_secs(tick)) => {
                    tick += 1;
                    self.close_second()?;
                }
                notice = self.notices.recv() => self.take(notice)?,
            }
        }
    }

    /// Takes a notice of a connection while the load is on.
    fn take(&mut self, notice: Option<BenchNotice>) -> Result<(), Failure> {
        match notice {
            Some(BenchNotice::Failed(failure)) => return Err(*failure),
            Some(BenchNotice::Trouble(text)) => self.records.trouble(&text),
            Some(BenchNotice::Sent) => self.sent_all += 1,
            Some(BenchNotice::Done) => self.done += 1,
            Some(BenchNotice::LimitReached) => self.limits_reached += 1,
            Some(BenchNotice::Ready) => {}
            None => return Err(Failure::message(Kind::Internal, "the connections are gone")),
        }
        Ok(())
    }

    /// The load is over, and measured up to here.
    fn end_load(&mut self) {
        if *self.phase.borrow() != BenchPhase::Running {
            return;
        }
        if let (Some(before), Some(now)) = (self.cpu.0, cpu_time()) {
            self.cpu.1 = Some(now.saturating_sub(before));
        }
        self.length = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.phase.send_replace(BenchPhase::Draining);
        self.pacer = None;
    }

    /// From the start until all was sent, or until the last answer to it.
    fn answered_after(&self) -> Duration {
        let (Some(began), Some(by), Some(times)) = (self.began, self.drained_by, self.shared.times.get()) else {
            return self.length;
        };
        let sent = by.saturating_duration_since(began).saturating_sub(self.shared.bench.drain);
        let answered = self.shared.answered.load(Ordering::Relaxed).saturating_sub(times.start);
        sent.max(Duration::from_nanos(answered))
    }

    /// Waits for acks and messages under way.
    async fn drain(&mut self) -> Result<(), Failure> {
        let BenchSettings { drain, publishers, mode, .. } = self.shared.bench;
        let end = self.drained_by.unwrap_or_else(|| Instant::now() + drain);
        let mut look = interval(LOOK);
        let (mut before, mut quiet_since) = (u64::MAX, Instant::now());
        let mut whole_since = None;
        let mut second = Instant::now() + Duration::from_secs(1);
        loop {
            let [expected, arrived] =
                [&self.shared.expected, &self.shared.arrived].map(|count| count.load(Ordering::Relaxed));
            if arrived != before {
                (before, quiet_since) = (arrived, Instant::now());
            }
            let settled = self.done >= publishers;
            let whole = settled && (mode != BenchMode::Pubsub || arrived >= expected);
            if whole {
                // One that was not acknowledged may come all the same, and stand for one that has not come yet.
                let counts = self.so_far();
                let grace = match mode {
                    BenchMode::Pub | BenchMode::Sub => Duration::ZERO,
                    BenchMode::Pubsub if counts.refused + counts.unacked > 0 => QUIET,
                    BenchMode::Pubsub => FOR_DOUBLES,
                };
                let since = *whole_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= grace && (grace < QUIET || quiet_since.elapsed() >= QUIET) {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                () = sleep_until(end) => return Ok(()),
                () = sleep_until(second) => {
                    second += Duration::from_secs(1);
                    self.close_second()?;
                }
                notice = self.notices.recv() => self.take(notice)?,
                _ = look.tick() => {}
            }
        }
    }

    /// What was counted up to now.
    fn so_far(&self) -> MessageCounts {
        let mut counts = self.timeline.total.counts;
        counts.add(&self.current.counts);
        for number in 0..self.shared.shards.len() as u64 {
            counts.add(&self.shared.shard(number).counts);
        }
        counts
    }

    fn gather(&mut self) {
        for number in 0..self.shared.shards.len() as u64 {
            let Self { shared, current, .. } = self;
            current.take_from(&mut shared.shard(number));
        }
    }

    /// A second is over: it is recorded, and told.
    fn close_second(&mut self) -> Result<(), Failure> {
        let Some(began) = self.began else { return Ok(()) };
        self.gather();
        let end = began.elapsed().as_secs_f64();
        let start = self.timeline.points.last().map_or(0.0, |point| point.end);
        if let Some(log) = &mut self.log {
            log.add(LATENCY, start, end - start, &self.current.latency)?;
            log.add(ACK, start, end - start, &self.current.ack)?;
        }
        let point = self.timeline.close(end, &mut self.current);
        self.records.second(&point, &self.shared.bench);
        Ok(())
    }

    /// Closes all connections, and takes their results. A signal cuts that short.
    async fn close(&mut self, signals: &mut Signals) -> Vec<ConnectionResult> {
        self.phase.send_replace(BenchPhase::Closing);
        let end = Instant::now() + CLOSING;
        let mut done = Vec::new();
        loop {
            tokio::select! {
                biased;
                joined = timeout_at(end, self.tasks.join_next()) => match joined {
                    Ok(Some(Ok(it))) => done.push(it),
                    // A task that has panicked has said so.
                    Ok(Some(Err(_))) => {}
                    Ok(None) | Err(_) => break,
                },
                _ = signals.next() => break,
            }
        }
        self.tasks.abort_all();
        done
    }

    fn finish(
        mut self,
        verdict: Option<Verdict>,
        interrupt: Option<RunInterrupt>,
        hurried: Option<Instant>,
        mut done: Vec<ConnectionResult>,
    ) -> Result<BenchResult, Failure> {
        self.gather();
        let began = self.began;
        let mut failed = None;
        if began.is_some() && self.current.counts != MessageCounts::default() {
            failed = self.close_second().err();
        }
        let Self { timeline, shared, log, .. } = self;
        let published: HashMap<u64, PublishedCounts> = done.iter().filter_map(|it| it.published.clone()).collect();
        let second = began.map_or(0, |began| u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX));
        let mut received = Received::default();
        let mut last = 0;
        for receiver in done.iter_mut().filter_map(|it| it.receiver.as_mut()) {
            received.add(&receiver.verdict(&published, second));
            last = last.max(receiver.last);
        }
        let mut results = results(&shared, &timeline, &received, &published);
        // What was measured, from the end of the ramp.
        let steady = self.length.saturating_sub(shared.bench.ramp);
        rates(&mut results, &timeline.total.counts, steady, last, shared.times.get());
        busy(&mut results, self.cpu.1, self.length);
        if !matches!(verdict, Some(Verdict::Done(_))) {
            // Of a run that was cut short nobody knows what would have been sent.
            results.unsent = None;
        }
        if let Some(Err(failure)) = log.map(HistogramLog::finish) {
            failed = failed.or(Some(failure));
        }
        let verdict = match (verdict, failed) {
            (Some(Verdict::Done(_)), Some(failure)) => Some(Verdict::Failed(failure)),
            (Some(Verdict::Done(reason)), None) => Some(judged(&shared, &results).unwrap_or(Verdict::Done(reason))),
            (verdict, _) => verdict,
        };
        let lost = received.lost;
        Ok(BenchResult { verdict, interrupt, hurried, results, timeline, lost, began: began.is_some() })
    }
}

/// A run of which every message was refused, or none was answered, has failed.
fn judged(shared: &BenchContext, results: &Results) -> Option<Verdict> {
    if results.acked > 0 || results.sent == 0 {
        return None;
    }
    let BenchSettings { ref group, ref connection, .. } = shared.bench;
    if let Some(outcome) = shared.refusal.get() {
        let place = shared.place(&CurrentUrl::default());
        let patience = connection.session.ack_timeout;
        return operation_failure(OperationKind::SendToGroup, group, outcome, patience, &place).map(Verdict::Failed);
    }
    let what = match results.sent {
        1 => "the one message was not acknowledged".to_owned(),
        sent => format!("none of {} messages was acknowledged", grouped(sent)),
    };
    let hint = "`wps ping` and `wps doctor` look at the connection; `--drain` is how long the last acks may take";
    Some(Verdict::Failed(Failure::message(Kind::OperationUnknown, what).hint(hint)))
}

/// What the publisher at that place sends.
fn sending(bench: &BenchSettings, place: u64, payloads: &Payloads) -> SendPlan {
    let schedule = match bench.rate {
        Rate::PerSecond(rate) => Some(SendSchedule::new(rate, bench.publishers, bench.ramp)),
        Rate::Max => None,
    };
    let (count, until) = match bench.length {
        LoadLength::Count(count) => (Some(count), None),
        LoadLength::For(time) => (None, Some(bench.ramp.saturating_add(time))),
    };
    SendPlan {
        place,
        publisher: bench.publisher_offset + place,
        schedule,
        count,
        until,
        in_flight: bench.in_flight,
        groups: bench.groups.len() as u64,
        payloads: payloads.clone(),
    }
}

fn results(
    shared: &BenchContext,
    timeline: &Timeline,
    received: &Received,
    published: &HashMap<u64, PublishedCounts>,
) -> Results {
    let bench = &shared.bench;
    let Interval { counts, latency, ack, late, connect } = &timeline.total;
    let quantile = |histogram: &hdrhistogram::Histogram<u64>, quantile| {
        (!histogram.is_empty()).then(|| millis(histogram.value_at_quantile(quantile) as f64))
    };
    let due: Option<u64> = published.values().map(|published| published.due).sum();
    let rate = match bench.rate {
        Rate::PerSecond(rate) if bench.publishers > 0 => Some((rate * 1e3).round() / 1e3),
        Rate::PerSecond(_) | Rate::Max => None,
    };
    Results {
        mode: bench.mode.name().to_owned(),
        run: bench.only_run.then(|| bench.run.clone()),
        publishers: bench.publishers,
        subscribers: bench.subscribers,
        connections: bench.connections,
        groups: bench.groups.len() as u64,
        rate,
        sent: counts.sent,
        acked: counts.acked,
        refused: counts.refused,
        unacked: counts.unacked,
        unsent: due.filter(|_| bench.publishers > 0).map(|due| due.saturating_sub(counts.sent)),
        received: received.arrived,
        expected: received.arrived + received.lost(),
        lost: received.lost(),
        doubled: received.doubled,
        reordered: received.reordered,
        connect_p50_ms: quantile(connect, 0.5),
        connect_max_ms: quantile(connect, 1.0),
        late_p99_ms: quantile(late, 0.99),
        connections_lost: counts.losses,
        foreign: counts.foreign,
        ahead: counts.ahead,
        ..Results::default()
    }
    .with_histograms(latency, ack)
}

/// What went through a second: messages that were due in the measured time, over that time, or until the last of them came.
fn rates(results: &mut Results, counts: &MessageCounts, steady: Duration, last: u64, times: Option<&RunTimes>) {
    let seconds = steady.as_secs_f64();
    let from = times.map_or(last, |times| times.steady.max(times.start));
    let receiving = (last.saturating_sub(from) as f64 / 1e9).max(seconds);
    let rate = |count: u64, seconds: f64| if seconds > 0.0 { tenths(count as f64 / seconds) } else { 0.0 };
    results.duration_ms = millis(steady.as_nanos() as f64);
    results.send_rate = rate(counts.steady_sent, seconds);
    results.receive_rate = rate(counts.steady_received, receiving);
    results.bytes_per_second = rate(counts.steady_bytes, receiving);
}

/// How much this process had to do, and whether it was too much.
fn busy(results: &mut Results, cpu: Option<Duration>, length: Duration) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let share = cpu.filter(|_| !length.is_zero()).map(|cpu| cpu.as_secs_f64() * 100.0 / length.as_secs_f64());
    results.cpu_percent = share.map(tenths);
    results.limited_by_tool = share.is_some_and(|share| share > TOO_BUSY * processors)
        || results.late_p99_ms.is_some_and(|late| late > TOO_LATE);
}

/// What is worth saying about figures that are not what they look like.
pub fn warnings(results: &Results) -> Vec<String> {
    let mut warnings = Vec::new();
    if results.limited_by_tool {
        warnings.push(
            "this tool, or its machine, is the limit: the service may be faster than these figures say; fewer \
             connections, a lower rate or more machines show it"
                .to_owned(),
        );
    }
    if let (Some(unsent), Some(rate)) = (results.unsent.filter(|unsent| *unsent > 0), results.rate) {
        warnings.push(format!(
            "{} {} due and not sent: {rate}/s is more than goes through with so many under way (`--in-flight`)",
            counted(unsent, "message"),
            if unsent == 1 { "was" } else { "were" }
        ));
    }
    if results.ahead > 0 {
        warnings.push(format!(
            "{} came before {} sent: the clocks of two machines differ, and latencies with them",
            counted(results.ahead, "message"),
            if results.ahead == 1 { "it was" } else { "they were" }
        ));
    }
    warnings
}
