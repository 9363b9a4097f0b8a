//! `--session` of a bulk: its position, recorded so that another run with the same input goes on from there.
//!
//! A line is recorded before it is handed over, many lines at once, and what is handed over never runs further ahead of
//! the recorded position than the service remembers ackIds (PROTOCOL §6). So another run may send every line again that
//! is not recorded as settled, under its id, and the service carries it out once; unless others have used so many ids of
//! the connection meanwhile that it may have been forgotten, which makes its outcome unknown. Before it sends anything, a
//! run has compared its input with all that was recorded. The flow is the caller.

use std::time::Duration;

use tokio::time::Instant;

use super::tally::UnknownReason;
use crate::failure::{Failure, Kind};
use crate::run::session_file::{LinesFile, OTHER_INPUT};
use crate::state::{InputComparison, LineDigest, LineFailure, MOST_AHEAD, Mismatch, SentLines, Step};
use webpubsub_proto::session::{AckMode, OutcomeCause, REMEMBERED};

/// How long an ack may be known and not recorded.
const RECORDED_WITHIN: Duration = Duration::from_millis(200);

/// Most lines read ahead of the oldest that has not settled.
const MOST_READ: u64 = 4096;

/// What is to be done with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has arrived.
    Skip,
    /// It is sent under this id, unless it brings its own; `again`: it may have been sent before.
    Send { id: u64, again: bool },
    /// It was sent, and nobody can know of it, for that reason.
    Unknown { id: u64, why: UnknownReason },
    /// There is no id left.
    NoId,
}

/// The position of a bulk.
#[derive(Debug)]
pub(super) struct Position {
    file: LinesFile,
    lines: SentLines,
    /// The input is still compared with what was recorded.
    comparing: Option<InputComparison>,
    /// Behind the last line that may have been sent, by an earlier run or this one.
    sent: u64,
    /// What is not known to have arrived is sent again.
    resend: bool,
    /// As it was recorded last: how many lines have settled, and how many there are.
    written: (u64, u64),
    /// Something has settled since, first at that time.
    changed: Option<Instant>,
}

impl Position {
    pub(super) fn new(file: LinesFile, resend: bool) -> Self {
        let lines = file.lines.clone();
        let comparing = Some(lines.compare()).filter(|comparing| !comparing.is_done(&lines));
        let written = (lines.settled(), lines.end());
        let sent = lines.reach();
        Self { file, lines, comparing, sent, resend, written, changed: None }
    }

    /// Whether the input is the same as far as it was recorded: nothing is sent before.
    pub(super) fn is_compared(&self) -> bool {
        self.comparing.is_none()
    }

    /// Whether more may be read.
    pub(super) fn has_room(&self) -> bool {
        self.lines.end() - self.lines.settled() < MOST_READ || !self.is_compared()
    }

    /// The next line of the input, from its beginning on. Fails when it is not the one that was sent before (exit 3).
    pub(super) fn take(&mut self, line: u64, digest: LineDigest) -> Result<Fate, Failure> {
        let index = line - 1;
        let step = match &mut self.comparing {
            Some(comparing) => {
                let step = comparing.line(&self.lines, &digest).map_err(|it| mismatch(&self.file.name, it))?;
                if comparing.is_done(&self.lines) {
                    self.comparing = None;
                }
                step
            }
            None => {
                self.lines.push(digest);
                Step::New
            }
        };
        let Some(id) = self.lines.id_of(index) else { return Ok(Fate::NoId) };
        let why = match step {
            Step::Left(_) => UnknownReason::Earlier,
            Step::Open if self.file.stale => UnknownReason::Cause(OutcomeCause::EarlierLost),
            Step::Settled | Step::Open | Step::New => UnknownReason::Cause(OutcomeCause::Forgotten),
        };
        Ok(match step {
            Step::Settled => Fate::Skip,
            Step::New => Fate::Send { id, again: false },
            Step::Open if !self.file.stale && self.lines.since(self.file.others) < REMEMBERED => {
                Fate::Send { id, again: true }
            }
            Step::Open | Step::Left(LineFailure::Unknown) if !self.resend => Fate::Unknown { id, why },
            Step::Open | Step::Left(_) => {
                self.lines.send_again();
                self.change();
                Fate::Send { id, again: false }
            }
        })
    }

    /// The input has ended. Fails when it is shorter than before (exit 3).
    pub(super) fn ended(&self) -> Result<(), Failure> {
        let Some(comparing) = &self.comparing else { return Ok(()) };
        comparing.finish(&self.lines).map_err(|it| mismatch(&self.file.name, it))
    }

    /// The id of a line: its own, or the one it has by its number.
    pub(super) fn mode(&mut self, given: AckMode, id: u64, again: bool) -> AckMode {
        let id = match given {
            AckMode::Id(own) => {
                self.lines.note_id(own);
                own
            }
            AckMode::Automatic | AckMode::None | AckMode::Recorded { .. } => id,
        };
        AckMode::Recorded { id, again }
    }

    /// Whether the line may be handed over, as things are recorded.
    pub(super) fn admits(&self, line: u64) -> bool {
        let (settled, end) = self.written;
        line <= end && (line - 1).saturating_sub(settled) < MOST_AHEAD
    }

    /// Whether the connection is gone that an earlier run sent lines on, and they are not to be sent again.
    pub(super) fn is_lost(&self) -> bool {
        !self.resend && self.file.lines.end() > 0 && self.file.lines.ordinal != self.file.ordinal()
    }

    /// The line is handed over.
    pub(super) fn hand_over(&mut self, line: u64) {
        self.sent = self.sent.max(line);
    }

    /// A line has settled; `left`: and may not have arrived. `false`: it failed, and that is not remembered.
    pub(super) fn settle(&mut self, line: u64, left: Option<LineFailure>) -> bool {
        self.change();
        self.lines.settle(line - 1, left)
    }

    /// Whether something has to be recorded before more is sent, besides lines.
    pub(super) fn is_due(&self) -> bool {
        self.lines.sends_again()
    }

    fn change(&mut self) {
        self.changed.get_or_insert_with(Instant::now);
    }

    /// When what has settled is to be recorded, whatever else happens: a run that is killed behind that has lost no ack.
    pub(super) fn record_by(&self) -> Option<Instant> {
        self.changed.filter(|_| self.is_compared()).map(|since| since + RECORDED_WITHIN)
    }

    /// Records where it is, for another run to go on. Lines that were read and not sent are left out, so that what may
    /// have been sent is not more than was.
    pub(super) fn leave(&mut self) -> Result<(), Failure> {
        self.lines.cut(self.sent);
        self.write()
    }

    /// Records where it is, if that has changed.
    pub(super) fn write(&mut self) -> Result<(), Failure> {
        self.change_connection();
        let now = (self.lines.settled(), self.lines.end());
        if self.changed.is_some() || now != self.written {
            self.file.keep(&mut self.lines)?;
            (self.written, self.changed) = (now, None);
        }
        Ok(())
    }

    /// Lines that are open belong to one connection. When that is not the one any more on which they may have been sent,
    /// they are unknown, unless they settle yet, or are sent again there.
    fn change_connection(&mut self) {
        let now = self.file.ordinal();
        if std::mem::replace(&mut self.lines.ordinal, now) == now || self.resend {
            return;
        }
        for line in self.lines.settled()..self.sent {
            if self.lines.is_open(line) {
                self.changed.get_or_insert_with(Instant::now);
                self.lines.settle(line, Some(LineFailure::Unknown));
            }
        }
    }

    /// All of it has arrived: records that, and that the input has ended once nothing else can fail.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.write()?;
        self.file.end(&self.lines);
        Ok(())
    }
}

fn mismatch(name: &str, Mismatch { recorded, read, short }: Mismatch) -> Failure {
    let what = if short {
        format!("it ends after line {read}, and an earlier run has read {recorded}")
    } else {
        format!("what an earlier run has sent differs up to line {read}")
    };
    Failure::message(
        Kind::Config,
        format!("this is not the input whose position the session file `{name}` holds: {what}"),
    )
    .hint(OTHER_INPUT)
}
