//! JSON text laid out anew: on one line, or indented. Only white space between tokens changes; digits, escapes and the
//! order of keys stay as they are.

/// `json` without white space between tokens, appended to `out`. Copied whole when it is on one line already.
pub fn compact(json: &str, out: &mut Vec<u8>) {
    if memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_none() {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    let mut in_string = false;
    let mut escaped = false;
    for byte in json.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
}

/// `json` indented by two spaces a level.
pub fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => {
                taken = string_len(rest);
                out.push_str(&rest[..taken]);
            }
            '{' | '[' => {
                out.push(c);
                let inner = rest[taken..].trim_start();
                let close = if c == '{' { '}' } else { ']' };
                if inner.starts_with(close) {
                    out.push(close);
                    taken = rest.len() - inner.len() + 1;
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                if depth <= DEEPEST {
                    new_line(&mut out, depth.saturating_sub(1));
                }
                depth = depth.saturating_sub(1);
                out.push(c);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
        rest = &rest[taken..];
    }
    out
}

/// Deeper values stand on the line of the one that they are in. Each line of a message costs its indentation, which a
/// sender could make as long as the message.
const DEEPEST: usize = 32;

fn new_line(out: &mut String, depth: usize) {
    if depth <= DEEPEST {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Length of the string literal at the start of `text`, quotes included.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(json: &str) -> String {
        let mut out = Vec::new();
        compact(json, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn compact_json_is_one_line_with_its_digits() {
        assert_eq!(compacted("{ \"a\" : 1.0 }"), "{ \"a\" : 1.0 }");
        assert_eq!(compacted("{\n  \"a \\\" b\" : [ 1.00,\r\n 2 ]\n}"), "{\"a \\\" b\":[1.00,2]}");
        assert_eq!(compacted("\"\\\\\"\n"), "\"\\\\\"");
    }

    #[test]
    fn values_of_any_depth_are_not_indented_without_end() {
        let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
        let shown = pretty(&deep);
        assert!(shown.len() < 2 * deep.len(), "{}", shown.len());
        assert_eq!(shown.split_whitespace().collect::<String>(), deep);
        assert!(shown.contains(&format!("\n{}[[[", "  ".repeat(DEEPEST))), "{}", &shown[..3000]);
        assert!(shown.ends_with("]\n  ]\n]"));
    }

    #[cfg(unix)]
    #[test]
    fn json_is_laid_out_in_proportion_to_its_length() {
        use crate::growth::{TEXTS, assert_linear};
        let texts = [("", "["), ("", "[ "), ("[", "1,"), ("", "{\"a\":"), ("\n", "\"\\"), ("\n", " ")];
        for texts in [&TEXTS[..], &texts[..]] {
            assert_linear("layout", &|text| drop(pretty(text)), texts);
            assert_linear("layout on a line", &|text| compact(text, &mut Vec::new()), texts);
        }
    }

    #[test]
    fn pretty_json_has_a_line_for_each_value() {
        assert_eq!(
            pretty(r#"{"b":[1.00,{}],"a":{"x":"a, b: {"},"c":[ ]}"#),
            "{\n  \"b\": [\n    1.00,\n    {}\n  ],\n  \"a\": {\n    \"x\": \"a, b: {\"\n  },\n  \"c\": []\n}"
        );
        assert_eq!(pretty("5"), "5");
        assert_eq!(pretty("\"é\""), "\"é\"");
    }
}
