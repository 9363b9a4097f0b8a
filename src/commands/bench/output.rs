//! What is printed while a run is on, and at its end.

use super::cost::grouped;
use super::measure::{Point, Timeline};
use super::progress::BenchProgressLine;
use super::results::{Results, millis, tenths};
use super::settings::{BenchMode, BenchSettings};
use super::text::{bars, counted, ms, number, summary};
use crate::records::BenchProgress;
use crate::render::{Printer, Weight};

/// Warnings of connections in a run; of further ones only how many there were.
const TOLD: u64 = 5;

/// The one place of a run that prints.
#[derive(Debug)]
pub struct BenchOutput {
    pub printer: Printer,
    progress: BenchProgressLine,
    /// All trouble is printed (`-v`).
    all: bool,
    csv: bool,
    troubles: u64,
    /// What was said last: the same of many connections is said once.
    last_trouble: String,
}

impl BenchOutput {
    /// With a line of progress where a person looks on.
    pub fn new(printer: Printer, bench: &BenchSettings) -> Self {
        let output = &bench.output;
        let progress = BenchProgressLine::new(printer.console().err.clone(), !output.quiet && output.verbosity == 0);
        let (all, csv) = (output.verbosity > 0, bench.csv);
        Self { printer, progress, all, csv, troubles: 0, last_trouble: String::new() }
    }

    /// Prints how the run goes, where somebody looks on.
    pub fn progress(&mut self, words: &str) {
        self.progress.draw(words);
    }

    /// Takes the line of progress away.
    pub fn clear_progress(&mut self) {
        self.progress.clear();
    }

    /// Something went wrong with a connection, and the run goes on.
    pub fn trouble(&mut self, text: &str) {
        if self.all {
            return self.warn(text);
        }
        if self.last_trouble != text && self.troubles < TOLD {
            self.last_trouble = text.to_owned();
            self.troubles += 1;
            self.warn(text);
            if self.troubles == TOLD {
                self.warn("what else happens to connections is counted only (`-v` says it)");
            }
        }
    }

    /// A line that every user needs.
    pub fn print_line(&mut self, text: &str) {
        self.progress.clear();
        self.printer.print_line(text);
    }

    /// A warning.
    pub fn warn(&mut self, text: &str) {
        self.progress.clear();
        self.printer.note(Weight::Warning, text);
    }

    /// A second is over.
    pub fn second(&mut self, point: &Point, bench: &BenchSettings) {
        let Point { end, length, counts, latency, ack } = *point;
        let rate = |count: u64| if length > 0.0 { tenths(count as f64 / length) } else { 0.0 };
        let at = |times: Option<[u64; 3]>, which: usize| times.map(|times| millis(times[which] as f64));
        let fields = BenchProgress {
            elapsed_ms: millis(end * 1e9),
            sent: counts.sent,
            acked: counts.acked,
            refused: counts.refused,
            received: counts.received,
            send_rate: rate(counts.sent),
            receive_rate: rate(counts.received),
            bytes_per_second: rate(counts.bytes),
            p50_ms: at(latency, 0),
            p99_ms: at(latency, 1),
            max_ms: at(latency, 2),
            ack_p50_ms: at(ack, 0),
            ack_p99_ms: at(ack, 1),
            connections_lost: counts.losses,
        };
        self.printer.finding(&fields, "");
        let mut words = vec![format!("{end:.0} s")];
        if bench.mode != BenchMode::Sub {
            words.push(format!("sent {}/s", number(fields.send_rate)));
        }
        if bench.mode != BenchMode::Pub {
            words.push(format!("received {}/s", number(fields.receive_rate)));
        }
        let times = if bench.mode == BenchMode::Pub {
            (fields.ack_p50_ms, fields.ack_p99_ms)
        } else {
            (fields.p50_ms, fields.p99_ms)
        };
        if let (Some(p50), Some(p99)) = times {
            words.push(format!("p50 {} ms, p99 {} ms", ms(p50), ms(p99)));
        }
        if counts.refused > 0 {
            words.push(format!("{} refused", grouped(counts.refused)));
        }
        if counts.losses > 0 {
            words.push(format!("{} lost", counted(counts.losses, "connection")));
        }
        self.progress.draw(&words.join(", "));
    }

    pub fn results(&mut self, results: &Results, place: &str, timeline: Option<&Timeline>) {
        self.progress.clear();
        let style = self.printer.console().out.style;
        let text = match self.csv {
            true => results.csv(),
            false => {
                let mut text = summary(results, place, style);
                if let Some(timeline) = timeline.filter(|_| style.terminal) {
                    text.push_str(&bars("from due to receipt", &timeline.total.latency, style));
                    if results.latency.is_none() {
                        text.push_str(&bars("from due to ack", &timeline.total.ack, style));
                    }
                }
                text
            }
        };
        self.printer.finding(results, &text);
    }
}
