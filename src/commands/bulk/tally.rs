//! What became of the lines of a bulk, for its summary, its error and its exit code.

use std::fmt;
use std::time::Duration;

use anyhow::anyhow;

use super::ranges::Ranges;
use crate::failure::{Failure, Kind};
use crate::render::human;
use crate::run::explain::hung_up;
use webpubsub_proto::session::OutcomeCause;

/// Failures that are told one by one when the bulk goes on; more are only counted.
const TOLD: u64 = 100;

/// Why nobody can know what became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnknownReason {
    /// An earlier run could not know.
    Earlier,
    /// By what happened to it in this one.
    Cause(OutcomeCause),
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earlier => f.write_str("an earlier run could not know what became of it"),
            Self::Cause(cause) => cause.fmt(f),
        }
    }
}

/// What has been counted.
#[derive(Debug)]
pub(super) struct Tally {
    /// What is counted: `line` or `message`.
    unit: &'static str,
    /// Messages that went out, each once.
    pub(super) sent: u64,
    pub(super) acked: u64,
    /// Of those acknowledged, which had arrived before.
    duplicates: u64,
    /// Lines that could not be sent, were refused, were not acknowledged or have an unknown outcome.
    pub(super) failed: u64,
    /// Records that are no messages.
    pub(super) skipped: u64,
    /// Lines that an earlier run has sent.
    pub(super) earlier: u64,
    /// Lines that were read and not sent when the end came.
    pub(super) unsent: u64,
    /// Lines that were sent, and whose outcome another run learns on the same connection.
    pub(super) kept: u64,
    /// Lines and ackIds of those whose outcome is unknown.
    unknown: (Ranges, Ranges),
    /// Why that of the first of them is.
    why: Option<UnknownReason>,
    /// The first line that one connection after the other was lost under, and the bytes of its frame.
    killer: Option<(u64, usize)>,
    /// Some of them may be sent again.
    repeatable: bool,
    /// The failure of the lowest line, whose kind is the exit code. An unknown outcome is made one at the end.
    first: Option<(u64, Option<Failure>)>,
}

impl Tally {
    pub(super) fn new(unit: &'static str) -> Self {
        Self {
            unit,
            sent: 0,
            acked: 0,
            duplicates: 0,
            failed: 0,
            skipped: 0,
            earlier: 0,
            unsent: 0,
            kept: 0,
            unknown: Default::default(),
            why: None,
            killer: None,
            repeatable: false,
            first: None,
        }
    }

    pub(super) fn acked(&mut self, duplicate: bool) {
        self.sent += 1;
        self.acked += 1;
        self.duplicates += u64::from(duplicate);
    }

    /// A line has failed. Returns what to tell of it now, if the bulk goes on: not of all, there may be millions.
    pub(super) fn fail(&mut self, line: u64, failure: Failure, what: &str) -> Option<String> {
        self.failed += 1;
        let unit = self.unit;
        // The parser counts lines too, and there is one.
        let causes = format!("{:#}", failure.error).replace(" at line 1 column ", " at column ");
        let told = (self.failed <= TOLD).then(|| format!("{unit} {line} {what}: {causes}"));
        let told = if self.failed == TOLD + 1 {
            Some(format!("{unit} {line} {what} too; further failures are counted and not told"))
        } else {
            told
        };
        let error = anyhow!("{causes}").context(format!("{unit} {line} {what}"));
        self.note_first(line, Some(Failure { error, ..failure }));
        told
    }

    /// Nobody can know what became of a line that was sent.
    pub(super) fn lose(&mut self, line: u64, ack_id: u64, why: UnknownReason) {
        self.sent += 1;
        self.failed += 1;
        // What became of the others follows from the first: the bulk is stopped for it.
        match &why {
            UnknownReason::Cause(OutcomeCause::Killed { bytes, .. }) => _ = self.killer.get_or_insert((line, *bytes)),
            UnknownReason::Earlier | UnknownReason::Cause(_) => self.repeatable = true,
        }
        self.why.get_or_insert(why);
        self.unknown.0.push(line);
        self.unknown.1.push(ack_id);
        self.note_first(line, None);
    }

    /// The input could not be read further; `line` was the last.
    pub(super) fn input_failed(&mut self, line: u64, failure: Failure) {
        self.note_first(line + 1, Some(failure));
    }

    /// Whether there are lines that were not sent, or of which nothing is known.
    pub(super) fn is_cut_short(&self) -> bool {
        self.unsent > 0 || self.kept > 0 || !self.unknown.0.is_empty()
    }

    fn note_first(&mut self, line: u64, failure: Option<Failure>) {
        if self.first.as_ref().is_none_or(|(first, _)| line < *first) {
            self.first = Some((line, failure));
        }
    }

    /// What was done, in a line. `seconds`: how long it took.
    pub(super) fn summary(&self, seconds: f64, acks: bool) -> String {
        let unit = self.unit;
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let mut words = format!("sent {} {unit}{}", self.sent, plural(self.sent));
        if acks {
            words += &format!(", {} acknowledged", self.acked);
        }
        if self.duplicates > 0 {
            words += &format!(" ({} had arrived before)", self.duplicates);
        }
        for (count, what) in [
            (self.failed, "failed"),
            (self.unknown.0.count(), "of them with an unknown outcome"),
            (self.kept, "without an ack, kept for the next run"),
            (self.unsent, "read and not sent"),
            (self.skipped, "skipped"),
            (self.earlier, "sent by an earlier run"),
        ] {
            if count > 0 {
                words += &format!(", {count} {what}");
            }
        }
        words += &format!(", in {}", human(Duration::try_from_secs_f64(seconds).unwrap_or_default()));
        // Of a moment a rate says nothing.
        if seconds >= 0.1 {
            words += &format!(" ({:.0}/s)", self.sent as f64 / seconds);
        }
        words
    }

    /// Why the bulk failed, if it did.
    pub(super) fn into_failure(self) -> Option<Failure> {
        let unknown = self.unknown_failure();
        let (_, failure) = self.first?;
        let Some(mut failure) = failure else { return unknown };
        // Whatever failed first: which lines are unknown has to be said.
        failure.hints.extend(unknown.map(|unknown| unknown.summary()));
        Some(failure)
    }

    fn unknown_failure(&self) -> Option<Failure> {
        let (lines, ids) = &self.unknown;
        if lines.is_empty() {
            return None;
        }
        let (s, them) = if lines.is_single() { ("", "it") } else { ("s", "them") };
        let what = format!(
            "no ack came for {}{s} {lines} (ackId{s} {ids}) before the end: whether the service took {them} is not known",
            self.unit
        );
        let why = self.why.as_ref().map(UnknownReason::to_string).unwrap_or_default();
        let mut failure = Failure::new(Kind::OperationUnknown, anyhow!("{why}").context(what));
        if let Some((line, bytes)) = self.killer {
            failure = failure.hint(hung_up(&format!("{} {line}", self.unit), bytes));
        }
        if self.repeatable {
            failure = failure.hint(format!(
                "`--on-unknown resend` sends {them} again on the next connection, at the risk of doubling {them}; the \
                 service knows an ackId again only on the same connection"
            ));
        }
        Some(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(reason: &str) -> UnknownReason {
        UnknownReason::Cause(OutcomeCause::ConnectionLost(reason.into()))
    }

    fn bad() -> Failure {
        Failure::message(Kind::Input, "the data is bad")
    }

    #[test]
    fn the_exit_code_is_that_of_the_lowest_line_that_failed() {
        let mut tally = Tally::new("line");
        assert_eq!(tally.fail(7, bad(), "cannot be sent").unwrap(), "line 7 cannot be sent: the data is bad");
        tally.fail(5, Failure::message(Kind::OperationRefused, "no"), "failed");
        tally.lose(6, 6, lost("gone"));
        let failure = tally.into_failure().unwrap();
        assert_eq!(failure.kind, Kind::OperationRefused);
        assert_eq!(failure.summary(), "line 5 failed: no");
        assert!(failure.hints[0].contains("line 6 (ackId 6)"), "{:?}", failure.hints);
    }

    #[test]
    fn unknown_lines_are_named_with_their_ids() {
        let mut tally = Tally::new("line");
        for line in [12, 13, 14, 43] {
            tally.lose(line, line + 100, lost("the connection broke"));
        }
        let failure = tally.into_failure().unwrap();
        assert_eq!(failure.kind.exit_code(), 9);
        assert_eq!(
            failure.summary(),
            "no ack came for lines 12-14, 43 (ackIds 112-114, 143) before the end: whether the service took them is \
             not known: the connection broke"
        );
    }

    #[test]
    fn unknown_lines_are_blamed_on_what_the_first_of_them_ended_by() {
        let mut tally = Tally::new("line");
        tally.lose(11, 11, lost("the connection broke"));
        tally.lose(12, 12, UnknownReason::Cause(OutcomeCause::Stopped));
        assert!(tally.into_failure().unwrap().summary().ends_with(": the connection broke"));
    }

    #[test]
    fn nobody_is_advised_to_send_again_what_the_connection_dies_of() {
        let killed = || UnknownReason::Cause(OutcomeCause::Killed { sockets: 10, bytes: 70, loss: "reset".into() });
        let mut tally = Tally::new("line");
        tally.lose(11, 11, killed());
        let hints = tally.into_failure().unwrap().hints;
        assert!(hints.len() == 1 && hints[0].contains("hung up each time line 11 was sent, a frame of 70 bytes"));
        // What went down with it may be sent again.
        let mut tally = Tally::new("line");
        tally.lose(11, 11, killed());
        tally.lose(12, 12, lost("the connection broke"));
        let hints = tally.into_failure().unwrap().hints;
        assert!(hints.len() == 2 && hints[1].contains("`--on-unknown resend`"), "{hints:?}");
    }

    #[test]
    fn a_million_failures_are_not_a_million_lines() {
        let mut tally = Tally::new("line");
        let told = (1..=1_000).filter(|line| tally.fail(*line, bad(), "failed").is_some()).count();
        assert_eq!(told, 101);
        assert_eq!(tally.failed, 1_000);
    }

    #[test]
    fn a_summary_says_what_there_is_to_say() {
        let mut tally = Tally::new("line");
        tally.acked(false);
        assert_eq!(tally.summary(0.5, true), "sent 1 line, 1 acknowledged, in 500 ms (2/s)");
        tally.acked(true);
        tally.fail(3, bad(), "failed");
        tally.skipped = 2;
        assert_eq!(
            tally.summary(1.0, true),
            "sent 2 lines, 2 acknowledged (1 had arrived before), 1 failed, 2 skipped, in 1 s (2/s)"
        );
    }
}
