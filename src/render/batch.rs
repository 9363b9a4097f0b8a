//! What goes to a stream together: bytes, and for the expressions which of them belong to which record.
//!
//! A [`Printer`](super::Printer) fills a batch, batches may be joined while they wait, and are never cut. Where no
//! expression stands before the stream a batch has bytes only.

use super::writer::Reach;

/// Bytes on their way to a stream, and the entries among them. Bytes of no entry are shown as they are.
#[derive(Debug, Default)]
pub struct OutputBatch {
    /// All of it, in order.
    pub bytes: Vec<u8>,
    entries: Vec<EntrySpan>,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
struct EntrySpan {
    start: usize,
    record_end: usize,
    end: usize,
    shown: bool,
    last: bool,
    reach: Reach,
}

/// A record and what is to be shown beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintedEntry<'a> {
    /// The ndjson record, with its newline; empty: there is none.
    pub record: &'a [u8],
    /// What else is shown, as it is.
    pub text: &'a [u8],
    /// The record is among those shown.
    pub shown: bool,
    /// It says how the run ended: conditions do not look at it, and it is shown also after one was met.
    pub last: bool,
    /// How far all has come with it, where that is to be known.
    pub reach: Reach,
}

/// An entry being written at the end of a batch.
#[derive(Clone, Copy, Debug)]
pub struct OpenEntry {
    start: usize,
    /// Where the record ends, if it has.
    record_end: Option<usize>,
}

impl OpenEntry {
    /// Begins one. What is appended now is its record.
    pub fn begin(batch: &OutputBatch) -> Self {
        Self { start: batch.bytes.len(), record_end: None }
    }

    /// What is appended from now on is its text.
    pub fn text(&mut self, batch: &OutputBatch) {
        self.record_end = Some(batch.bytes.len());
    }

    /// Ends it; one with nothing in it is none.
    pub fn end(self, batch: &mut OutputBatch, shown: bool, last: bool, reach: Reach) {
        let end = batch.bytes.len();
        if end > self.start {
            let record_end = self.record_end.unwrap_or(end);
            batch.entries.push(EntrySpan { start: self.start, record_end, end, shown, last, reach });
        }
    }
}

impl OutputBatch {
    /// Bytes that belong to no record.
    pub fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, entries: Vec::new() }
    }

    /// Takes all of `other`, which is empty then.
    pub fn append(&mut self, other: &mut Self) {
        let moved = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        let shifted = other.entries.iter().map(|span| EntrySpan {
            start: span.start + moved,
            record_end: span.record_end + moved,
            end: span.end + moved,
            ..*span
        });
        self.entries.extend(shifted);
        other.clear();
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// To be read.
    pub fn view(&self) -> BatchView<'_> {
        BatchView { bytes: &self.bytes, entries: &self.entries }
    }
}

/// A batch that is read.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    /// All of it, in order.
    pub bytes: &'a [u8],
    entries: &'a [EntrySpan],
}

impl<'a> From<&'a [u8]> for BatchView<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, entries: &[] }
    }
}

impl<'a> BatchView<'a> {
    /// The entries in their order; what stands between them is one that is shown as it is.
    pub fn entries(self) -> impl Iterator<Item = PrintedEntry<'a>> {
        let Self { bytes, entries } = self;
        let (mut spans, mut at) = (entries.iter().peekable(), 0);
        std::iter::from_fn(move || {
            let next = spans.peek().map_or(bytes.len(), |span| span.start);
            if next > at {
                let text = bytes.get(at..next)?;
                at = next;
                return Some(PrintedEntry { record: &[], text, shown: true, last: false, reach: Reach::default() });
            }
            let span = spans.next()?;
            at = span.end;
            let record = bytes.get(span.start..span.record_end)?;
            let text = bytes.get(span.record_end..span.end)?;
            Some(PrintedEntry { record, text, shown: span.shown, last: span.last, reach: span.reach })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_client::event::Mark;

    #[test]
    fn entries_come_out_as_they_were_written() {
        let reach = Reach { mark: Some(Mark { ordinal: 2, sequence_id: u64::MAX }), losses: 3 };
        let mut batch = OutputBatch::default();
        let mut writing = OpenEntry::begin(&batch);
        batch.bytes.extend_from_slice(b"{}\n");
        writing.text(&batch);
        batch.bytes.extend_from_slice(b"text");
        writing.end(&mut batch, true, false, reach);
        OpenEntry::begin(&batch).end(&mut batch, true, true, reach);
        let mut other = OutputBatch::plain(b"between".to_vec());
        let writing = OpenEntry::begin(&other);
        other.bytes.extend_from_slice(b"[]\n");
        writing.end(&mut other, false, true, Reach::default());
        batch.append(&mut other);
        assert!(other.bytes.is_empty() && other.view().entries().next().is_none());
        let none = Reach::default();
        assert_eq!(
            batch.view().entries().collect::<Vec<_>>(),
            [
                PrintedEntry { record: b"{}\n", text: b"text", shown: true, last: false, reach },
                PrintedEntry { record: b"", text: b"between", shown: true, last: false, reach: none },
                PrintedEntry { record: b"[]\n", text: b"", shown: false, last: true, reach: none },
            ]
        );
    }
}
