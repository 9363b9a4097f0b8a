//! `wps bench compare`: two runs side by side, with a verdict only where they differ by more than their seconds do.
//!
//! The spread of a figure is the distance between its quartiles over the seconds of a run, the larger one of both. The
//! figures are compared by their medians over the seconds; a difference within the spread says nothing.

use std::fmt::Write as _;

use super::files::{RecordedRun, Second};
use super::text::{ms, number};
use crate::records::{Comparison, Verdict};
use crate::render::Style;

/// Seconds that a run has to have for a spread.
const SECONDS: usize = 4;

/// What a figure is given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A time. Less is better.
    Milliseconds,
    /// What goes through. More is better.
    PerSecond,
    /// How often something happened that should not. Less is better.
    Times,
}

/// A figure of both runs, and how to write it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedMetric {
    unit: Unit,
    pub record: Comparison,
}

/// A figure of which every second has one: its name and unit, of the whole, of a second.
type Series = (&'static str, Unit, fn(&RecordedRun) -> Option<f64>, fn(&Second) -> Option<f64>);

const SERIES: [Series; 6] = [
    ("sendRate", Unit::PerSecond, |it| sends(it).then_some(it.results.send_rate), |it| Some(it.send_rate)),
    ("receiveRate", Unit::PerSecond, |it| receives(it).then_some(it.results.receive_rate), |it| Some(it.receive_rate)),
    ("p50Ms", Unit::Milliseconds, |it| it.results.latency.map(|it| it.p50_ms), |it| it.p50_ms),
    ("p99Ms", Unit::Milliseconds, |it| it.results.latency.map(|it| it.p99_ms), |it| it.p99_ms),
    ("ackP50Ms", Unit::Milliseconds, |it| it.results.ack.map(|it| it.ack_p50_ms), |it| it.ack_p50_ms),
    ("ackP99Ms", Unit::Milliseconds, |it| it.results.ack.map(|it| it.ack_p99_ms), |it| it.ack_p99_ms),
];

/// Something that is counted, of which less is better.
type Count = (&'static str, fn(&RecordedRun) -> u64);

const COUNTS: [Count; 6] = [
    ("lost", |it| it.results.lost),
    ("doubled", |it| it.results.doubled),
    ("reordered", |it| it.results.reordered),
    ("refused", |it| it.results.refused),
    ("unacked", |it| it.results.unacked),
    ("connectionsLost", |it| it.results.connections_lost),
];

fn sends(run: &RecordedRun) -> bool {
    run.results.sent > 0
}

fn receives(run: &RecordedRun) -> bool {
    run.results.received > 0
}

/// Compares all there is in either.
pub fn compare(a: &RecordedRun, b: &RecordedRun) -> Vec<ComparedMetric> {
    let mut all = Vec::new();
    for (metric, unit, whole, second) in SERIES {
        let (of_a, of_b) = (whole(a), whole(b));
        if of_a.is_none() && of_b.is_none() {
            continue;
        }
        // The last one may be a part of a second, and an emptying one.
        let seconds = |run: &RecordedRun| -> Vec<f64> {
            let whole = run.seconds.len().saturating_sub(1);
            let mut values: Vec<f64> = run.seconds[..whole].iter().filter_map(second).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (seconds_a, seconds_b) = (seconds(a), seconds(b));
        let known = seconds_a.len() >= SECONDS && seconds_b.len() >= SECONDS && of_a.is_some() && of_b.is_some();
        let spread = known.then(|| spread(&seconds_a).max(spread(&seconds_b)));
        let verdict = match spread {
            None => Verdict::Unknown,
            Some(spread) => judge(quantile(&seconds_a, 0.5), quantile(&seconds_b, 0.5), spread, unit),
        };
        let change_percent = change(of_a, of_b);
        all.push(ComparedMetric {
            unit,
            record: Comparison { metric, a: of_a, b: of_b, change_percent, spread, verdict },
        });
    }
    for (metric, count) in COUNTS {
        let (of_a, of_b) = (count(a) as f64, count(b) as f64);
        if of_a + of_b == 0.0 {
            continue;
        }
        // As often as something happens by chance, give or take twice the root of it.
        let spread = 2.0 * (of_a + of_b).sqrt();
        let verdict = judge(of_a, of_b, spread, Unit::Times);
        let change_percent = change(Some(of_a), Some(of_b));
        let spread = Some((spread * 10.0).round() / 10.0);
        let record = Comparison { metric, a: Some(of_a), b: Some(of_b), change_percent, spread, verdict };
        all.push(ComparedMetric { unit: Unit::Times, record });
    }
    all
}

fn judge(a: f64, b: f64, spread: f64, unit: Unit) -> Verdict {
    let difference = b - a;
    if difference.abs() <= spread {
        return Verdict::Same;
    }
    let is_better = match unit {
        Unit::Milliseconds | Unit::Times => difference < 0.0,
        Unit::PerSecond => difference > 0.0,
    };
    if is_better { Verdict::Better } else { Verdict::Worse }
}

fn change(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let (a, b) = (a.filter(|a| *a != 0.0)?, b?);
    Some(((b - a) / a * 1000.0).round() / 10.0)
}

/// The distance between the quartiles.
fn spread(sorted: &[f64]) -> f64 {
    quantile(sorted, 0.75) - quantile(sorted, 0.25)
}

/// Of sorted values, between two of them if need be.
fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = quantile * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The load, where it is not the same: figures of different loads say little.
pub fn difference(a: &RecordedRun, b: &RecordedRun) -> Option<String> {
    let load = |run: &RecordedRun| {
        let it = &run.results;
        let rate = it.rate.map_or("max".to_owned(), |rate| format!("{}/s", number(rate)));
        let who = format!("{} publishers, {} subscribers, {} groups", it.publishers, it.subscribers, it.groups);
        format!("{} of {who} at {rate}", it.mode)
    };
    let (a, b) = (load(a), load(b));
    (a != b).then(|| format!("these are different loads: {a}, and {b}"))
}

/// A table.
pub fn table(compared: &[ComparedMetric], style: Style) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let head = format!("{:<16}{:>12}{:>12}{:>10}{:>12}  {}", "", "A", "B", "change", "spread", "verdict");
    let _ = writeln!(out, "{}", style.dim(&head));
    for ComparedMetric { unit, record: it } in compared {
        let value = |value: f64| match unit {
            Unit::Milliseconds => ms(value),
            Unit::PerSecond | Unit::Times => number(value),
        };
        let shown = |it: Option<f64>| it.map_or("-".to_owned(), value);
        let change = it.change_percent.map_or("-".to_owned(), |change| format!("{change:+.1} %"));
        let spread = it.spread.map_or("-".to_owned(), |spread| format!("±{}", value(spread)));
        let verdict = match it.verdict {
            Verdict::Better => "B is better",
            Verdict::Worse => "B is worse",
            Verdict::Same => "no difference beyond the spread",
            Verdict::Unknown => "too few seconds to tell",
        };
        let line =
            format!("{:<16}{:>12}{:>12}{change:>10}{spread:>12}  {verdict}", it.metric, shown(it.a), shown(it.b));
        let _ = writeln!(out, "{}", if it.verdict == Verdict::Same { style.dim(&line) } else { line });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::results::{Latency, Results};
    use super::*;

    /// A run of ten seconds with that median latency, and so much between its seconds.
    fn run(p50: f64, spread: f64, lost: u64) -> RecordedRun {
        let latency = Latency { p50_ms: p50, p99_ms: 2.0 * p50, ..Latency::default() };
        let results =
            Results { received: 1000, receive_rate: 100.0, latency: Some(latency), lost, ..Results::default() };
        let seconds = (0..11).map(|second| Second {
            receive_rate: 100.0,
            p50_ms: Some(p50 + spread * (f64::from(second % 5) - 2.0) / 2.0),
            p99_ms: Some(2.0 * p50),
            ..Second::default()
        });
        RecordedRun { results, seconds: seconds.collect() }
    }

    fn verdict(a: &RecordedRun, b: &RecordedRun, metric: &str) -> Verdict {
        compare(a, b).into_iter().find(|it| it.record.metric == metric).unwrap().record.verdict
    }

    #[test]
    fn only_what_differs_by_more_than_the_spread_is_better_or_worse() {
        let (steady, slower, wild) = (run(10.0, 0.5, 0), run(11.0, 0.5, 0), run(11.0, 5.0, 0));
        assert_eq!(verdict(&steady, &slower, "p50Ms"), Verdict::Worse);
        assert_eq!(verdict(&slower, &steady, "p50Ms"), Verdict::Better);
        assert_eq!(verdict(&steady, &wild, "p50Ms"), Verdict::Same);
        assert_eq!(verdict(&steady, &steady, "p50Ms"), Verdict::Same);
        assert_eq!(verdict(&steady, &slower, "receiveRate"), Verdict::Same);
    }

    #[test]
    fn less_goes_through_is_worse_and_counts_differ_beyond_chance() {
        let mut slow = run(10.0, 0.5, 0);
        slow.results.receive_rate = 50.0;
        slow.seconds.iter_mut().for_each(|second| second.receive_rate = 50.0);
        let fine = run(10.0, 0.5, 100);
        assert_eq!(verdict(&fine, &slow, "receiveRate"), Verdict::Worse);
        assert_eq!(verdict(&fine, &slow, "lost"), Verdict::Better);
        assert_eq!(verdict(&run(1.0, 0.1, 100), &run(1.0, 0.1, 110), "lost"), Verdict::Same);
    }

    #[test]
    fn without_seconds_there_is_no_verdict() {
        let (a, mut b) = (run(10.0, 0.5, 0), run(20.0, 0.5, 0));
        b.seconds.truncate(3);
        assert_eq!(verdict(&a, &b, "p50Ms"), Verdict::Unknown);
        let table = table(&compare(&a, &b), Style { color: false, terminal: false });
        assert!(table.contains("p50Ms") && table.contains("+100.0 %") && table.contains("too few seconds"), "{table}");
    }

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!((quantile(&[7.0], 0.75), quantile(&[], 0.5)), (7.0, 0.0));
    }
}
