//! The payload of a message in the form the JSON subprotocols carry it (PROTOCOL §4.4).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A JSON string literal as it stood in the frame, quotes and escapes included.
///
/// Passing it on costs a copy; only those who need the characters pay for decoding them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a>(&'a str);

impl<'a> Quoted<'a> {
    /// `""`.
    pub(crate) const EMPTY: Self = Self("\"\"");

    /// Takes a valid JSON string literal; `None` when `raw` is some other JSON value.
    pub fn new(raw: &'a str) -> Option<Self> {
        raw.starts_with('"').then_some(Self(raw))
    }

    /// The literal, with its quotes.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    /// The characters the literal stands for. Lone surrogates, which no Rust string can hold, become U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        let inner = self.0.get(1..self.0.len() - 1).unwrap_or_default();
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Cow::Borrowed(inner);
        }
        match serde_json::from_str::<String>(self.0) {
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

/// A message's `dataType` and `data`, borrowed from the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// Any JSON value, as its JSON text: digits and key order are the sender's.
    Json(&'a str),
    /// Characters.
    Text(Quoted<'a>),
    /// Bytes, as base64 (standard alphabet, padded).
    Binary(Quoted<'a>),
    /// A serialized `google.protobuf.Any`, as base64.
    Protobuf(Quoted<'a>),
}

impl<'a> Data<'a> {
    /// The wire's `dataType`.
    pub fn data_type(self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Text(_) => "text",
            Self::Binary(_) => "binary",
            Self::Protobuf(_) => "protobuf",
        }
    }

    /// The JSON text of `data`, as it stands in a frame.
    pub fn as_json(self) -> &'a str {
        match self {
            Self::Json(raw) => raw,
            Self::Text(quoted) | Self::Binary(quoted) | Self::Protobuf(quoted) => quoted.as_json(),
        }
    }

    /// The payload's own bytes: JSON text, characters, or decoded base64. `None` when base64 does not decode.
    pub fn to_bytes(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Json(raw) => Some(Cow::Borrowed(raw.as_bytes())),
            Self::Text(quoted) => Some(match quoted.decode() {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            Self::Binary(quoted) | Self::Protobuf(quoted) => {
                STANDARD.decode(quoted.decode().as_bytes()).ok().map(Cow::Owned)
            }
        }
    }

    /// A copy that does not borrow the frame.
    pub fn to_owned(self) -> OwnedData {
        OwnedData { data_type: self.data_type(), json: self.as_json().into() }
    }
}

/// A payload that owns its text: what a user wants to send, or a hub keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedData {
    data_type: &'static str,
    json: Box<str>,
}

impl OwnedData {
    /// Characters.
    pub fn text(text: &str) -> Self {
        Self { data_type: "text", json: quote(text) }
    }

    /// Bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Self { data_type: "binary", json: format!("\"{}\"", STANDARD.encode(bytes)).into() }
    }

    /// A serialized `google.protobuf.Any`.
    pub fn protobuf(bytes: &[u8]) -> Self {
        Self { data_type: "protobuf", ..Self::binary(bytes) }
    }

    /// A JSON value; its text is kept as given. Fails with the parser's message when it is not one JSON value.
    pub fn json(text: &str) -> Result<Self, serde_json::Error> {
        let raw: &serde_json::value::RawValue = serde_json::from_str(text)?;
        Ok(Self { data_type: "json", json: raw.get().into() })
    }

    /// The borrowed form that frames are made of.
    pub fn as_data(&self) -> Data<'_> {
        match self.data_type {
            "text" => Data::Text(Quoted(&self.json)),
            "binary" => Data::Binary(Quoted(&self.json)),
            "protobuf" => Data::Protobuf(Quoted(&self.json)),
            _ => Data::Json(&self.json),
        }
    }
}

/// A string as a JSON literal.
fn quote(text: &str) -> Box<str> {
    // Serialising a string cannot fail; the fallback keeps the signature free of an impossible error.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()).into()
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

    #[test]
    fn json_payloads_keep_digits_and_key_order() {
        let text = r#"{"z":1.000000000000000000001,"a":12345678901234567890123}"#;
        assert_eq!(OwnedData::json(text).unwrap().as_data().as_json(), text);
        assert!(OwnedData::json("{").is_err());
        assert!(OwnedData::json("1 2").is_err());
    }

    #[test]
    fn payload_bytes_are_the_senders() {
        assert_eq!(OwnedData::binary(&[0, 255]).as_data().to_bytes().unwrap().as_ref(), [0, 255]);
        assert_eq!(OwnedData::text("a\u{1}\"").as_data().to_bytes().unwrap().as_ref(), b"a\x01\"");
        assert_eq!(Data::Binary(Quoted("\"!\"")).to_bytes(), None);
    }
}
