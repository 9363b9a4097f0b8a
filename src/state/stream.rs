//! The position in an input that is sent line by line: how many of its lines have settled, by their digest.
//!
//! Lines have the ackIds `first_id`, `first_id` + 1, … in their order, whatever became of the lines before, so that the
//! same input, run again, goes on with the same ids. The digest is a chain, h' = SHA-256(h ‖ SHA-256(line)), so that one
//! line more costs one line more, and a prefix of an input can be told from any other. Lines settle out of their order:
//! those that settled beyond the prefix are kept as ranges.

#![allow(dead_code, reason = "`send --session` with a stream of lines is the caller")]

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::format::hex;

/// The length of a digest.
const LENGTH: usize = 32;

/// The position of a stream that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    /// ackId of the first line.
    first_id: u64,
    /// How many lines have settled without one between them that has not.
    settled: u64,
    /// Digest of these lines, in hex; empty: of none.
    digest: String,
    /// Lines behind these that have settled: number, from 0, with digest in hex.
    beyond: BTreeMap<u64, String>,
}

/// The input is not the one that was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// How many lines the record says have settled.
    pub settled: u64,
    /// How many lines were there to be compared; fewer: the input has ended before.
    pub read: u64,
}

/// An input that is compared with what was sent before, line by line.
#[derive(Clone, Debug)]
pub struct Resuming {
    stream: Stream,
    /// Lines read so far.
    read: u64,
    /// Digest of these, as far as they are in the prefix.
    chain: [u8; LENGTH],
}

impl Stream {
    /// A stream whose first line has this ackId.
    pub fn new(first_id: u64) -> Self {
        Self { first_id, ..Self::default() }
    }

    /// ackId of a line, the first of which has the number 0; `None` behind the last id there is.
    pub fn id_of(&self, line: u64) -> Option<u64> {
        self.first_id.checked_add(line)
    }

    /// How many lines have settled without a gap.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Takes note that a line has settled, in any order. `digest` is [`digest_of`] the line.
    pub fn settle(&mut self, line: u64, digest: [u8; LENGTH]) {
        if line < self.settled {
            return;
        }
        self.beyond.insert(line, hex(&digest));
        while let Some(next) = self.beyond.remove(&self.settled) {
            let mut chain = unhex(&self.digest).unwrap_or_default();
            advance(&mut chain, &unhex(&next).unwrap_or_default());
            self.digest = hex(&chain);
            self.settled += 1;
        }
    }

    /// Compares an input with it from its beginning on.
    pub fn resume(self) -> Resuming {
        Resuming { stream: self, read: 0, chain: [0; LENGTH] }
    }
}

/// What is to be done with a line of a resumed input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has settled: it is not sent again.
    Skip,
    /// It has not: it is sent under this id, as before.
    Send(u64),
    /// There are no ids left.
    NoId,
}

impl Resuming {
    /// The next line of the input, from the first one on. Fails when the lines are not those that have settled; that is
    /// known at the last of them, and nothing is to be sent before.
    pub fn line(&mut self, line: &[u8]) -> Result<Step, Mismatch> {
        let number = self.read;
        self.read += 1;
        let digest = digest_of(line);
        if number < self.stream.settled {
            advance(&mut self.chain, &digest);
            if self.read == self.stream.settled && hex(&self.chain) != self.stream.digest {
                return Err(self.mismatch());
            }
            return Ok(Step::Skip);
        }
        match self.stream.beyond.get(&number) {
            Some(settled) if *settled == hex(&digest) => Ok(Step::Skip),
            Some(_) => Err(self.mismatch()),
            None => Ok(self.stream.id_of(number).map_or(Step::NoId, Step::Send)),
        }
    }

    /// The input has ended, or enough of it was compared: the position to go on from. Fails when it ended before the
    /// lines that have settled did.
    pub fn finish(self) -> Result<Stream, Mismatch> {
        let all = self.stream.beyond.keys().next_back().map_or(self.stream.settled, |last| last + 1);
        if self.read < all { Err(self.mismatch()) } else { Ok(self.stream) }
    }

    /// Whether every line that has settled was compared.
    pub fn is_past_settled(&self) -> bool {
        self.read >= self.stream.settled
    }

    fn mismatch(&self) -> Mismatch {
        Mismatch { settled: self.stream.settled, read: self.read }
    }
}

/// The digest of a line.
pub fn digest_of(line: &[u8]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    out.copy_from_slice(digest(&SHA256, line).as_ref());
    out
}

fn advance(chain: &mut [u8; LENGTH], line: &[u8; LENGTH]) {
    let mut both = [0; 2 * LENGTH];
    both[..LENGTH].copy_from_slice(chain);
    both[LENGTH..].copy_from_slice(line);
    *chain = digest_of(&both);
}

/// `None` when that is no digest; an empty one is the digest of nothing.
fn unhex(text: &str) -> Option<[u8; LENGTH]> {
    let mut out = [0; LENGTH];
    if text.len() != 2 * LENGTH || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str], settled: &[u64]) -> Stream {
        let mut stream = Stream::new(10);
        for line in settled {
            stream.settle(*line, digest_of(lines[*line as usize].as_bytes()));
        }
        stream
    }

    fn steps(stream: Stream, lines: &[&str]) -> Result<(Vec<Step>, Stream), Mismatch> {
        let mut resuming = stream.resume();
        let steps = lines.iter().map(|line| resuming.line(line.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        Ok((steps, resuming.finish()?))
    }

    const LINES: [&str; 5] = ["a", "", "a", "c", "d"];

    #[test]
    fn the_same_input_goes_on_behind_what_has_settled_with_the_same_ids() {
        let stream = sent(&LINES, &[1, 0, 3]);
        assert_eq!(stream.settled(), 2);
        let (steps, resumed) = steps(stream.clone(), &LINES).unwrap();
        assert_eq!(steps, [Step::Skip, Step::Skip, Step::Send(12), Step::Skip, Step::Send(14)]);
        assert_eq!(resumed, stream);
    }

    #[test]
    fn the_order_of_settling_does_not_matter() {
        let all = sent(&LINES, &[0, 1, 2, 3, 4]);
        assert_eq!(all, sent(&LINES, &[4, 2, 0, 3, 1, 1]));
        assert_eq!((all.settled(), all.beyond.len()), (5, 0));
        // Each line counts, and where it ends.
        let other = Stream::new(10);
        assert_ne!(all.digest, sent(&["a", "", "ac", "", "d"], &[0, 1, 2, 3, 4]).digest);
        assert_ne!(all.digest, other.digest);
    }

    #[test]
    fn another_input_is_refused_before_anything_of_it_is_sent() {
        let stream = sent(&LINES, &[0, 1, 3]);
        assert_eq!(steps(stream.clone(), &["a", "x", "a", "c"]).unwrap_err(), Mismatch { settled: 2, read: 2 });
        assert_eq!(steps(stream.clone(), &["", "a", "a", "c"]).unwrap_err(), Mismatch { settled: 2, read: 2 });
        assert_eq!(steps(stream.clone(), &["a", "", "a", "x"]).unwrap_err(), Mismatch { settled: 2, read: 4 });
        assert_eq!(steps(stream.clone(), &["a"]).unwrap_err(), Mismatch { settled: 2, read: 1 });
        assert_eq!(steps(stream, &["a", "", "a"]).unwrap_err(), Mismatch { settled: 2, read: 3 });
    }

    #[test]
    fn ids_end_at_the_last_one() {
        let mut resuming = Stream::new(u64::MAX).resume();
        assert_eq!([resuming.line(b"a"), resuming.line(b"b")], [Ok(Step::Send(u64::MAX)), Ok(Step::NoId)]);
    }

    #[test]
    fn it_is_kept_as_json() {
        let stream = sent(&LINES, &[0, 2]);
        let text = serde_json::to_string(&stream).unwrap();
        assert_eq!(serde_json::from_str::<Stream>(&text).unwrap(), stream);
    }
}
