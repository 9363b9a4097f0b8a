//! What happens to a machine beside its network: a process stands still for seconds, or all of it does, as where a lid is
//! closed; and its clock is set, forward and back.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::journal::Journal;
use crate::process::Running;
use crate::random::Random;
use crate::service::Service;

/// The machine of a bench.
pub struct Machine {
    random: Random,
    journal: Journal,
    clock: Option<Clock>,
    /// How far the clock may be off, in seconds: as long as a token is valid that is on its way.
    furthest: i64,
    offset: i64,
    /// When the next thing happens.
    next: Instant,
    /// How long each of them stands still.
    service: Option<Instant>,
    run: Option<Instant>,
}

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// The service stands still.
    Service,
    /// The run does.
    Run,
    /// Both do, and it is another time when they go on.
    Lid,
    /// The clock is set.
    Clock,
}

impl Machine {
    /// Nothing happens to it at first.
    pub fn new(random: Random, journal: Journal, clock: Option<Clock>, furthest: Duration) -> Self {
        let furthest = furthest.as_secs() as i64;
        let mut machine =
            Self { random, journal, clock, furthest, offset: 0, next: Instant::now(), service: None, run: None };
        machine.plan();
        machine
    }

    fn plan(&mut self) {
        self.next = Instant::now() + self.random.millis(4000, 25_000);
    }

    /// Does what is due. `free`: the run may be put to sleep, as nothing else does that.
    pub fn pass(&mut self, service: &mut Service, running: &mut Running, free: bool) {
        let now = Instant::now();
        if self.service.is_some_and(|until| now >= until) {
            self.service = None;
            service.sleep(false);
        }
        if self.run.is_some_and(|until| now >= until) {
            self.run = None;
            running.sleep(false);
        }
        if now < self.next || self.service.is_some() || self.run.is_some() {
            return;
        }
        let trouble =
            self.random.pick(&[(4, Trouble::Service), (4, Trouble::Run), (2, Trouble::Lid), (5, Trouble::Clock)]);
        let until = now + self.random.millis(200, 4500);
        if free && matches!(trouble, Trouble::Run | Trouble::Lid) {
            self.journal.note("machine: the run stands still");
            self.journal.count("sleeps", 1);
            running.sleep(true);
            self.run = Some(until);
        }
        if matches!(trouble, Trouble::Service | Trouble::Lid) {
            self.journal.note("machine: the service stands still");
            self.journal.count("sleeps", 1);
            service.sleep(true);
            self.service = Some(until);
        }
        if matches!(trouble, Trouble::Clock | Trouble::Lid) {
            self.jump();
        }
        self.plan();
    }

    /// Everybody is awake.
    pub fn wake(&mut self, service: &mut Service) {
        (self.service, self.run) = (None, None);
        service.sleep(false);
    }

    fn jump(&mut self) {
        let Some(clock) = &self.clock else { return };
        let furthest = self.furthest as u64;
        let far = match self.random.next() % 3 {
            0 => self.random.between(1, 90.min(furthest)),
            _ => self.random.between(1, furthest),
        } as i64;
        self.offset = if self.random.permille(500) { far } else { -far };
        self.journal.note(&format!("machine: the clock is set to {:+} s", self.offset));
        self.journal.count("jumps", 1);
        clock.jump(self.offset);
    }
}
