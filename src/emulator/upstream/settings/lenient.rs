//! JSON as .NET's configuration reads it, with comments and trailing commas, made into JSON that everybody reads.

/// Puts blanks in place of comments and trailing commas, so that lines and columns stay what they are.
pub(super) fn to_strict(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    // The last byte that is neither blank nor comment, and where a comma stands that has nothing behind it yet.
    let mut last = b'[';
    let mut comma: Option<usize> = None;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'"' => string_end(bytes, at),
            b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => {
                let end = comment_end(bytes, at);
                out[at..end].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
                at = end;
                continue;
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ => at + 1,
        };
        match (bytes[at], comma.take()) {
            (b']' | b'}', Some(before)) => out[before] = b' ',
            (b',', _) if !matches!(last, b'[' | b'{' | b',' | b':') => comma = Some(at),
            _ => {}
        }
        last = bytes[at];
        at = end;
    }
    // Whole characters were replaced, by blanks.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Behind the string that begins here.
fn string_end(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the comment that begins here; one that is not closed ends with the text.
fn comment_end(bytes: &[u8], begin: usize) -> usize {
    let rest = &bytes[begin + 2..];
    let length = if bytes[begin + 1] == b'/' {
        rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
    } else {
        rest.windows(2).position(|end| end == b"*/").map_or(rest.len(), |at| at + 2)
    };
    begin + 2 + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn comments_and_trailing_commas_are_read_over() {
        let text = "// é first\n{\"a\": [1, 2, /* x */ ], \"b//\": \"/*\\\"*/,]\", // end\n}\n/* last";
        let strict = to_strict(text);
        assert_eq!(serde_json::from_str::<Value>(&strict).unwrap(), json!({"a": [1, 2], "b//": "/*\"*/,]"}));
        assert_eq!(strict.lines().count(), text.lines().count());
        assert_eq!(strict.len(), text.len());
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        for text in ["[,]", "{,}", "[1,,]", "{\"a\":,}", "[1", "\"open", "/", "[1] /", "{\"a\\"] {
            assert!(serde_json::from_str::<Value>(&to_strict(text)).is_err(), "{text}");
        }
    }
}
