//! Bounds of a running expression: time, depth, memory, and a deadline that is set from outside.
//!
//! An expression may recurse or loop for ever, and a single step of it may take any time and memory: `"=" * .n` does. The
//! interpreter has no bounds of its own, but it asks its surroundings for the compiled program at each step; and the
//! values are ours, so that whatever is done with them comes by here too: [`spend`] for the time, [`room`] and [`MemoryCharge`]
//! for the memory, which is counted for the evaluation alone. Where a bound is reached, the run is given up, by unwinding
//! to whoever started it. Nothing of a run outlives it, so nothing is left half done.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hint::black_box;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jaq_core::data::HasLut;
use jaq_core::{DataT, Lut};

use super::value::Val;

/// The most time for one record.
const TIME: Duration = Duration::from_secs(10);
/// The same, where others wait.
const SHARED_TIME: Duration = Duration::from_secs(1);
/// The most stack for recursion on a thread with plenty, in bytes.
const DEPTH: usize = 64 * 1024 * 1024;
/// The same on any thread: a quarter of the smallest that a main thread has.
const SHARED_DEPTH: usize = 256 * 1024;
/// The deepest nesting of a value; that of `jq` too. Who reads, compares, prints or frees one recurses.
const NESTING: u32 = 10_000;
/// The same on any thread.
const SHARED_NESTING: u32 = 500;
/// The most memory of an evaluation, in bytes.
const MEMORY: usize = 128 * 1024 * 1024;
/// What a step costs. A unit is about what it takes to look at an element of an array.
const STEP: usize = 64;
/// Units between two looks at the clock.
const LOOK: usize = 4096;
/// What the interpreter itself may take for a step at most, in bytes, such as for closures and what it is to do yet.
const STEP_MEMORY: usize = 256;
/// The time between two looks at the memory of the process, which take some microseconds each. The first comes as late.
const WEIGHING: Duration = Duration::from_millis(1);

/// What is set when the results must come soon, or not at all.
#[derive(Clone, Debug, Default)]
pub struct EvaluationDeadline(Arc<DeadlineState>);

#[derive(Debug, Default)]
struct DeadlineState {
    /// There is one of the times: until then nobody need look at them, which is done for each record.
    is_set: AtomicBool,
    times: Mutex<EvaluationTimes>,
}

#[derive(Clone, Copy, Debug, Default)]
struct EvaluationTimes {
    /// When it is too late.
    deadline: Option<Instant>,
    /// Since when evaluations have less time: [`Limits::late`].
    late: Option<Instant>,
}

impl EvaluationDeadline {
    /// From then on, nothing is worth waiting for.
    pub fn set(&self, deadline: Instant) {
        self.lock().deadline.get_or_insert(deadline);
        self.0.is_set.store(true, Ordering::Release);
    }

    /// From now on, there is less time; also for an evaluation under way, of which only what is yet to come counts.
    pub fn set_late(&self) {
        self.lock().late.get_or_insert_with(Instant::now);
        self.0.is_set.store(true, Ordering::Release);
    }

    /// Whether it is too late.
    pub fn is_over(&self) -> bool {
        self.is_set() && self.lock().deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Since when there is less time.
    pub fn late(&self) -> Option<Instant> {
        if self.is_set() { self.lock().late } else { None }
    }

    fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, EvaluationTimes> {
        self.0.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far one evaluation may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Time.
    pub time: Duration,
    /// The same from when it is late on, see [`EvaluationDeadline::set_late`].
    pub late: Duration,
    /// Stack, in bytes.
    depth: usize,
    /// Levels of a value.
    nesting: u32,
    /// Memory, in bytes.
    pub(super) memory: usize,
    deadline: Option<&'a EvaluationDeadline>,
}

impl<'a> Limits<'a> {
    /// On a thread with [`super::STACK`], where nobody waits unless there is a `deadline`.
    pub fn own_thread(deadline: Option<&'a EvaluationDeadline>) -> Self {
        Self { time: TIME, late: TIME, depth: DEPTH, nesting: NESTING, memory: MEMORY, deadline }
    }

    /// On a thread that has more to do.
    pub fn shared_thread() -> Self {
        let time = SHARED_TIME;
        Self { time, late: time, depth: SHARED_DEPTH, nesting: SHARED_NESTING, memory: MEMORY, deadline: None }
    }
}

/// Why an evaluation was given up.
#[derive(Clone, Copy, Debug)]
pub(super) enum EvaluationFailure {
    /// It took too long.
    Time(Duration),
    /// It recursed too deep.
    Depth,
    /// It took too much memory.
    Memory,
    /// Whoever waited for it does no longer.
    Deadline,
    /// A value is nested too deep.
    Nested(u32),
}

impl fmt::Display for EvaluationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => write!(f, "it takes longer than {}", crate::render::human(*limit)),
            Self::Depth => f.write_str("it recurses too deep"),
            Self::Memory => f.write_str("it takes too much memory"),
            Self::Deadline => f.write_str("it was cut short by the end of the run"),
            Self::Nested(levels) => write!(f, "a value is nested deeper than {levels} levels"),
        }
    }
}

thread_local! {
    /// The evaluation of this thread, if there is one.
    static METER: RefCell<Option<Meter>> = const { RefCell::new(None) };
    /// Units that were spent since the clock was looked at.
    static SPENT: Cell<usize> = const { Cell::new(0) };
    /// What the values of the evaluation take, in bytes.
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// The most that they may take; any, when there is no evaluation.
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The levels that they may have.
    static LEVELS: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// What an evaluation may take, and has taken.
#[derive(Debug)]
struct Meter {
    started: Instant,
    time: Duration,
    late: Duration,
    deadline: Option<EvaluationDeadline>,
    steps: usize,
    /// What the process took beside the values when that was first looked at, in bytes.
    rest: Option<usize>,
    /// When to look at it again, from the start.
    weighing: Duration,
}

/// While it is there, what is done on this thread is an evaluation.
#[derive(Debug)]
pub(super) struct MeterScope(());

impl MeterScope {
    pub(super) fn begin(limits: &Limits<'_>) -> Self {
        let Limits { time, late, .. } = *limits;
        let (started, deadline) = (Instant::now(), limits.deadline.cloned());
        METER.set(Some(Meter { started, time, late, deadline, steps: 0, rest: None, weighing: WEIGHING }));
        SPENT.set(0);
        HELD.set(0);
        MOST.set(limits.memory);
        LEVELS.set(limits.nesting);
        Self(())
    }
}

impl Drop for MeterScope {
    fn drop(&mut self) {
        METER.set(None);
        MOST.set(usize::MAX);
        LEVELS.set(u32::MAX);
    }
}

/// Whether this thread evaluates: what panics then is no defect of ours, and told as an error of the expression.
pub fn is_evaluating() -> bool {
    METER.try_with(|meter| meter.try_borrow().is_ok_and(|meter| meter.is_some())).unwrap_or(false)
}

/// Counts work, and gives up when the time is over. A unit is about what it takes to look at an element of an array, or
/// at some bytes of a string.
#[inline]
pub(super) fn spend(units: usize) {
    let spent = SPENT.get().saturating_add(units);
    SPENT.set(spent);
    if spent >= LOOK {
        SPENT.set(0);
        look();
    }
}

/// Counts the work on so many bytes of a string.
#[inline]
pub(super) fn spend_bytes(bytes: usize) {
    spend(bytes / 16);
}

#[cold]
fn look() {
    let why = METER.with_borrow_mut(|meter| meter.as_mut().and_then(Meter::look));
    if let Some(why) = why {
        give_up(why);
    }
}

impl Meter {
    fn look(&mut self) -> Option<EvaluationFailure> {
        let elapsed = self.started.elapsed();
        if elapsed > self.time {
            return Some(EvaluationFailure::Time(self.time));
        }
        if let Some(deadline) = &self.deadline {
            let is_late = |since: Instant| since.max(self.started).elapsed() > self.late;
            if deadline.is_over() || deadline.late().is_some_and(is_late) {
                return Some(EvaluationFailure::Deadline);
            }
        }
        let due = elapsed >= self.weighing;
        if due && (self.rest.is_none() || self.steps.saturating_mul(STEP_MEMORY) > MOST.get()) {
            self.weighing = elapsed + WEIGHING;
            return self.weigh();
        }
        None
    }

    /// What the interpreter takes beside the values can be seen only as what the process takes. It is looked at when
    /// there were steps enough to take too much. It also bounds how deep closures are nested inside each other, for which
    /// the stack has to suffice: who frees them recurses. Where there is no telling, the bound of the time has to do.
    fn weigh(&mut self) -> Option<EvaluationFailure> {
        let now = memory_stats::memory_stats()?.physical_mem.saturating_sub(HELD.get());
        let before = *self.rest.get_or_insert(now);
        (now.saturating_sub(before) > MOST.get()).then_some(EvaluationFailure::Memory)
    }
}

/// Gives up unless there is memory for so many bytes more.
#[inline]
pub(super) fn room(bytes: usize) {
    if HELD.get().saturating_add(bytes) > MOST.get() {
        give_up(EvaluationFailure::Memory);
    }
}

/// Gives up when a value is nested too deep.
#[inline]
pub(super) fn level(levels: u32) {
    let most = LEVELS.get();
    if levels > most {
        give_up(EvaluationFailure::Nested(most));
    }
}

/// Memory that a value takes.
#[derive(Debug, Default)]
pub(super) struct MemoryCharge(usize);

impl MemoryCharge {
    /// For so many bytes, which are about to be taken.
    pub(super) fn new(bytes: usize) -> Self {
        let mut charge = Self(0);
        charge.set(bytes);
        charge
    }

    /// It is so many bytes from now on.
    #[inline]
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes > self.0 {
            room(bytes - self.0);
        }
        HELD.set((HELD.get() + bytes).saturating_sub(self.0));
        self.0 = bytes;
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        // The values of a thread that ends may be freed after this.
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(self.0)));
    }
}

/// The interpreter's types: values are JSON, and the surroundings are a [`Evaluation`].
pub(super) struct BoundedTypes;

impl DataT for BoundedTypes {
    type V<'a> = Val;
    type Data<'a> = &'a Evaluation<'a>;
}

/// One evaluation.
pub(super) struct Evaluation<'a> {
    program: &'a Lut<BoundedTypes>,
    /// Stack, in bytes.
    depth: usize,
    /// An address of the stack where it began.
    base: usize,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(program: &'a Lut<BoundedTypes>, limits: &Limits<'_>) -> Self {
        Self { program, depth: limits.depth, base: stack_address() }
    }

    /// Gives up when a bound is reached.
    pub(super) fn step(&self) {
        if stack_address().abs_diff(self.base) > self.depth {
            give_up(EvaluationFailure::Depth);
        }
        METER.with_borrow_mut(|meter| {
            if let Some(meter) = meter {
                meter.steps += 1;
            }
        });
        spend(STEP);
    }
}

impl<'a> HasLut<'a, BoundedTypes> for &'a Evaluation<'a> {
    fn lut(&self) -> &'a Lut<BoundedTypes> {
        self.step();
        self.program
    }
}

/// About where the stack ends at the moment.
#[inline]
fn stack_address() -> usize {
    let here = 0u8;
    std::ptr::from_ref(black_box(&here)).addr()
}

/// Unwinds to where the evaluation began, which is no panic: nobody is told of one.
#[cold]
pub(super) fn give_up(why: EvaluationFailure) -> ! {
    resume_unwind(Box::new(why))
}
