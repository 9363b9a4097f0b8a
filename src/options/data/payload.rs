//! The payload of `send` and `event`: where it comes from, and the checks it passes before anything is sent.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::PathBuf;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use webpubsub_proto::{Codec, Data, MAX_FRAME_BYTES, OwnedData, check_any};

/// Most bytes read: more than any encoding of a payload that fits needs, blanks aside. Keeps an endless input from
/// filling the memory.
pub const MOST_READ: u64 = 8 * MAX_FRAME_BYTES as u64;

/// Where the payload comes from and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadSource {
    /// Where the bytes come from.
    pub from: DataFrom,
    /// What they are.
    pub data_type: PayloadType,
    /// The frame that it goes into. `None`: it is the body of a request, as it is.
    pub framing: Option<Framing>,
}

/// The frame that a payload goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// How it is encoded.
    pub codec: Codec,
    /// How many of its bytes the payload does not add. They count towards the size limit.
    pub envelope: usize,
}

/// Where the bytes of a payload come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFrom {
    /// The command line.
    Argument(String),
    /// Standard input, to its end, verbatim.
    Stdin,
    /// A file, verbatim.
    File(PathBuf),
}

/// What a payload is (PROTOCOL §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    /// Characters, UTF-8.
    Text,
    /// One JSON value.
    Json,
    /// Bytes, written in this way.
    Binary(Encoding),
    /// A serialized `google.protobuf.Any`, written in this way.
    Protobuf(Encoding),
}

/// How binary data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// base64, standard or URL-safe alphabet, padded or not; blanks and line breaks are ignored.
    Base64,
    /// Two hexadecimal digits a byte; blanks and line breaks are ignored.
    Hex,
}

impl PayloadSource {
    /// Reads and checks the payload. Reads `stdin` only where that was asked for. Failures are bad input data (exit
    /// 11): unreadable, not of its type, or too large for one frame or body.
    pub fn read(&self, stdin: &mut dyn Read) -> Result<OwnedData, Failure> {
        let bytes = match &self.from {
            DataFrom::Argument(text) => Ok(text.clone().into_bytes()),
            DataFrom::Stdin => read_whole(stdin).or_fail(Kind::Input, unreadable("standard input")),
            DataFrom::File(path) => std::fs::File::open(path)
                .and_then(|mut file| read_whole(&mut file))
                .or_fail(Kind::Input, unreadable(&format!("`{}`", path.display()))),
        }?;
        if bytes.len() as u64 > MOST_READ {
            let size = format!("more than {MOST_READ} bytes");
            return Err(self.framing.map_or_else(|| too_large_body(&size), |framing| too_large(framing.codec, &size)));
        }
        let data = self.data_type.decode_from(&bytes, &self.name())?;
        match self.framing {
            Some(Framing { codec, envelope }) => {
                refuse_null(&data)?;
                let frame = envelope + codec.data_len(data.as_data());
                if frame > MAX_FRAME_BYTES {
                    return Err(too_large(codec, &format!("{frame} bytes as a frame")));
                }
            }
            None => {
                let body = data.as_data().to_bytes().map_or(0, |bytes| bytes.len());
                if body > MAX_FRAME_BYTES {
                    return Err(too_large_body(&format!("{body} bytes")));
                }
            }
        }
        Ok(data)
    }
}

impl PayloadSource {
    /// What the data is called in an error.
    fn name(&self) -> String {
        match &self.from {
            DataFrom::Argument(_) | DataFrom::Stdin => THE_DATA.to_owned(),
            DataFrom::File(path) => format!("{THE_DATA} in `{}`", path.display()),
        }
    }
}

/// What data is called whose place is known.
const THE_DATA: &str = "the data";

impl PayloadType {
    /// What these bytes are as a payload. Fails as bad input data (exit 11) when they are not of this type.
    pub fn decode(self, bytes: &[u8]) -> Result<OwnedData, Failure> {
        self.decode_from(bytes, THE_DATA)
    }

    /// The same of data with this name.
    fn decode_from(self, bytes: &[u8], name: &str) -> Result<OwnedData, Failure> {
        Ok(match self {
            Self::Text => OwnedData::text(utf8(bytes, name)?),
            // The parser's message ends with line and column.
            Self::Json => OwnedData::json(utf8(bytes, name)?)
                .or_fail_with(Kind::Input, || format!("{name} is not JSON"))
                .hint("`--type text` sends it as it is")?,
            Self::Binary(encoding) => OwnedData::binary(&encoding.decode(bytes, name)?),
            Self::Protobuf(encoding) => {
                let bytes = encoding.decode(bytes, name)?;
                check_any(&bytes)
                    .map_err(|error| anyhow::anyhow!("{error}"))
                    .or_fail_with(Kind::Input, || format!("{name} is no `google.protobuf.Any`"))
                    .hint("`--type binary` sends any bytes")?;
                OwnedData::protobuf(&bytes)
            }
        })
    }
}

impl Encoding {
    fn decode<'a>(self, bytes: &'a [u8], name: &str) -> Result<Cow<'a, [u8]>, Failure> {
        Ok(match self {
            Self::Raw => Cow::Borrowed(bytes),
            Self::Base64 => Cow::Owned(base64_decoded(bytes, name)?),
            Self::Hex => Cow::Owned(hex_decoded(bytes, name)?),
        })
    }
}

fn read_whole(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MOST_READ + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes)
        .or_fail_with(Kind::Input, || format!("{name} is not UTF-8"))
        .hint("`--type binary` sends any bytes")
}

/// Either alphabet, padded or not, blanks ignored.
fn base64_decoded(bytes: &[u8], name: &str) -> Result<Vec<u8>, Failure> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let standard = |b: &u8| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let text: Vec<u8> = bytes.iter().filter(|b| !b.is_ascii_whitespace()).map(standard).collect();
    ENGINE.decode(text).map_err(|error| {
        // The library ends its sentence; ours have no end.
        let error = error.to_string();
        bad(name, "base64", anyhow::anyhow!("{}", error.trim_end_matches('.').to_owned()))
    })
}

/// Two digits a byte, blanks ignored.
fn hex_decoded(bytes: &[u8], name: &str) -> Result<Vec<u8>, Failure> {
    let digits = bytes.iter().enumerate().filter(|(_, b)| !b.is_ascii_whitespace());
    let digits: Vec<u8> = digits
        .map(|(at, b)| {
            let digit = char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit.ok_or_else(|| bad(name, "hexadecimal", anyhow::anyhow!("byte {} is no digit", at + 1)))
        })
        .collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad(name, "hexadecimal", anyhow::anyhow!("the number of digits is odd")));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn bad(name: &str, kind: &str, cause: anyhow::Error) -> Failure {
    Failure::new(Kind::Input, cause.context(format!("{name} is not {kind}")))
}

fn unreadable(place: &str) -> String {
    format!("could not read the data from {place}")
}

/// Refuses what no frame may have as its data (PROTOCOL §4.4): it would cost the connection.
pub fn refuse_null(data: &OwnedData) -> Result<(), Failure> {
    match data.as_data() {
        Data::Json("null") => {
            Err(Failure::message(Kind::Input, "the data is `null`, which the service takes from nobody"))
        }
        Data::Json(_) | Data::Text(_) | Data::Binary(_) | Data::Protobuf(_) => Ok(()),
    }
}

/// More than one frame holds.
pub fn too_large(codec: Codec, size: &str) -> Failure {
    let failure = too_large_body(size);
    match codec {
        Codec::Json => {
            failure.hint("the size counts as JSON: quotes and control characters are escaped, binary data is base64")
        }
        Codec::Protobuf => failure,
    }
}

/// More than the body of a request holds, whose limit is that of a frame.
pub fn too_large_body(size: &str) -> Failure {
    Failure::message(Kind::Input, format!("the data is too large: {size}, and the service takes {MAX_FRAME_BYTES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(from: DataFrom, data_type: PayloadType) -> PayloadSource {
        PayloadSource { from, data_type, framing: Some(Framing { codec: Codec::Json, envelope: 96 }) }
    }

    fn read(data_type: PayloadType, bytes: &[u8]) -> Result<OwnedData, Failure> {
        source(DataFrom::Stdin, data_type).read(&mut &bytes[..])
    }

    #[test]
    fn payloads_are_taken_byte_for_byte() {
        use PayloadType::{Binary, Json, Text};
        for (data_type, given, json) in [
            (Text, &b"hi\n"[..], r#""hi\n""#),
            (Text, b"", r#""""#),
            (Json, b" {\"b\":1.50,\"a\":1}\n", r#"{"b":1.50,"a":1}"#),
            (Json, b"-5", "-5"),
            (Binary(Encoding::Raw), &[0, 255, b'\n'], r#""AP8K""#),
            (Binary(Encoding::Base64), b"AP8K", r#""AP8K""#),
            (Binary(Encoding::Base64), b"-_\n 8=\n", r#""+/8=""#),
            (Binary(Encoding::Base64), b"-_8", r#""+/8=""#),
            (Binary(Encoding::Hex), b"00 fF\n0a", r#""AP8K""#),
            (Binary(Encoding::Hex), b"", r#""""#),
        ] {
            assert_eq!(read(data_type, given).unwrap().as_data().to_json(), json, "{given:?}");
        }
    }

    #[test]
    fn what_is_not_of_its_type_is_bad_input_and_says_where() {
        use PayloadType::{Binary, Json, Text};
        for (data_type, given, expected) in [
            (Text, &b"a\xff"[..], "not UTF-8: invalid utf-8 sequence of 1 bytes from index 1"),
            (Json, b"\xff", "not UTF-8"),
            (Json, b"{\n\"a\":}", "not JSON: expected value at line 2 column 5"),
            (Json, b"", "not JSON: EOF while parsing a value at line 1 column 0"),
            (Json, b"1 2", "not JSON: trailing characters at line 1 column 3"),
            (Binary(Encoding::Base64), b"AP8!", "not base64: Invalid symbol 33, offset 3"),
            (Binary(Encoding::Base64), b"A", "not base64"),
            (Binary(Encoding::Hex), b"00g", "not hexadecimal: byte 3 is no digit"),
            (Binary(Encoding::Hex), b"000", "not hexadecimal: the number of digits is odd"),
        ] {
            let failure = read(data_type, given).unwrap_err();
            let told = format!("{:#}", failure.error);
            assert_eq!(failure.kind.exit_code(), 11);
            assert!(told.contains(expected) && !told.ends_with('.'), "{told}");
        }
    }

    #[test]
    fn a_body_larger_than_the_service_takes_is_bad_input() {
        for (bytes, fits) in [(MAX_FRAME_BYTES, true), (MAX_FRAME_BYTES + 1, false)] {
            let source = PayloadSource { framing: None, ..source(DataFrom::Stdin, PayloadType::Text) };
            let read = source.read(&mut &vec![b'"'; bytes][..]);
            assert_eq!(read.as_ref().map_err(|failure| failure.kind.exit_code()).err(), (!fits).then_some(11));
        }
    }

    #[test]
    fn a_frame_larger_than_the_service_takes_is_bad_input() {
        // Without the envelope, the type's name and the quotes.
        let text = MAX_FRAME_BYTES - 96 - 4 - 2;
        let binary = (MAX_FRAME_BYTES - 96 - 6 - 2) / 4 * 3;
        for (data_type, fits, too_long) in
            [(PayloadType::Text, text, text + 1), (PayloadType::Binary(Encoding::Raw), binary, binary + 1)]
        {
            assert!(read(data_type, &vec![b'x'; fits]).is_ok());
            let failure = read(data_type, &vec![b'x'; too_long]).unwrap_err();
            assert_eq!(failure.kind.exit_code(), 11);
            assert!(failure.summary().contains("1048576"), "{}", failure.summary());
        }
        // Escapes count.
        assert!(read(PayloadType::Text, &vec![b'"'; text / 2 + 1]).is_err());
        // An endless input is not read to its end.
        let failure = source(DataFrom::Stdin, PayloadType::Text).read(&mut io::repeat(b'x')).unwrap_err();
        assert!(failure.summary().contains("more than 8388608 bytes"), "{}", failure.summary());
    }

    #[test]
    fn stdin_is_read_only_when_asked_for() {
        struct Forbidden;
        impl Read for Forbidden {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("stdin was read")
            }
        }
        let argument = source(DataFrom::Argument("-5".to_owned()), PayloadType::Text);
        assert_eq!(argument.read(&mut Forbidden).unwrap(), OwnedData::text("-5"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        std::fs::write(&path, "from a file\n").unwrap();
        let file = source(DataFrom::File(path), PayloadType::Text);
        assert_eq!(file.read(&mut Forbidden).unwrap(), OwnedData::text("from a file\n"));
        let file = source(DataFrom::File(directory.path().join("data")), PayloadType::Json);
        let summary = file.read(&mut Forbidden).unwrap_err().summary();
        assert!(summary.contains("/data` is not JSON: expected"), "{summary}");
        let missing = source(DataFrom::File(directory.path().join("missing")), PayloadType::Text);
        let failure = missing.read(&mut Forbidden).unwrap_err();
        assert_eq!(failure.kind.exit_code(), 11);
        assert_eq!(failure.error.chain().count(), 2);
    }
}
