//! `--streams whole`: the fragments of a group stream as one message, when it has ended (PROTOCOL §9.1).
//!
//! Text and bytes are joined, values are gathered in an array, and so is what is of several kinds.

use std::collections::BTreeMap;

use webpubsub_proto::{Data, DataKind, Message, Octets, Origin, StreamInfo, Text};

/// So many bytes of streams that have not ended are kept. The stream that goes beyond is shown as far as it has come.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    group: String,
    stream_id: String,
    user: Option<String>,
}

/// What has come of a stream.
#[derive(Debug, Default)]
struct Parts {
    /// Of all of it; `None`: of several kinds.
    kind: Option<DataKind>,
    /// Its bytes, while it is of one kind that is joined.
    joined: Vec<u8>,
    /// Its values, separated by commas.
    values: String,
    fragments: u64,
    /// What the last message said.
    sequence_id: Option<u64>,
    /// Of the last fragment.
    number: u64,
}

/// The streams that have not ended.
#[derive(Debug, Default)]
pub(super) struct Gather {
    streams: BTreeMap<Name, Parts>,
    bytes: usize,
}

/// A stream as one message.
#[derive(Debug)]
pub(super) struct Whole {
    name: Name,
    kind: DataKind,
    bytes: Vec<u8>,
    sequence_id: Option<u64>,
    stream: String,
}

/// What became of a fragment.
#[derive(Debug)]
pub(super) enum Gathered {
    /// It is kept.
    Kept,
    /// The stream has ended.
    Ended(Whole),
    /// There is no room for more.
    Full(Whole),
}

impl Name {
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
    pub(super) fn take(&mut self, message: &Message<'_>) -> Option<Gathered> {
        let info = StreamInfo::parse(message.stream?)?;
        let name = Name::of(message, &info)?;
        let parts = self.streams.entry(name.clone()).or_default();
        let is_empty = message.data.is_empty_text() || matches!(message.data, Data::Json("null"));
        if !(info.is_end() && is_empty) {
            self.bytes += parts.add(message.data);
        }
        (parts.sequence_id, parts.number) = (message.sequence_id, info.stream_sequence_id);
        if info.is_end() {
            return Some(self.finish(name, Some(&info)).map_or(Gathered::Kept, Gathered::Ended));
        }
        if self.bytes > MOST_BYTES {
            return Some(self.finish(name, None).map_or(Gathered::Kept, Gathered::Full));
        }
        Some(Gathered::Kept)
    }

    /// Takes out a stream of which nothing more comes.
    pub(super) fn break_off(&mut self, group: &str, stream_id: &str, user: Option<&str>) -> Option<Whole> {
        let name = Name { group: group.to_owned(), stream_id: stream_id.to_owned(), user: user.map(str::to_owned) };
        self.finish(name, None)
    }

    /// Takes out one that has not ended.
    pub(super) fn any(&mut self) -> Option<Whole> {
        let name = self.streams.keys().next().cloned()?;
        self.finish(name, None)
    }

    fn finish(&mut self, name: Name, end: Option<&StreamInfo<'_>>) -> Option<Whole> {
        let parts = self.streams.remove(&name)?;
        self.bytes = self.bytes.saturating_sub(parts.size());
        let stream = match end {
            Some(info) => info.to_json(),
            None => StreamInfo {
                stream_id: name.stream_id.as_str().into(),
                stream_sequence_id: parts.number,
                end_of_stream: None,
                error: None,
            }
            .to_json(),
        };
        let sequence_id = parts.sequence_id;
        let (kind, bytes) = parts.into_data();
        Some(Whole { name, kind, bytes, sequence_id, stream })
    }
}

impl Parts {
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

impl Whole {
    /// As a message.
    pub(super) fn with<T>(&self, see: impl FnOnce(Message<'_>) -> T) -> T {
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
    pub(super) fn stream_id(&self) -> &str {
        &self.name.stream_id
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
                Gathered::Kept => assert_ne!(at, parts.len()),
                Gathered::Ended(whole) => {
                    assert_eq!(gather.bytes, 0);
                    return whole.with(|message| format!("{} {}", message.data.kind().name(), message.data.to_json()));
                }
                Gathered::Full(whole) => panic!("{whole:?}"),
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

    #[test]
    fn what_is_no_fragment_is_none_of_it() {
        let frame = r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"x"}"#;
        let Downstream::Message(message) = decode_downstream(frame) else { panic!("{frame}") };
        assert!(Gather::default().take(&message).is_none());
    }
}
