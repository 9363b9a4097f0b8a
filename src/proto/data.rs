//! The payload of a message: a kind and bytes, in the form the frame carries them (PROTOCOL §4.4).
//!
//! A frame of the JSON subprotocols holds characters and bytes as string literals, one of the protobuf subprotocols holds
//! them as they are. Neither is turned into the other before somebody needs that.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A JSON string literal as it stood in the frame, quotes and escapes included.
///
/// Passing it on costs a copy; only those who need the characters pay for decoding them.
#[derive(Clone, Copy)]
pub struct Quoted<'a> {
    json: &'a str,
    /// There is no escape in it, so much is known; otherwise there may be.
    is_plain: bool,
}

impl PartialEq for Quoted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Quoted<'_> {}

impl fmt::Debug for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Quoted").field(&self.json).finish()
    }
}

impl<'a> Quoted<'a> {
    /// `""`.
    pub(crate) const EMPTY: Self = Self { json: "\"\"", is_plain: true };

    /// Takes a valid JSON string literal; `None` when `raw` is some other JSON value.
    pub fn new(raw: &'a str) -> Option<Self> {
        raw.starts_with('"').then_some(Self::literal(raw))
    }

    fn literal(json: &'a str) -> Self {
        Self { json, is_plain: false }
    }

    /// The same of one that was looked at already: `is_plain` where it has no escapes.
    pub(crate) fn looked_at(raw: &'a str, is_plain: bool) -> Option<Self> {
        Some(Self { is_plain, ..Self::new(raw)? })
    }

    /// The literal, with its quotes.
    pub fn as_json(self) -> &'a str {
        self.json
    }

    /// The characters the literal stands for. Lone surrogates, which no Rust string can hold, become U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        let inner = self.json.get(1..self.json.len() - 1).unwrap_or_default();
        if self.is_plain || memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Cow::Borrowed(inner);
        }
        match serde_json::from_str::<String>(self.json) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Owned(decode_with_lone_surrogates(inner)),
        }
    }
}

/// Decodes the inside of a string literal that holds a lone surrogate, which serde_json refuses.
fn decode_with_lone_surrogates(inner: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let decoded = match c {
            '\\' => match chars.next().unwrap_or('\\') {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let hex: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&hex, 16).unwrap_or(0xFFFD));
                    continue;
                }
                other => other,
            },
            plain => plain,
        };
        units.extend_from_slice(decoded.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

/// What a payload is (PROTOCOL §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// Any JSON value.
    Json,
    /// Characters.
    Text,
    /// Bytes.
    Binary,
    /// A serialized `google.protobuf.Any`.
    Protobuf,
}

impl DataKind {
    /// The wire's `dataType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Protobuf => "protobuf",
        }
    }
}

/// Characters, in the form they came in. The same characters are equal in either form.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// As a JSON string literal.
    Quoted(Quoted<'a>),
    /// As they are.
    Plain(&'a str),
}

impl<'a> Text<'a> {
    /// The characters.
    pub fn decode(self) -> Cow<'a, str> {
        match self {
            Self::Quoted(quoted) => quoted.decode(),
            Self::Plain(text) => Cow::Borrowed(text),
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl Eq for Text<'_> {}

/// Bytes, in the form they came in. The same bytes are equal in either form.
#[derive(Clone, Copy, Debug)]
pub enum Octets<'a> {
    /// As base64 (standard alphabet, padded) in a JSON string literal.
    Base64(Quoted<'a>),
    /// As they are.
    Plain(&'a [u8]),
}

impl<'a> Octets<'a> {
    /// The bytes. `None` when base64 does not decode.
    pub fn decode(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Base64(quoted) => STANDARD.decode(quoted.decode().as_bytes()).ok().map(Cow::Owned),
            Self::Plain(bytes) => Some(Cow::Borrowed(bytes)),
        }
    }

    /// The bytes as base64; what came as such is not looked at.
    pub fn base64(self) -> Cow<'a, str> {
        match self {
            Self::Base64(quoted) => quoted.decode(),
            Self::Plain(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        }
    }
}

impl PartialEq for Octets<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl Eq for Octets<'_> {}

/// A message's `dataType` and `data`, borrowed from the frame: a kind, and bytes in the form the frame has them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// Any JSON value, as its JSON text: digits and key order are the sender's.
    Json(&'a str),
    /// Characters.
    Text(Text<'a>),
    /// Bytes.
    Binary(Octets<'a>),
    /// A serialized `google.protobuf.Any`.
    Protobuf(Octets<'a>),
}

impl<'a> Data<'a> {
    /// What it is.
    pub fn kind(self) -> DataKind {
        match self {
            Self::Json(_) => DataKind::Json,
            Self::Text(_) => DataKind::Text,
            Self::Binary(_) => DataKind::Binary,
            Self::Protobuf(_) => DataKind::Protobuf,
        }
    }

    /// The JSON text of `data`, as it stands in a frame of the JSON subprotocols.
    pub fn to_json(self) -> Cow<'a, str> {
        match self {
            Self::Json(raw) => Cow::Borrowed(raw),
            Self::Text(Text::Quoted(quoted))
            | Self::Binary(Octets::Base64(quoted))
            | Self::Protobuf(Octets::Base64(quoted)) => Cow::Borrowed(quoted.as_json()),
            Self::Text(Text::Plain(text)) => Cow::Owned(quote(text)),
            Self::Binary(Octets::Plain(bytes)) | Self::Protobuf(Octets::Plain(bytes)) => {
                Cow::Owned(format!("\"{}\"", STANDARD.encode(bytes)))
            }
        }
    }

    /// How many bytes [`Self::to_json`] has.
    pub fn json_len(self) -> usize {
        match self {
            Self::Json(raw) => raw.len(),
            Self::Text(Text::Quoted(quoted))
            | Self::Binary(Octets::Base64(quoted))
            | Self::Protobuf(Octets::Base64(quoted)) => quoted.as_json().len(),
            Self::Text(Text::Plain(text)) => quoted_len(text),
            Self::Binary(Octets::Plain(bytes)) | Self::Protobuf(Octets::Plain(bytes)) => {
                bytes.len().div_ceil(3) * 4 + "\"\"".len()
            }
        }
    }

    /// The payload's own bytes: JSON text, characters, or decoded base64. `None` when base64 does not decode.
    pub fn to_bytes(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Json(raw) => Some(Cow::Borrowed(raw.as_bytes())),
            Self::Text(text) => Some(match text.decode() {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            Self::Binary(octets) | Self::Protobuf(octets) => octets.decode(),
        }
    }

    /// About how many bytes it takes, in the form it has.
    pub fn weight(self) -> usize {
        match self {
            Self::Json(text) | Self::Text(Text::Plain(text)) => text.len(),
            Self::Text(Text::Quoted(quoted))
            | Self::Binary(Octets::Base64(quoted))
            | Self::Protobuf(Octets::Base64(quoted)) => quoted.as_json().len(),
            Self::Binary(Octets::Plain(bytes)) | Self::Protobuf(Octets::Plain(bytes)) => bytes.len(),
        }
    }

    /// A text of no characters.
    pub fn is_empty_text(self) -> bool {
        match self {
            Self::Text(Text::Quoted(quoted)) => quoted == Quoted::EMPTY,
            Self::Text(Text::Plain(text)) => text.is_empty(),
            Self::Json(_) | Self::Binary(_) | Self::Protobuf(_) => false,
        }
    }

    /// A text of no characters, or `null`: what stands for a payload where there is none.
    pub fn is_placeholder(self) -> bool {
        self.is_empty_text() || matches!(self, Self::Json("null"))
    }

    /// A copy that does not borrow the frame.
    pub fn to_owned(self) -> OwnedData {
        OwnedData(match self {
            Self::Json(raw) => OwnedForm::Json(raw.into()),
            Self::Text(Text::Quoted(quoted)) => OwnedForm::Quoted(DataKind::Text, quoted.as_json().into()),
            Self::Text(Text::Plain(text)) => OwnedForm::Text(text.into()),
            Self::Binary(Octets::Base64(quoted)) => OwnedForm::Quoted(DataKind::Binary, quoted.as_json().into()),
            Self::Protobuf(Octets::Base64(quoted)) => OwnedForm::Quoted(DataKind::Protobuf, quoted.as_json().into()),
            Self::Binary(Octets::Plain(bytes)) => OwnedForm::Binary(bytes.into()),
            Self::Protobuf(Octets::Plain(bytes)) => OwnedForm::Protobuf(bytes.into()),
        })
    }
}

/// A payload that owns its bytes: what a user wants to send, or a hub keeps.
#[derive(Clone, Debug)]
pub struct OwnedData(OwnedForm);

impl PartialEq for OwnedData {
    fn eq(&self, other: &Self) -> bool {
        self.as_data() == other.as_data()
    }
}

impl Eq for OwnedData {}

#[derive(Clone, Debug)]
enum OwnedForm {
    Json(Box<str>),
    Text(Box<str>),
    Binary(Box<[u8]>),
    Protobuf(Box<[u8]>),
    /// As the string literal of a JSON frame: it may stand for what no string or bytes here can hold.
    Quoted(DataKind, Box<str>),
}

impl OwnedData {
    /// Characters.
    pub fn text(text: &str) -> Self {
        Self(OwnedForm::Text(text.into()))
    }

    /// Bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Self(OwnedForm::Binary(bytes.into()))
    }

    /// A serialized `google.protobuf.Any`.
    pub fn protobuf(bytes: &[u8]) -> Self {
        Self(OwnedForm::Protobuf(bytes.into()))
    }

    /// A JSON value; its text is kept as given. Fails with the parser's message when it is not one JSON value.
    pub fn json(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &serde_json::value::RawValue = serde_json::from_str(text)?;
        Ok(Self(OwnedForm::Json(raw.get().into())))
    }

    /// The borrowed form that frames are made of.
    pub fn as_data(&self) -> Data<'_> {
        match &self.0 {
            OwnedForm::Json(text) | OwnedForm::Quoted(DataKind::Json, text) => Data::Json(text),
            OwnedForm::Text(text) => Data::Text(Text::Plain(text)),
            OwnedForm::Binary(bytes) => Data::Binary(Octets::Plain(bytes)),
            OwnedForm::Protobuf(bytes) => Data::Protobuf(Octets::Plain(bytes)),
            OwnedForm::Quoted(DataKind::Text, literal) => Data::Text(Text::Quoted(Quoted::literal(literal))),
            OwnedForm::Quoted(DataKind::Binary, literal) => Data::Binary(Octets::Base64(Quoted::literal(literal))),
            OwnedForm::Quoted(DataKind::Protobuf, literal) => Data::Protobuf(Octets::Base64(Quoted::literal(literal))),
        }
    }
}

/// A string as a JSON literal.
fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + "\"\"".len());
    push_string(&mut literal, text);
    literal
}

/// Whether a byte stands in a JSON string for itself.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | 0..=0x1F)
}

/// How many bytes are looked at together.
const AT_ONCE: usize = 32;

/// Whether all of these are; without a branch for each.
fn are_plain(bytes: &[u8; AT_ONCE]) -> bool {
    let escaped = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    bytes.iter().fold(0, |any, byte| any | escaped(*byte)) == 0
}

/// Appends a string as a JSON literal, as serde_json spells it. Most text needs no escapes: it is looked at many bytes at
/// a time, and copied whole.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + "\"\"".len());
    out.push('"');
    let mut copied = 0;
    let mut escape = |start: usize, bytes: &[u8]| {
        for (at, byte) in (start..).zip(bytes) {
            if !is_plain(*byte) {
                // Both are boundaries of characters: what is escaped is one byte.
                out.push_str(&text[copied..at]);
                push_escaped(out, *byte);
                copied = at + 1;
            }
        }
    };
    let (chunks, rest) = text.as_bytes().as_chunks::<AT_ONCE>();
    for (number, chunk) in chunks.iter().enumerate() {
        if !are_plain(chunk) {
            escape(number * AT_ONCE, chunk);
        }
    }
    escape(chunks.len() * AT_ONCE, rest);
    out.push_str(&text[copied..]);
    out.push('"');
}

fn push_escaped(out: &mut String, byte: u8) {
    out.push_str(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0C => "\\f",
        byte => {
            out.push_str("\\u00");
            for digit in [byte >> 4, byte & 0xF] {
                out.extend(char::from_digit(digit.into(), 16));
            }
            return;
        }
    });
}

/// How many bytes [`quote`] gives.
fn quoted_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
        0..=0x1F => 6,
        _ => 1,
    };
    let len = |bytes: &[u8]| bytes.iter().map(|byte| escaped(*byte)).sum::<usize>();
    let (chunks, rest) = text.as_bytes().as_chunks();
    let chunks = chunks.iter().map(|chunk| if are_plain(chunk) { AT_ONCE } else { len(chunk) });
    chunks.sum::<usize>() + len(rest) + "\"\"".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_decodes_to_its_characters() {
        for (literal, text) in [
            (r#""""#, ""),
            (r#""plain""#, "plain"),
            (r#""a\nb\"\\\/""#, "a\nb\"\\/"),
            (r#""\ud83d\ude00é""#, "😀é"),
            (r#""x\ud800y""#, "x\u{fffd}y"),
        ] {
            assert_eq!(Quoted::new(literal).unwrap().decode(), text, "{literal}");
        }
        assert_eq!(Quoted::new("5"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_literal_is_spelled_as_serde_spells_it(text in "(.|[\x00-\x20\x7f\"\\\\éa😀]{0,40}){0,6}") {
            assert_eq!(quote(&text), serde_json::to_string(&text).unwrap());
            assert_eq!(quoted_len(&text), quote(&text).len());
        }
    }

    #[test]
    fn a_literal_of_any_byte_at_any_place_is_spelled_as_serde_spells_it() {
        for byte in 0..=0x7F_u8 {
            for before in 0..70 {
                let text = format!("{}{}é", "x".repeat(before), char::from(byte));
                assert_eq!(quote(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn json_payloads_keep_digits_and_key_order() {
        let text = r#"{"z":1.000000000000000000001,"a":12345678901234567890123}"#;
        assert_eq!(OwnedData::json(text).unwrap().as_data().to_json(), text);
        assert!(OwnedData::json("{").is_err());
        assert!(OwnedData::json("1 2").is_err());
    }

    #[test]
    fn payload_bytes_are_the_senders() {
        assert_eq!(OwnedData::binary(&[0, 255]).as_data().to_bytes().unwrap().as_ref(), [0, 255]);
        assert_eq!(OwnedData::text("a\u{1}\"").as_data().to_bytes().unwrap().as_ref(), b"a\x01\"");
        assert_eq!(Data::Binary(Octets::Base64(Quoted::new("\"!\"").unwrap())).to_bytes(), None);
    }

    #[test]
    fn every_payload_has_the_same_json_whatever_form_it_came_in() {
        let every: String = (0..=0x7F_u8).map(char::from).chain("é\u{2028}😀".chars()).collect();
        for data in [
            OwnedData::text(&every),
            OwnedData::text(""),
            OwnedData::binary(&[]),
            OwnedData::binary(&[0]),
            OwnedData::binary(&[0, 255]),
            OwnedData::protobuf(&[0, 255, 7]),
            OwnedData::json("[1]").unwrap(),
        ] {
            let data = data.as_data();
            let json = data.to_json();
            assert_eq!(json.len(), data.json_len(), "{data:?}");
            let quoted = Quoted::new(&json);
            let again = match (data.kind(), quoted) {
                (DataKind::Text, Some(quoted)) => Data::Text(Text::Quoted(quoted)),
                (DataKind::Binary, Some(quoted)) => Data::Binary(Octets::Base64(quoted)),
                (DataKind::Protobuf, Some(quoted)) => Data::Protobuf(Octets::Base64(quoted)),
                (DataKind::Json, _) => Data::Json(&json),
                other => panic!("{other:?}"),
            };
            let owned = again.to_owned();
            for again in [again, owned.as_data()] {
                assert_eq!((again.to_json(), again.json_len()), (json.clone(), json.len()));
                assert_eq!(again.to_bytes(), data.to_bytes());
                assert_eq!(again.is_empty_text(), data.is_empty_text());
            }
        }
    }
}
