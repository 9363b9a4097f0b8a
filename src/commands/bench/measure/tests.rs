//! The measuring against services that lose, double, reorder and delay by known amounts, in virtual time.

use std::collections::HashMap;
use std::time::Duration;

use super::*;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_790_000_000 * SECOND;
const TIMES: RunTimes = RunTimes { start: START, steady: START };

fn sending(place: u64, rate: Option<f64>) -> SendPlan {
    SendPlan {
        place,
        publisher: place,
        schedule: rate.map(|rate| SendSchedule::new(rate, 1, Duration::ZERO)),
        count: None,
        until: None,
        in_flight: 1000,
        groups: 1,
        payloads: Payloads::new("r", (100, 100), 1),
    }
}

fn publishers(own: std::ops::Range<u64>) -> Publishers {
    Publishers { run: Some("r".into()), own }
}

/// So many messages of one publisher, each with when it was due.
fn messages(count: u64, rate: f64) -> Vec<(u64, String)> {
    let mut sender = BenchSender::new(SendPlan { count: Some(count), ..sending(0, Some(rate)) }, TIMES);
    let mut now = START;
    let mut messages = Vec::new();
    loop {
        match sender.next(now) {
            Next::Now => {
                let message = sender.send(now);
                sender.settle(message.number, MessageResult::Acked, now);
                messages.push((now, message.text));
            }
            Next::At(due) => now = due,
            Next::Full => panic!("everything is acknowledged"),
            Next::Over => return messages,
        }
    }
}

/// Numbers from 0 to 1 that look drawn.
fn drawn(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What publisher 0 published, but for those.
fn published(sent: u64, unsure: &[u64]) -> HashMap<u64, PublishedCounts> {
    HashMap::from([(0, PublishedCounts { sent, unsure: unsure.into(), due: None })])
}

/// Lost, doubled, reordered at one receiver, of `sent` messages of publisher 0.
fn verdict(receiver: &mut BenchReceiver, sent: u64) -> [u64; 3] {
    let verdict = receiver.verdict(&published(sent, &[]), 0);
    [verdict.lost(), verdict.doubled, verdict.reordered]
}

fn within(found: u64, exact: f64, percent: f64) -> bool {
    (found as f64 - exact).abs() <= exact * percent / 100.0
}

#[test]
fn what_a_service_loses_doubles_and_reorders_is_named_exactly() {
    let messages = messages(10_000, 1000.0);
    let mut receiver = BenchReceiver::new(publishers(0..1), 0, 1);
    let mut draw = drawn(3);
    let (mut lost, mut doubled, mut reordered) = (0, 0, 0);
    let mut held: Option<&String> = None;
    for (at, text) in &messages {
        // One that is held back comes behind the next that is not lost.
        match draw() {
            share if share < 0.01 => lost += 1,
            share if share < 0.02 && held.is_none() => held = Some(text),
            share => {
                receiver.take(text, at + 1000, TIMES);
                if share > 0.97 {
                    receiver.take(text, at + 2000, TIMES);
                    doubled += 1;
                }
                if let Some(late) = held.take() {
                    receiver.take(late, at + 3000, TIMES);
                    reordered += 1;
                }
            }
        }
    }
    if let Some(last) = held {
        receiver.take(last, START + 11 * SECOND, TIMES);
    }
    assert!(lost > 50 && doubled > 200 && reordered > 50, "{lost} {doubled} {reordered}");
    let counts = receiver.samples.counts;
    assert_eq!((counts.arrived, counts.received), (10_000 - lost, 10_000 - lost + doubled));
    assert_eq!(verdict(&mut receiver, 10_000), [lost, doubled, reordered]);
}

#[test]
fn percentiles_of_a_known_distribution_are_right_to_one_percent() {
    /// A distribution by its quantiles, in nanoseconds.
    type Quantiles = fn(f64) -> f64;
    let distributions: [(&str, Quantiles); 4] = [
        ("all the same", |_| 1_234_567.0),
        ("evenly from 50 µs to 5 ms", |q| 50_000.0 + q * 4_950_000.0),
        ("exponential of 2 ms", |q| -2_000_000.0 * (1.0 - q).ln()),
        ("fast, and one in 50 slow by seconds", |q| if q < 0.98 { 80_000.0 + q * 40_000.0 } else { q * 3e9 }),
    ];
    let count = 200_000;
    for (name, quantile) in distributions {
        // Each of so many equal parts of the distribution once, in an order of its own.
        let mut latencies: Vec<f64> = (0..count).map(|part| quantile((part as f64 + 0.5) / count as f64)).collect();
        let mut draw = drawn(9);
        for at in (1..latencies.len()).rev() {
            latencies.swap(at, (draw() * (at + 1) as f64) as usize);
        }
        let mut receiver = BenchReceiver::new(publishers(0..1), 0, 1);
        for ((at, text), latency) in messages(count, 10_000.0).iter().zip(&latencies) {
            receiver.take(text, at + *latency as u64, TIMES);
        }
        let mut interval = Interval::new().unwrap();
        receiver.samples.put(&mut interval);
        let found = distribution(&interval.latency).unwrap();
        for (quantile_of, found) in [(0.5, found.p50), (0.9, found.p90), (0.99, found.p99), (0.999, found.p999)] {
            assert!(within(found, quantile(quantile_of), 1.0), "{name} at {quantile_of}: {found}");
        }
        let mean = latencies.iter().sum::<f64>() / count as f64;
        assert!(within(found.mean as u64, mean, 1.0), "{name}: {found:?}");
    }
}

#[test]
fn a_service_that_stalls_is_seen_by_all_that_was_due_meanwhile() {
    // 1000 a second for 10 s, each answered in a millisecond, but for a stall of 2 s: with at most 10 under way, one that
    // waited for its turn to be sent counts from when it was due.
    let mut sender =
        BenchSender::new(SendPlan { in_flight: 10, count: Some(10_000), ..sending(0, Some(1000.0)) }, TIMES);
    let stall = START + 4 * SECOND..START + 6 * SECOND;
    let answer = |at: u64| if stall.contains(&(at + SECOND / 1000)) { stall.end } else { at + SECOND / 1000 };
    let mut under_way: std::collections::VecDeque<(u64, u64)> = std::collections::VecDeque::new();
    let mut now = START;
    loop {
        while let Some((number, _)) = under_way.pop_front_if(|(_, at)| *at <= now) {
            assert!(sender.settle(number, MessageResult::Acked, now));
        }
        let answered = under_way.front().map_or(u64::MAX, |(_, at)| *at);
        match sender.next(now) {
            Next::Now => {
                let number = sender.send(now).number;
                under_way.push_back((number, answer(now)));
            }
            Next::At(due) => now = due.min(answered),
            Next::Full => now = answered,
            Next::Over if sender.is_settled() => break,
            Next::Over => now = answered,
        }
    }
    let mut interval = Interval::new().unwrap();
    sender.samples.put(&mut interval);
    let found = distribution(&interval.ack).unwrap();
    assert_eq!(interval.counts.acked, 10_000);
    // 2000 were due during the stall. What was held up goes out ten in a millisecond while one more becomes due, so 2222 are
    // late, by 2 s down to nothing.
    let late = 2000.0 * 10.0 / 9.0;
    assert!(within(found.mean as u64, late / 10_000.0 * 1e9 + 1e6, 1.0), "{found:?}");
    assert!(within(found.p90, 2e9 * (1.0 - 1000.0 / late), 1.0), "{found:?}");
    assert!(within(found.p50, 1e6, 1.0) && within(found.most, 2e9, 1.0), "{found:?}");
    // None of it was this tool's doing.
    assert_eq!(interval.late.max(), 0);
}

#[test]
fn what_this_tool_sends_late_is_told_apart() {
    let mut sender = BenchSender::new(sending(0, Some(10.0)), TIMES);
    sender.send(START + 5_000_000);
    assert_eq!(sender.next(START + 5_000_000), Next::At(START + SECOND / 10));
    sender.send(START + SECOND / 10 + 3_000_000);
    assert_eq!(sender.samples.late, [5_000_000, 3_000_000]);
}

#[test]
fn without_a_rate_the_next_goes_as_soon_as_there_is_room() {
    let mut sender = BenchSender::new(SendPlan { in_flight: 2, count: Some(4), ..sending(0, None) }, TIMES);
    assert_eq!(sender.next(START), Next::Now);
    let first = sender.send(START).number;
    let second = sender.send(START).number;
    assert_eq!(sender.next(START), Next::Full);
    // The window reaches from the oldest.
    sender.settle(second, MessageResult::Acked, START + 1);
    assert_eq!(sender.next(START + 1), Next::Full);
    sender.settle(first, MessageResult::Acked, START + 2);
    sender.send(START + 2);
    sender.send(START + 2);
    assert_eq!(sender.next(START + 2), Next::Over);
    assert!(!sender.is_settled() && !sender.settle(first, MessageResult::Acked, START + 3), "each ends once");
    sender.end();
    let published = sender.published();
    assert_eq!((published.sent, &*published.unsure, published.due), (4, &[2, 3][..], None));
    assert!(published.is_unsure(2) && !published.is_unsure(1));
}

#[test]
fn what_was_due_and_not_sent_is_known() {
    let until = Some(Duration::from_secs(10));
    let mut sender = BenchSender::new(SendPlan { until, in_flight: 5, ..sending(0, Some(100.0)) }, TIMES);
    while sender.next(START + 9 * SECOND) == Next::Now {
        sender.send(START + 9 * SECOND);
    }
    sender.stop();
    assert_eq!(sender.next(START + 9 * SECOND), Next::Over);
    let published = sender.published();
    assert_eq!((published.sent, published.due), (5, Some(1000)));
}

#[test]
fn messages_take_the_groups_in_turn_and_each_subscriber_knows_which_are_for_it() {
    let groups = 3;
    let mut receivers: Vec<BenchReceiver> =
        (0..groups).map(|group| BenchReceiver::new(publishers(0..2), group, groups)).collect();
    for publisher in 0..2 {
        let mut sender =
            BenchSender::new(SendPlan { publisher, groups, count: Some(8), ..sending(publisher, None) }, TIMES);
        while sender.next(START) == Next::Now {
            let message = sender.send(START);
            // One is lost; another comes to a group that it was not meant for too.
            if (publisher, message.number) != (1, 4) {
                receivers[message.group as usize].take(&message.text, START + 1, TIMES);
            }
            if (publisher, message.number) == (0, 7) {
                receivers[((message.group + 1) % groups) as usize].take(&message.text, START + 1, TIMES);
            }
        }
    }
    let all =
        HashMap::from([0, 1].map(|publisher| (publisher, PublishedCounts { sent: 8, unsure: [].into(), due: None })));
    let verdicts: Vec<DeliveryTally> = receivers.iter_mut().map(|receiver| receiver.verdict(&all, 0)).collect();
    assert_eq!(verdicts.iter().map(DeliveryTally::lost).collect::<Vec<_>>(), [0, 0, 1]);
    let foreign: u64 = receivers.iter().map(|receiver| receiver.samples.counts.foreign).sum();
    let arrived: u64 = verdicts.iter().map(|verdict| verdict.arrived).sum();
    assert_eq!((foreign, arrived), (1, 15));
}

#[test]
fn what_was_refused_need_not_come_and_what_was_not_acknowledged_may() {
    let mut receiver = BenchReceiver::new(publishers(0..1), 0, 1);
    for (at, text) in messages(10, 1000.0).iter().filter(|(at, _)| ![2, 3, 9].contains(&((at - START) / 1_000_000))) {
        receiver.take(text, at + 1, TIMES);
    }
    let verdict = receiver.verdict(&published(10, &[3, 4, 9]), 7);
    assert_eq!((verdict.arrived, verdict.lost()), (7, 1));
    assert_eq!(receiver.own, 7);
}

#[test]
fn only_messages_of_the_run_count_and_the_ramp_is_not_measured() {
    let times = RunTimes { start: START, steady: START + SECOND };
    let mut receiver = BenchReceiver::new(publishers(0..1), 0, 1);
    let of = |run: &str, number, due| Payloads::new(run, (100, 100), 1).make(0, number, due);
    receiver.take(&of("other", 0, START), START + 5, times);
    receiver.take("hello", START + 5, times);
    receiver.take(&of("r", 0, START), START + 5, times);
    receiver.take(&of("r", 1, START + SECOND), START + SECOND + 7, times);
    receiver.take(&of("r", 2, START + 2 * SECOND), START + 2 * SECOND - 1, times);
    let counts = receiver.samples.counts;
    assert_eq!((counts.foreign, counts.arrived, counts.steady_received, counts.ahead), (2, 3, 2, 1));
    assert_eq!(receiver.samples.latency, [7, 0]);

    let mut any = BenchReceiver::new(Publishers { run: None, own: 0..0 }, 0, 1);
    for (run, number) in [("a", 5), ("b", 9), ("a", 7), ("b", 10)] {
        any.take(&of(run, number, START), START + 1, TIMES);
    }
    assert_eq!((any.samples.counts.arrived, any.verdict(&HashMap::new(), 0).lost()), (4, 1));
}

#[test]
fn seconds_and_the_whole_have_the_same_in_them() {
    let mut timeline = Timeline::new(Interval::new().unwrap());
    let mut interval = Interval::new().unwrap();
    for second in 1..=3u64 {
        let mut samples = Samples { latency: vec![second * 1_000_000; 100], ..Samples::default() };
        samples.counts.arrived = 100;
        samples.put(&mut interval);
        let point = timeline.close(second as f64, &mut interval);
        assert!(interval.latency.is_empty() && interval.counts == MessageCounts::default());
        assert!(within(point.latency.unwrap()[0], second as f64 * 1e6, 0.1), "{point:?}");
    }
    assert_eq!(timeline.points.len(), 3);
    assert_eq!((timeline.total.counts.arrived, timeline.total.latency.len()), (300, 300));
    assert!(within(distribution(&timeline.total.latency).unwrap().p50, 2e6, 0.1));
}
