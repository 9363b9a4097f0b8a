//! The expressions of a run, between the printer and stdout: `--jq`, `--until`, `--fail-on` (CLI contract, *Data out*,
//! *Ending*).
//!
//! They are evaluated on the thread that writes stdout, behind the same bounded queue: one that takes long holds back
//! the output, and so the reading of further messages, never pings, acks, signals or deadlines. Records are looked at in
//! their order; once a condition is met by one, that one is the last that is printed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::console::{Stream, Style};
use super::entries::{Entry, entries};
use super::jq::{BadExpression, Hurry, Jq, Limits, STACK, is_text, write_json};
use super::sanitize;
use crate::secret::redact;

/// Output gathered before it is written, in bytes and in time.
const GATHER: usize = 128 * 1024;
const GATHER_TIME: Duration = Duration::from_millis(5);
/// Warnings for each expression.
const WARNINGS: usize = 5;
/// The most of an error that is told, in characters.
const TOLD: usize = 200;
/// Time for the record that says how the run ended, when it has to end.
const LAST_TIME: Duration = Duration::from_millis(250);

/// What the expressions are, as they were given.
#[derive(Clone, Debug, Default)]
pub struct Given<'a> {
    /// `--jq`: what is printed.
    pub jq: Option<&'a str>,
    /// `--raw-output`: strings without their quotes.
    pub raw: bool,
    /// `--until`.
    pub until: Option<&'a str>,
    /// `--fail-on`.
    pub fail_on: Option<&'a str>,
}

/// The conditions a run may end by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// `--until`: what was waited for.
    Until,
    /// `--fail-on`: what must not be.
    FailOn,
}

/// A condition that was met.
#[derive(Clone, Debug)]
pub struct Met {
    /// Which.
    pub condition: Condition,
    /// By this record: the beginning of its JSON.
    pub record: String,
}

#[derive(Debug, Default)]
struct Shared {
    met: Mutex<Option<Met>>,
    came: Notify,
    hurry: Hurry,
}

/// What a run sees of its expressions.
#[derive(Clone, Debug)]
pub struct Judgement {
    shared: Arc<Shared>,
}

impl Judgement {
    /// The condition that was met, if one was by what is written so far.
    pub fn met(&self) -> Option<Met> {
        self.shared.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when a condition is met.
    pub async fn wait(&self) -> Met {
        loop {
            let came = self.shared.came.notified();
            if let Some(met) = self.met() {
                return met;
            }
            came.await;
        }
    }

    /// The run is to end: what has not been evaluated by then is left.
    pub fn hurry(&self, deadline: Instant) {
        self.shared.hurry.set(deadline);
    }
}

/// The compiled expressions.
#[derive(Debug)]
pub struct Expressions {
    jq: Option<Jq>,
    raw: bool,
    until: Option<Jq>,
    fail_on: Option<Jq>,
}

impl Expressions {
    /// Compiles what is given; `None` when there is nothing. Fails with the flag whose expression is bad.
    pub fn compile(given: &Given<'_>) -> Result<Option<Self>, (&'static str, BadExpression)> {
        let compile = |flag, expression: Option<&str>| {
            expression.map(|text| Jq::compile(text).map_err(|error| (flag, error))).transpose()
        };
        let jq = compile("--jq", given.jq)?;
        let until = compile("--until", given.until)?;
        let fail_on = compile("--fail-on", given.fail_on)?;
        let any = jq.is_some() || until.is_some() || fail_on.is_some();
        Ok(any.then_some(Self { jq, raw: given.raw, until, fail_on }))
    }

    /// What is printed for one record by itself: the last one of a run that had no output.
    pub fn filter(&self, record: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.jq {
            // A failure would be one more than the one that ended the run.
            // On a thread with stack enough, as all others; without one nothing is printed.
            Some(jq) => std::thread::scope(|scope| {
                let limits = Limits::shared_thread();
                let out = &mut out;
                let evaluate = move || print(jq, self.raw, record, &limits, Style::default(), out);
                let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, evaluate);
                drop(thread.map(std::thread::ScopedJoinHandle::join));
            }),
            None => out.extend_from_slice(record),
        }
        out
    }

    /// Puts them before `inner`; warnings go to `warnings`, if they are wanted. With `outlives`, conditions are looked
    /// at also when nobody reads the output any more.
    pub fn over(
        self,
        inner: Box<dyn Write + Send>,
        style: Style,
        warnings: Option<Stream>,
        outlives: bool,
    ) -> (Box<dyn Write + Send>, Judgement) {
        let shared = Arc::new(Shared::default());
        let judgement = Judgement { shared: Arc::clone(&shared) };
        let evaluator = Evaluator {
            expressions: self,
            inner,
            style,
            complaints: Complaints { stream: warnings, told: BTreeSet::new() },
            outlives,
            closed: false,
            shared,
            out: Vec::new(),
            written: Instant::now(),
        };
        (Box::new(evaluator), judgement)
    }
}

/// Failures of expressions, each told once and not too many of them.
#[derive(Debug)]
struct Complaints {
    stream: Option<Stream>,
    told: BTreeSet<(&'static str, String)>,
}

impl Complaints {
    fn failed(&mut self, flag: &'static str, consequence: &str, error: &str) {
        let Some(stream) = &self.stream else { return };
        let so_far = self.told.iter().filter(|(told, _)| *told == flag).count();
        if so_far >= WARNINGS {
            return;
        }
        let cut = error.char_indices().nth(TOLD).map_or(error.len(), |(at, _)| at);
        let more = if cut < error.len() { "…" } else { "" };
        let error = format!("{}{more}", &error[..cut]);
        if !self.told.insert((flag, error.clone())) {
            return;
        }
        let last = if so_far + 1 == WARNINGS { "; further failures are not told" } else { "" };
        let text = format!("`{flag}` failed on a record, which counts as {consequence}: {error}{last}");
        stream.line(&format!("{} {}", stream.style.label("warning:"), stream.style.clean(&redact(&text))));
    }
}

/// Takes entries, looks at them, and writes what is to be seen.
struct Evaluator {
    expressions: Expressions,
    inner: Box<dyn Write + Send>,
    style: Style,
    complaints: Complaints,
    outlives: bool,
    /// Nobody reads what is printed.
    closed: bool,
    shared: Arc<Shared>,
    /// What is to be written.
    out: Vec<u8>,
    /// When something was written last.
    written: Instant,
}

impl Write for Evaluator {
    /// Takes whole entries.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written = Instant::now();
        let mut met = self.is_met();
        for entry in entries(bytes) {
            if met && !entry.last {
                continue;
            }
            let late = self.shared.hurry.is_over();
            if late && !entry.last {
                continue;
            }
            self.show(&entry, late)?;
            if !entry.last
                && !entry.record.is_empty()
                && let Some(condition) = self.judge(entry.record)
            {
                // It is seen before the run ends because of it.
                self.put()?;
                self.tell(condition, entry.record);
                met = true;
            }
            if self.out.len() >= GATHER || self.written.elapsed() >= GATHER_TIME {
                self.put()?;
            }
        }
        self.put()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Evaluator {
    fn is_met(&self) -> bool {
        self.shared.met.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn tell(&self, condition: Condition, record: &[u8]) {
        let text = String::from_utf8_lossy(record);
        let text = text.trim_end();
        let cut = text.char_indices().nth(TOLD).map_or(text.len(), |(at, _)| at);
        let more = if cut < text.len() { "…" } else { "" };
        let met = Met { condition, record: format!("{}{more}", &text[..cut]) };
        *self.shared.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(met);
        self.shared.came.notify_one();
    }

    /// Appends what is printed of an entry.
    fn show(&mut self, entry: &Entry<'_>, late: bool) -> io::Result<()> {
        let Self { expressions, style, complaints, shared, out, inner, closed, outlives, written } = self;
        match &expressions.jq {
            _ if !entry.shown => {}
            None if style.terminal && !entry.record.is_empty() => {
                let line = String::from_utf8_lossy(entry.record);
                out.extend_from_slice(sanitize::json_for_terminal(&line).as_bytes());
            }
            None => out.extend_from_slice(entry.record),
            Some(jq) if !entry.record.is_empty() => {
                let mut limits = Limits::own_thread(Some(&shared.hurry));
                if late {
                    limits = Limits::own_thread(None);
                    limits.time = LAST_TIME;
                }
                let mut failed = Ok(());
                let result = jq.each(entry.record, &limits, |value| {
                    append(out, value, expressions.raw, *style);
                    // Results without end are seen while they come.
                    if out.len() >= GATHER || written.elapsed() >= GATHER_TIME {
                        failed = put(inner.as_mut(), out, closed, *outlives);
                        *written = Instant::now();
                    }
                    if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                failed?;
                if let Err(error) = result
                    && !shared.hurry.is_over()
                {
                    complaints.failed("--jq", "no result", &error);
                }
            }
            Some(_) => {}
        }
        self.out.extend_from_slice(entry.text);
        Ok(())
    }

    /// The condition that a record meets: `--fail-on` goes before `--until`.
    fn judge(&mut self, record: &[u8]) -> Option<Condition> {
        let Self { expressions, complaints, shared, .. } = self;
        let limits = Limits::own_thread(Some(&shared.hurry));
        let conditions =
            [("--fail-on", &expressions.fail_on, Condition::FailOn), ("--until", &expressions.until, Condition::Until)];
        for (flag, jq, condition) in conditions {
            match jq.as_ref().map(|jq| jq.is_true(record, &limits)) {
                Some(Ok(true)) => return Some(condition),
                Some(Err(error)) if !shared.hurry.is_over() => complaints.failed(flag, "false", &error),
                Some(Ok(false) | Err(_)) | None => {}
            }
        }
        None
    }

    fn put(&mut self) -> io::Result<()> {
        self.written = Instant::now();
        put(self.inner.as_mut(), &mut self.out, &mut self.closed, self.outlives)
    }
}

/// Writes all there is.
fn put(inner: &mut dyn Write, out: &mut Vec<u8>, closed: &mut bool, outlives: bool) -> io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let result = if *closed { Ok(()) } else { inner.write_all(out).and_then(|()| inner.flush()) };
    out.clear();
    match result {
        Err(error) if outlives && error.kind() == io::ErrorKind::BrokenPipe => {
            *closed = true;
            Ok(())
        }
        result => result,
    }
}

fn print(
    jq: &Jq,
    raw: bool,
    record: &[u8],
    limits: &Limits<'_>,
    style: Style,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    jq.each(record, limits, |value| {
        append(out, value, raw, style);
        ControlFlow::Continue(())
    })
}

/// Appends one result and a newline, made harmless where a person sees it.
fn append(out: &mut Vec<u8>, value: &super::jq::Value, raw: bool, style: Style) {
    match is_text(value).filter(|_| raw) {
        Some(text) if style.terminal => {
            out.extend_from_slice(sanitize::for_terminal(&String::from_utf8_lossy(text)).as_bytes());
        }
        Some(text) => out.extend_from_slice(text),
        None => {
            let start = out.len();
            write_json(out, value);
            if style.terminal {
                let line = String::from_utf8_lossy(&out.split_off(start)).into_owned();
                out.extend_from_slice(sanitize::json_for_terminal(&line).as_bytes());
            }
        }
    }
    out.push(b'\n');
}
