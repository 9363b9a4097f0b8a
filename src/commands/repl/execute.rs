//! Carries out one line at a time, on the connection of the repl.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::history::History;
use super::line::{LineParsed, line_command, line_help, parse_line};
use super::observer::{PrintChange, PrintSettings, ReplObserver};
use super::resize::size;
use crate::commands::invoke::answered;
use crate::commands::repl::line::args::SetCommand;
use crate::commands::repl::line::settings::{ReplCommand, StateRequest, settle_line};
use crate::commands::repl::lines::{ReplInput, begins_stream};
use crate::commands::send::sent;
use crate::commands::service::call::body_of;
use crate::commands::service::settings::ServiceTask;
use crate::commands::service::{beside, carry_out};
use crate::commands::state::{states_of, words};
use crate::commands::stream::settings::{StreamFeed, StreamOptions};
use crate::commands::stream::{PARTING, broken_off, end, intake};
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::data::payload::PayloadSource;
use crate::options::hints::commas;
use crate::options::output::settings::OutputSettings;
use crate::render::sanitize::{for_line, for_report};
use crate::render::{self, Jq, Limits, counted, human};
use crate::run::context::{Client, Surroundings, ack_mode, print_format};
use crate::run::errand;
use crate::run::rest::{RestClient, Warnings};
use crate::run::verdict::Verdict;
use crate::run::voice::print_failure;
use webpubsub_client::handle::{OutgoingStream, new_stream_id};
use webpubsub_proto::session::{AckMode, Invocation, Request, Standing, Status, StreamReport};

/// An expression that takes longer is slow.
const SLOW: std::time::Duration = std::time::Duration::from_millis(20);

/// Widest help.
const WIDEST: usize = 100;

/// The result of a line.
#[derive(Debug)]
pub enum LineResult {
    /// It was carried out.
    Next,
    /// It asks to leave.
    Quit,
    /// It failed.
    Failed(Failure),
    /// The session is over.
    SessionEnded,
}

/// Carries out lines.
#[derive(Debug)]
pub struct Executor<'r> {
    /// The connection.
    pub client: Client,
    /// What it says.
    pub watch: Rc<ReplObserver>,
    /// Where to print.
    pub surroundings: &'r Surroundings,
    /// What to print.
    pub output: &'r OutputSettings,
    /// Where it connects.
    pub connection: &'r ConnectionSettings,
    /// The lines that were entered.
    pub history: Arc<History>,
    /// A person reads it.
    pub interactive: bool,
    /// What runs, while a question is answered amid it.
    pub amid: RefCell<Option<String>>,
    /// Groups whose states are watched.
    pub watched: RefCell<BTreeSet<String>>,
    /// The stream whose fragments the lines are.
    pub stream: RefCell<Option<ReplStream>>,
    /// The service, once something was asked of it, and the hub on it.
    pub service: RefCell<Option<Rc<(RestClient, String)>>>,
}

/// A stream that is being published.
#[derive(Debug)]
pub struct ReplStream {
    stream: OutgoingStream,
    feed: StreamFeed,
    run: StreamOptions,
}

impl Executor<'_> {
    /// Carries out what was entered.
    pub async fn carry_out(&self, entered: &ReplInput) -> LineResult {
        let done = match entered {
            ReplInput::Command(text) => {
                let done = self.try_carry_out(text).await;
                // Whoever entered it takes the lines behind it for fragments.
                if done.is_err() && begins_stream(text) {
                    self.watch.publish(None);
                }
                done
            }
            ReplInput::Fragment(line) => self.write(line).await,
            ReplInput::EndOfStream => self.end_stream().await,
        };
        match done {
            Ok(done) => done,
            Err(Verdict::Failed(failure) | Verdict::Told(failure)) => LineResult::Failed(failure),
            Err(Verdict::SessionEnded | Verdict::Done(_) | Verdict::TimeUp(_)) => LineResult::SessionEnded,
        }
    }

    /// Whether a line can be answered while another runs: it changes nothing, and waits for nothing.
    pub fn is_question(&self, entered: &ReplInput) -> bool {
        let ReplInput::Command(text) = entered else { return false };
        match parse_line(text, self.columns()) {
            Ok(LineParsed::Run(command)) => {
                settle_line(*command, self.connection.protocol.codec()).is_ok_and(|line| line.is_question())
            }
            Ok(LineParsed::Print(_)) => true,
            Err(_) => false,
        }
    }

    /// Answers a question while `running` has not been done for a while.
    pub async fn answer(&self, question: &ReplInput, running: &str) -> LineResult {
        *self.amid.borrow_mut() = Some(running.to_owned());
        let done = self.carry_out(question).await;
        *self.amid.borrow_mut() = None;
        done
    }

    /// Width of help.
    fn columns(&self) -> usize {
        let columns = if self.interactive { size().map(|(columns, _)| columns) } else { None };
        columns.map_or(WIDEST, |columns| columns.min(WIDEST))
    }

    async fn try_carry_out(&self, text: &str) -> Result<LineResult, Verdict> {
        let line = match parse_line(text, self.columns())? {
            LineParsed::Run(command) => settle_line(*command, self.connection.protocol.codec())?,
            LineParsed::Print(help) => {
                self.help(&help);
                return Ok(LineResult::Next);
            }
        };
        match line {
            ReplCommand::Join { groups, ack_id } => {
                commas(&groups, "").iter().for_each(|hint| self.hint(hint));
                self.watch.shared().names().groups.extend(groups.iter().cloned());
                self.memberships(groups, ack_id, |group| Request::Join { group }).await?;
            }
            ReplCommand::Leave { groups, ack_id } => {
                self.memberships(groups, ack_id, |group| Request::Leave { group }).await?;
            }
            ReplCommand::Send { group, payload, no_echo, ttl_seconds, metadata, ack } => {
                let data = self.data(&payload)?;
                self.watch.shared().names().groups.insert(group.clone());
                let what = format!("sent to `{group}`");
                let request = Request::Send { group, data, no_echo, ttl_seconds, metadata };
                self.publish(&what, request, ack_mode(ack)).await?;
            }
            ReplCommand::Event { event, payload, metadata, ack } => {
                let data = self.data(&payload)?;
                self.watch.shared().names().events.insert(event.clone());
                let what = format!("sent the event `{event}`");
                self.publish(&what, Request::Event { event, data, metadata }, ack_mode(ack)).await?;
            }
            ReplCommand::Invoke { event, payload, metadata, timeout } => {
                let data = payload.map(|payload| self.data(&payload)).transpose()?;
                self.watch.shared().names().events.insert(event.clone());
                let invocation = Invocation { metadata, timeout, ..Invocation::new(event, data) };
                let invoked = self.attended("the invocation", self.client.invoke(invocation)).await?;
                self.print_result(&answered(&invoked));
            }
            ReplCommand::Stream { group, feed, run } => {
                self.attended("the stream", self.open_stream(&group, feed, run)).await?;
            }
            ReplCommand::State { group, what } => self.state(group, what).await?,
            ReplCommand::Service(task) => self.serve(&task).await?,
            ReplCommand::Expect { jq, timeout } => self.expect(&jq, timeout).await?,
            ReplCommand::Sleep(duration) => sleep(duration).await,
            ReplCommand::Groups => self.print_report(&groups(&self.status().await?)),
            ReplCommand::Status => self.print_report(&self.describe(&self.status().await?)),
            ReplCommand::Ping => match self.attended("the ping", self.client.handle.ping()).await {
                Some(elapsed) => self.print_report(&format!("{:.1} ms", elapsed.as_secs_f64() * 1000.0)),
                None => return Err(Verdict::SessionEnded),
            },
            ReplCommand::Set(Some(what)) => self.set(what),
            ReplCommand::Set(None) => self.print_report(&self.settings()),
            ReplCommand::History => self.list_history(),
            // The editor clears its screen itself; a script has none.
            ReplCommand::Clear => {}
            ReplCommand::Help(command) => self.help(&line_help(&command, self.columns())?),
            ReplCommand::Quit => return Ok(LineResult::Quit),
        }
        Ok(LineResult::Next)
    }

    /// Does what a server does.
    async fn serve(&self, task: &ServiceTask) -> Result<(), Verdict> {
        let body = match task {
            ServiceTask::Send(_, payload) => body_of(self.data(payload)?.as_data())?,
            ServiceTask::One(_) | ServiceTask::Lines(..) | ServiceTask::List { .. } | ServiceTask::Member { .. } => {
                Bytes::new()
            }
        };
        let (rest, hub) = &*self.service()?;
        // What is sent to all is sent to this connection, too.
        self.connected().await?;
        let mut printer = errand::printer(self.surroundings, self.output);
        printer.set_format(match self.watch.printed().format {
            render::Format::Ndjson => render::Format::Ndjson,
            // An answer is what was asked for, and no message.
            render::Format::Text | render::Format::Data | render::Format::Raw => render::Format::Text,
        });
        let seen = (&RefCell::new(printer), &errand::RunCounts::default());
        let words = carry_out((rest, hub.as_str()), task, (body, false), seen).await?;
        if let Some(words) = words {
            self.print_result(&words);
        }
        Ok(())
    }

    /// Waits until there is a connection.
    async fn connected(&self) -> Result<(), Verdict> {
        let stands = poll_fn(|_| match self.watch.shared().standing() {
            Standing::Connected => Poll::Ready(Ok(())),
            Standing::Stopped => Poll::Ready(Err(Verdict::SessionEnded)),
            // It is looked again whenever that changes.
            Standing::Connecting | Standing::Recovering | Standing::Reconnecting => Poll::Pending,
        });
        self.attended("this", stands).await
    }

    /// The service that the connection is to.
    fn service(&self) -> Result<Rc<(RestClient, String)>, Failure> {
        if let Some(known) = &*self.service.borrow() {
            return Ok(Rc::clone(known));
        }
        let warnings = Warnings::new(self.surroundings.console.err.clone(), self.output.quiet);
        let made = Rc::new(beside(self.connection, warnings)?);
        *self.service.borrow_mut() = Some(Rc::clone(&made));
        Ok(made)
    }

    /// Begins a stream. What is entered from then on are its fragments.
    async fn open_stream(&self, group: &str, feed: StreamFeed, run: StreamOptions) -> Result<(), Verdict> {
        self.watch.shared().names().groups.insert(group.to_owned());
        loop {
            let mut stream = self.client.handle.stream(run.open(group, new_stream_id), run.buffer);
            match stream.opened().await {
                Ok(()) => {
                    if self.interactive {
                        self.print_result("lines are fragments; `\\.` or Ctrl-D ends the stream, Ctrl-C breaks it off");
                    }
                    self.watch.publish(Some(stream.stream_id()));
                    *self.stream.borrow_mut() = Some(ReplStream { stream, feed, run });
                    return Ok(());
                }
                Err(report) if report.is_lost_before_its_start() => {}
                Err(report) => return end::outcome(&self.client, &report).map(drop),
            }
        }
    }

    /// Sends a fragment. One behind a stream that is over by itself is dropped: that it is over has been said.
    async fn write(&self, line: &str) -> Result<LineResult, Verdict> {
        let Some(mut publishing) = self.stream.take() else { return Ok(LineResult::Next) };
        let line = format!("{line}\n");
        let data = intake::fragment_of_line(publishing.feed, line.as_bytes()).and_then(|data| match data {
            Some(data) if !intake::fits(self.connection.protocol.codec(), &data) => {
                Err(Failure::message(Kind::Input, "the line is larger than a frame may be"))
            }
            data => Ok(data),
        });
        let data = match data {
            Ok(data) => data,
            Err(failure) => {
                // At a terminal the next one may be better. A script that fails ends, and with it the stream.
                *self.stream.borrow_mut() = Some(publishing);
                return Err(Verdict::Failed(failure));
            }
        };
        if let Some(data) = data
            && let Err(report) = publishing.stream.write(data).await
        {
            return self.over(&report);
        }
        *self.stream.borrow_mut() = Some(publishing);
        Ok(LineResult::Next)
    }

    /// Ends the stream, and waits until the service has closed it.
    async fn end_stream(&self) -> Result<LineResult, Verdict> {
        let Some(mut publishing) = self.stream.take() else { return Ok(LineResult::Next) };
        publishing.stream.end(publishing.run.end_error.clone());
        let report = self.attended("the end of the stream", publishing.stream.over()).await;
        self.over(&report)
    }

    /// A person has broken the stream off. Returns whether there was one.
    pub fn break_stream_off(&self) -> bool {
        self.watch.publish(None);
        let publishing = self.stream.take();
        let found = publishing.is_some();
        if let Some(mut publishing) = publishing {
            publishing.stream.end(Some(broken_off()));
        }
        found
    }

    /// Nothing more is entered: a stream that is still open is broken off, as far as that goes quickly.
    pub async fn leave(&self) {
        let publishing = self.stream.take();
        if let Some(mut publishing) = publishing {
            publishing.stream.end(Some(broken_off()));
            let _ = timeout(PARTING, publishing.stream.over()).await;
        }
    }

    /// How the stream ended is said among what comes; here only what went wrong.
    fn over(&self, report: &StreamReport) -> Result<LineResult, Verdict> {
        self.watch.publish(None);
        end::outcome(&self.client, report).map(|_| LineResult::Next)
    }

    fn data(&self, payload: &PayloadSource) -> Result<webpubsub_proto::OwnedData, Failure> {
        // Lines never take data from stdin.
        payload.read(&mut std::io::empty())
    }

    async fn memberships(
        &self,
        groups: Vec<String>,
        first: Option<u64>,
        request: impl Fn(String) -> Request,
    ) -> Result<(), Verdict> {
        let operations = groups.into_iter().enumerate().map(|(index, group)| {
            // That the ids fit was checked with the line.
            let mode = first.map_or(AckMode::Automatic, |first| AckMode::Id(first.wrapping_add(index as u64)));
            (request(group), mode)
        });
        // Every group has its answer, also after one that was refused.
        let outcomes = self.attended("this", self.client.perform_all(operations)).await;
        let mut failures = outcomes.into_iter().filter_map(Result::err);
        let first = failures.next();
        for verdict in failures {
            if let Verdict::Failed(failure) = verdict {
                print_failure(&self.surroundings.console, &failure);
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Joins the group, if it is not wanted yet, and does what was asked about its states.
    async fn state(&self, group: String, what: StateRequest) -> Result<(), Verdict> {
        self.watch.shared().names().groups.insert(group.clone());
        let status = self.status().await?;
        let is_member = status.groups.iter().any(|(name, wanted, _)| *wanted && *name == group);
        if !is_member && what != StateRequest::Unwatch {
            self.memberships(vec![group.clone()], None, |group| Request::Join { group }).await?;
        }
        let perform = |request| self.attended("this", self.client.perform(request, AckMode::Automatic));
        let states = || self.attended("this", states_of(&self.client, &group, self.connection.session.ack_timeout));
        match what {
            StateRequest::Set(state) => {
                let what = if state.is_some() { "set" } else { "cleared" };
                perform(Request::SetState { group: group.clone(), state }).await?;
                self.print_result(&format!("{what} the state in `{group}`"));
            }
            StateRequest::List => {
                let came = states().await?;
                words(came, &group).into_iter().for_each(|words| self.print_result(&words));
                if !self.watched.borrow().contains(&group) {
                    perform(Request::UnsubscribeStates { group }).await?;
                }
            }
            StateRequest::Watch => {
                let came = states().await?;
                words(came, &group).into_iter().for_each(|words| self.print_result(&words));
                self.watched.borrow_mut().insert(group);
            }
            StateRequest::Unwatch => {
                self.watched.borrow_mut().remove(&group);
                perform(Request::UnsubscribeStates { group }).await?;
            }
        }
        Ok(())
    }

    async fn publish(&self, what: &str, request: Request, mode: AckMode) -> Result<(), Verdict> {
        let outcome = self.attended("the message", self.client.perform(request, mode)).await?;
        if let Some(words) = sent(what, &outcome) {
            self.print_result(&words);
        }
        Ok(())
    }

    /// Waits, and says so when that is for the connection.
    async fn attended<T>(&self, what: &str, operation: impl Future<Output = T>) -> T {
        let mut operation = pin!(operation);
        let mut said = None;
        loop {
            let standing = self.watch.shared().standing();
            let why = match standing {
                Standing::Connecting if self.interactive => Some("there is a connection"),
                Standing::Recovering => Some("the connection is recovered"),
                Standing::Reconnecting => Some("there is a new connection"),
                Standing::Connecting | Standing::Connected | Standing::Stopped => None,
            };
            tokio::select! {
                biased;
                result = &mut operation => return result,
                // Whatever needs no connection is done by now.
                () = tokio::task::yield_now(), if why.is_some() && said != Some(standing) => {
                    said = Some(standing);
                    let abandon = if self.interactive { "; Ctrl-C abandons it" } else { "" };
                    self.print_result(&format!("{what} waits until {}{abandon}", why.unwrap_or_default()));
                }
                () = self.watch.moved() => {}
            }
        }
    }

    async fn expect(&self, expression: &str, limit: std::time::Duration) -> Result<(), Verdict> {
        let jq = Jq::compile(expression)
            .or_fail(Kind::Usage, "the expression is not jq")
            .hint("an example: `expect .type == \"group-message\" and .group == \"g\"`")?;
        let forgotten = self.watch.take_forgotten();
        if forgotten > 0 {
            self.warn(&format!("{forgotten} records came that no `expect` looked at, and are forgotten"));
        }
        let deadline = Instant::now() + limit;
        let (mut next, mut seen, mut warned) = (0, 0u64, false);
        loop {
            while let Some((number, record)) = self.watch.record(next) {
                next = number + 1;
                seen += 1;
                let begun = Instant::now();
                match jq.is_true(&record, &Limits::shared_thread()) {
                    Ok(true) => {
                        self.watch.pass(number);
                        return Ok(());
                    }
                    Ok(false) => {}
                    Err(error) if !warned => {
                        warned = true;
                        self.warn(&format!("the expression fails, which counts as false: {error}"));
                    }
                    Err(_) => {}
                }
                // Many records are no reason to read nothing, and neither are slow expressions.
                if seen.is_multiple_of(256) || begun.elapsed() > SLOW {
                    tokio::task::yield_now().await;
                }
            }
            tokio::select! {
                biased;
                () = self.watch.more() => {}
                () = sleep_until(deadline) => {
                    let what = format!("no record for which `{expression}` is true came within {}", human(limit));
                    let came = match self.watch.record(next.saturating_sub(1)) {
                        Some((_, last)) => format!(
                            "{} did not match, the last of type `{}`; `-o ndjson` shows them",
                            counted(seen, "record"),
                            record_type(&last)
                        ),
                        None => "no record came at all; did you `join`?".into(),
                    };
                    let failure = Failure::message(Kind::Expectation, what);
                    return Err(Verdict::Failed(failure.hint(came).hint("`expect --timeout D JQ` waits longer")));
                }
            }
        }
    }

    async fn status(&self) -> Result<Status, Verdict> {
        self.client.handle.status().await.ok_or(Verdict::SessionEnded)
    }

    fn describe(&self, status: &Status) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<14}{value}");
        };
        row("state", standing_word(status.standing).to_owned());
        if let Some(id) = &status.connection_id {
            row("connection", format!("`{id}`"));
            row("user", status.user_id.as_ref().map_or("anonymous".into(), |user| format!("`{user}`")));
        }
        if let Some(hub) = crate::run::context::hub(self.connection) {
            row("hub", format!("`{hub}`"));
        }
        row("protocol", self.connection.protocol.name().to_owned());
        if let Some(age) = status.connected_for {
            row("connected for", human(age));
        }
        let counts = status.counts;
        row("received", counts.received.to_string());
        row("sent", format!("{}, {} acknowledged, {} failed", counts.sent, counts.acked, counts.failed));
        if counts.unexpected > 0 {
            row("nobody's", format!("{}, to what was called off or given up", counted(counts.unexpected, "answer")));
        }
        let none = || "none yet".to_owned();
        row("last sequence", status.last_sequence_id.map_or_else(none, |id| id.to_string()));
        row("round trip", status.round_trip.map_or_else(none, human));
        if let Some(running) = self.amid.borrow().as_deref() {
            row("runs", running.to_owned());
        }
        text
    }

    fn set(&self, what: SetCommand) {
        let (change, words) = match what {
            SetCommand::Output { format } => {
                let format = print_format(format);
                (PrintChange::Format(format), format!("messages are printed as {}", format_word(format)))
            }
            SetCommand::Timestamps { switch } if switch.is_on() => {
                (PrintChange::Timestamps(true), "the time stands before each message".into())
            }
            SetCommand::Timestamps { .. } => {
                (PrintChange::Timestamps(false), "messages are printed without the time".into())
            }
            SetCommand::Full { switch } if switch.is_on() => {
                (PrintChange::Full(true), "long data is shown whole".into())
            }
            SetCommand::Full { .. } => (PrintChange::Full(false), "long data is cut".into()),
        };
        self.watch.change(change);
        self.print_result(&words);
    }

    /// How everything is set, and what it could be set to.
    fn settings(&self) -> String {
        let PrintSettings { format, timestamps, full } = self.watch.printed();
        let switch = |on: bool| if on { "on" } else { "off" };
        let definition = line_command();
        let mut text = String::new();
        for set in definition.find_subcommand("set").into_iter().flat_map(clap::Command::get_subcommands) {
            let is = match set.get_name() {
                "output" => format_word(format),
                "timestamps" => switch(timestamps),
                _ => switch(full),
            };
            let values = set.get_positionals().flat_map(clap::Arg::get_possible_values);
            let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
            let _ = writeln!(text, "{:<11} {is:<7} {}", set.get_name(), values.join("|"));
        }
        text
    }

    fn list_history(&self) {
        let entries = self.history.entries();
        let width = entries.len().to_string().len();
        let mut text = String::new();
        for (index, entry) in entries.iter().enumerate() {
            let _ = writeln!(text, "{:>width$}  {}", index + 1, entry.replace('\n', "\n  "));
        }
        self.print_report(&text);
    }

    fn help(&self, text: &clap::builder::StyledStr) {
        let color = self.surroundings.console.err.style.color;
        let text = if color { text.ansi().to_string() } else { text.to_string() };
        self.surroundings.console.err.line(text.trim_end());
    }

    /// What was asked for.
    fn print_report(&self, text: &str) {
        for line in text.trim_end_matches('\n').lines() {
            self.surroundings.console.err.line(&for_report(line));
        }
    }

    /// How it went.
    pub fn print_result(&self, words: &str) {
        if self.interactive && !self.output.quiet {
            let style = self.surroundings.console.err.style;
            self.surroundings.console.err.line(&style.dim(&for_line(words)));
        } else {
            self.surroundings.report(self.output, words);
        }
    }

    fn hint(&self, words: &str) {
        if !self.output.quiet {
            let style = self.surroundings.console.err.style;
            self.surroundings.console.err.line(&format!("{} {}", style.label("hint:"), for_line(words)));
        }
    }

    fn warn(&self, words: &str) {
        if !self.output.quiet {
            let style = self.surroundings.console.err.style;
            self.surroundings.console.err.line(&format!("{} {}", style.label("warning:"), for_line(words)));
        }
    }
}

fn groups(status: &Status) -> String {
    if status.groups.is_empty() {
        return "no groups; `join GROUP` joins one".into();
    }
    let mut text = String::new();
    for (group, wanted, joined) in &status.groups {
        let state = match (wanted, joined) {
            (true, true) => "joined",
            (true, false) => "wanted, not joined yet",
            (false, true) => "being left",
            (false, false) => "not joined",
        };
        let _ = writeln!(text, "`{group}`  {state}");
    }
    text
}

fn format_word(format: render::Format) -> &'static str {
    match format {
        render::Format::Text => "text",
        render::Format::Ndjson => "ndjson",
        render::Format::Data => "data",
        render::Format::Raw => "raw",
    }
}

/// A word for where the connection stands.
pub fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Connecting => "connecting",
        Standing::Connected => "connected",
        Standing::Recovering => "recovering",
        Standing::Reconnecting => "reconnecting",
        Standing::Stopped => "stopped",
    }
}

fn record_type(record: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
    value.get("type").and_then(|kind| kind.as_str()).unwrap_or("unknown").to_owned()
}
