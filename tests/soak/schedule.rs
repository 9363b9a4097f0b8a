//! What is done to connections and to processes: drawn by chance out of the seed, in proportions that are meant to hit
//! what is hard.

use std::time::Duration;

use rustix::process::Signal;

use crate::random::Random;

/// What is done to a connection.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What becomes of the dial.
    pub handshake: Handshake,
    /// When it is taken away; else when its ends like.
    pub cut: Option<Cut>,
    /// It is passed on in pieces of so many bytes at most, with this pause.
    pub piece: Option<(usize, Duration)>,
    /// After the first time, nothing is passed on for the second.
    pub stall: Option<(Duration, Duration)>,
}

/// What becomes of a dial.
#[derive(Clone, Copy, Debug)]
pub enum Handshake {
    /// It is passed on.
    Pass,
    /// It is passed on after a time.
    Delay(Duration),
    /// It is accepted and reset.
    Reset,
    /// It is answered with this status.
    Status(u16),
    /// It is not answered, and reset after a time.
    Hang(Duration),
}

/// The end of a connection, at whichever comes first, counted from the end of the request's head.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// After so many bytes of the client, be it in the middle of a frame.
    pub up: Option<u64>,
    /// After so many bytes of the service.
    pub down: Option<u64>,
    /// After a time.
    pub time: Duration,
    /// How.
    pub how: How,
}

/// How a connection is taken away.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// Reset for both.
    Reset,
    /// An end of file for both, without a close frame.
    End,
    /// An end of file for the client, a reset for the service.
    EndForClient,
    /// The other way round.
    EndForServer,
}

impl Plan {
    /// Nothing is done to it.
    fn untouched() -> Self {
        Self { handshake: Handshake::Pass, cut: None, piece: None, stall: None }
    }

    /// A connection that is of use before it is cut.
    pub fn merciful(random: &mut Random) -> Self {
        let (time, how) = (random.millis(2000, 5000), how(random));
        Self { cut: Some(Cut { up: None, down: None, time, how }), ..Self::untouched() }
    }

    /// How many bytes may pass in each direction, with the head of the request.
    pub fn limits(&self, head: u64) -> (Option<u64>, Option<u64>) {
        self.cut.map_or((None, None), |cut| (cut.up.map(|bytes| head + bytes), cut.down))
    }
}

fn how(random: &mut Random) -> How {
    random.pick(&[(4, How::Reset), (4, How::End), (1, How::EndForClient), (1, How::EndForServer)])
}

/// What is done to the next connection. `limited` is what is left of a time in which each connection may carry so many
/// bytes, which are more than `largest`.
pub fn plan(random: &mut Random, limited: &mut Option<(u32, u64)>, largest: u64, recovers: bool) -> Plan {
    if let Some((left, bytes)) = limited.take() {
        if left > 1 {
            *limited = Some((left - 1, bytes));
        }
        let cut = Cut { up: Some(bytes), down: Some(bytes), time: Duration::from_secs(4), how: How::Reset };
        return Plan { cut: Some(cut), ..Plan::untouched() };
    }
    if random.permille(15) {
        *limited = Some((random.between(10, 30) as u32, 1000 + largest + largest / 8 + random.between(0, 10_000)));
    }
    let handshake = handshake(random, recovers);
    let (up, down) = match random.next() % 10 {
        0 => (Some(random.between(1, 2000)), None),
        1 => (None, Some(random.between(1, 2000))),
        2 => (Some(random.between(2000, 60_000)), None),
        3 => (None, Some(random.between(2000, 60_000))),
        _ => (None, None),
    };
    let time = match random.next() % 10 {
        0 => random.millis(0, 300),
        1 => random.millis(3000, 12_000),
        _ => random.waiting(Duration::from_millis(2000)),
    };
    let cut = Cut { up, down, time, how: how(random) };
    let piece = random.permille(150).then(|| match random.next() % 3 {
        0 => (random.between(1, 40) as usize, random.millis(1, 2)),
        1 => (random.between(100, 400) as usize, random.millis(1, 10)),
        _ => (random.between(1000, 4000) as usize, random.millis(20, 60)),
    });
    let stall = random.permille(100).then(|| (random.millis(0, 2000), random.millis(100, 5000)));
    Plan { handshake, cut: Some(cut), piece, stall }
}

fn handshake(random: &mut Random, recovers: bool) -> Handshake {
    match random.next() % 100 {
        0..8 => Handshake::Reset,
        8..12 => Handshake::Status(random.pick(&[(3, 503), (2, 502), (1, 500), (1, 429)])),
        // For a fresh connection these are final by the rules.
        12..16 if recovers => Handshake::Status(random.pick(&[(3, 404), (1, 401), (1, 403), (1, 400)])),
        16..18 => Handshake::Hang(random.millis(100, 3000)),
        18..28 => Handshake::Delay(random.millis(10, 1500)),
        _ => Handshake::Pass,
    }
}

/// When a process is stopped.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// After a time from its start.
    After(Duration),
    /// So long after a cut.
    AfterCut(Duration),
    /// So long after it has asked to recover.
    AtRecovery(Duration),
    /// While nothing listens, that long after the cut; the way opens again after the second time.
    WhileDown(Duration, Duration),
    /// When so many more records have come.
    AfterRecords(u64),
}

/// How a process is stopped, and when.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// When.
    pub moment: Moment,
    /// With what.
    pub signal: Signal,
    /// From this time on nobody reads what it prints, until it is stopped.
    pub unread: Option<Duration>,
    /// From the first time on it sleeps, as the machine does whose lid is closed, for the second.
    pub asleep: Option<(Duration, Duration)>,
}

/// The next one. `mean` is how long a process lives on average, when nothing else decides.
pub fn stop(random: &mut Random, mean: Duration) -> Stop {
    let moment = match random.next() % 20 {
        0..2 => Moment::After(random.millis(0, 400)),
        2..6 => Moment::AfterCut(random.millis(0, 60)),
        6..10 => Moment::AtRecovery(random.millis(0, 60)),
        10..12 => Moment::WhileDown(random.millis(0, 2500), random.millis(100, 4000)),
        12..14 => Moment::AfterRecords(random.between(1, 400)),
        _ => Moment::After(random.waiting(mean)),
    };
    let signal = random.pick(&[(8, Signal::KILL), (1, Signal::TERM), (1, Signal::INT)]);
    let unread = random.permille(150).then(|| random.millis(0, 4000));
    let asleep = random.permille(80).then(|| (random.millis(100, 3000), random.millis(200, 6000)));
    Stop { moment, signal, unread, asleep }
}

#[test]
fn the_schedule_is_repeatable_and_holds_all_there_is() {
    let draw = |seed| {
        let (mut random, mut limited) = (Random::new(seed), None);
        (0..2000).map(|n| format!("{:?}", plan(&mut random, &mut limited, 500, n % 4 != 0))).collect::<Vec<_>>()
    };
    let drawn = draw(7);
    assert_eq!(drawn, draw(7));
    assert_ne!(drawn, draw(8));
    for part in [
        "Status(404)",
        "Status(503)",
        "Hang",
        "Delay",
        "Reset }",
        "EndForClient",
        "up: Some",
        "down: Some",
        "stall: Some",
    ] {
        assert!(drawn.iter().any(|plan| plan.contains(part)), "{part}");
    }
    let fresh = drawn.iter().step_by(4);
    assert!(fresh.clone().all(|plan| !plan.contains("Status(404)") && !plan.contains("Status(401)")));
}
