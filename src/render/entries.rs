//! What a printer hands to the expressions: a record and what is to be shown of it, side by side in one buffer.
//!
//! An entry is its flags, how far all has come with it and the lengths of its two parts, then the parts. Entries
//! stand one after another in the buffers that go to the thread of stdout, which may be joined but are never cut.

use super::writer::Reach;
use webpubsub_client::event::Mark;

/// Flags, a reach of three numbers, and two lengths.
const HEADER: usize = 1 + NUMBERS * NUMBER;
const NUMBERS: usize = 5;
const NUMBER: usize = size_of::<u64>();

/// The record is among those shown.
const SHOWN: u8 = 1;
/// It is nothing that conditions look at, and shown also after they were met.
const LAST: u8 = 2;
/// It has a mark.
const MARKED: u8 = 4;

/// One entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The ndjson record, with its newline; empty: there is none.
    pub record: &'a [u8],
    /// What else is shown, as it is.
    pub text: &'a [u8],
    /// The record is among those shown.
    pub shown: bool,
    /// It says how the run ended.
    pub last: bool,
    /// How far all has come with it, where that is to be known.
    pub reach: Reach,
}

/// An entry being written at the end of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    start: usize,
    /// Where the record ends; 0: it has not.
    record_end: usize,
}

impl Writing {
    /// Begins one. What is appended now is its record.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        let start = out.len();
        out.resize(start + HEADER, 0);
        Self { start, record_end: 0 }
    }

    /// What is appended from now on is its text.
    pub fn text(&mut self, out: &[u8]) {
        self.record_end = out.len();
    }

    /// Ends it; one with nothing in it is taken back.
    pub fn end(self, out: &mut Vec<u8>, shown: bool, last: bool, reach: Reach) {
        let body = self.start + HEADER;
        if out.len() == body {
            out.truncate(self.start);
            return;
        }
        let record_end = if self.record_end == 0 { out.len() } else { self.record_end };
        let (ordinal, sequence_id) = reach.mark.map_or((0, 0), |mark| (mark.ordinal, mark.sequence_id));
        let numbers: [u64; NUMBERS] =
            [ordinal, sequence_id, reach.losses, (record_end - body) as u64, (out.len() - record_end) as u64];
        out[self.start] = u8::from(shown) * SHOWN + u8::from(last) * LAST + u8::from(reach.mark.is_some()) * MARKED;
        for (index, number) in numbers.into_iter().enumerate() {
            let at = self.start + 1 + index * NUMBER;
            out[at..at + NUMBER].copy_from_slice(&number.to_le_bytes());
        }
    }
}

/// The entries of a buffer.
pub fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let (&flags, rest) = bytes.split_first()?;
        let (ordinal, rest) = number(rest)?;
        let (sequence_id, rest) = number(rest)?;
        let (losses, rest) = number(rest)?;
        let (record_length, rest) = length(rest)?;
        let (text_length, rest) = length(rest)?;
        let (record, rest) = rest.split_at_checked(record_length)?;
        let (text, rest) = rest.split_at_checked(text_length)?;
        bytes = rest;
        let mark = (flags & MARKED != 0).then_some(Mark { ordinal, sequence_id });
        Some(Entry { record, text, shown: flags & SHOWN != 0, last: flags & LAST != 0, reach: Reach { mark, losses } })
    })
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<NUMBER>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = number(bytes)?;
    Some((usize::try_from(length).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_as_they_were_written() {
        let mut out = Vec::new();
        let mut writing = Writing::begin(&mut out);
        out.extend_from_slice(b"{}\n");
        writing.text(&out);
        out.extend_from_slice(b"text");
        let reach = Reach { mark: Some(Mark { ordinal: 2, sequence_id: u64::MAX }), losses: 3 };
        writing.end(&mut out, true, false, reach);
        Writing::begin(&mut out).end(&mut out, true, true, reach);
        let writing = Writing::begin(&mut out);
        out.extend_from_slice(b"[]\n");
        writing.end(&mut out, false, true, Reach::default());
        let read: Vec<Entry<'_>> = entries(&out).collect();
        assert_eq!(
            read,
            [
                Entry { record: b"{}\n", text: b"text", shown: true, last: false, reach },
                Entry { record: b"[]\n", text: b"", shown: false, last: true, reach: Reach::default() },
            ]
        );
    }
}
