//! The frames that come by the thousand, recognised in one pass over their bytes and borrowed from them: messages, acks,
//! publications and acknowledgements, as services and clients write them.
//!
//! Each property once, none that is not known here, no white space between them, no escapes in names. Of everything
//! else, and of all that is wrong, nothing is said here but that it is not plain (`None`), and serde reads the frame.
//! What is taken here, serde reads the same way: the tests beside this hold both equal.

use crate::data::{Data, Octets, Quoted, Text};
use crate::frame::{Downstream, Message, Origin, Upstream};
use crate::names::{check_event_name, check_group_name};

use super::MAX_TTL_SECONDS;

/// How deep a payload may be nested: one bit a level.
const DEEPEST: u32 = 60;

/// The properties of plain frames, both directions.
#[derive(Clone, Copy)]
enum Key {
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
struct Fields<'a> {
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
pub(super) fn downstream(text: &str) -> Option<Downstream<'_>> {
    let fields = Fields::read(text)?;
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

/// The frame of a client, if it is a plain one that the service takes.
pub(super) fn upstream(text: &str) -> Option<Upstream<'_>> {
    let fields = Fields::read(text)?;
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

impl<'a> Fields<'a> {
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
                Key::Type => once(&mut fields.kind, scanner.name()?)?,
                Key::SequenceId => once(&mut fields.sequence_id, scanner.number()?)?,
                Key::From => once(&mut fields.from, scanner.name()?)?,
                Key::FromUserId => once(&mut fields.from_user_id, scanner.name()?)?,
                Key::Group => once(&mut fields.group, scanner.name()?)?,
                Key::Event => once(&mut fields.event, scanner.name()?)?,
                Key::DataType => once(&mut fields.data_type, scanner.name()?)?,
                Key::Data => once(&mut fields.data, scanner.value()?)?,
                Key::AckId => once(&mut fields.ack_id, scanner.number()?)?,
                Key::Success => once(&mut fields.success, scanner.truth()?)?,
                Key::NoEcho => once(&mut fields.no_echo, scanner.truth()?)?,
                Key::TtlSeconds => once(&mut fields.ttl_seconds, scanner.number()?)?,
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

fn has_control_characters(bytes: &[u8]) -> bool {
    let least = |bytes: &[u8]| bytes.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut all = [u8::MAX; 16];
    for chunk in chunks {
        for (all, byte) in all.iter_mut().zip(chunk) {
            *all = (*all).min(*byte);
        }
    }
    // The last sixteen again instead of the rest one by one.
    let rest = match bytes.last_chunk::<16>() {
        Some(last) => least(last),
        None => least(rest),
    };
    rest.min(least(&all)) < b' '
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
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
    fn key(&mut self) -> Option<Key> {
        let rest = self.bytes.get(self.at..)?;
        let (spelling, key): (&[u8], Key) = match rest.get(1)? {
            b't' if rest.get(2)? == &b'y' => (b"\"type\":", Key::Type),
            b't' => (b"\"ttlSeconds\":", Key::TtlSeconds),
            b's' if rest.get(2)? == &b'e' => (b"\"sequenceId\":", Key::SequenceId),
            b's' => (b"\"success\":", Key::Success),
            b'f' if rest.get(5)? == &b'"' => (b"\"from\":", Key::From),
            b'f' => (b"\"fromUserId\":", Key::FromUserId),
            b'g' => (b"\"group\":", Key::Group),
            b'd' if rest.get(5)? == &b'"' => (b"\"data\":", Key::Data),
            b'd' => (b"\"dataType\":", Key::DataType),
            b'a' => (b"\"ackId\":", Key::AckId),
            b'e' => (b"\"event\":", Key::Event),
            b'n' => (b"\"noEcho\":", Key::NoEcho),
            _ => return None,
        };
        if !rest.starts_with(spelling) {
            return None;
        }
        self.at += spelling.len();
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
    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            if self.at - start == 19 {
                return None;
            }
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
        }
        let leading_zero = self.at - start > 1 && self.bytes.get(start) == Some(&b'0');
        (self.at > start && !leading_zero).then_some(number)
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
        self.at = match self.bytes.get(start)? {
            b'"' => end_of_string(self.bytes, start + 1)?,
            b' ' => return None,
            _ => end_of_value(self.bytes, start)?,
        };
        self.text.get(start..self.at)
    }
}

/// Where the quote stands that ends a string begun before `at`; `None` when there is an escape in it.
fn end_of_plain(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that is set belongs to the first byte that is zero; what stands above it may be a borrow.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..)?.first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let hits = zeros(word ^ u64::from_le_bytes([b'"'; 8])) | zeros(word ^ u64::from_le_bytes([b'\\'; 8]));
        if hits != 0 {
            at += (hits.trailing_zeros() / 8) as usize;
            return (bytes.get(at)? == &b'"').then_some(at);
        }
        at += 8;
    }
    let hit = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (bytes.get(at + hit)? == &b'"').then_some(at + hit)
}

/// Where what follows a string begins that was begun before `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at)? == &b'"' {
            return Some(at + 1);
        }
        at += match bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
    }
}

/// Where what follows the JSON value at `at` begins.
fn end_of_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Below a leading one, a bit for each level: set in an object.
    let mut nesting: u64 = 1;
    'value: loop {
        let opened = *bytes.get(at)?;
        match opened {
            b'"' => at = end_of_string(bytes, at + 1)?,
            b'{' | b'[' => {
                at = behind_blanks(bytes, at + 1);
                let (is_object, close) = if opened == b'{' { (true, b'}') } else { (false, b']') };
                if bytes.get(at)? == &close {
                    at += 1;
                } else {
                    if nesting.ilog2() >= DEEPEST {
                        return None;
                    }
                    nesting = nesting << 1 | u64::from(is_object);
                    if is_object {
                        at = behind_key(bytes, at)?;
                    }
                    continue 'value;
                }
            }
            b't' | b'n' | b'f' => {
                let rest = bytes.get(at..)?;
                let literal = [&b"true"[..], b"null", b"false"].into_iter().find(|word| rest.starts_with(word))?;
                at += literal.len();
            }
            _ => at = end_of_number(bytes, at)?,
        }
        loop {
            if nesting == 1 {
                return Some(at);
            }
            at = behind_blanks(bytes, at);
            let in_object = nesting & 1 == 1;
            match *bytes.get(at)? {
                b',' => {
                    at = behind_blanks(bytes, at + 1);
                    if in_object {
                        at = behind_key(bytes, at)?;
                    }
                    continue 'value;
                }
                b'}' if in_object => {}
                b']' if !in_object => {}
                _ => return None,
            }
            nesting >>= 1;
            at += 1;
        }
    }
}

/// Behind the name of a property, its colon and blanks.
fn behind_key(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let at = match end_of_plain(bytes, at + 1) {
        Some(quote) => quote + 1,
        None => end_of_string(bytes, at + 1)?,
    };
    let at = behind_blanks(bytes, at);
    (bytes.get(at)? == &b':').then(|| behind_blanks(bytes, at + 1))
}

/// Other white space is a control character.
fn behind_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

fn end_of_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > start).then_some(at)
    };
    if bytes.get(at)? == &b'-' {
        at += 1;
    }
    at = if bytes.get(at)? == &b'0' { at + 1 } else { digits(at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Some(at)
}
