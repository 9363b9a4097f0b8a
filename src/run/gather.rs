//! `--streams whole`: the fragments of a group stream as one message, when it has ended (PROTOCOL §9.1).
//!
//! Text and bytes are joined, values are gathered in an array, and so is what is of several kinds. What did not come, or
//! came out of its turn, is marked: a gap is never merged away (PROTOCOL §19.27).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::render::counted;
use webpubsub_proto::{Data, DataKind, Message, Octets, Origin, StreamInfo, Text};

/// So many bytes of streams that have not ended are kept. The stream that goes beyond is shown as far as it has come.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StreamName {
    group: String,
    stream_id: String,
    user: Option<String>,
}

/// What has come of a stream.
#[derive(Debug, Default)]
struct GatheredParts {
    /// Of all of it; `None`: of several kinds.
    kind: Option<DataKind>,
    /// Its bytes, while it is of one kind that is joined.
    joined: Vec<u8>,
    /// Its values, separated by commas.
    values: String,
    fragments: u64,
    /// What the last message said.
    sequence_id: Option<u64>,
    /// The largest number of a fragment.
    number: u64,
    flaws: Flaws,
}

/// What is wrong with a stream that was put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flaws {
    /// Fragments that did not come when they were next.
    pub missing: u64,
    /// Fragments that came when one before or behind them had.
    pub repeated: u64,
}

impl Flaws {
    /// In words; `None`: there are none.
    pub fn words(self) -> Option<String> {
        let Self { missing, repeated } = self;
        match (missing, repeated) {
            (0, 0) => None,
            (missing, 0) => Some(format!("{} missing", counted(missing, "fragment"))),
            (0, repeated) => Some(format!("{} repeated", counted(repeated, "fragment"))),
            (missing, repeated) => Some(format!("{} missing, {repeated} repeated", counted(missing, "fragment"))),
        }
    }
}

/// The streams that have not ended.
#[derive(Debug, Default)]
pub struct Gather {
    streams: BTreeMap<StreamName, GatheredParts>,
    bytes: usize,
}

/// A stream as one message.
#[derive(Debug)]
pub struct GatheredStream {
    name: StreamName,
    kind: DataKind,
    bytes: Vec<u8>,
    sequence_id: Option<u64>,
    stream: String,
    flaws: Flaws,
    /// It has ended as its publisher wanted.
    completed: bool,
}

/// What became of a fragment.
#[derive(Debug)]
pub enum FragmentResult {
    /// It is kept.
    Kept,
    /// The stream has ended.
    Ended(GatheredStream),
    /// There is no room for more.
    Full(GatheredStream),
}

impl StreamName {
    fn of(message: &Message<'_>, info: &StreamInfo<'_>) -> Option<Self> {
        let Origin::Group { group, user_id } = &message.origin else { return None };
        Some(Self {
            group: group.to_string(),
            stream_id: info.stream_id.to_string(),
            user: user_id.as_deref().map(str::to_owned),
        })
    }
}

impl Gather {
    /// Takes a message in. `None`: it is no fragment.
    pub fn take(&mut self, message: &Message<'_>) -> Option<FragmentResult> {
        let info = StreamInfo::parse(message.stream?)?;
        let name = StreamName::of(message, &info)?;
        let parts = self.streams.entry(name.clone()).or_default();
        let is_empty = message.data.is_empty_text() || matches!(message.data, Data::Json("null"));
        if !(info.is_end() && is_empty) {
            self.bytes += parts.add(message.data);
        }
        parts.sequence_id = message.sequence_id;
        parts.count(info.stream_sequence_id);
        if info.is_end() {
            return Some(self.finish(name, Some(&info)).map_or(FragmentResult::Kept, FragmentResult::Ended));
        }
        if self.bytes > MOST_BYTES {
            return Some(self.finish(name, None).map_or(FragmentResult::Kept, FragmentResult::Full));
        }
        Some(FragmentResult::Kept)
    }

    /// Takes out a stream of which nothing more comes.
    pub fn break_off(&mut self, group: &str, stream_id: &str, user: Option<&str>) -> Option<GatheredStream> {
        let name =
            StreamName { group: group.to_owned(), stream_id: stream_id.to_owned(), user: user.map(str::to_owned) };
        self.finish(name, None)
    }

    /// Takes out one that has not ended.
    pub fn any(&mut self) -> Option<GatheredStream> {
        let name = self.streams.keys().next().cloned()?;
        self.finish(name, None)
    }

    fn finish(&mut self, name: StreamName, end: Option<&StreamInfo<'_>>) -> Option<GatheredStream> {
        let parts = self.streams.remove(&name)?;
        self.bytes = self.bytes.saturating_sub(parts.size());
        let broken_off = || StreamInfo {
            stream_id: name.stream_id.as_str().into(),
            stream_sequence_id: parts.number,
            end_of_stream: None,
            error: None,
        };
        let completed = end.is_some_and(|info| info.error.is_none());
        let info = end.cloned().unwrap_or_else(broken_off);
        let (flaws, sequence_id) = (parts.flaws, parts.sequence_id);
        let count = |count: u64| Some(count).filter(|count| *count > 0);
        let (missing, repeated) = (count(flaws.missing), count(flaws.repeated));
        // Serialising plain structs into memory cannot fail.
        let stream = serde_json::to_string(&GatheredInfo { info: &info, missing, repeated }).unwrap_or_default();
        let (kind, bytes) = parts.into_data();
        Some(GatheredStream { name, kind, bytes, sequence_id, stream, flaws, completed })
    }
}

/// The `stream` object of a stream that was put together.
#[derive(Serialize)]
struct GatheredInfo<'a> {
    #[serde(flatten)]
    info: &'a StreamInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<u64>,
}

impl GatheredParts {
    /// A fragment of that number came, or the end.
    fn count(&mut self, number: u64) {
        let expected = self.number.saturating_add(1);
        self.flaws.missing = self.flaws.missing.saturating_add(number.saturating_sub(expected));
        self.flaws.repeated += u64::from(number < expected);
        self.number = self.number.max(number);
    }

    fn size(&self) -> usize {
        self.joined.len() + self.values.len()
    }

    /// Gives how much more it takes.
    fn add(&mut self, data: Data<'_>) -> usize {
        let before = self.size();
        let kind = Some(data.kind()).filter(|kind| matches!(kind, DataKind::Text | DataKind::Binary));
        if self.fragments == 0 {
            self.kind = kind;
        } else if self.kind != kind {
            self.spread();
        }
        self.fragments += 1;
        if self.kind.is_some() {
            self.joined.extend_from_slice(&data.to_bytes().unwrap_or_default());
        } else {
            if !self.values.is_empty() {
                self.values.push(',');
            }
            self.values.push_str(&data.to_json());
        }
        self.size().saturating_sub(before)
    }

    /// What was joined is one value of several.
    fn spread(&mut self) {
        let joined = std::mem::take(&mut self.joined);
        let data = match self.kind.take() {
            Some(DataKind::Binary) => Data::Binary(Octets::Plain(&joined)).to_json().into_owned(),
            Some(DataKind::Text | DataKind::Json | DataKind::Protobuf) | None if joined.is_empty() => return,
            Some(DataKind::Text | DataKind::Json | DataKind::Protobuf) | None => {
                Data::Text(Text::Plain(&String::from_utf8_lossy(&joined))).to_json().into_owned()
            }
        };
        self.values.push_str(&data);
    }

    fn into_data(self) -> (DataKind, Vec<u8>) {
        match self.kind {
            Some(kind) => (kind, self.joined),
            // One without a fragment is an empty text, as its end is.
            None if self.fragments == 0 => (DataKind::Text, Vec::new()),
            None => (DataKind::Json, format!("[{}]", self.values).into_bytes()),
        }
    }
}

impl GatheredStream {
    /// As a message.
    pub fn with<T>(&self, see: impl FnOnce(Message<'_>) -> T) -> T {
        let text = String::from_utf8_lossy(&self.bytes);
        let data = match self.kind {
            DataKind::Json => Data::Json(&text),
            DataKind::Text => Data::Text(Text::Plain(&text)),
            DataKind::Binary => Data::Binary(Octets::Plain(&self.bytes)),
            DataKind::Protobuf => Data::Protobuf(Octets::Plain(&self.bytes)),
        };
        see(Message {
            origin: Origin::Group {
                group: self.name.group.as_str().into(),
                user_id: self.name.user.as_deref().map(Into::into),
            },
            sequence_id: self.sequence_id,
            data,
            metadata: None,
            stream: Some(&self.stream),
            redelivered: false,
        })
    }

    /// Its id.
    pub fn stream_id(&self) -> &str {
        &self.name.stream_id
    }

    /// What is wrong with it.
    pub fn flaws(&self) -> Flaws {
        self.flaws
    }

    /// Whether all of it is there, and nothing else.
    pub fn is_whole(&self) -> bool {
        self.completed && self.flaws == Flaws::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_proto::{Downstream, decode_downstream};

    /// The whole of a stream with these fragments, as `dataType` and `data`.
    fn whole(parts: &[(&str, &str)]) -> String {
        let mut gather = Gather::default();
        let mut number = 0;
        let ends = [("text", "\"\"")];
        for (at, (kind, data)) in parts.iter().chain(&ends).enumerate() {
            number += 1;
            let end = if at == parts.len() { ",\"endOfStream\":true" } else { "" };
            let frame = format!(
                r#"{{"type":"message","from":"group","group":"g","dataType":"{kind}","data":{data},"stream":{{"streamId":"s","streamSequenceId":{number}{end}}}}}"#
            );
            let Downstream::Message(message) = decode_downstream(&frame) else { panic!("{frame}") };
            match gather.take(&message).unwrap() {
                FragmentResult::Kept => assert_ne!(at, parts.len()),
                FragmentResult::Ended(whole) => {
                    assert_eq!(gather.bytes, 0);
                    return whole.with(|message| format!("{} {}", message.data.kind().name(), message.data.to_json()));
                }
                FragmentResult::Full(whole) => panic!("{whole:?}"),
            }
        }
        panic!("it has no end")
    }

    #[test]
    fn text_and_bytes_are_joined_and_values_are_an_array() {
        assert_eq!(whole(&[("text", "\"a\""), ("text", "\"b\\n\"")]), r#"text "ab\n""#);
        assert_eq!(whole(&[("binary", "\"AP8=\""), ("binary", "\"AA==\"")]), r#"binary "AP8A""#);
        assert_eq!(whole(&[("json", "1.0"), ("json", "{\"a\":null}")]), r#"json [1.0,{"a":null}]"#);
        assert_eq!(whole(&[("text", "\"a\""), ("text", "\"b\""), ("json", "1")]), r#"json ["ab",1]"#);
        assert_eq!(whole(&[]), r#"text """#);
    }

    /// What is marked in a stream whose fragments have these numbers, the last of them that of its end.
    fn marked(numbers: &[u64]) -> (String, Option<String>, bool) {
        let mut gather = Gather::default();
        let mut over = None;
        for (at, number) in numbers.iter().enumerate() {
            let end = if at + 1 == numbers.len() { ",\"endOfStream\":true" } else { "" };
            let frame = format!(
                r#"{{"type":"message","from":"group","group":"g","dataType":"text","data":"x","stream":{{"streamId":"s","streamSequenceId":{number}{end}}}}}"#
            );
            let Downstream::Message(message) = decode_downstream(&frame) else { panic!("{frame}") };
            if let FragmentResult::Ended(whole) = gather.take(&message).unwrap() {
                over = Some((
                    whole.with(|message| message.stream.unwrap().to_owned()),
                    whole.flaws().words(),
                    whole.is_whole(),
                ));
            }
        }
        over.unwrap()
    }

    #[test]
    fn what_is_missing_or_came_again_is_marked() {
        let end = |number: u64, more: &str| {
            format!(r#"{{"streamId":"s","streamSequenceId":{number},"endOfStream":true{more}}}"#)
        };
        assert_eq!(marked(&[1, 2, 3]), (end(3, ""), None, true));
        for (numbers, last, more, words) in [
            (&[1, 2, 5, 6][..], 6, r#","missing":2"#, "2 fragments missing"),
            (&[3, 4], 4, r#","missing":2"#, "2 fragments missing"),
            (&[1, 1, 2, 3], 3, r#","repeated":1"#, "1 fragment repeated"),
            (&[1, 3, 2, 4], 4, r#","missing":1,"repeated":1"#, "1 fragment missing, 1 repeated"),
            (&[1, 3], 3, r#","missing":1"#, "1 fragment missing"),
        ] {
            assert_eq!(marked(numbers), (end(last, more), Some(words.to_owned()), false), "{numbers:?}");
        }
    }

    #[test]
    fn what_is_no_fragment_is_none_of_it() {
        let frame = r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"x"}"#;
        let Downstream::Message(message) = decode_downstream(frame) else { panic!("{frame}") };
        assert!(Gather::default().take(&message).is_none());
    }
}
