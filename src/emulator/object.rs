//! A JSON object that somebody sent, or what is wrong with it, in words for whoever wrote it.

use serde::de::DeserializeOwned;

/// The object of a known form. Fails with half a sentence: `it is not a JSON object`.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice(bytes) {
        // Of a list, serde would make the values by their places.
        Ok(value) if is_object => Ok(value),
        Err(error) if error.is_syntax() || error.is_eof() => {
            Err(format!("it is not JSON, from line {}, column {} on", error.line(), error.column()))
        }
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(_) if !is_object => Err("it is not a JSON object".to_owned()),
        Err(error) => {
            let words = error.to_string();
            Err(words.split(" at line ").next().unwrap_or(&words).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        fault: String,
    }

    #[test]
    fn what_is_wrong_is_said_without_words_of_the_library() {
        assert_eq!(object::<Body>(br#" {"fault":"a"}"#), Ok(Body { fault: "a".into() }));
        for (text, expected) in [
            (r#"{"fault":5}"#, "invalid type: integer `5`, expected a string"),
            (r#"{"x":1}"#, "unknown field `x`, expected `fault`"),
            ("{}", "missing field `fault`"),
            ("nonsense", "it is not JSON, from line 1, column 2 on"),
            (r#"{"fault""#, "it is not JSON, from line 1, column 8 on"),
            (r#"["a"]"#, "it is not a JSON object"),
            ("[]", "it is not a JSON object"),
            ("5", "it is not a JSON object"),
        ] {
            assert_eq!(object::<Body>(text.as_bytes()), Err(expected.to_owned()), "{text}");
        }
    }
}
