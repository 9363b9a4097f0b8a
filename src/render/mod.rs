//! What a user sees: events in, bytes out. Nothing else prints while a client runs.
//!
//! A [`Printer`] takes what a client tells, formats it into a buffer and hands that to the thread of its stream. stdout
//! carries what the command is for, stderr everything else.

mod batch;
pub mod check;
mod console;
mod expressions;
mod fragments;
mod jq;
mod layout;
mod ndjson;
mod recording;
mod records;
mod repeats;
pub mod sanitize;
pub mod streams;
mod text;
mod writer;

use std::task::{Context, Poll};
use std::time::SystemTime;

use console::ShownLine;
pub use console::{Console, ConsoleStream, Style};
pub use expressions::{Conditions, EndCondition, ExpressionTexts, Expressions, MetCondition};
pub use jq::{Jq, Limits, is_evaluating};
pub use recording::{Recording, TUNNEL as TUNNEL_RECORDING, VERSION as RECORDING_VERSION};
pub use records::Recorder;
pub use text::{TOLD, Weight, counted, human, nack, unknown_frame};
pub use writer::{Ledger, Reach, WriteFailure, Writer};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use unicode_width::UnicodeWidthStr as _;

use crate::records::{Record, Stopped};
use batch::{OpenEntry, OutputBatch};
use fragments::{FragmentStyle, Fragments};
use ndjson::MessageHead;
pub use repeats::Recurrence;
use repeats::Repeats;
use sanitize::for_line;
use webpubsub_client::event::{
    EventSink, Flow, InvokeOutcome, Invoked, Lifecycle, Mark, Received, StateChanges, WireFrame,
};
use webpubsub_net::clock;
use webpubsub_net::secret::{excerpt, redact, redact_binary, redact_frame};
use webpubsub_proto::{Data, Message, OwnedData, StreamInfo, Subprotocol};

/// What stdout carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line a message, for people.
    Text,
    /// A JSON object a line.
    Ndjson,
    /// The payload and a newline.
    Data,
    /// Every frame as received.
    Raw,
}

/// Which records of `ndjson` and frames of `raw` are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// All.
    Everything,
    /// Group and server messages.
    Messages,
    /// Everything else.
    Events,
}

/// How much goes to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Warnings too.
    Warnings,
    /// All of the lifecycle.
    Everything,
    /// What is repeated, too.
    Verbose,
}

/// How a printer prints.
#[derive(Clone, Debug)]
pub struct PrintOptions {
    /// What stdout carries.
    pub format: Format,
    /// Which of it.
    pub only: Only,
    /// The time before each message, in text.
    pub timestamps: bool,
    /// How much goes to stderr.
    pub chatter: Verbosity,
    /// The hub's name, as far as known.
    pub hub: Option<String>,
    /// The subprotocol.
    pub protocol: Subprotocol,
    /// Expressions stand before stdout, and want every record, whether it is printed or not.
    pub has_expressions: bool,
}

/// A record of a command that prints without a [`Printer`].
pub fn record<R: Record>(fields: &R) -> Vec<u8> {
    let mut out = Vec::new();
    ndjson::write(&mut out, &timestamp(), fields);
    out
}

/// Now as RFC 3339, UTC, milliseconds.
pub fn rfc3339_now() -> String {
    timestamp()
}

/// Seconds since 1970 as RFC 3339, UTC.
pub fn rfc3339(secs: u64) -> String {
    clock::since_1970(secs)
}

/// Now, RFC 3339, UTC, milliseconds.
fn timestamp() -> String {
    clock::millis(SystemTime::now())
}

/// Bytes gathered before a batch is handed over early.
const GATHER: usize = 256 * 1024;

/// Most lines of a message that is cut.
const CUT_LINES: usize = 20;

/// Prints what a client reports.
#[derive(Debug)]
pub struct Printer {
    options: PrintOptions,
    console: Console,
    out: OutputBatch,
    /// Why the last fresh attempt failed, until the next one is announced.
    failed_attempt: Option<String>,
    /// The attempts that failed since the last that did not.
    failures: Repeats,
    /// The line at a terminal that says so.
    failure_line: Option<ShownLine>,
    /// The time of the current batch, RFC 3339 with milliseconds; empty: not taken yet.
    time: String,
    /// How the record of the last message begins.
    head: Option<Box<MessageHead>>,
    /// Longer messages are cut to so many bytes, where a person reads them.
    cut: Option<usize>,
    /// How far all has come with what is in `out`.
    reach: Reach,
    /// With the event that comes next so many losses are told; 0: it is none.
    losses: u64,
    /// How far they were written, as was told last.
    written: Option<Mark>,
    /// The group stream whose line may go on.
    fragments: Fragments,
}

impl Printer {
    /// Prints to `console`.
    pub fn new(options: PrintOptions, console: Console) -> Self {
        Self {
            options,
            console,
            out: OutputBatch::default(),
            failed_attempt: None,
            failures: Repeats::default(),
            failure_line: None,
            time: String::new(),
            head: None,
            cut: None,
            reach: Reach::default(),
            losses: 0,
            written: None,
            fragments: Fragments::default(),
        }
    }

    /// From now on stdout carries this.
    pub fn set_format(&mut self, format: Format) {
        self.options.format = format;
    }

    /// From now on the time stands before each message, or not.
    pub fn set_timestamps(&mut self, timestamps: bool) {
        self.options.timestamps = timestamps;
    }

    /// From now on longer messages are cut, and say their size; `None`: shown whole. Only where a person reads them.
    pub fn set_cut(&mut self, cut: Option<usize>) {
        self.cut = cut;
    }

    /// From now on each fragment of a group stream has a line of its own, or not: what is written above a prompt ends there.
    pub fn set_apart(&mut self, apart: bool) {
        self.fragments.set_apart(apart);
    }

    /// What people are to know of the stream that comes next as one message.
    pub fn mark_next(&mut self, words: Option<String>) {
        self.fragments.mark_next(words);
    }

    /// Cuts what was appended from `start` on, if it is too long to be read.
    fn cut(&mut self, start: usize, size: impl FnOnce() -> usize) {
        let Some(limit) = self.cut.filter(|_| self.console.out.style.terminal) else { return };
        let lines = memchr::memchr_iter(b'\n', &self.out.bytes[start..])
            .nth(CUT_LINES)
            .filter(|at| start + at + 1 < self.out.bytes.len());
        let limit = limit.min(lines.unwrap_or(usize::MAX));
        if self.out.bytes.len() - start <= limit {
            return;
        }
        let mut end = start + limit;
        while end > start && self.out.bytes.get(end).is_none_or(|byte| byte & 0xC0 == 0x80) {
            end -= 1;
        }
        self.out.bytes.truncate(end);
        let note = format!("… ({} bytes; `set full on` shows all)", size());
        self.out.bytes.extend_from_slice(self.console.out.style.dim(&note).as_bytes());
        self.out.bytes.push(b'\n');
    }

    /// Where it prints to.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// The hub's name, where it is known only when the connection is made.
    pub fn set_hub(&mut self, hub: &str) {
        self.options.hub = Some(hub.to_owned());
    }

    /// Ends the line of a group stream, before something else is printed.
    fn end_fragments(&mut self) {
        match self.options.format {
            Format::Text => self.fragments.close(&mut self.out.bytes, FragmentStyle::Text),
            Format::Data => self.fragments.close(&mut self.out.bytes, FragmentStyle::Data),
            Format::Ndjson | Format::Raw => {}
        }
    }

    /// How the run ended: the last record.
    pub fn stopped(&mut self, stopped: &Stopped<'_>) {
        self.end_fragments();
        self.record(false, true, |out, time| ndjson::write(out, time, stopped));
        self.put_out();
    }

    /// What a command has found out by itself: that record, or these lines where stdout carries text.
    pub fn finding<R: Record>(&mut self, fields: &R, lines: &str) {
        let entry = self.options.has_expressions.then(|| {
            self.take_time();
            let mut entry = OpenEntry::begin(&self.out);
            ndjson::write(&mut self.out.bytes, &self.time, fields);
            entry.text(&self.out);
            entry
        });
        match self.options.format {
            Format::Text => self.out.bytes.extend_from_slice(lines.as_bytes()),
            Format::Ndjson if !self.options.has_expressions => {
                self.record(false, false, |out, time| ndjson::write(out, time, fields));
            }
            Format::Ndjson | Format::Data | Format::Raw => {}
        }
        if let Some(entry) = entry {
            let shown = self.prints_records(false);
            entry.end(&mut self.out, shown, false, self.reach);
        }
        self.put_out();
    }

    /// The same of something that has a time of its own, RFC 3339 with milliseconds.
    pub fn finding_at<R: Record>(&mut self, time: String, fields: &R, lines: &str) {
        self.put_out();
        self.time = time;
        self.finding(fields, lines);
    }

    /// A line on stderr that every user needs, whatever the format; not a warning.
    pub fn print_line(&mut self, text: &str) {
        if self.options.chatter > Verbosity::Quiet {
            self.put_out();
            let style = self.console.err.style;
            self.console.err.line_kept(&style.dim(&for_line(&redact(text))));
        }
    }

    /// A line on stderr, unless it is to be quiet.
    pub fn note(&mut self, weight: Weight, text: &str) {
        self.note_up_to(weight, text, Reach::default());
    }

    /// The same, with how far all has come with it.
    fn note_up_to(&mut self, weight: Weight, text: &str, reach: Reach) {
        if !self.notes(weight) {
            return;
        }
        // What was printed before comes first where both go to the same screen.
        if self.console.out.style.terminal {
            self.end_fragments();
        }
        self.put_out();
        let style = self.console.err.style;
        let text = excerpt(text, 2 * TOLD);
        let text = for_line(&text);
        let line = match weight {
            Weight::Info => style.dim(&text),
            Weight::Warning => format!("{} {text}", style.label("warning:")),
        };
        match reach.is_none() {
            true => self.console.err.line(&line),
            // What is told once is not dropped for others.
            false => self.console.err.line_up_to(&line, reach),
        }
    }

    /// An attempt has failed, and what comes `next`: said once, then at growing intervals, with the count. With `-v` each
    /// is said, and at a terminal each is shown in one line that is written anew.
    fn failed(&mut self, error: &str, next: &str) {
        if !self.notes(Weight::Warning) {
            return;
        }
        let (times, due) = self.failures.add(error);
        let count = if times > 1 { format!(" ({times} times)") } else { String::new() };
        let text = format!("{error}{count}{next}");
        if self.options.chatter == Verbosity::Verbose {
            return self.note(Weight::Warning, &text);
        }
        if self.console.out.style.terminal {
            self.end_fragments();
        }
        self.put_out();
        let style = self.console.err.style;
        let text = excerpt(&text, 2 * TOLD);
        let text = for_line(&text);
        let label = style.label("warning:");
        let width = "warning: ".len() + text.width();
        if let Some(shown) = self.console.line_anew(self.failure_line.take(), &format!("{label} {text}"), width) {
            self.failure_line = Some(shown);
        } else if due {
            self.console.err.line(&format!("{label} {text}"));
        }
    }

    /// Whether words of that weight are wanted on stderr.
    fn notes(&self, weight: Weight) -> bool {
        let wanted = match weight {
            Weight::Info => Verbosity::Everything,
            Weight::Warning => Verbosity::Warnings,
        };
        self.options.chatter >= wanted
    }

    /// The event that comes next tells a loss, with which so many of this process are told.
    pub fn losses(&mut self, count: u64) {
        self.losses = count;
    }

    fn prints_records(&self, message: bool) -> bool {
        self.options.format == Format::Ndjson && self.passes(message)
    }

    fn passes(&self, message: bool) -> bool {
        match self.options.only {
            Only::Everything => true,
            Only::Messages => message,
            Only::Events => !message,
        }
    }

    fn take_time(&mut self) {
        if self.time.is_empty() {
            self.time = timestamp();
        }
    }

    /// Appends a record, if it is wanted; made harmless where a person sees it. `last`: it says how the run ended.
    fn record(&mut self, message: bool, last: bool, write: impl FnOnce(&mut Vec<u8>, &str)) {
        let shown = self.prints_records(message);
        if self.options.has_expressions {
            self.take_time();
            let entry = OpenEntry::begin(&self.out);
            write(&mut self.out.bytes, &self.time);
            return entry.end(&mut self.out, shown, last, if last { Reach::default() } else { self.reach });
        }
        if !shown {
            return;
        }
        self.take_time();
        let start = self.out.bytes.len();
        write(&mut self.out.bytes, &self.time);
        if self.console.out.style.terminal {
            let record = self.out.bytes.split_off(start);
            self.out.bytes.extend_from_slice(&self.console.out.style.record(record));
        }
    }

    fn message(&mut self, message: &Message<'_>) {
        let entry = self.options.has_expressions.then(|| {
            self.take_time();
            let mut entry = OpenEntry::begin(&self.out);
            let head = self.head.get_or_insert_default();
            ndjson::message(&mut self.out.bytes, head, &self.time, message);
            entry.text(&self.out);
            entry
        });
        let (style, start) = (self.console.out.style, self.out.bytes.len());
        let mut failed = None;
        match self.options.format {
            Format::Text => {
                if self.options.timestamps {
                    self.take_time();
                }
                let time = Some(self.time.as_str()).filter(|_| self.options.timestamps);
                match message.stream.and_then(StreamInfo::parse) {
                    Some(info) => {
                        let out = &mut self.out.bytes;
                        failed = self.fragments.put(out, style, FragmentStyle::Text, time, message, &info);
                    }
                    None => {
                        self.fragments.close(&mut self.out.bytes, FragmentStyle::Text);
                        text::message(&mut self.out.bytes, style, time, message);
                    }
                }
            }
            Format::Data => match message.stream.and_then(StreamInfo::parse) {
                Some(info) => {
                    failed = self.fragments.put(&mut self.out.bytes, style, FragmentStyle::Data, None, message, &info);
                }
                None => {
                    self.fragments.close(&mut self.out.bytes, FragmentStyle::Data);
                    text::data(&mut self.out.bytes, style, message.data);
                }
            },
            Format::Ndjson if !self.options.has_expressions => {
                let mut head = self.head.take().unwrap_or_default();
                self.record(true, false, |out, time| ndjson::message(out, &mut head, time, message));
                self.head = Some(head);
            }
            Format::Ndjson | Format::Raw => {}
        }
        self.cut(start, || match message.data {
            Data::Text(text) => text.decode().len(),
            data => data.json_len(),
        });
        if let Some(entry) = entry {
            let shown = self.prints_records(true);
            entry.end(&mut self.out, shown, false, self.reach);
        }
        if let Some(words) = failed {
            self.note(Weight::Warning, &words);
        }
    }

    /// The answer to an invocation: its payload alone, or its record. One that is lost has a record that says so.
    fn answer(&mut self, invoked: &Invoked) {
        let (answer, is_answered) = match &invoked.outcome {
            InvokeOutcome::Answered { data, .. } => (data.as_ref(), true),
            InvokeOutcome::Refused { .. } | InvokeOutcome::NotUnderstood { .. } => (None, true),
            InvokeOutcome::TimedOut | InvokeOutcome::Cancelled | InvokeOutcome::Unknown { .. } => (None, false),
            InvokeOutcome::NotSent { .. } | InvokeOutcome::IdInUse => return,
        };
        self.record(is_answered, false, |out, time| ndjson::invoked(out, time, invoked));
        let Some(data) = answer.map(OwnedData::as_data) else { return };
        let (style, start) = (self.console.out.style, self.out.bytes.len());
        match self.options.format {
            Format::Text => text::answer(&mut self.out.bytes, style, data),
            Format::Data => text::data(&mut self.out.bytes, style, data),
            Format::Ndjson | Format::Raw => return,
        }
        self.cut(start, || data.json_len());
    }

    /// What members say of themselves, each by itself.
    fn states(&mut self, states: &StateChanges) {
        for change in &states.changes {
            let entry = self.options.has_expressions.then(|| {
                self.take_time();
                let mut entry = OpenEntry::begin(&self.out);
                ndjson::state(&mut self.out.bytes, &self.time, &states.group, change);
                entry.text(&self.out);
                entry
            });
            let style = self.console.out.style;
            match self.options.format {
                Format::Text => {
                    let time = if self.options.timestamps {
                        self.take_time();
                        Some(self.time.as_str())
                    } else {
                        None
                    };
                    text::state(&mut self.out.bytes, style, time, &states.group, change);
                }
                Format::Data => text::state_data(&mut self.out.bytes, style, change),
                Format::Ndjson if !self.options.has_expressions => {
                    self.record(false, false, |out, time| ndjson::state(out, time, &states.group, change));
                }
                Format::Ndjson | Format::Raw => {}
            }
            if let Some(entry) = entry {
                let shown = self.prints_records(false);
                entry.end(&mut self.out, shown, false, self.reach);
            }
        }
    }

    fn raw(&mut self, frame: WireFrame<'_>, received: &Received<'_>) {
        let (message, is_theirs) = match received {
            Received::Message(_) | Received::Duplicate => (true, true),
            // What users say all the same.
            Received::States(_) => (false, true),
            Received::Unknown { .. } | Received::Control => (false, false),
        };
        if !self.passes(message) {
            return;
        }
        // The frame is shown as it is; the record that it makes, if it makes one, is another entry.
        let entry = self.options.has_expressions.then(|| {
            let mut entry = OpenEntry::begin(&self.out);
            entry.text(&self.out);
            entry
        });
        let (style, start) = (self.console.out.style, self.out.bytes.len());
        match frame {
            WireFrame::Text(text) if is_theirs => self.out.bytes.extend_from_slice(style.clean(text).as_bytes()),
            WireFrame::Text(text) => self.out.bytes.extend_from_slice(style.clean(&redact_frame(text)).as_bytes()),
            WireFrame::Binary(bytes) if is_theirs => {
                self.out.bytes.extend_from_slice(STANDARD.encode(bytes).as_bytes())
            }
            WireFrame::Binary(bytes) => {
                let bytes = redact_binary(self.options.protocol.codec(), bytes);
                self.out.bytes.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            }
        }
        self.out.bytes.push(b'\n');
        let size = self.out.bytes.len() - start - 1;
        self.cut(start, || size);
        if let Some(entry) = entry {
            entry.end(&mut self.out, true, false, self.reach);
        }
    }

    fn put_out(&mut self) {
        self.time.clear();
        self.console.out.put_batch(&mut self.out, std::mem::take(&mut self.reach));
    }
}

impl EventSink for Printer {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        let hub = self.options.hub.take();
        let protocol = self.options.protocol;
        // Told where it is seen: in its record, or else in words; where neither is wanted, by being passed on.
        let losses = std::mem::take(&mut self.losses);
        let in_words = !self.prints_records(false) && self.notes(Weight::Warning);
        if !in_words {
            self.reach.losses = self.reach.losses.max(losses);
        }
        self.record(false, false, |out, time| ndjson::lifecycle(out, time, event, hub.as_deref(), protocol.name()));
        self.options.hub = hub;
        match event {
            // Said with the next attempt; of the last one the error at the end says it.
            Lifecycle::AttemptFailed { recovery: false, error } => self.failed_attempt = Some(error.clone()),
            Lifecycle::Reconnecting { .. } if self.failed_attempt.is_some() => {
                let error = self.failed_attempt.take().unwrap_or_default();
                let next = text::lifecycle(event, None).map(|(_, words)| format!("; {words}")).unwrap_or_default();
                self.failed(&text::attempt_failed(&error), &next);
            }
            Lifecycle::AttemptFailed { recovery: true, error } => self.failed(&text::not_recovered(error), ""),
            _ => {
                if matches!(
                    event,
                    Lifecycle::Connected { .. } | Lifecycle::Recovered { .. } | Lifecycle::SessionLost { .. }
                ) {
                    self.failures.end();
                }
                if let Some((weight, words)) = text::lifecycle(event, self.options.hub.as_deref()) {
                    let losses = if in_words { losses } else { 0 };
                    self.note_up_to(weight, &words, Reach { mark: None, losses });
                }
            }
        }
        Flow::Continue
    }

    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        if self.options.format == Format::Raw {
            self.raw(frame, received);
        }
        match received {
            Received::Message(message) => self.message(message),
            Received::States(states) => self.states(states),
            Received::Unknown { reason } => {
                self.record(false, false, |out, time| ndjson::unknown_frame(out, time, frame, reason));
                self.note(Weight::Warning, &text::unknown_frame(frame, reason));
            }
            Received::Duplicate | Received::Control => {}
        }
        if self.out.bytes.len() >= GATHER {
            self.put_out();
        }
        Flow::Continue
    }

    fn invoked(&mut self, invoked: &Invoked) -> Flow {
        self.answer(invoked);
        Flow::Continue
    }

    fn mark(&mut self, mark: Mark) {
        self.reach.mark = Some(mark);
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Mark> {
        self.console.out.writer().poll_written(cx, self.written).map(|mark| {
            self.written = Some(mark);
            mark
        })
    }

    fn flush(&mut self) {
        self.put_out();
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.console.out.writer().poll_room(cx)
    }
}
