//! Standard input, cut into the fragments of a stream.
//!
//! A thread of its own reads, since a read may hang, and hands on what has come as soon as it is there. It reads no
//! further before that is taken.

use std::io::{self, Read};
use std::str::Utf8Error;
use std::thread;

use tokio::sync::mpsc;

use super::settings::StreamFeed;
use crate::commands::bulk::data_of_record;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::data::payload::refuse_null;
use crate::options::stdin::StandardInput;
use webpubsub_proto::{Codec, MAX_FRAME_BYTES, OwnedData};

/// Bytes read at once, and most bytes of a fragment that has no other measure.
const CHUNK: usize = 64 * 1024;
/// Longest line.
const LONGEST_LINE: usize = MAX_FRAME_BYTES;
/// What a frame has besides its payload, at most.
const ENVELOPE: usize = 8 * 1024;

/// What was read.
#[derive(Debug)]
pub enum StreamBatch {
    /// Fragments, in order.
    Fragments(Vec<OwnedData>),
    /// The input is no stream any more from here on.
    Failed(Failure),
}

/// The fragments of standard input, as they come.
#[derive(Debug)]
pub struct StreamIntake(mpsc::Receiver<StreamBatch>);

impl StreamIntake {
    /// Begins to read.
    pub fn open(feed: StreamFeed, codec: Codec) -> Result<Self, Failure> {
        let (sender, pieces) = mpsc::channel(1);
        let cutter = FragmentCutter { feed, codec, partial: Vec::new(), lines: 0 };
        thread::Builder::new()
            .name("stdin".into())
            .spawn(move || read(StandardInput, cutter, &sender))
            .or_internal()?;
        Ok(Self(pieces))
    }

    /// The next ones; `None` at the end. Nothing is lost when this is dropped.
    pub async fn next(&mut self) -> Option<StreamBatch> {
        self.0.recv().await
    }
}

fn read(mut input: impl Read, mut cutter: FragmentCutter, sender: &mpsc::Sender<StreamBatch>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut fragments = Vec::new();
        let (cut, last) = match input.read(&mut chunk) {
            Ok(0) => (cutter.finish(&mut fragments), true),
            Ok(read) => (cutter.cut(&chunk[..read], &mut fragments), false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => (Err(Failure::new(Kind::Input, error).context("could not read standard input")), true),
        };
        // What stands before something bad is sent. Nobody takes it any more when the stream has ended.
        if !fragments.is_empty() && sender.blocking_send(StreamBatch::Fragments(fragments)).is_err() {
            return;
        }
        if let Err(failure) = cut {
            let _ = sender.blocking_send(StreamBatch::Failed(failure));
            return;
        }
        if last {
            return;
        }
    }
}

/// Cuts bytes into fragments, in chunks of any size. Where something is bad, what stands before it has been cut.
struct FragmentCutter {
    feed: StreamFeed,
    codec: Codec,
    /// The beginning of a character, or of a line.
    partial: Vec<u8>,
    /// Lines that have ended.
    lines: u64,
}

impl FragmentCutter {
    fn cut(&mut self, chunk: &[u8], fragments: &mut Vec<OwnedData>) -> Result<(), Failure> {
        match self.feed {
            StreamFeed::Text => self.cut_text(chunk, fragments),
            StreamFeed::Binary => {
                fragments.push(OwnedData::binary(chunk));
                Ok(())
            }
            StreamFeed::TextLines | StreamFeed::BinaryLines | StreamFeed::JsonLines | StreamFeed::Records => {
                self.cut_lines(chunk, fragments)
            }
        }
    }

    fn finish(&mut self, fragments: &mut Vec<OwnedData>) -> Result<(), Failure> {
        let partial = std::mem::take(&mut self.partial);
        match self.feed {
            _ if partial.is_empty() => {}
            StreamFeed::Text => fragments.push(OwnedData::text(std::str::from_utf8(&partial).map_err(not_text)?)),
            StreamFeed::Binary => {}
            StreamFeed::TextLines | StreamFeed::BinaryLines | StreamFeed::JsonLines | StreamFeed::Records => {
                fragments.extend(self.line(&partial)?);
            }
        }
        Ok(())
    }

    /// A character that has come in part waits for the rest.
    fn cut_text(&mut self, chunk: &[u8], fragments: &mut Vec<OwnedData>) -> Result<(), Failure> {
        self.partial.extend_from_slice(chunk);
        let (whole, bad) = match std::str::from_utf8(&self.partial) {
            Ok(text) => (text.len(), None),
            Err(error) => (error.valid_up_to(), error.error_len().map(|_| error)),
        };
        let rest = self.partial.split_off(whole);
        let mut bytes = std::mem::replace(&mut self.partial, rest);
        // What waited makes it a little longer than was read at once.
        while !bytes.is_empty() {
            let mut end = bytes.len().min(CHUNK);
            while bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                end -= 1;
            }
            let after = bytes.split_off(end);
            fragments.push(OwnedData::text(&String::from_utf8_lossy(&bytes)));
            bytes = after;
        }
        bad.map_or(Ok(()), |error| Err(not_text(error)))
    }

    fn cut_lines(&mut self, mut chunk: &[u8], fragments: &mut Vec<OwnedData>) -> Result<(), Failure> {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (head, rest) = chunk.split_at(end + 1);
            chunk = rest;
            if self.partial.is_empty() {
                fragments.extend(self.line(head)?);
            } else {
                self.partial.extend_from_slice(head);
                let line = std::mem::take(&mut self.partial);
                fragments.extend(self.line(&line)?);
            }
        }
        self.partial.extend_from_slice(chunk);
        if self.partial.len() > LONGEST_LINE {
            self.lines += 1;
            return Err(self.too_large());
        }
        Ok(())
    }

    /// A line with its end, if it has one. `None`: it is skipped.
    fn line(&mut self, line: &[u8]) -> Result<Option<OwnedData>, Failure> {
        self.lines += 1;
        let data = fragment_of_line(self.feed, line)
            .map_err(|failure| failure.context(format!("line {} is no fragment", self.lines)))?;
        match data {
            Some(data) if !fits(self.codec, &data) => Err(self.too_large()),
            data => Ok(data),
        }
    }

    fn too_large(&self) -> Failure {
        let what = format!("line {} is larger than a frame may be, {MAX_FRAME_BYTES} bytes", self.lines);
        Failure::message(Kind::Input, what)
    }
}

/// What a line is as a fragment, with its end, if it has one. `None`: it is skipped.
pub fn fragment_of_line(feed: StreamFeed, line: &[u8]) -> Result<Option<OwnedData>, Failure> {
    let bare = line.strip_suffix(b"\n").unwrap_or(line);
    let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
    let text = |bytes| std::str::from_utf8(bytes).map_err(not_text);
    match feed {
        StreamFeed::TextLines => text(line).map(|text| Some(OwnedData::text(text))),
        StreamFeed::BinaryLines => Ok(Some(OwnedData::binary(line))),
        StreamFeed::JsonLines => text(bare).and_then(|text| {
            let json = OwnedData::json(text).or_fail(Kind::Input, "the line is not JSON")?;
            refuse_null(&json)?;
            Ok(Some(json))
        }),
        StreamFeed::Records => data_of_record(bare),
        StreamFeed::Text | StreamFeed::Binary => Ok(None),
    }
}

/// Whether the service takes a frame with it.
pub fn fits(codec: Codec, data: &OwnedData) -> bool {
    codec.data_len(data.as_data()) + ENVELOPE <= MAX_FRAME_BYTES
}

fn not_text(error: Utf8Error) -> Failure {
    Failure::new(Kind::Input, error).context("the text is not UTF-8").hint("`-t binary` takes any bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payloads that come of an input, read in chunks of that size.
    fn fragments(feed: StreamFeed, input: &[u8], chunk: usize) -> Result<Vec<Vec<u8>>, String> {
        let (all, result) = fragments_before(feed, input, chunk);
        result.map(|()| all)
    }

    /// The same, up to what is bad.
    fn fragments_before(feed: StreamFeed, input: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Result<(), String>) {
        let mut cutter = FragmentCutter { feed, codec: Codec::Json, partial: Vec::new(), lines: 0 };
        let mut all = Vec::new();
        let cut = input.chunks(chunk).try_for_each(|part| cutter.cut(part, &mut all));
        let result = cut.and_then(|()| cutter.finish(&mut all)).map_err(|failure| format!("{:#}", failure.error));
        (all.iter().map(|data| data.as_data().to_bytes().unwrap().into_owned()).collect(), result)
    }

    #[test]
    fn what_stands_before_something_bad_is_a_fragment_however_it_is_read() {
        for (feed, input, good) in [
            (StreamFeed::JsonLines, &b"1\n2\n{bad\n3\n"[..], &b"12"[..]),
            (StreamFeed::Records, b"{\"data\":1}\n{bad\n", b"1"),
            (StreamFeed::Text, b"good\xffb", b"good"),
            (StreamFeed::JsonLines, b"1\n{bad", b"1"),
        ] {
            for chunk in 1..20 {
                let (all, result) = fragments_before(feed, input, chunk);
                assert_eq!((all.concat(), result.is_err()), (good.to_vec(), true), "{feed:?} {chunk}");
            }
        }
    }

    #[test]
    fn text_is_cut_between_characters_and_nothing_of_it_is_lost() {
        let text = "aé日🦀".repeat(30_000);
        for chunk in [1, 2, 3, 5, 4096, CHUNK] {
            let all = fragments(StreamFeed::Text, text.as_bytes(), chunk).unwrap();
            assert!(all.iter().all(|part| std::str::from_utf8(part).is_ok() && part.len() <= CHUNK), "{chunk}");
            assert_eq!(all.concat(), text.as_bytes(), "{chunk}");
        }
    }

    #[test]
    fn lines_keep_their_ends() {
        for chunk in 1..6 {
            let all = fragments(StreamFeed::TextLines, b"a\n\r\n\nbc\r\nd", chunk).unwrap();
            assert_eq!(all, [&b"a\n"[..], b"\r\n", b"\n", b"bc\r\n", b"d"], "{chunk}");
        }
    }

    #[test]
    fn values_and_records_are_read_a_line_each() {
        assert_eq!(fragments(StreamFeed::JsonLines, b"1.0\n{\"a\": 1}\r\n", 3).unwrap(), [&b"1.0"[..], b"{\"a\": 1}"]);
        let records = br#"{"type":"group-message","data":"x","stream":{}}
{"type":"connected"}
{"data":"AP8=","dataType":"binary"}
"#;
        assert_eq!(fragments(StreamFeed::Records, records, 7).unwrap(), [&b"x"[..], b"\x00\xff"]);
    }

    #[test]
    fn what_is_no_fragment_is_named() {
        assert!(fragments(StreamFeed::Text, b"a\xff", 9).unwrap_err().contains("not UTF-8"));
        assert!(fragments(StreamFeed::Text, b"a\xe6\x97", 9).unwrap_err().contains("not UTF-8"));
        assert!(fragments(StreamFeed::JsonLines, b"1\n{\n", 9).unwrap_err().contains("line 2"));
        assert!(fragments(StreamFeed::JsonLines, b"null\n", 9).unwrap_err().contains("null"));
        assert!(fragments(StreamFeed::Records, b"{}\n", 9).unwrap_err().contains("`data` is missing"));
        let long = [vec![b'x'; LONGEST_LINE], b"\n".to_vec()].concat();
        assert!(fragments(StreamFeed::TextLines, &long, CHUNK).unwrap_err().contains("larger than a frame"));
    }
}
