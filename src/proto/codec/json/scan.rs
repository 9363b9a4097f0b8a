//! The frames that come by the thousand, recognised in one pass over their bytes and borrowed from them: messages, acks,
//! publications and acknowledgements, as services and clients write them.
//!
//! Each property once, none that is not known here, no white space between them, no escapes in names. Of everything
//! else, and of all that is wrong, nothing is said here but that it is not plain (`None`), and serde reads the frame.
//! What is taken here, serde reads the same way: the tests beside this hold both equal.

use crate::data::{Data, Octets, Quoted, Text};
use crate::frame::{Downstream, Message, Origin, Upstream};
use crate::names::{check_event_name, check_group_name};
use crate::skim::{end_of_plain, end_of_value, has_control_characters};

use super::MAX_TTL_SECONDS;

/// The properties of plain frames, both directions.
#[derive(Clone, Copy)]
enum FieldKey {
    Type,
    SequenceId,
    From,
    FromUserId,
    Group,
    Event,
    DataType,
    Data,
    AckId,
    Success,
    NoEcho,
    TtlSeconds,
}

/// What a plain frame holds.
#[derive(Default)]
struct PlainFields<'a> {
    kind: Option<&'a str>,
    sequence_id: Option<u64>,
    from: Option<&'a str>,
    from_user_id: Option<&'a str>,
    group: Option<&'a str>,
    event: Option<&'a str>,
    data_type: Option<&'a str>,
    data: Option<&'a str>,
    ack_id: Option<u64>,
    success: Option<bool>,
    no_echo: Option<bool>,
    ttl_seconds: Option<u64>,
}

/// The frame of the service's, if it is a plain one.
#[inline]
pub(super) fn downstream(text: &str) -> Option<Downstream<'_>> {
    if let Some(ack) = ack(text) {
        return Some(ack);
    }
    let fields = PlainFields::read(text)?;
    match fields.kind? {
        "message" => {
            let origin = match fields.from? {
                "group" => Origin::Group { group: fields.group?.into(), user_id: fields.from_user_id.map(Into::into) },
                "server" => Origin::Server,
                _ => return None,
            };
            Some(Downstream::Message(Message {
                origin,
                sequence_id: fields.sequence_id,
                data: fields.data()?,
                metadata: None,
                stream: None,
                redelivered: false,
            }))
        }
        // What was refused says why, in an object.
        "ack" if fields.success? => Some(Downstream::Ack { ack_id: fields.ack_id?, result: Ok(()) }),
        "pong" => Some(Downstream::Pong),
        _ => None,
    }
}

/// The ack of an operation that was carried out, as the service writes it: of what is sent by the thousand, each has one.
fn ack(text: &str) -> Option<Downstream<'static>> {
    let id = text.strip_prefix("{\"type\":\"ack\",\"ackId\":")?.strip_suffix(",\"success\":true}")?;
    let mut scanner = Scanner { text: id, bytes: id.as_bytes(), at: 0 };
    let ack_id = scanner.number()?;
    (scanner.at == id.len()).then_some(Downstream::Ack { ack_id, result: Ok(()) })
}

/// The frame of a client, if it is a plain one that the service takes.
pub(super) fn upstream(text: &str) -> Option<Upstream<'_>> {
    let fields = PlainFields::read(text)?;
    let group = || fields.group.filter(|group| check_group_name(group).is_ok()).map(Into::into);
    let ack_id = fields.ack_id;
    match fields.kind? {
        "sendToGroup" => {
            let ttl_seconds = match fields.ttl_seconds.map(u16::try_from) {
                None => None,
                Some(Ok(seconds)) if seconds <= MAX_TTL_SECONDS => Some(seconds),
                Some(_) => return None,
            };
            let no_echo = fields.no_echo.unwrap_or(false);
            let data = fields.sent_data()?;
            Some(Upstream::SendToGroup { group: group()?, ack_id, no_echo, ttl_seconds, data, metadata: None })
        }
        "event" => {
            let event = fields.event.filter(|event| check_event_name(event).is_ok())?;
            Some(Upstream::Event { event: event.into(), ack_id, data: fields.sent_data()?, metadata: None })
        }
        "joinGroup" => Some(Upstream::JoinGroup { group: group()?, ack_id }),
        "leaveGroup" => Some(Upstream::LeaveGroup { group: group()?, ack_id }),
        "sequenceAck" => fields.sequence_id.map(Upstream::SequenceAck),
        "ping" => Some(Upstream::Ping),
        _ => None,
    }
}

impl<'a> PlainFields<'a> {
    fn read(text: &'a str) -> Option<Self> {
        // Looked for once in all of it, instead of in each string.
        if has_control_characters(text.as_bytes()) {
            return None;
        }
        let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
        let mut fields = Self::default();
        scanner.take(b'{')?;
        loop {
            match scanner.key()? {
                FieldKey::Type => once(&mut fields.kind, scanner.name()?)?,
                FieldKey::SequenceId => once(&mut fields.sequence_id, scanner.number()?)?,
                FieldKey::From => once(&mut fields.from, scanner.name()?)?,
                FieldKey::FromUserId => once(&mut fields.from_user_id, scanner.name()?)?,
                FieldKey::Group => once(&mut fields.group, scanner.name()?)?,
                FieldKey::Event => once(&mut fields.event, scanner.name()?)?,
                FieldKey::DataType => once(&mut fields.data_type, scanner.name()?)?,
                FieldKey::Data => once(&mut fields.data, scanner.value()?)?,
                FieldKey::AckId => once(&mut fields.ack_id, scanner.number()?)?,
                FieldKey::Success => once(&mut fields.success, scanner.truth()?)?,
                FieldKey::NoEcho => once(&mut fields.no_echo, scanner.truth()?)?,
                FieldKey::TtlSeconds => once(&mut fields.ttl_seconds, scanner.number()?)?,
            }
            match scanner.next()? {
                b',' => {}
                b'}' if scanner.at == scanner.bytes.len() => return Some(fields),
                _ => return None,
            }
        }
    }

    /// The payload. One without a type is JSON (PROTOCOL §4.4).
    fn data(&self) -> Option<Data<'a>> {
        let raw = self.data?;
        match self.data_type {
            Some("text") => Some(Data::Text(Text::Quoted(Quoted::new(raw)?))),
            Some("json") | None => Some(Data::Json(raw)),
            Some("binary") => Some(Data::Binary(Octets::Base64(Quoted::new(raw)?))),
            Some("protobuf") => Some(Data::Protobuf(Octets::Base64(Quoted::new(raw)?))),
            Some(_) => None,
        }
    }

    /// The payload of what a client sends, which the service looks at.
    fn sent_data(&self) -> Option<Data<'a>> {
        let data = self.data()?;
        let taken = match data {
            Data::Json(raw) => raw != "null",
            Data::Text(_) => true,
            Data::Binary(_) | Data::Protobuf(_) => data.to_bytes().is_some(),
        };
        taken.then_some(data)
    }
}

/// A property stands once.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    if slot.is_some() {
        return None;
    }
    *slot = Some(value);
    Some(())
}

/// How long that is, if a text begins with it: of a length that is known, no call is made to compare.
#[inline]
fn spelled<const N: usize>(text: &[u8], spelling: &[u8; N]) -> Option<usize> {
    (text.first_chunk()? == spelling).then_some(N)
}

/// A text and how far it was read.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    /// A property's name and the colon behind it.
    fn key(&mut self) -> Option<FieldKey> {
        let rest = self.bytes.get(self.at..)?;
        let (key, len) = match rest.get(1)? {
            b't' if rest.get(2)? == &b'y' => (FieldKey::Type, spelled(rest, b"\"type\":")?),
            b't' => (FieldKey::TtlSeconds, spelled(rest, b"\"ttlSeconds\":")?),
            b's' if rest.get(2)? == &b'e' => (FieldKey::SequenceId, spelled(rest, b"\"sequenceId\":")?),
            b's' => (FieldKey::Success, spelled(rest, b"\"success\":")?),
            b'f' if rest.get(5)? == &b'"' => (FieldKey::From, spelled(rest, b"\"from\":")?),
            b'f' => (FieldKey::FromUserId, spelled(rest, b"\"fromUserId\":")?),
            b'g' => (FieldKey::Group, spelled(rest, b"\"group\":")?),
            b'd' if rest.get(5)? == &b'"' => (FieldKey::Data, spelled(rest, b"\"data\":")?),
            b'd' => (FieldKey::DataType, spelled(rest, b"\"dataType\":")?),
            b'a' => (FieldKey::AckId, spelled(rest, b"\"ackId\":")?),
            b'e' => (FieldKey::Event, spelled(rest, b"\"event\":")?),
            b'n' => (FieldKey::NoEcho, spelled(rest, b"\"noEcho\":")?),
            _ => return None,
        };
        self.at += len;
        Some(key)
    }

    /// A string without escapes: its characters.
    fn name(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        let end = end_of_plain(self.bytes, start)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// A whole number of at most nineteen digits, which is in range whatever they are.
    pub(super) fn number(&mut self) -> Option<u64> {
        let digits = self.bytes.get(self.at..)?;
        let (mut number, mut count) = (0_u64, 0);
        for byte in digits.iter().take(20) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
        }
        if count == 0 || count == 20 || (count > 1 && digits.first() == Some(&b'0')) {
            return None;
        }
        self.at += count;
        Some(number)
    }

    fn truth(&mut self) -> Option<bool> {
        let rest = self.bytes.get(self.at..)?;
        let (truth, len) = if rest.starts_with(b"true") {
            (true, 4)
        } else if rest.starts_with(b"false") {
            (false, 5)
        } else {
            return None;
        };
        self.at += len;
        Some(truth)
    }

    /// Any JSON value, as it stands there.
    fn value(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at = end_of_value(self.bytes, start)?;
        self.text.get(start..self.at)
    }
}
