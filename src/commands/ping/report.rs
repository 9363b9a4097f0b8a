//! What `wps ping` prints: a line or a record an answer, and the summary.

use std::fmt::Write as _;
use std::time::Duration;

use super::statistics::RoundTripDistribution;
use crate::records::{self, PingSummary, RoundTrips};
use crate::render::{Printer, human};

/// An answer.
pub struct PongReport<'a> {
    /// Where it came from.
    pub place: &'a str,
    /// The group it came through.
    pub group: Option<&'a str>,
    /// The number of the ping.
    pub sequence: u64,
    pub elapsed: Duration,
}

/// The summary of all pings.
pub struct PingReport<'a> {
    pub place: &'a str,
    pub group: Option<&'a str>,
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    /// Neither answered nor lost.
    pub pending: u64,
    /// Since the first ping.
    pub time: Duration,
    pub distribution: Option<RoundTripDistribution>,
}

impl PongReport<'_> {
    pub fn print(&self, printer: &mut Printer) {
        let Self { place, group, sequence, elapsed } = *self;
        let line = format!("pong from {place}: seq={sequence} time={} ms\n", short(elapsed));
        printer.finding(&records::Pong { sequence, elapsed_ms: millis(elapsed), group }, &line);
    }
}

impl PingReport<'_> {
    pub fn print(&self, printer: &mut Printer) {
        let Self { group, sent, received, lost, pending, .. } = *self;
        let times = self.distribution.map(|times| RoundTrips {
            min_ms: millis(times.least),
            mean_ms: millis(times.mean),
            p50_ms: millis(times.p50),
            p90_ms: millis(times.p90),
            p99_ms: millis(times.p99),
            max_ms: millis(times.most),
            jitter_ms: millis(times.jitter),
        });
        let fields = PingSummary { group, sent, received, lost, pending, times };
        printer.finding(&fields, &self.lines());
    }

    fn lines(&self) -> String {
        let Self { place, sent, received, lost, pending, .. } = *self;
        let mut out = format!("\n--- {place} ping statistics ---\n{sent} sent, {received} received, {lost} lost");
        // Writing to a string cannot fail.
        if sent > 0 && lost > 0 {
            let _ = write!(out, " ({})", percent(lost, sent));
        }
        if pending > 0 {
            let _ = write!(out, ", {pending} still awaited");
        }
        let _ = writeln!(out, ", in {}", human(self.time));
        if let Some(RoundTripDistribution { least, mean, p50, p90, p99, most, jitter }) = self.distribution {
            let [least, mean, p50, p90, p99, most, jitter] = [least, mean, p50, p90, p99, most, jitter].map(short);
            let _ = writeln!(out, "round trip min/mean/max = {least}/{mean}/{most} ms, jitter {jitter} ms");
            let _ = writeln!(out, "percentiles p50/p90/p99 = {p50}/{p90}/{p99} ms");
        }
        out
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Milliseconds with as many digits as tell something.
fn short(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis {
        ..1.0 => format!("{millis:.3}"),
        ..10.0 => format!("{millis:.2}"),
        ..100.0 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

/// `20 %`; never 0 or 100 where it is not all or nothing.
fn percent(part: u64, whole: u64) -> String {
    let nearest = (u128::from(part) * 2000 / u128::from(whole)).div_ceil(2);
    let tenths = if part == whole { 1000 } else { nearest.clamp(1, 999) };
    if tenths.is_multiple_of(10) { format!("{} %", tenths / 10) } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_or_whole_milliseconds() {
        for (micros, text) in
            [(42, "0.042"), (999, "0.999"), (4_200, "4.20"), (12_345, "12.3"), (123_456, "123"), (8_000_000, "8000")]
        {
            assert_eq!(short(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn a_share_is_in_percent() {
        for (part, whole, text) in [
            (1, 5, "20 %"),
            (1, 3, "33.3 %"),
            (1, 6, "16.7 %"),
            (5, 5, "100 %"),
            (1, 1_000_000, "0.1 %"),
            (999_999, 1_000_000, "99.9 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
    }

    #[test]
    fn a_summary_says_what_was_lost_and_what_may_yet_come() {
        let summary = PingReport {
            place: "localhost:8080",
            group: None,
            sent: 4,
            received: 2,
            lost: 1,
            pending: 1,
            time: Duration::from_secs(4),
            distribution: None,
        };
        let expected = "\n--- localhost:8080 ping statistics ---\n\
                        4 sent, 2 received, 1 lost (25 %), 1 still awaited, in 4 s\n";
        assert_eq!(summary.lines(), expected);
    }
}
