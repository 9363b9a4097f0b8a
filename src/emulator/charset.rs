//! The text of a body, by the `charset` of its content type.

use std::borrow::Cow;

use thiserror::Error;

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoText {
    /// Nobody here reads it.
    #[error("the charset `{0}` is not known; there are utf-8, us-ascii, iso-8859-1 and utf-16")]
    Charset(String),
    /// The bytes are not what it says.
    #[error("it is not {0}")]
    Bytes(&'static str),
}

/// The media type in lower case, without parameters.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The text. Without a charset it is UTF-8.
pub(crate) fn text<'a>(bytes: &'a [u8], content_type: &str) -> Result<Cow<'a, str>, NoText> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let charset = charsets.next().map_or("utf-8", |(_, value)| value.trim().trim_matches('"'));
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "" => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| NoText::Bytes("UTF-8")),
        "us-ascii" | "ascii" => match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => Ok(Cow::Borrowed(text)),
            Ok(_) | Err(_) => Err(NoText::Bytes("US-ASCII")),
        },
        "iso-8859-1" | "latin1" => Ok(Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect())),
        "utf-16" | "utf-16le" => match bytes.strip_prefix(&[0xfe, 0xff]) {
            Some(rest) => utf16(rest, u16::from_be_bytes),
            None => utf16(bytes.strip_prefix(&[0xff, 0xfe]).unwrap_or(bytes), u16::from_le_bytes),
        },
        "utf-16be" => utf16(bytes.strip_prefix(&[0xfe, 0xff]).unwrap_or(bytes), u16::from_be_bytes),
        _ => Err(NoText::Charset(charset.to_owned())),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, NoText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        Ok(_) | Err(_) => Err(NoText::Bytes("UTF-16")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_says_what_the_bytes_are() {
        for (content_type, bytes, expected) in [
            ("text/plain", "é".as_bytes(), Ok("é")),
            ("text/plain; charset=UTF-8", "é".as_bytes(), Ok("é")),
            ("text/plain;Charset=\"utf-8\"; x=y", "é".as_bytes(), Ok("é")),
            ("text/plain; charset=iso-8859-1", b"\xe9", Ok("é")),
            ("text/plain; charset=us-ascii", b"e", Ok("e")),
            ("text/plain; charset=utf-16", b"\xe9\0", Ok("é")),
            ("text/plain; charset=utf-16", b"\xfe\xff\0\xe9", Ok("é")),
            ("text/plain; charset=utf-16le", b"\xff\xfe\xe9\0", Ok("é")),
            ("text/plain; charset=utf-16be", b"\0\xe9", Ok("é")),
            ("text/plain", b"\xe9", Err(NoText::Bytes("UTF-8"))),
            ("text/plain; charset=us-ascii", "é".as_bytes(), Err(NoText::Bytes("US-ASCII"))),
            ("text/plain; charset=utf-16", b"\xe9", Err(NoText::Bytes("UTF-16"))),
            ("text/plain; charset=utf-16", b"\0\xd8", Err(NoText::Bytes("UTF-16"))),
            ("text/plain; charset=ebcdic", b"", Err(NoText::Charset("ebcdic".into()))),
        ] {
            assert_eq!(text(bytes, content_type), expected.map(Cow::Borrowed), "{content_type}");
        }
        assert_eq!(essence(" Text/Plain ; charset=x"), "text/plain");
    }
}
