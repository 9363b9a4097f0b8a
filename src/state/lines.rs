//! The position in an input that is sent line by line: which of its lines have settled, by their digests.
//!
//! Lines have the ackIds `first_id`, `first_id` + 1, … in their order, whatever became of the lines before, so that the
//! same input, run again, goes on with the same ids. The digest of the lines that have all settled is a chain,
//! h' = SHA-256(h ‖ digest of the line), so that one line more costs one line more, and a prefix of an input can be told
//! from any other. Each line behind these that may have been sent has its own digest here, and whether it has settled.
//! It is recorded before it is sent; [`InputComparison`] holds another run's input against all of it before anything is sent.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::hex::hex;

/// The digest of a line.
pub type LineDigest = [u8; 16];

/// Most failed lines that are remembered one by one.
pub const MOST_LEFT: usize = 1000;

/// How far a line that is sent may be ahead of the recorded position. The service remembers 1000 ids (PROTOCOL §6), and a
/// few are others'.
pub const MOST_AHEAD: u64 = 900;

/// Ids that are kept for the lines of an input: other operations of the connection have others meanwhile.
const RESERVED: u64 = 1 << 32;

/// What became of a line that did not arrive for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LineFailure {
    /// It was refused: it was not carried out.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// The position in an input that is not all sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenLines", into = "WrittenLines")]
pub struct SentLines {
    /// ackId of the first line.
    first_id: u64,
    /// The largest ackId that a line brought by itself.
    largest_id: u64,
    /// What a message is besides its line, as a digest.
    template: String,
    /// How many lines have settled without one between them that has not.
    settled: u64,
    /// Digest of these lines; `None`: of none.
    chain: Option<[u8; 32]>,
    /// The lines behind these, and whether each has settled.
    lines: VecDeque<(LineDigest, bool)>,
    /// Lines that have settled and may not have arrived.
    left: BTreeMap<u64, LineFailure>,
    /// The connection that the lines which have not settled were sent on.
    pub ordinal: u64,
    /// The connection whose operations are counted here.
    counted_on: u64,
    /// How many other operations of that connection had settled at least when the first line that has not settled was
    /// recorded, less the lines that were sent again since.
    settled_others: i64,
    /// The same for lines behind it, from which line on.
    later: VecDeque<(u64, i64)>,
    /// How many lines were recorded.
    recorded: u64,
    /// Lines that were sent again since it was recorded.
    again: u64,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLines {
    first_id: u64,
    largest_id: u64,
    template: String,
    settled: u64,
    digest: String,
    /// The digests of the lines behind, one after the other.
    lines: String,
    /// A letter for each of them.
    states: String,
    left: BTreeMap<u64, LineFailure>,
    ordinal: u64,
    #[serde(default)]
    settled_others: i64,
}

/// The input is not the one that was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// How many lines were recorded.
    pub recorded: u64,
    /// How many lines were there to be compared.
    pub read: u64,
    /// The input has ended before.
    pub short: bool,
}

impl SentLines {
    /// An input whose first line has this ackId. `template`: all that makes a message besides its line.
    pub fn new(first_id: u64, template: &str) -> Self {
        Self { first_id, template: template_digest(template), ..Self::default() }
    }

    /// ackId of the first line.
    pub fn first_id(&self) -> u64 {
        self.first_id
    }

    /// Whether its messages are made of lines as these are.
    pub fn has_template(&self, template: &str) -> bool {
        self.template == template_digest(template)
    }

    /// ackId of a line, the first of which has the number 0; `None` behind the last id there is.
    pub fn id_of(&self, line: u64) -> Option<u64> {
        self.first_id.checked_add(line)
    }

    /// How many lines have settled without a gap.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// How many lines it has.
    pub fn end(&self) -> u64 {
        self.settled + self.lines.len() as u64
    }

    /// One line more.
    pub fn push(&mut self, digest: LineDigest) {
        self.lines.push_back((digest, false));
    }

    /// A line brings an ackId of its own.
    pub fn note_id(&mut self, id: u64) {
        self.largest_id = self.largest_id.max(id);
    }

    /// Takes note that a line has settled, in any order; `left`: and may not have arrived. `false`: it failed, and that is
    /// not remembered, since too many have.
    pub fn settle(&mut self, line: u64, left: Option<LineFailure>) -> bool {
        let known = match left {
            Some(left) if self.left.len() < MOST_LEFT || self.left.contains_key(&line) => {
                self.left.insert(line, left);
                true
            }
            Some(_) => false,
            None => {
                self.left.remove(&line);
                true
            }
        };
        let at = line.checked_sub(self.settled).and_then(|at| usize::try_from(at).ok());
        if let Some((_, settled)) = at.and_then(|at| self.lines.get_mut(at)) {
            *settled = true;
        }
        while let Some((digest, _)) = self.lines.pop_front_if(|(_, settled)| *settled) {
            self.chain = Some(advance(self.chain, &digest));
            self.settled += 1;
        }
        known
    }

    /// Whether a line is there and has not settled.
    pub fn is_open(&self, line: u64) -> bool {
        let at = line.checked_sub(self.settled).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.lines.get(at)).is_some_and(|(_, settled)| !settled)
    }

    /// How many lines from the recorded position on may have been sent.
    pub fn ahead(&self) -> u64 {
        (self.lines.len() as u64).min(MOST_AHEAD)
    }

    /// How many lines may have been sent.
    pub fn reach(&self) -> u64 {
        self.settled + self.ahead()
    }

    /// A line that has failed is sent again.
    pub fn send_again(&mut self) {
        self.again += 1;
        self.settled_others -= 1;
        self.later.iter_mut().for_each(|(_, settled)| *settled -= 1);
    }

    /// Whether that has to be recorded.
    pub fn sends_again(&self) -> bool {
        self.again > 0
    }

    /// It is about to be recorded, on the connection of that ordinal, of whose other operations so many have settled.
    /// Returns how many lines were sent again since it was recorded last.
    pub(super) fn note_record(&mut self, ordinal: u64, settled_others: u64) -> u64 {
        if self.counted_on != ordinal {
            // What was known of another connection says nothing.
            self.counted_on = ordinal;
            self.settled_others = 0;
            self.later.clear();
        }
        if self.recorded < self.end() {
            self.later.push_back((self.recorded, i64::try_from(settled_others).unwrap_or(i64::MAX)));
            self.recorded = self.end();
        }
        while let Some((_, settled)) = self.later.pop_front_if(|(from, _)| *from <= self.settled) {
            self.settled_others = settled;
        }
        std::mem::take(&mut self.again)
    }

    /// How many operations may have been carried out after a line that has not settled, when `others` were sent on its
    /// connection besides lines.
    pub fn since(&self, others: u64) -> u64 {
        let others = i64::try_from(others).unwrap_or(i64::MAX).saturating_sub(self.settled_others);
        u64::try_from(others).unwrap_or_default().saturating_add(self.ahead().saturating_sub(1))
    }

    /// Lines from that one on were not sent, and are not remembered.
    pub fn cut(&mut self, line: u64) {
        let kept = usize::try_from(line.saturating_sub(self.settled)).unwrap_or(usize::MAX);
        self.lines.truncate(kept);
        self.recorded = self.recorded.min(self.end());
    }

    /// The ids that no other operation may have until it has ended, both ends included.
    pub fn reserved(&self) -> (u64, u64) {
        let last = self.first_id.saturating_add(RESERVED.max(self.end())).max(self.largest_id);
        (self.first_id, last)
    }

    /// The ids that its lines had, both ends included, if there were any.
    pub fn used(&self) -> Option<(u64, u64)> {
        let last = self.first_id.saturating_add(self.end().checked_sub(1)?);
        Some((self.first_id, last.max(self.largest_id)))
    }

    /// Compares an input with it from its beginning on.
    pub fn compare(&self) -> InputComparison {
        InputComparison { read: 0, chain: None }
    }
}

/// The first id of an input that has to stay away from these, which are sorted.
pub fn free_id(used: &[(u64, u64)]) -> u64 {
    let mut free = 1;
    for (first, last) in used {
        if first.saturating_sub(free) >= RESERVED {
            break;
        }
        free = free.max(last.saturating_add(1));
    }
    free
}

/// What is known of a line of an input that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has arrived.
    Settled,
    /// It may have been sent, and has not settled.
    Open,
    /// It has failed.
    Left(LineFailure),
    /// It was not there before.
    New,
}

/// An input that is compared with what was sent before, line by line.
#[derive(Clone, Copy, Debug)]
pub struct InputComparison {
    /// Lines read so far.
    read: u64,
    /// Digest of these, as far as they are in the prefix.
    chain: Option<[u8; 32]>,
}

impl InputComparison {
    /// The next line of the input, from the first one on. Fails when it is not the line that was recorded; of those
    /// that have all settled that is known at the last one, so nothing is to be sent before [`Self::is_done`].
    pub fn line(&mut self, sent: &SentLines, digest: &LineDigest) -> Result<Step, Mismatch> {
        let number = self.read;
        self.read += 1;
        let left = || sent.left.get(&number).map_or(Step::Settled, |left| Step::Left(*left));
        if number < sent.settled {
            self.chain = Some(advance(self.chain, digest));
            let same = self.read < sent.settled || self.chain == sent.chain;
            return if same { Ok(left()) } else { Err(self.mismatch(sent, false)) };
        }
        let at = usize::try_from(number - sent.settled).ok();
        match at.and_then(|at| sent.lines.get(at)) {
            Some((recorded, _)) if recorded != digest => Err(self.mismatch(sent, false)),
            Some((_, true)) => Ok(left()),
            Some((_, false)) => Ok(Step::Open),
            None => Ok(Step::New),
        }
    }

    /// Whether every line that was recorded has been compared.
    pub fn is_done(&self, sent: &SentLines) -> bool {
        self.read >= sent.end()
    }

    /// The input has ended. Fails when it is shorter than what was recorded.
    pub fn finish(&self, sent: &SentLines) -> Result<(), Mismatch> {
        if self.is_done(sent) { Ok(()) } else { Err(self.mismatch(sent, true)) }
    }

    fn mismatch(&self, sent: &SentLines, short: bool) -> Mismatch {
        Mismatch { recorded: sent.end(), read: self.read, short }
    }
}

/// The digest of a line.
pub fn digest_of(line: &[u8]) -> LineDigest {
    let mut out = LineDigest::default();
    let length = out.len();
    out.copy_from_slice(&digest(&SHA256, line).as_ref()[..length]);
    out
}

fn template_digest(template: &str) -> String {
    hex(&digest_of(template.as_bytes()))
}

fn advance(chain: Option<[u8; 32]>, line: &LineDigest) -> [u8; 32] {
    let mut both = [0; 48];
    both[..32].copy_from_slice(&chain.unwrap_or_default());
    both[32..].copy_from_slice(line);
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &both).as_ref());
    out
}

impl From<SentLines> for WrittenLines {
    fn from(sent: SentLines) -> Self {
        let digests: Vec<u8> = sent.lines.iter().flat_map(|(digest, _)| *digest).collect();
        Self {
            first_id: sent.first_id,
            largest_id: sent.largest_id,
            template: sent.template,
            settled: sent.settled,
            digest: sent.chain.map(|chain| STANDARD.encode(chain)).unwrap_or_default(),
            lines: STANDARD.encode(digests),
            states: sent.lines.iter().map(|(_, settled)| if *settled { 's' } else { 'o' }).collect(),
            left: sent.left,
            ordinal: sent.ordinal,
            settled_others: sent.settled_others,
        }
    }
}

impl TryFrom<WrittenLines> for SentLines {
    type Error = String;

    fn try_from(written: WrittenLines) -> Result<Self, String> {
        let bad = |what: &str| format!("the position in the input is not valid: {what}");
        let chain = match STANDARD.decode(&written.digest).as_deref() {
            Ok([]) => None,
            Ok(chain) => Some(chain.try_into().map_err(|_| bad("digest"))?),
            Err(_) => return Err(bad("digest")),
        };
        let Ok(digests) = STANDARD.decode(&written.lines) else { return Err(bad("lines")) };
        let (digests, rest) = digests.as_chunks::<16>();
        if !rest.is_empty() || digests.len() != written.states.len() {
            return Err(bad("lines"));
        }
        let recorded = written.settled + digests.len() as u64;
        Ok(Self {
            first_id: written.first_id,
            largest_id: written.largest_id,
            template: written.template,
            settled: written.settled,
            chain,
            lines: digests.iter().copied().zip(written.states.bytes().map(|state| state == b's')).collect(),
            left: written.left,
            ordinal: written.ordinal,
            counted_on: written.ordinal,
            settled_others: written.settled_others,
            later: VecDeque::new(),
            recorded,
            again: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str], settled: &[u64]) -> SentLines {
        let mut sent = SentLines::new(10, "t");
        lines.iter().for_each(|line| sent.push(digest_of(line.as_bytes())));
        settled.iter().for_each(|line| assert!(sent.settle(*line, None)));
        sent
    }

    fn steps(sent: &SentLines, lines: &[&str]) -> Result<Vec<Step>, Mismatch> {
        let mut comparing = sent.compare();
        let step = |line: &&str| comparing.line(sent, &digest_of(line.as_bytes()));
        let steps = lines.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        comparing.finish(sent).map(|()| steps)
    }

    const LINES: [&str; 5] = ["a", "", "a", "c", "d"];

    #[test]
    fn the_same_input_goes_on_behind_what_has_settled_with_the_same_ids() {
        let sent = sent(&LINES, &[1, 0, 3]);
        assert_eq!((sent.settled(), sent.end()), (2, 5));
        let steps = steps(&sent, &["a", "", "a", "c", "d", "e"]).unwrap();
        assert_eq!(steps, [Step::Settled, Step::Settled, Step::Open, Step::Settled, Step::Open, Step::New]);
        assert_eq!((sent.id_of(2), sent.id_of(5)), (Some(12), Some(15)));
    }

    #[test]
    fn the_order_of_settling_does_not_matter() {
        let all = sent(&LINES, &[0, 1, 2, 3, 4]);
        assert_eq!(all, sent(&LINES, &[4, 2, 0, 3, 1, 1]));
        assert_eq!((all.settled(), all.lines.len()), (5, 0));
        // Each line counts, and where it ends.
        assert_ne!(all.chain, sent(&["a", "", "ac", "", "d"], &[0, 1, 2, 3, 4]).chain);
    }

    #[test]
    fn another_input_is_refused_before_anything_of_it_is_sent() {
        let sent = sent(&LINES, &[0, 1, 3]);
        let at = |read, short| Mismatch { recorded: 5, read, short };
        assert_eq!(steps(&sent, &["a", "x", "a", "c", "d"]).unwrap_err(), at(2, false));
        assert_eq!(steps(&sent, &["", "a", "a", "c", "d"]).unwrap_err(), at(2, false));
        // One that has not settled may have been sent too.
        assert_eq!(steps(&sent, &["a", "", "x", "c", "d"]).unwrap_err(), at(3, false));
        assert_eq!(steps(&sent, &["a", "", "a", "x", "d"]).unwrap_err(), at(4, false));
        assert_eq!(steps(&sent, &["a"]).unwrap_err(), at(1, true));
        assert_eq!(steps(&sent, &["a", "", "a", "c"]).unwrap_err(), at(4, true));
        assert!(!sent.has_template("u") && sent.has_template("t"));
    }

    #[test]
    fn failed_lines_are_remembered_until_they_arrive() {
        let mut sent = sent(&LINES, &[0, 2]);
        assert!(sent.settle(1, Some(LineFailure::Refused)) && sent.settle(3, Some(LineFailure::Unknown)));
        assert_eq!(sent.settled(), 4);
        let left = [
            Step::Settled,
            Step::Left(LineFailure::Refused),
            Step::Settled,
            Step::Left(LineFailure::Unknown),
            Step::Open,
        ];
        assert_eq!(steps(&sent, &LINES).unwrap(), left);
        assert!(sent.settle(1, None) && sent.settle(3, None));
        assert!(sent.left.is_empty());
    }

    #[test]
    fn an_input_has_its_ids_to_itself() {
        let mut sent = sent(&LINES, &[0]);
        assert_eq!((sent.reserved(), sent.used()), ((10, 10 + RESERVED), Some((10, 14))));
        sent.note_id(u64::MAX);
        assert_eq!((sent.reserved().1, sent.used()), (u64::MAX, Some((10, u64::MAX))));
        assert_eq!(SentLines::new(u64::MAX, "").id_of(1), None);
        assert_eq!((free_id(&[]), free_id(&[(0, 3), (7, 7)])), (1, 8));
        assert_eq!(free_id(&[(1, 3), (u64::MAX, u64::MAX)]), 4);
    }

    #[test]
    fn what_others_have_sent_since_a_line_was_recorded_is_counted() {
        let mut sent = sent(&["a", "b"], &[]);
        sent.note_record(1, 10);
        assert_eq!((sent.since(10), sent.since(15)), (1, 6));
        sent.push(digest_of(b"c"));
        sent.note_record(1, 15);
        // The first line decides, until it has settled.
        assert_eq!(sent.since(20), 12);
        sent.settle(0, None);
        sent.note_record(1, 18);
        assert_eq!(sent.since(20), 11);
        sent.settle(1, None);
        assert_eq!(sent.note_record(1, 19), 0);
        assert_eq!(sent.since(20), 5);
        // A failed line that is sent again is carried out after it too.
        sent.send_again();
        assert_eq!((sent.since(20), sent.note_record(1, 20)), (6, 1));
        // Another connection, of which nothing is known.
        sent.note_record(2, 3);
        assert_eq!(sent.since(3), 3);
    }

    #[test]
    fn lines_that_were_not_sent_are_not_remembered() {
        let mut sent = sent(&LINES, &[0]);
        sent.note_record(1, 0);
        sent.cut(3);
        assert_eq!((sent.end(), sent.ahead(), sent.reach()), (3, 2, 3));
        assert_eq!(steps(&sent, &["a", "", "a", "x"]).unwrap()[1..], [Step::Open, Step::Open, Step::New]);
        sent.cut(0);
        assert_eq!(sent.end(), 1);
    }

    #[test]
    fn it_is_kept_as_json() {
        let mut sent = sent(&LINES, &[0, 2]);
        sent.settle(1, Some(LineFailure::Unknown));
        sent.ordinal = 3;
        sent.note_record(3, 7);
        let text = serde_json::to_string(&sent).unwrap();
        assert_eq!(serde_json::from_str::<SentLines>(&text).unwrap(), sent);
        assert!(serde_json::from_str::<SentLines>(&text.replace(r#""states":"oo""#, r#""states":"o""#)).is_err());
    }
}
