//! The clock that messages carry, and the thread that wakes publishers.
//!
//! Within a process time is that of a clock that never jumps, put in relation to 1970 once. Between processes latencies are
//! as right as their machines' clocks are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::measure::SendSchedule;

/// Nanoseconds since 1970 that go on evenly.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    since_1970: u64,
}

impl Clock {
    /// Set by the system's clock.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), since_1970: nanos(since) }
    }

    /// Now.
    pub fn now(&self) -> u64 {
        self.since_1970.saturating_add(nanos(self.origin.elapsed()))
    }

    /// That moment as the runtime knows it.
    pub fn instant(&self, at: u64) -> tokio::time::Instant {
        let since = Duration::from_nanos(at.saturating_sub(self.since_1970));
        tokio::time::Instant::from_std(self.origin + since)
    }
}

/// A duration in nanoseconds.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Publishers are not woken more often than this. The runtime's own timers know milliseconds only, which is longer than
/// many a message takes.
const SHORTEST: Duration = Duration::from_micros(100);

/// Wakes publishers when their messages are due.
#[derive(Debug)]
pub struct Pacer {
    over: Arc<AtomicBool>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

impl Pacer {
    /// From `start` on, by the schedule; the publishers in the order of their places. Fails where there is no thread to be
    /// had.
    pub fn start(
        clock: Clock,
        start: u64,
        schedule: SendSchedule,
        publishers: Vec<Arc<Notify>>,
    ) -> std::io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let handle = thread::Builder::new().name("pacer".into()).spawn(move || {
            let mut index = 0;
            while !ended.load(Ordering::Relaxed) {
                let due = start.saturating_add(nanos(schedule.moment(index)));
                let now = clock.now();
                if due > now {
                    thread::park_timeout(Duration::from_nanos(due - now).max(SHORTEST));
                    continue;
                }
                // All that are due by now, each publisher once.
                let mut woken = 0;
                while start.saturating_add(nanos(schedule.moment(index))) <= now {
                    if woken < publishers.len() {
                        publishers[schedule.publisher(index)].notify_one();
                    }
                    woken += 1;
                    index += 1;
                }
            }
        })?;
        Ok(Self { over, thread: handle.thread().clone(), handle: Some(handle) })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // A thread that has panicked is gone, too.
            let _ = handle.join();
        }
    }
}

/// How long the processors have worked for this process; `None` where that cannot be told.
#[cfg(unix)]
pub fn cpu_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// How long the processors have worked for this process; `None` where that cannot be told.
#[cfg(not(unix))]
pub fn cpu_time() -> Option<Duration> {
    None
}
