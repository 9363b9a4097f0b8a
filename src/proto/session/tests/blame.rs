//! Whose fault it is that sockets die: nobody is given up for a network that fails, and what kills each socket is found.

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::session::blame::SUSPICION;

/// A service that answers in order, each socket of which ends as a test says.
struct Hostile {
    b: SessionBench,
    /// Frames that arrived on this socket and were not dealt with.
    arrived: VecDeque<u64>,
    open: bool,
    sockets: u32,
    /// How long a socket lives on after it got what kills it.
    life: Duration,
    settled: BTreeMap<u64, String>,
    /// All that was put out, for the message of a failure.
    said: Vec<String>,
}

impl Hostile {
    fn new(config: Config) -> Self {
        let b = SessionBench::live(config);
        let (settled, life) = (BTreeMap::new(), Duration::ZERO);
        Self { b, arrived: VecDeque::new(), open: true, sockets: 1, life, settled, said: Vec::new() }
    }

    /// Takes in what the session has put out, and opens what it dials.
    fn turn(&mut self) {
        loop {
            let said = self.b.take();
            if said.is_empty() {
                return;
            }
            for line in said {
                if let Some((_, rest)) = line.split_once(r#""ackId":"#).filter(|_| line.starts_with('→')) {
                    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                    self.arrived.push_back(digits.parse().unwrap());
                } else if let Some((id, outcome)) = line.strip_prefix('#').and_then(|line| line.split_once(' ')) {
                    let before = self.settled.insert(id.parse().unwrap(), outcome.to_owned());
                    assert_eq!(before, None, "settled twice");
                } else if line.starts_with("recover c") {
                    assert!(!self.open);
                    self.b.open();
                    self.b.control(PONG);
                    self.arrived.clear();
                    self.open = true;
                    self.sockets += 1;
                }
                assert!(!line.starts_with("session-lost"), "{line}");
                self.said.push(line);
            }
        }
    }

    /// Lets time pass, at most so much, until the session has put out something.
    fn pass(&mut self, time: Duration) {
        let until = self.b.now + time;
        self.turn();
        while self.arrived.is_empty() || !self.open {
            if self.b.now >= until {
                return;
            }
            let due = self.b.session.poll_timeout().unwrap_or(until).min(until);
            let step = due.saturating_sub(self.b.now);
            self.b.pass(step);
            self.turn();
        }
    }

    fn end(&mut self, cause: LossCause) {
        self.turn();
        self.open = false;
        self.arrived.clear();
        self.b.closed(cause);
        self.turn();
    }

    fn acked(&self) -> usize {
        self.settled.values().filter(|outcome| outcome.starts_with("acked")).count()
    }

    /// A service that dies of some operations, and answers all others in order. `first` happens on each new socket.
    fn kill_by(&mut self, killers: &[u64], cause: &LossCause, limit: Duration, mut first: impl FnMut(&mut Self)) {
        let (end, mut socket) = (self.b.now + limit, 0);
        while self.b.now < end && !self.b.session.is_idle() {
            self.pass(s(5));
            if std::mem::replace(&mut socket, self.sockets) != self.sockets {
                first(self);
            }
            while let Some(id) = self.arrived.pop_front() {
                if killers.contains(&id) {
                    self.b.pass(self.life);
                    self.end(cause.clone());
                    break;
                }
                self.b.ack(id);
                self.turn();
            }
        }
        assert!(self.b.session.is_idle(), "not settled in time: {:#?}", self.said);
    }
}

fn reset() -> LossCause {
    LossCause::Broken("reset".into())
}

fn close(code: u16) -> LossCause {
    LossCause::Close { code, reason: String::new() }
}

#[test]
fn a_stream_comes_through_a_connection_that_is_cut_after_each_small_step() {
    for (step, cause) in [(17, reset()), (1, reset()), (17, close(1009)), (3, close(1014)), (40, close(0))] {
        let mut h = Hostile::new(config());
        let (lines, in_flight) = (400, 256);
        let mut asked = 0;
        while h.acked() < lines {
            while asked < lines && asked < h.settled.len() + in_flight {
                asked += 1;
                h.b.send("x");
            }
            h.pass(s(5));
            for _ in 0..step {
                let Some(id) = h.arrived.pop_front() else { break };
                h.b.ack(id);
                h.turn();
            }
            h.end(cause.clone());
            assert!(h.b.now < s(500) && h.acked() == h.settled.len(), "{step} {cause:?}: {:?}", h.settled);
        }
    }
}

#[test]
fn an_operation_that_kills_each_socket_is_found_wherever_it_stands_and_nobody_else_pays() {
    for (cause, most) in [(reset(), 12), (close(1014), 12), (close(1009), 6)] {
        for position in [1, 2, 100, 256] {
            let mut h = Hostile::new(config());
            (0..256).for_each(|_| h.b.send("x"));
            h.kill_by(&[position], &cause, s(60), |_| {});
            assert_eq!(h.acked(), 255, "{position}");
            let told = &h.settled[&position];
            let end = format!("while it waited for the ack, at last by: {}", loss_of(&cause));
            assert!(told.starts_with(&format!("unknown {position}: ")) && told.ends_with(&end), "{told}");
            assert!(h.sockets <= most, "{cause:?} at {position}: {}", h.sockets);
        }
    }
}

fn loss_of(cause: &LossCause) -> String {
    super::super::transport::loss_of(cause, None).describe()
}

#[test]
fn each_of_several_killers_is_found() {
    let mut h = Hostile::new(config());
    (0..20).for_each(|_| h.b.send("x"));
    h.kill_by(&[3, 4, 5, 20], &close(1009), s(120), |_| {});
    assert_eq!((h.acked(), h.settled.len()), (16, 20));
}

#[test]
fn messages_that_arrive_before_each_death_do_not_hide_the_killer() {
    for life in [Duration::ZERO, ms(999), ms(1500), s(8)] {
        let mut h = Hostile::new(config());
        h.life = life;
        (0..5).for_each(|_| h.b.send("x"));
        let mut received = 0;
        h.kill_by(&[2], &reset(), s(200), |h| {
            received += 1;
            assert!(h.b.message(received));
        });
        assert_eq!((h.acked(), h.settled.len()), (4, 5));
        assert!(h.sockets <= 12, "{}", h.sockets);
    }
}

#[test]
fn answers_that_are_lost_with_the_socket_do_not_hide_the_killer() {
    // Everything is carried out up to the killer, but the answers are lost in the reset when they come with it.
    let mut h = Hostile::new(config());
    (0..256).for_each(|_| h.b.send("x"));
    while !h.b.session.is_idle() {
        h.pass(s(5));
        if h.arrived.contains(&200) {
            h.end(reset());
            continue;
        }
        for id in std::mem::take(&mut h.arrived) {
            h.b.ack(id);
        }
        h.turn();
        assert!(h.b.now < s(120), "{:#?}", h.settled);
    }
    assert_eq!(h.acked(), 255);
    assert!(h.settled[&200].starts_with("unknown 200: ") && h.sockets < 40, "{}: {}", h.sockets, h.settled[&200]);
}

#[test]
fn others_that_are_answered_while_the_slow_killer_works_do_not_hide_it() {
    // An event whose handler takes a while and then takes the connection with it; others are answered meanwhile.
    let mut h = Hostile::new(config());
    h.b.send("slow killer");
    let mut asked = 1;
    while !h.settled.contains_key(&1) {
        h.b.send("x");
        asked += 1;
        h.pass(s(5));
        let kills = h.arrived.contains(&1);
        for id in std::mem::take(&mut h.arrived).into_iter().filter(|id| *id != 1) {
            h.b.ack(id);
        }
        h.turn();
        if kills {
            h.pass(ms(700));
            h.end(reset());
        }
        assert!(h.b.now < s(120), "{:#?}", h.settled);
    }
    h.kill_by(&[], &reset(), s(60), |_| {});
    assert_eq!((h.acked(), h.settled.len() as u64), (asked - 1, asked as u64));
}

#[test]
fn an_operation_is_not_given_up_for_sockets_that_die_without_it_too() {
    // Each socket brings some messages and is cut; only after sixty of them is there room for the answer.
    for life in [ms(50), ms(1500), s(4)] {
        let mut h = Hostile::new(config());
        h.b.join("room");
        for id in 1..=60 {
            h.pass(Duration::ZERO);
            assert!(h.b.message(id));
            h.b.pass(life);
            h.end(reset());
            while !h.open {
                h.pass(s(1));
            }
            assert!(h.settled.is_empty(), "{life:?}, {id}: {:?}", h.settled);
        }
        h.kill_by(&[], &reset(), s(60), |_| {});
        assert_eq!(h.acked(), 1);
    }
}

#[test]
fn what_is_never_answered_ends_some_day_also_on_sockets_that_die_anyway() {
    let mut h = Hostile::new(config());
    h.b.send("x");
    let mut id = 0;
    while h.settled.is_empty() {
        h.pass(Duration::ZERO);
        id += 1;
        assert!(h.b.message(id) && id < 200);
        h.b.pass(ms(900));
        h.end(reset());
        while !h.open {
            h.pass(s(1));
        }
    }
    assert!(h.settled[&1].starts_with("unknown 1: the connection was lost 100 times"), "{:?}", h.settled);
}

#[test]
fn a_suspect_goes_out_alone_after_its_socket_has_lived_without_it_and_the_others_follow_its_answer() {
    let mut b = SessionBench::live(config());
    b.send("a");
    b.send("b");
    let both = [sends("a", 1), sends("b", 2)];
    b.says(&[&both[0], &both[1]]);
    for _ in 0..2 {
        b.cut();
        b.pass(s(1));
        b.take();
        b.open();
        b.control(PONG);
        assert_eq!(b.take()[2..], both);
    }
    b.cut();
    b.pass(s(1));
    b.take();
    b.open();
    b.control(PONG);
    // What is asked for meanwhile waits too, so that the order holds.
    b.send("c");
    assert_eq!(b.take().len(), 2);
    b.quiet(ms(999));
    b.pass(ms(1));
    b.says(&[&both[0]]);
    b.send("d");
    b.quiet(s(2));
    b.ack(1);
    assert_eq!(b.take()[2..], [sends("b", 2), sends("c", 3)]);
    b.ack(2);
    assert_eq!(b.take()[2..], [sends("d", 4)]);
}

#[test]
fn told_to_stop_while_a_suspect_is_held_back_nothing_is_waited_for() {
    let mut h = Hostile::new(config());
    h.b.send("x");
    for _ in 0..3 {
        h.pass(s(5));
        h.end(reset());
    }
    // The fourth socket opens after a second, and has to live for one without it.
    h.b.pass(s(1));
    h.turn();
    assert!(h.open && h.arrived.is_empty(), "it is not held back: {:#?}", h.said);
    h.b.session.handle_stop(h.b.now);
    h.turn();
    h.b.closed(close(1000));
    h.turn();
    assert_eq!(h.b.session.poll_timeout(), None);
}

#[test]
fn what_waited_for_its_turn_goes_before_what_is_new_when_the_turns_end() {
    const LINES: u64 = 900;
    let mut b = SessionBench::live(Config { ping_interval: None, ping_timeout: None, ..config() });
    (1..=LINES).for_each(|number| b.send(&number.to_string()));
    // The first is under suspicion after so many sockets without an answer.
    for _ in 0..SUSPICION {
        b.take();
        b.cut();
        b.pass(s(1));
        b.take();
        b.open();
        b.control(PONG);
    }
    b.pass(s(10));
    assert!(b.session.operations.is_careful());
    let id_of = |said: &String| (1..=LINES + 1).find(|id| said == &sends(&id.to_string(), *id));
    let mut sent: Vec<u64> = b.take().iter().filter_map(id_of).collect();
    let mut answered = 0;
    // Answers come, until they are the turn of all.
    while b.session.operations.is_careful() {
        b.ack(sent[answered]);
        answered += 1;
        sent.extend(b.take().iter().filter_map(id_of));
    }
    b.send(&(LINES + 1).to_string());
    sent.extend(b.take().iter().filter_map(id_of));
    assert_eq!(sent, (1..=LINES + 1).collect::<Vec<_>>());
}
