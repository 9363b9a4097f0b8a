//! The messages before, as far as the next may be like one of them: a group's messages, from one sender, differ in their
//! sequence id and their payload and in nothing else. What stands around these is compared in place of being read again.
//!
//! A message is taken here where the scanner would take it, and is read the same way: the tests beside this hold both, and
//! serde, equal.

use crate::data::{Data, DataKind, Octets, Quoted, Text};
use crate::frame::{Downstream, Message, Origin};
use crate::skim::{end_of_value, has_control_characters, is_plain};

use super::scan::{self, Scanner};

/// The most that is remembered, in bytes: names are short.
const MOST: usize = 4096;

/// How many are remembered: groups and senders take turns.
const ENVELOPES: usize = 4;

/// Where so many one after the other were like none, there is more to tell apart than is remembered, and the next are not
/// compared: until some are tried again, they cost what they cost without all this.
const MISSES: u8 = 8;
const PAUSE: u8 = 60;

/// A property that stands before the payload once, and whose name can be no other's value.
const SEQUENCE_ID: &str = "\"sequenceId\":";

/// What is remembered of the messages of a connection.
#[derive(Debug, Default)]
pub struct Envelopes {
    envelopes: [Envelope; ENVELOPES],
    /// The one that the last message was like, which the next is compared with first.
    last: usize,
    /// The one that is replaced next.
    oldest: usize,
    /// Messages one after the other that were like none.
    misses: u8,
    /// Messages that are yet to come before one is compared again.
    pause: u8,
}

/// What is remembered of a message.
#[derive(Debug, Default)]
struct Envelope {
    /// Up to the sequence id, or to the payload where there is none.
    before_id: Vec<u8>,
    /// From the sequence id to the payload; empty: it has no sequence id.
    before_data: Vec<u8>,
    /// From the payload on; empty: nothing is remembered.
    after: Vec<u8>,
    origin: OriginPlaces,
    kind: Option<DataKind>,
}

/// The sequence id of the frame that is being read, once one was looked for.
#[derive(Clone, Copy)]
struct FoundId {
    start: usize,
    end: usize,
    id: u64,
}

/// Where the names stand that say where a message comes from.
#[derive(Clone, Copy, Debug, Default)]
enum OriginPlaces {
    #[default]
    Server,
    Group {
        group: Place,
        user_id: Option<Place>,
    },
}

/// Where something stands in each message that is like the one remembered.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: Part,
    /// In this part.
    start: usize,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    BeforeId,
    BeforeData,
    After,
}

/// Where the parts of one message begin.
struct PartStarts {
    before_data: usize,
    after: usize,
}

impl Place {
    fn of<'a>(self, text: &'a str, starts: &PartStarts) -> Option<&'a str> {
        let part = match self.part {
            Part::BeforeId => 0,
            Part::BeforeData => starts.before_data,
            Part::After => starts.after,
        };
        text.get(part + self.start..part + self.start + self.len)
    }
}

impl Envelopes {
    /// Decodes a frame from the service, as [`super::decode_downstream`] does.
    #[inline]
    pub fn decode<'a>(&mut self, text: &'a str) -> Downstream<'a> {
        if self.pause > 0 {
            self.pause -= 1;
            return super::decode_downstream(text);
        }
        let mut found = None;
        for step in 0..ENVELOPES {
            let number = (self.last + step) % ENVELOPES;
            if let Some(message) = self.envelopes.get(number).and_then(|envelope| envelope.read(text, &mut found)) {
                (self.last, self.misses) = (number, 0);
                return Downstream::Message(message);
            }
        }
        let Some(frame) = scan::downstream(text) else { return super::parse_downstream(text) };
        if let Downstream::Message(message) = &frame {
            self.remember(text, message);
        }
        frame
    }

    /// Whether the message is like one that is remembered.
    #[cfg(any(test, fuzzing))]
    pub fn know(&self, text: &str) -> bool {
        self.envelopes.iter().any(|envelope| envelope.read(text, &mut None).is_some())
    }

    fn remember(&mut self, text: &str, message: &Message<'_>) {
        self.misses += 1;
        if self.misses == MISSES {
            // As many more are tried as are remembered.
            self.misses = MISSES - ENVELOPES as u8;
            self.pause = PAUSE;
        }
        let Some(envelope) = self.envelopes.get_mut(self.oldest) else { return };
        if envelope.remember(text, message).is_none() {
            envelope.after.clear();
        }
        (self.last, self.oldest) = (self.oldest, (self.oldest + 1) % ENVELOPES);
    }
}

impl Envelope {
    /// The message, if it is like the one remembered.
    #[inline]
    fn read<'a>(&self, text: &'a str, found: &mut Option<FoundId>) -> Option<Message<'a>> {
        let (bytes, kind) = (text.as_bytes(), self.kind?);
        if self.after.is_empty() || !bytes.starts_with(&self.before_id) || !bytes.ends_with(&self.after) {
            return None;
        }
        let start = self.before_id.len();
        let (sequence_id, before_data) = match *found {
            _ if self.before_data.is_empty() => (None, start),
            Some(FoundId { start: same, end, id }) if same == start => (Some(id), end),
            Some(_) | None => {
                let mut scanner = Scanner { text, bytes, at: start };
                let id = scanner.number()?;
                *found = Some(FoundId { start, end: scanner.at, id });
                (Some(id), scanner.at)
            }
        };
        let data = before_data + self.before_data.len();
        // What follows may begin with what goes before.
        let after = bytes.len() - self.after.len();
        if data >= after || bytes.get(before_data..data)? != self.before_data {
            return None;
        }
        let raw = text.get(data..after)?;
        let is_plain = is_plain_string(raw.as_bytes());
        if !is_plain && (has_control_characters(raw.as_bytes()) || end_of_value(bytes, data)? != after) {
            return None;
        }
        let starts = PartStarts { before_data, after };
        let origin = match self.origin {
            OriginPlaces::Server => Origin::Server,
            OriginPlaces::Group { group, user_id } => Origin::Group {
                group: group.of(text, &starts)?.into(),
                user_id: match user_id {
                    Some(user_id) => Some(user_id.of(text, &starts)?.into()),
                    None => None,
                },
            },
        };
        let data = match kind {
            DataKind::Json => Data::Json(raw),
            DataKind::Text => Data::Text(Text::Quoted(Quoted::looked_at(raw, is_plain)?)),
            DataKind::Binary => Data::Binary(Octets::Base64(Quoted::looked_at(raw, is_plain)?)),
            DataKind::Protobuf => Data::Protobuf(Octets::Base64(Quoted::looked_at(raw, is_plain)?)),
        };
        Some(Message { origin, sequence_id, data, metadata: None, stream: None, redelivered: false })
    }

    /// Remembers a plain message. `None`: it is not such as can be.
    fn remember(&mut self, text: &str, message: &Message<'_>) -> Option<()> {
        let offset = |part: &str| part.as_ptr().addr().checked_sub(text.as_ptr().addr());
        let raw = match message.data {
            Data::Json(raw) => raw,
            Data::Text(Text::Quoted(quoted))
            | Data::Binary(Octets::Base64(quoted))
            | Data::Protobuf(Octets::Base64(quoted)) => quoted.as_json(),
            Data::Text(Text::Plain(_)) | Data::Binary(Octets::Plain(_)) | Data::Protobuf(Octets::Plain(_)) => {
                return None;
            }
        };
        let data = offset(raw)?;
        let before = text.get(..data)?;
        let (id, id_end) = match message.sequence_id {
            Some(_) => {
                let id = before.find(SEQUENCE_ID)? + SEQUENCE_ID.len();
                let digits = before.get(id..)?.bytes().take_while(u8::is_ascii_digit).count();
                (id, id + digits)
            }
            None => (data, data),
        };
        let after = data + raw.len();
        if text.len() - raw.len() > MOST {
            return None;
        }
        let place = |name: &str| {
            let start = offset(name)?;
            let (part, start) = if start < id {
                (Part::BeforeId, start)
            } else if start < data {
                (Part::BeforeData, start - id_end)
            } else {
                (Part::After, start - after)
            };
            Some(Place { part, start, len: name.len() })
        };
        self.origin = match &message.origin {
            Origin::Server => OriginPlaces::Server,
            Origin::Group { group, user_id } => OriginPlaces::Group {
                group: place(group)?,
                user_id: match user_id {
                    Some(user_id) => Some(place(user_id)?),
                    None => None,
                },
            },
        };
        self.kind = Some(message.data.kind());
        for (kept, part) in [
            (&mut self.before_id, text.get(..id)?),
            (&mut self.before_data, text.get(id_end..data)?),
            (&mut self.after, text.get(after..)?),
        ] {
            kept.clear();
            kept.extend_from_slice(part.as_bytes());
        }
        Some(())
    }
}

/// Whether it is a JSON string without escapes.
fn is_plain_string(raw: &[u8]) -> bool {
    matches!(raw, [b'"', inner @ .., b'"'] if is_plain(inner))
}
