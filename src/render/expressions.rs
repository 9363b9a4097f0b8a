//! The expressions of a run, between the printer and stdout: `--jq`, `--until`, `--fail-on` (CLI contract, *Data out*,
//! *Ending*).
//!
//! They are evaluated on the thread that writes stdout, behind the same bounded queue: one that takes long holds back
//! the output, and so the reading of further messages, never pings, acks, signals or deadlines. Records are looked at in
//! their order; once a condition is met by one, that one is the last that is printed.
//!
//! Where a connection outlives the process, each entry says how far messages have come with it. What is passed over, when
//! a condition was met or the run has to end, does not count as written: it waits for the next run.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::batch::{BatchView, PrintedEntry};
use super::console::{ConsoleStream, Style};
use super::jq::{BadExpression, EvaluationDeadline, Jq, Limits, STACK, Val, is_true, write_json};
use super::sanitize;
use super::writer::{Ledger, OutputSink, Reach, WriteFailure};
use webpubsub_net::secret::excerpt;

/// Output gathered before it is written, in bytes and in time.
const GATHER: usize = 128 * 1024;
const GATHER_TIME: Duration = Duration::from_millis(5);
/// After how many records that took no time the clock is looked at again.
const LOOKS: u32 = 16;
/// Warnings for each expression.
const WARNINGS: usize = 5;
/// The most of an error that is told, in characters.
const TOLD: usize = 200;
/// An evaluation that takes no longer is quick: those that are waited for, however many they are.
const QUICK: Duration = Duration::from_micros(100);
/// When the run is over, the most time that all take beyond that.
const SLOW_TIME: Duration = Duration::from_millis(1500);
/// Time for the record that says how the run ended.
const LAST_TIME: Duration = Duration::from_millis(250);

/// What the expressions are, as they were given.
#[derive(Clone, Debug, Default)]
pub struct ExpressionTexts<'a> {
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
pub enum EndCondition {
    /// `--until`: what was waited for.
    Until,
    /// `--fail-on`: what must not be.
    FailOn,
}

/// A condition that was met.
#[derive(Clone, Debug)]
pub struct MetCondition {
    pub condition: EndCondition,
    /// By this record: the beginning of its JSON.
    pub record: String,
}

#[derive(Debug, Default)]
struct ConditionState {
    met: Mutex<Option<MetCondition>>,
    came: Notify,
    deadline: EvaluationDeadline,
}

/// The conditions of a run: whether one was met, and by when they must be evaluated.
#[derive(Clone, Debug)]
pub struct Conditions {
    shared: Arc<ConditionState>,
}

impl Conditions {
    /// The condition that was met, if one was by what is written so far.
    pub fn met(&self) -> Option<MetCondition> {
        self.shared.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when a condition is met.
    pub async fn wait(&self) -> MetCondition {
        loop {
            let came = self.shared.came.notified();
            if let Some(met) = self.met() {
                return met;
            }
            came.await;
        }
    }

    /// The run is over. What came before is printed; evaluations that are slow have [`SLOW_TIME`] for all of it.
    pub fn over(&self) {
        self.shared.deadline.set_late();
    }

    /// The run is to end: what has not been evaluated by then is left.
    pub fn set_deadline(&self, deadline: Instant) {
        self.shared.deadline.set(deadline);
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
    pub fn compile(given: &ExpressionTexts<'_>) -> Result<Option<Self>, (&'static str, BadExpression)> {
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
        warnings: Option<ConsoleStream>,
        outlives: bool,
    ) -> (Box<dyn OutputSink>, Conditions) {
        let shared = Arc::new(ConditionState::default());
        let conditions = Conditions { shared: Arc::clone(&shared) };
        let outlet = Outlet {
            inner,
            outlives,
            closed: false,
            out: Vec::new(),
            reach: Reach::default(),
            written: Instant::now(),
            puts: 0,
            looks: 0,
        };
        let evaluator = Evaluator {
            expressions: self,
            style,
            complaints: Complaints { stream: warnings, told: BTreeSet::new() },
            shared,
            outlet,
            passed_over: false,
            slow: Duration::ZERO,
        };
        (Box::new(evaluator), conditions)
    }
}

/// Failures of expressions, each printed once and not too many of them.
#[derive(Debug)]
struct Complaints {
    stream: Option<ConsoleStream>,
    told: BTreeSet<(&'static str, String)>,
}

impl Complaints {
    fn failed(&mut self, flag: &'static str, consequence: &str, error: &str) {
        let Some(stream) = &self.stream else { return };
        let so_far = self.told.iter().filter(|(told, _)| *told == flag).count();
        if so_far >= WARNINGS {
            return;
        }
        let error = excerpt(error, TOLD).into_owned();
        if !self.told.insert((flag, error.clone())) {
            return;
        }
        let last = if so_far + 1 == WARNINGS { "; further failures are not told" } else { "" };
        let text = format!("`{flag}` failed on a record, which counts as {consequence}: {error}{last}");
        stream.line(&format!("{} {}", stream.style.label("warning:"), sanitize::for_line(&text)));
    }
}

impl Complaints {
    /// The run is over, and not all that came is looked at.
    fn left_out(&mut self) {
        let Some(stream) = &self.stream else { return };
        if self.told.insert(("", String::new())) {
            let text = "the run is over, and the expressions are slow: not all records that came before are looked at";
            stream.line(&format!("{} {text}", stream.style.label("warning:")));
        }
    }
}

/// Takes entries, looks at them, and writes what is to be seen.
struct Evaluator {
    expressions: Expressions,
    style: Style,
    complaints: Complaints,
    shared: Arc<ConditionState>,
    outlet: Outlet,
    /// Something was not printed, or nobody reads: what comes behind it does not count as written.
    passed_over: bool,
    /// What slow evaluations have taken since the run was over.
    slow: Duration,
}

/// What is written, and how far messages come with it.
struct Outlet {
    inner: Box<dyn Write + Send>,
    /// Nothing ends when nobody reads what is printed.
    outlives: bool,
    /// Nobody does.
    closed: bool,
    /// What is to be written.
    out: Vec<u8>,
    /// How far all has come with it; none, when nothing has since this was told what to write.
    reach: Reach,
    /// When something was written last.
    written: Instant,
    /// How often.
    puts: u64,
    /// How often it need not be looked at the clock yet: what takes time makes it 0.
    looks: u32,
}

/// The result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EvaluationResult<T> {
    To(T),
    /// The run has to end, and it was not waited for.
    CutShort,
}

impl OutputSink for Evaluator {
    fn put(&mut self, batch: BatchView<'_>, reach: Reach, ledger: Option<&dyn Ledger>) -> Result<Reach, WriteFailure> {
        self.outlet.written = Instant::now();
        self.outlet.reach = Reach::default();
        let mut met = self.is_met();
        for entry in batch.entries() {
            if entry.last {
                self.show(&entry, ledger)?;
            } else if met || self.is_out_of_time() || !self.take(&entry, &mut met, ledger)? {
                self.passed_over = true;
            }
            self.outlet.put_if_due(ledger)?;
        }
        self.passed_over |= self.outlet.closed;
        if !self.passed_over {
            self.outlet.reach = reach;
        }
        self.outlet.put(self.outlet.reach, ledger)?;
        self.passed_over |= self.outlet.closed;
        Ok(if self.outlet.closed { Reach::default() } else { self.outlet.reach })
    }
}

impl Evaluator {
    fn is_met(&self) -> bool {
        self.shared.met.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Looks at an entry, and prints what is printed of it; `met`: a condition is, from now on. `false` when the run has
    /// to end before that is done.
    fn take(
        &mut self,
        entry: &PrintedEntry<'_>,
        met: &mut bool,
        ledger: Option<&dyn Ledger>,
    ) -> Result<bool, WriteFailure> {
        let condition = match self.judge(entry) {
            EvaluationResult::To(condition) => condition,
            // Another run looks at it, if there is to be one; without, it is seen at least.
            EvaluationResult::CutShort if !entry.reach.is_none() => return Ok(false),
            EvaluationResult::CutShort => None,
        };
        let (start, puts) = (self.outlet.out.len(), self.outlet.puts);
        if self.show(entry, ledger)? == EvaluationResult::CutShort && !entry.reach.is_none() {
            if puts == self.outlet.puts {
                self.outlet.out.truncate(start);
            }
            return Ok(false);
        }
        if !self.passed_over {
            self.outlet.reach = self.outlet.reach.max(entry.reach);
        }
        if let Some(condition) = condition {
            // It is seen before the run ends because of it.
            self.outlet.put(self.outlet.reach, ledger)?;
            self.report_met(condition, entry.record);
            *met = true;
        }
        Ok(true)
    }

    /// Whether the run has to end, or there is no more time for slow evaluations. That records are left out is told.
    fn is_out_of_time(&mut self) -> bool {
        let is_out = self.shared.deadline.is_over() || self.slow >= SLOW_TIME;
        if is_out {
            self.complaints.left_out();
        }
        is_out
    }

    /// How far an evaluation may go, of a record that is not the last.
    fn limits<'a>(shared: &'a ConditionState, slow: Duration) -> Limits<'a> {
        let mut limits = Limits::own_thread(Some(&shared.deadline));
        limits.late = SLOW_TIME.saturating_sub(slow) + QUICK;
        limits
    }

    /// Counts an evaluation, as far as the run was over and it was slow.
    fn count(shared: &ConditionState, slow: &mut Duration, begun: Instant) {
        if let Some(late) = shared.deadline.late() {
            *slow += late.max(begun).elapsed().saturating_sub(QUICK);
        }
    }

    fn report_met(&self, condition: EndCondition, record: &[u8]) {
        let text = String::from_utf8_lossy(record);
        let met = MetCondition { condition, record: excerpt(text.trim_end(), TOLD).into_owned() };
        *self.shared.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(met);
        self.shared.came.notify_one();
    }

    /// Appends what is printed of an entry.
    fn show(
        &mut self,
        entry: &PrintedEntry<'_>,
        ledger: Option<&dyn Ledger>,
    ) -> Result<EvaluationResult<()>, WriteFailure> {
        let Self { expressions, style, complaints, shared, outlet, slow, .. } = self;
        let mut evaluated = EvaluationResult::To(());
        match &expressions.jq {
            _ if !entry.shown => {}
            None if style.terminal && !entry.record.is_empty() => {
                let line = String::from_utf8_lossy(entry.record);
                outlet.out.extend_from_slice(sanitize::json_for_terminal(&line).as_bytes());
            }
            None => outlet.out.extend_from_slice(entry.record),
            Some(_) if entry.record.is_empty() => {}
            Some(jq) => {
                if let Some(value) = jq.quick(entry.record) {
                    if let Some(value) = value {
                        append(&mut outlet.out, &value, expressions.raw, *style);
                    }
                } else {
                    outlet.looks = 0;
                    let mut limits = Self::limits(shared, *slow);
                    if entry.last {
                        limits = Limits::own_thread(None);
                        limits.time = LAST_TIME;
                    }
                    let mut failed = Ok(());
                    let mut begun = Instant::now();
                    // One that is given up may be so amid a result.
                    let mut whole = outlet.out.len();
                    let result = jq.each(entry.record, &limits, |value| {
                        append(&mut outlet.out, value, expressions.raw, *style);
                        // Results without end are seen while they come.
                        if outlet.out.len() >= GATHER || outlet.written.elapsed() >= GATHER_TIME {
                            let written = Instant::now();
                            failed = outlet.put(outlet.reach.max(entry.reach), ledger);
                            // A reader that is slow is none of its business.
                            begun += written.elapsed();
                        }
                        whole = outlet.out.len();
                        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                    });
                    if !entry.last {
                        Self::count(shared, slow, begun);
                    }
                    failed?;
                    outlet.out.truncate(whole);
                    match result {
                        Err(_) if !entry.last && (shared.deadline.is_over() || *slow >= SLOW_TIME) => {
                            complaints.left_out();
                            evaluated = EvaluationResult::CutShort;
                        }
                        Err(error) => complaints.failed("--jq", "no result", &error),
                        Ok(()) => {}
                    }
                }
            }
        }
        outlet.out.extend_from_slice(entry.text);
        Ok(evaluated)
    }

    /// The condition that a record meets: `--fail-on` overrides `--until`.
    fn judge(&mut self, PrintedEntry { record, .. }: &PrintedEntry<'_>) -> EvaluationResult<Option<EndCondition>> {
        if record.is_empty() {
            return EvaluationResult::To(None);
        }
        let Self { expressions, complaints, shared, outlet, slow, .. } = self;
        let conditions = [
            ("--fail-on", &expressions.fail_on, EndCondition::FailOn),
            ("--until", &expressions.until, EndCondition::Until),
        ];
        for (flag, jq, condition) in conditions {
            let Some(jq) = jq else { continue };
            let result = match jq.quick(record) {
                Some(value) => Ok(value.as_ref().is_some_and(is_true)),
                None => {
                    let begun = Instant::now();
                    let result = jq.is_true(record, &Self::limits(shared, *slow));
                    Self::count(shared, slow, begun);
                    outlet.looks = 0;
                    result
                }
            };
            match result {
                Ok(true) => return EvaluationResult::To(Some(condition)),
                Err(_) if shared.deadline.is_over() || *slow >= SLOW_TIME => {
                    complaints.left_out();
                    return EvaluationResult::CutShort;
                }
                Err(error) => complaints.failed(flag, "false", &error),
                Ok(false) => {}
            }
        }
        EvaluationResult::To(None)
    }
}

impl Outlet {
    /// Writes what there is, if that is much or waits for long. Behind what takes no time the clock is not looked at each
    /// time.
    fn put_if_due(&mut self, ledger: Option<&dyn Ledger>) -> Result<(), WriteFailure> {
        let looks = self.looks.checked_sub(1);
        self.looks = looks.unwrap_or(LOOKS);
        let is_late = || looks.is_none() && self.written.elapsed() >= GATHER_TIME;
        if self.out.len() >= GATHER || (!self.out.is_empty() && is_late()) {
            self.put(self.reach, ledger)
        } else {
            Ok(())
        }
    }

    /// Writes all there is; what is up to `begun` may be seen by that.
    fn put(&mut self, begun: Reach, ledger: Option<&dyn Ledger>) -> Result<(), WriteFailure> {
        self.written = Instant::now();
        self.puts += 1;
        if let Some(ledger) = ledger.filter(|_| !begun.is_none()) {
            ledger.begin(begun).map_err(WriteFailure::unrecorded)?;
        }
        if !self.out.is_empty() && !self.closed {
            let result = self.inner.write_all(&self.out).and_then(|()| self.inner.flush());
            match result.map_err(WriteFailure::of) {
                Err(WriteFailure::Closed) if self.outlives => self.closed = true,
                result => result?,
            }
        }
        self.out.clear();
        if let Some(ledger) = ledger.filter(|_| !self.closed && !self.reach.is_none()) {
            ledger.done(self.reach);
        }
        Ok(())
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
    let mut whole = out.len();
    let result = jq.each(record, limits, |value| {
        append(out, value, raw, style);
        whole = out.len();
        ControlFlow::Continue(())
    });
    out.truncate(whole);
    result
}

/// Appends one result and a newline, made harmless where a person sees it.
fn append(out: &mut Vec<u8>, value: &Val, raw: bool, style: Style) {
    match value.as_str().filter(|_| raw) {
        Some(text) if style.terminal => out.extend_from_slice(sanitize::for_terminal(text).as_bytes()),
        Some(text) => out.extend_from_slice(text.as_bytes()),
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::batch::{OpenEntry, OutputBatch};
    use super::*;
    use webpubsub_client::event::Mark;

    /// Notes what it is told.
    #[derive(Debug, Default)]
    struct Book(Mutex<Vec<String>>);

    impl Ledger for Book {
        fn begin(&self, reach: Reach) -> io::Result<()> {
            self.0.lock().unwrap().push(format!("begin {}", reach.mark.unwrap().sequence_id));
            Ok(())
        }

        fn done(&self, reach: Reach) {
            self.0.lock().unwrap().push(format!("done {}", reach.mark.unwrap().sequence_id));
        }

        fn settle(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn mark(sequence_id: u64) -> Reach {
        Mark { ordinal: 1, sequence_id }.into()
    }

    /// Entries with these records, the first of which has sequence id 1.
    fn batch(records: &[&str]) -> OutputBatch {
        let mut out = OutputBatch::default();
        for (at, record) in records.iter().enumerate() {
            let entry = OpenEntry::begin(&out);
            out.bytes.extend_from_slice(record.as_bytes());
            entry.end(&mut out, true, false, mark(at as u64 + 1));
        }
        out
    }

    fn over(given: &ExpressionTexts<'_>, inner: Box<dyn Write + Send>) -> (Box<dyn OutputSink>, Conditions) {
        Expressions::compile(given).unwrap().unwrap().over(inner, Style::default(), None, true)
    }

    #[test]
    fn what_is_passed_over_does_not_count_as_written() {
        let (mut sink, conditions) =
            over(&ExpressionTexts { until: Some(". == 2"), ..ExpressionTexts::default() }, Box::new(io::sink()));
        let book = Book::default();
        let written = sink.put(batch(&["1\n", "2\n", "3\n", "4\n"]).view(), mark(4), Some(&book)).unwrap();
        assert_eq!((written, conditions.met().unwrap().record.as_str()), (mark(2), "2"));
        // Nor does what comes behind it, whatever it is.
        for batch in [OutputBatch::default(), batch(&["5\n"])] {
            assert_eq!(sink.put(batch.view(), mark(9), Some(&book)).unwrap(), Reach::default());
        }
        let told = book.0.lock().unwrap();
        assert!(told.iter().all(|it| !it.ends_with(|last| last > '2')), "{told:?}");
    }

    #[test]
    fn what_nobody_reads_any_more_does_not_count_as_written() {
        let (reader, writer) = io::pipe().unwrap();
        let (mut sink, conditions) =
            over(&ExpressionTexts { until: Some(". == 3"), ..ExpressionTexts::default() }, Box::new(writer));
        let book = Book::default();
        assert_eq!(sink.put(batch(&["1\n"]).view(), mark(1), Some(&book)).unwrap(), mark(1));
        drop(reader);
        assert_eq!(sink.put(batch(&["1\n", "2\n"]).view(), mark(2), Some(&book)).unwrap(), Reach::default());
        // Conditions are looked at all the same.
        assert_eq!(sink.put(batch(&["3\n"]).view(), mark(3), Some(&book)).unwrap(), Reach::default());
        assert!(conditions.met().is_some());
        assert_eq!(*book.0.lock().unwrap(), ["begin 1", "done 1", "begin 2"]);
    }
}
