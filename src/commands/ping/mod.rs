//! `wps ping`: round trips of a connection, with statistics.
//!
//! Pings go out on time whether or not those before them were answered, and each counts from then to its answer, also where
//! a connection was lost and regained between: an outage is so many late answers. The protocol's answers have no number; a
//! ping is lost when one that was sent later has its answer and its own has not come by the end.

pub mod args;
mod echo;
mod report;
pub mod settings;
mod statistics;

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, Aborted, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use self::args::PingArgs;
use self::echo::Echo;
use self::report::{PingReport, PongReport};
use self::settings::PingSettings;
use self::statistics::Statistics;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::OutputFormat;
use crate::render::{self, MetCondition, Printer};
use crate::run::chance::seed;
use crate::run::context::{Client, RunOptions, Surroundings, print_options};
use crate::run::ending::at;
use crate::run::expressions::verdict;
use crate::run::observer::RunObserver;
use crate::run::process::on_one_thread;
use crate::run::run_observed;
use crate::run::sink::MessageScope;
use crate::run::verdict::Verdict;
use webpubsub_proto::OwnedData;
use webpubsub_proto::session::{AckMode, Request};

impl CommandArgs for PingArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.connecting.output.talk)
    }

    fn prints_records(&self) -> bool {
        self.format(io::stdout().is_terminal()) == OutputFormat::Ndjson
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, io::stdout().is_terminal(), environment, input)?;
        Ok(Box::new(move |process| {
            let surroundings = process.surroundings_of(&settings.output, settings.ends_by_itself())?;
            on_one_thread(ping(&surroundings, &settings))
        }))
    }
}

/// As many may wait for an answer; the next ones go out when there is room.
const MOST_AWAITED: usize = 1000;

/// Later than this is no matter of how finely a clock wakes up.
const HELD_UP: Duration = Duration::from_millis(20);

/// At the end, answers that later ones have overtaken have so long.
const OVERTAKEN: Duration = Duration::from_secs(1);

/// Pings until something ends it. Returns the exit code.
pub async fn ping(surroundings: &Surroundings, settings: &PingSettings) -> u8 {
    let run_options = RunOptions {
        shown: MessageScope::None,
        limit: None,
        // One that ends by itself has an exit code that somebody waits for.
        follows_stdout: !settings.ends_by_itself(),
        hosts: false,
        chatty: true,
        follows_conditions: true,
    };
    let options = print_options(&settings.connection, &settings.output, run_options);
    let options = render::PrintOptions { has_expressions: surroundings.conditions.is_some(), ..options };
    let printer = Printer::new(options, surroundings.console.clone());
    let echo = Rc::new(Echo::new(seed(), settings.group.clone()));
    let observer: Rc<dyn RunObserver> = Rc::clone(&echo) as Rc<dyn RunObserver>;
    run_observed(surroundings, &settings.connection, &settings.output, run_options, Some(observer), |client| {
        script(settings, printer, echo, client)
    })
    .await
}

async fn script(settings: &PingSettings, printer: Printer, echo: Rc<Echo>, client: Client) -> Verdict {
    tokio::select! {
        biased;
        met = conditions(&client) => verdict(&met, &settings.output),
        verdict = attend(settings, printer, &echo, &client) => verdict,
    }
}

/// Resolves when a condition is met.
async fn conditions(client: &Client) -> MetCondition {
    match &client.conditions {
        Some(conditions) => conditions.wait().await,
        None => pending().await,
    }
}

/// Joins if need be, then pings.
async fn attend(settings: &PingSettings, printer: Printer, echo: &Echo, client: &Client) -> Verdict {
    if let Some(group) = &settings.group
        && let Err(verdict) = client.perform(Request::Join { group: group.clone() }, AckMode::Automatic).await
    {
        return verdict;
    }
    client.seen.connected().await;
    let place = client.access_url().map_or_else(String::new, |url| url.authority());
    PingRun::new(settings, printer, echo, client, place).finish().await
}

/// How a ping ended.
enum PingResult {
    /// Its answer came, then.
    Came(Instant),
    /// The session has ended before.
    SessionEnded,
    /// The service does not want it.
    Refused(Verdict),
}

/// A ping that has no answer yet.
struct UnansweredPing {
    sent: Instant,
    abort: AbortHandle,
}

type PendingPing<'a> = Abortable<LocalBoxFuture<'a, (u64, PingResult)>>;

/// The pings of a run.
struct PingRun<'a> {
    settings: &'a PingSettings,
    printer: Printer,
    echo: &'a Echo,
    client: &'a Client,
    /// Who answers.
    place: String,
    began: Instant,
    /// How many were sent; the last one's number.
    sent: u64,
    lost: u64,
    statistics: Statistics,
    /// The largest number that was answered.
    answered: u64,
    /// When the last answer came.
    last_answer: Option<Instant>,
    awaited: BTreeMap<u64, UnansweredPing>,
    asked: FuturesUnordered<PendingPing<'a>>,
}

impl<'a> PingRun<'a> {
    fn new(settings: &'a PingSettings, printer: Printer, echo: &'a Echo, client: &'a Client, place: String) -> Self {
        Self {
            settings,
            printer,
            echo,
            client,
            place,
            began: Instant::now(),
            sent: 0,
            lost: 0,
            statistics: Statistics::default(),
            answered: 0,
            last_answer: None,
            awaited: BTreeMap::new(),
            asked: FuturesUnordered::new(),
        }
    }

    /// Pings to the end, and prints the summary.
    async fn finish(mut self) -> Verdict {
        let verdict = self.ping().await;
        if self.echo.is_given_up() {
            self.give_up_all();
        }
        self.summarize();
        verdict
    }

    async fn ping(&mut self) -> Verdict {
        let mut due = self.began;
        loop {
            let more = self.settings.count.is_none_or(|count| self.sent < count);
            if !more && self.awaited.is_empty() {
                return self.verdict();
            }
            let patience = self.patience().filter(|_| !more);
            let room = self.awaited.len() < MOST_AWAITED;
            tokio::select! {
                biased;
                Some(answer) = self.asked.next(), if !self.asked.is_empty() => match answer {
                    Ok((sequence, PingResult::Came(at))) => self.answer(sequence, at),
                    Ok((sequence, PingResult::Refused(verdict))) => {
                        self.awaited.remove(&sequence);
                        self.lost += 1;
                        return verdict;
                    }
                    // Others may have their answer all the same.
                    Ok((_, PingResult::SessionEnded)) | Err(Aborted) => {}
                },
                () = self.client.handle.ended() => return Verdict::SessionEnded,
                () = sleep_until(due), if more && room => {
                    let now = Instant::now();
                    self.ask(now);
                    // Who was held up does not make up for it: those answers would be late without the service's doing.
                    // What a clock of milliseconds does is no hold-up, and would halve the rate of short intervals.
                    let late = now > due + self.settings.interval.max(HELD_UP);
                    due = if late { now } else { due } + self.settings.interval;
                }
                () = at(patience) => {
                    self.give_up_all();
                    return self.verdict();
                }
                () = self.echo.changed.notified() => {}
            }
        }
    }

    fn ask(&mut self, now: Instant) {
        self.sent += 1;
        let sequence = self.sent;
        let (abort, registration) = AbortHandle::new_pair();
        let asked: LocalBoxFuture<'a, (u64, PingResult)> = match &self.settings.group {
            None => Box::pin(asked(self.client, sequence)),
            Some(group) => Box::pin(echoed(self.client, self.echo, group, sequence)),
        };
        self.asked.push(Abortable::new(asked, registration));
        self.awaited.insert(sequence, UnansweredPing { sent: now, abort });
    }

    fn answer(&mut self, sequence: u64, at: Instant) {
        let Some(UnansweredPing { sent, .. }) = self.awaited.remove(&sequence) else { return };
        let elapsed = at.saturating_duration_since(sent);
        self.statistics.add(elapsed);
        self.answered = self.answered.max(sequence);
        self.last_answer = Some(at);
        let group = self.settings.group.as_deref();
        PongReport { place: &self.place, group, sequence, elapsed }.print(&mut self.printer);
        // What will not come does not fill the memory of a run without an end.
        let longest = self.longest();
        while let Some(entry) = self.awaited.first_entry()
            && *entry.key() < self.answered
            && at.saturating_duration_since(entry.get().sent) > longest
        {
            let (sequence, awaited) = entry.remove_entry();
            self.give_up(sequence, &awaited);
        }
    }

    fn give_up(&mut self, sequence: u64, awaited: &UnansweredPing) {
        awaited.abort.abort();
        self.echo.forget(sequence);
        self.lost += 1;
    }

    fn give_up_all(&mut self) {
        for (sequence, awaited) in std::mem::take(&mut self.awaited) {
            self.give_up(sequence, &awaited);
        }
    }

    /// How long an answer may take.
    fn longest(&self) -> Duration {
        self.settings.connection.session.ack_timeout
    }

    /// Until when the last answers may come. Without a connection that is not to be said.
    fn patience(&self) -> Option<Instant> {
        let (number, last) = self.awaited.last_key_value()?;
        let live_since = self.echo.live_since()?;
        match self.last_answer.filter(|_| *number < self.answered) {
            // Later ones have overtaken them.
            Some(answer) => Some(answer.max(live_since) + OVERTAKEN),
            None => Some(live_since.max(last.sent) + self.longest()),
        }
    }

    fn verdict(&self) -> Verdict {
        if self.statistics.answers() > 0 {
            return Verdict::Done("count");
        }
        let longest = render::human(self.longest());
        let what = match self.sent {
            1 => format!("the one ping was not answered within {longest}"),
            sent => format!("none of {sent} pings was answered within {longest}"),
        };
        let hint = "the connection stands: `--ack-timeout` is how long each may take, `wps doctor` looks further";
        Verdict::Failed(Failure::message(Kind::OperationUnknown, what).hint(hint))
    }

    fn summarize(&mut self) {
        let Self { ref place, sent, answered, .. } = *self;
        let overtaken = self.awaited.range(..answered).count() as u64;
        let summary = PingReport {
            place,
            group: self.settings.group.as_deref(),
            sent,
            received: self.statistics.answers(),
            lost: self.lost + overtaken,
            pending: self.awaited.len() as u64 - overtaken,
            time: self.began.elapsed(),
            distribution: self.statistics.distribution(),
        };
        summary.print(&mut self.printer);
    }
}

/// A ping of the protocol.
async fn asked(client: &Client, sequence: u64) -> (u64, PingResult) {
    let answer = match client.handle.ping().await {
        Some(_) => PingResult::Came(Instant::now()),
        None => PingResult::SessionEnded,
    };
    (sequence, answer)
}

/// A message that comes back through the group.
async fn echoed(client: &Client, echo: &Echo, group: &str, sequence: u64) -> (u64, PingResult) {
    let (text, came) = echo.expect(sequence);
    let data = OwnedData::text(&text);
    let request = Request::send(group, data);
    // One that was refused is not waited for; one that was acknowledged may come later.
    let sent = async {
        match client.perform(request, AckMode::Automatic).await {
            Ok(_) => pending().await,
            Err(Verdict::SessionEnded) => PingResult::SessionEnded,
            Err(verdict) => PingResult::Refused(verdict),
        }
    };
    let answer = tokio::select! {
        biased;
        Ok(at) = came => PingResult::Came(at),
        answer = sent => answer,
    };
    (sequence, answer)
}
