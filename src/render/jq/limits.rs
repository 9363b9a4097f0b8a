//! Bounds of a running expression: time, depth, memory, and somebody in a hurry.
//!
//! An expression may recurse or loop for ever. The interpreter has no bounds of its own, but it asks its surroundings for
//! the compiled program at each step; that is where these are held, and where a run is given up, by unwinding to
//! whoever started it. Nothing of a run outlives it, so nothing is left half done.

use std::cell::Cell;
use std::fmt;
use std::hint::black_box;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jaq_core::data::HasLut;
use jaq_core::native::{Fun, run, v};
use jaq_core::{DataT, Exn, Lut};
use jaq_json::Val;

/// The most time for one record.
const TIME: Duration = Duration::from_secs(10);
/// The same, where others wait.
const SHARED_TIME: Duration = Duration::from_secs(1);
/// The most stack for recursion on a thread with plenty, in bytes.
const DEPTH: usize = 64 * 1024 * 1024;
/// The same on any thread: a quarter of the smallest that a main thread has.
const SHARED_DEPTH: usize = 256 * 1024;
/// The deepest nesting of a record; that of `jq` too. Who reads one recurses.
const NESTING: usize = 10_000;
/// The same on any thread.
const SHARED_NESTING: usize = 500;
/// The most memory by which the process may grow meanwhile, in bytes. It also bounds how deep values and closures are
/// nested inside each other, for which the stack has to suffice: who frees, compares or prints them recurses.
const MEMORY: usize = 128 * 1024 * 1024;
/// Steps between two looks at the clock. There are few, because one step may double a large value.
const STEPS: u32 = 8;
/// The time between two looks at the memory, which take some microseconds each. The first comes as late.
const WEIGHING: Duration = Duration::from_millis(1);

/// What is set when the results must come soon, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Hurry(Arc<Mutex<Option<Instant>>>);

impl Hurry {
    /// From then on, nothing is worth waiting for.
    pub fn set(&self, deadline: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(deadline);
    }

    /// Whether it is too late.
    pub fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// How far one evaluation may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Time.
    pub time: Duration,
    /// Stack, in bytes.
    depth: usize,
    /// Levels of the record.
    pub(super) nesting: usize,
    /// Memory, in bytes.
    pub(super) memory: usize,
    hurry: Option<&'a Hurry>,
}

impl<'a> Limits<'a> {
    /// On a thread with [`super::STACK`], where nobody waits who has no `hurry`.
    pub fn own_thread(hurry: Option<&'a Hurry>) -> Self {
        Self { time: TIME, depth: DEPTH, nesting: NESTING, memory: MEMORY, hurry }
    }

    /// On a thread that has more to do.
    pub fn shared_thread() -> Self {
        Self { time: SHARED_TIME, depth: SHARED_DEPTH, nesting: SHARED_NESTING, memory: MEMORY, hurry: None }
    }
}

/// Why an evaluation was given up.
#[derive(Clone, Copy, Debug)]
pub(super) enum GaveUp {
    /// It took too long.
    Time(Duration),
    /// It recursed too deep.
    Depth,
    /// It took too much memory.
    Memory,
    /// Whoever waited for it does no longer.
    Hurry,
    /// The record is nested too deep.
    Nested(usize),
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => write!(f, "it takes longer than {}", crate::render::human(*limit)),
            Self::Depth => f.write_str("it recurses too deep"),
            Self::Memory => f.write_str("it takes too much memory"),
            Self::Hurry => f.write_str("it was cut short by the end of the run"),
            Self::Nested(levels) => write!(f, "the record is nested deeper than {levels} levels"),
        }
    }
}

/// The interpreter's types: values are JSON, and the surroundings are a [`Run`].
pub(super) struct Bounded;

impl DataT for Bounded {
    type V<'a> = Val;
    type Data<'a> = &'a Run<'a>;
}

/// One evaluation.
pub(super) struct Run<'a> {
    program: &'a Lut<Bounded>,
    limits: &'a Limits<'a>,
    /// An address of the stack where it began.
    base: usize,
    started: Instant,
    steps: Cell<u32>,
    /// The memory of the process when it was first looked at, in bytes.
    memory: Cell<Option<usize>>,
    /// When to look at it again, from the start.
    weighing: Cell<Duration>,
}

impl<'a> Run<'a> {
    pub(super) fn new(program: &'a Lut<Bounded>, limits: &'a Limits<'a>) -> Self {
        Self {
            program,
            limits,
            base: stack_address(),
            started: Instant::now(),
            steps: Cell::new(0),
            memory: Cell::new(None),
            weighing: Cell::new(WEIGHING),
        }
    }

    /// Gives up when a bound is reached.
    fn step(&self) {
        if stack_address().abs_diff(self.base) > self.limits.depth {
            give_up(GaveUp::Depth);
        }
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS) {
            self.look(self.started.elapsed());
        }
    }

    /// Gives up when the time is over, or the memory is taken.
    fn look(&self, elapsed: Duration) {
        if elapsed < self.weighing.get() {
            return;
        }
        self.weighing.set(elapsed + WEIGHING);
        if elapsed > self.limits.time {
            give_up(GaveUp::Time(self.limits.time));
        }
        if self.limits.hurry.is_some_and(Hurry::is_over) {
            give_up(GaveUp::Hurry);
        }
        self.weigh();
    }

    /// Gives up when too much memory was taken. Where there is no telling, the bound of the time has to do.
    fn weigh(&self) {
        let Some(now) = memory_stats::memory_stats().map(|stats| stats.physical_mem) else { return };
        let before = self.memory.get().unwrap_or(now);
        self.memory.set(Some(before));
        if now.saturating_sub(before) > self.limits.memory {
            give_up(GaveUp::Memory);
        }
    }
}

impl<'a> HasLut<'a, Bounded> for &'a Run<'a> {
    fn lut(&self) -> &'a Lut<Bounded> {
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
fn give_up(why: GaveUp) -> ! {
    resume_unwind(Box::new(why))
}

/// `range/3` a step at a time: the interpreter's own would not come by here.
pub(super) fn range() -> Fun<Bounded> {
    run(("range", v(3), |mut cv| {
        let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        let data: &Run<'_> = cv.0.data();
        let zero = Val::from(0usize);
        let mut next = Some(Ok(from));
        Box::new(std::iter::from_fn(move || {
            data.step();
            let value: Val = match next.take()? {
                Ok(value) => value,
                Err(error) => return Some(Err(Exn::from(error))),
            };
            let goes_on = match by.cmp(&zero) {
                std::cmp::Ordering::Greater => value < to,
                std::cmp::Ordering::Less => value > to,
                std::cmp::Ordering::Equal => value != to,
            };
            if !goes_on {
                return None;
            }
            next = Some(value.clone() + by.clone());
            Some(Ok(value))
        }))
    }))
}

/// Whether JSON is nested no deeper than it can be read: the reader recurses.
pub(super) fn nesting_within(levels: usize, json: &[u8]) -> bool {
    // Most records have not even so many brackets.
    if memchr::memchr2_iter(b'[', b'{', json).nth(levels).is_none() {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > levels {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}
