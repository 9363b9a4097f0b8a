//! The results for people: a few lines, a table of latencies, and at a terminal a histogram.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::cost::grouped;
use super::results::Results;
use crate::render::{Style, human};

/// The results. Ends with a newline.
pub fn summary(results: &Results, place: &str, style: Style) -> String {
    let Results { publishers, subscribers, connections, groups, .. } = *results;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut who = Vec::new();
    if publishers > 0 {
        who.push(counted(publishers, "publisher"));
    }
    if subscribers > 0 {
        who.push(counted(subscribers, "subscriber"));
    }
    let spread = if groups > 1 { format!(", {groups} groups") } else { String::new() };
    let merged = results.runs.map(|runs| format!(" of {}", counted(runs, "run"))).unwrap_or_default();
    let time = human(std::time::Duration::from_secs_f64((results.duration_ms / 1e3).max(0.0)));
    let to = if place.is_empty() { String::new() } else { format!(" to {place}") };
    let title = format!(
        "bench {}{merged}: {} on {}{to}{spread}, {time}",
        results.mode,
        who.join(" and "),
        counted(connections, "connection")
    );
    let _ = writeln!(out, "{title}\n");
    if results.mode != "sub" && (publishers > 0 || results.sent > 0) {
        let asked = results.rate.map(|rate| format!(" of {}/s", number(rate))).unwrap_or_default();
        row(&mut out, "sent", results.sent, &format!("{}/s{asked}", number(results.send_rate)));
        row(
            &mut out,
            "acked",
            results.acked,
            &parts(&[(results.refused, "refused"), (results.unacked, "without an ack")]),
        );
        if let Some(unsent) = results.unsent.filter(|unsent| *unsent > 0) {
            row(&mut out, "not sent", unsent, "due before the end");
        }
    }
    if subscribers > 0 || results.received > 0 {
        let share = format!("{}/s, {}/s", number(results.receive_rate), bytes(results.bytes_per_second));
        row(&mut out, "received", results.received, &format!("of {} expected; {share}", grouped(results.expected)));
        let lost = parts(&[(results.doubled, "doubled"), (results.reordered, "reordered")]);
        let share =
            if results.lost > 0 { format!("{}; {lost}", percent(results.lost, results.expected)) } else { lost };
        row(&mut out, "lost", results.lost, &share);
    }
    if results.connections_lost > 0 {
        let times = if results.connections_lost == 1 { "time" } else { "times" };
        row(&mut out, "reconnected", results.connections_lost, &format!("{times} a connection was lost"));
    }
    if results.foreign > 0 {
        let messages = if results.foreign == 1 { "message" } else { "messages" };
        row(&mut out, "foreign", results.foreign, &format!("{messages} of others"));
    }
    let latency = results.latency.map(|latency| latency.columns());
    let ack = results.ack.map(|ack| ack.columns());
    if latency.is_some() || ack.is_some() {
        let heads = ["min", "mean", "p50", "p90", "p99", "p99.9", "max"];
        let _ = writeln!(out);
        let head: String = heads.iter().map(|head| format!("{head:>9}")).collect();
        let _ = writeln!(out, "{}", style.dim(&format!("{:<12}{head}", "ms")));
        for (name, columns) in [("to receipt", latency), ("to ack", ack)] {
            if let Some(columns) = columns {
                let values: String = columns.iter().map(|value| format!("{:>9}", ms(*value))).collect();
                let _ = writeln!(out, "{name:<12}{values}");
            }
        }
    }
    let mut last = Vec::new();
    if let (Some(p50), Some(most)) = (results.connect_p50_ms, results.connect_max_ms) {
        last.push(format!("connected in {} ms (p50), {} ms (max)", ms(p50), ms(most)));
    }
    if let Some(cpu) = results.cpu_percent {
        last.push(format!("this process: {} % of a processor", number(cpu)));
    }
    if let Some(late) = results.late_p99_ms {
        last.push(format!("its own lateness: {} ms (p99)", ms(late)));
    }
    if !last.is_empty() {
        let _ = writeln!(out, "\n{}", style.dim(&last.join("; ")));
    }
    out
}

/// A line of the table of counts.
fn row(out: &mut String, name: &str, count: u64, rest: &str) {
    let _ = writeln!(out, "{name:<12}{:>12}   {rest}", grouped(count));
}

/// `2 refused, 0 without an ack`.
fn parts(parts: &[(u64, &str)]) -> String {
    let words: Vec<String> = parts.iter().map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
    words.join(", ")
}

/// `1 publisher`, `2 publishers`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// Milliseconds with as many digits as tell something.
pub fn ms(millis: f64) -> String {
    match millis {
        ..1.0 => format!("{millis:.3}"),
        ..10.0 => format!("{millis:.2}"),
        ..100.0 => format!("{millis:.1}"),
        _ => grouped(millis.round() as u64),
    }
}

/// A number with as many digits as tell something.
pub fn number(value: f64) -> String {
    match value {
        ..100.0 => {
            let text = format!("{value:.1}");
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }
        _ => grouped(value.round() as u64),
    }
}

/// `1.2 MB`.
pub fn bytes(value: f64) -> String {
    match value {
        ..1e3 => format!("{} B", number(value)),
        ..1e6 => format!("{} KB", number(value / 1e3)),
        ..1e9 => format!("{} MB", number(value / 1e6)),
        _ => format!("{} GB", number(value / 1e9)),
    }
}

/// `0.5 %`; never 0 where there is something.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    if share < 0.01 { "< 0.01 %".to_owned() } else { format!("{} %", (share * 100.0).round() / 100.0) }
}

/// Widest bar, in columns.
const BAR: usize = 40;
/// Eighths of a column.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A histogram of nanoseconds as bars; empty where there is nothing to see.
pub fn bars(title: &str, histogram: &Histogram<u64>, style: Style) -> String {
    let bins = bins(histogram);
    if bins.len() < 2 {
        return String::new();
    }
    let all: u64 = bins.iter().map(|bin| bin.count).sum();
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    let mut out = format!("\n{}\n", style.dim(title));
    for Bin { upper, count } in bins {
        let eighths = (count as f64 / most as f64 * (BAR * 8) as f64).ceil() as usize;
        let bar: String =
            std::iter::repeat_n('█', eighths / 8).chain((eighths % 8).checked_sub(1).map(|at| EIGHTHS[at])).collect();
        let share = if count == 0 { String::new() } else { format!("{:>12}  {}", grouped(count), percent(count, all)) };
        let line = format!("  ≤ {:>7} ms  {bar:<BAR$}{share}", ms(upper as f64 / 1e6));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// Times up to that many nanoseconds, and above those of the bin before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    pub upper: u64,
    pub count: u64,
}

/// Most bins.
const BINS: usize = 24;

/// The histogram in bins that grow by the same factor, from the first that has something to the last.
pub fn bins(histogram: &Histogram<u64>) -> Vec<Bin> {
    if histogram.is_empty() {
        return Vec::new();
    }
    // Steps a decade, as many as there is room for.
    let steps: [&[u64]; 4] = [
        &[100, 112, 126, 141, 158, 178, 200, 224, 251, 282, 316, 355, 398, 447, 501, 562, 631, 708, 794, 891],
        &[100, 125, 160, 200, 250, 320, 400, 500, 630, 800],
        &[100, 200, 500],
        &[100, 300],
    ];
    let times: Vec<(u64, u64)> = histogram
        .iter_recorded()
        .map(|it| (histogram.lowest_equivalent(it.value_iterated_to()), it.count_since_last_iteration()))
        .collect();
    let (Some((least, _)), Some((most, _))) = (times.first().copied(), times.last().copied()) else {
        return Vec::new();
    };
    for steps in steps {
        let edges = edges(steps, least, most);
        if edges.len() > BINS {
            continue;
        }
        let mut bins: Vec<Bin> = edges.into_iter().map(|upper| Bin { upper, count: 0 }).collect();
        for (time, count) in &times {
            let at = bins.partition_point(|bin| bin.upper < *time);
            if let Some(bin) = bins.get_mut(at) {
                bin.count += count;
            }
        }
        return bins;
    }
    Vec::new()
}

/// The edges that cover `least` to `most`.
fn edges(steps: &[u64], least: u64, most: u64) -> Vec<u64> {
    let mut edges = Vec::new();
    let mut scale = 1u64;
    // In hundredths of a nanosecond, so that steps are whole numbers.
    while scale < u64::MAX / 10_000 {
        for step in steps {
            let edge = step * scale / 100;
            if edge >= least && edges.last() != Some(&edge) {
                edges.push(edge);
                if edge >= most {
                    return edges;
                }
            }
        }
        scale *= 10;
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::super::measure::histogram;
    use super::super::results::Latency;
    use super::*;

    const PIPE: Style = Style { color: false, terminal: false };

    fn histogram_of_one() -> Histogram<u64> {
        let mut histogram = histogram().unwrap();
        histogram.saturating_record(5_000);
        histogram
    }

    #[test]
    fn a_summary_is_a_few_lines_and_a_table() {
        let latency = Latency {
            min_ms: 0.1234,
            mean_ms: 1.0,
            p50_ms: 1.23,
            p90_ms: 12.34,
            p99_ms: 99.94,
            p999_ms: 1234.5,
            max_ms: 12_345.6,
        };
        let results = Results {
            mode: "pubsub".into(),
            duration_ms: 10_000.0,
            publishers: 1,
            subscribers: 10,
            connections: 11,
            groups: 1,
            rate: Some(100.0),
            sent: 1000,
            acked: 998,
            refused: 2,
            received: 9970,
            expected: 9980,
            lost: 10,
            doubled: 1,
            reordered: 3,
            send_rate: 100.0,
            receive_rate: 998.1,
            bytes_per_second: 127_756.0,
            latency: Some(latency),
            cpu_percent: Some(12.3),
            late_p99_ms: Some(0.21),
            unsent: Some(0),
            ..Results::default()
        };
        let expected = "\
bench pubsub: 1 publisher and 10 subscribers on 11 connections to localhost:8080, 10 s

sent               1,000   100/s of 100/s
acked                998   2 refused, 0 without an ack
received           9,970   of 9,980 expected; 998/s, 128 KB/s
lost                  10   0.1 %; 1 doubled, 3 reordered

ms                min     mean      p50      p90      p99    p99.9      max
to receipt      0.123     1.00     1.23     12.3     99.9    1,235   12,346

this process: 12.3 % of a processor; its own lateness: 0.210 ms (p99)
";
        assert_eq!(summary(&results, "localhost:8080", PIPE), expected);
    }

    #[test]
    fn bins_cover_all_there_is_and_are_not_too_many() {
        for (least, most) in
            [(1u64, 1), (100_000, 150_000), (80_000, 9_000_000), (1_000, 3_000_000_000), (64, 3_599_000_000_000)]
        {
            let mut histogram = histogram().unwrap();
            for part in 0..1000 {
                histogram.saturating_record(least + (most - least) / 999 * part);
            }
            let bins = bins(&histogram);
            assert!((1..=BINS).contains(&bins.len()), "{least} {most}: {}", bins.len());
            assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 1000, "{least} {most}: {bins:?}");
            assert!(bins.first().unwrap().count > 0 && bins.last().unwrap().count > 0, "{bins:?}");
            assert!(bins.is_sorted_by_key(|bin| bin.upper));
        }
    }

    #[test]
    fn bars_are_in_proportion() {
        let mut histogram = histogram().unwrap();
        histogram.record_n(1_000_000, 800).unwrap();
        histogram.record_n(2_000_000, 100).unwrap();
        let text = bars("to receipt", &histogram, PIPE);
        let wide = |line: &str| line.chars().filter(|c| *c == '█').count();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "to receipt");
        assert!(wide(lines[2]) == BAR && lines[2].contains("800"), "{text}");
        assert!(wide(lines.last().unwrap()) == BAR / 8 && text.contains("11.11 %"), "{text}");
        assert_eq!(bars("nothing to see", &histogram_of_one(), PIPE), "");
    }
}
