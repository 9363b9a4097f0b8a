//! Received text made harmless for a terminal (CLI contract, *Data out*).
//!
//! Control characters could move the cursor, set the title or ring; bidirectional controls could make text read as
//! something else. Both are shown as escapes. Of what goes to a pipe only names in lines of ours come here.

use std::borrow::Cow;

/// Whether a terminal, or a reader's eye, would do something with the character other than show it.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

fn escape_into(out: &mut String, c: char) {
    match c {
        '\r' => out.push_str("\\r"),
        '\u{0}'..='\u{FFFF}' => out.push_str(&format!("\\u{:04x}", c as u32)),
        _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
    }
}

/// Text for a person: tabs stay, lines after the first are indented so that none can pass for a line of ours.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_harmful(c) && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push('\t'),
            '\n' => out.push_str("\n  "),
            c if is_harmful(c) => escape_into(&mut out, c),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A line of our own on stderr with names in it that others chose. Whatever reads it, a terminal, a file or the log of a
/// CI system, which takes some lines for commands: nothing in it moves a cursor, and none of it begins a line.
pub fn for_line(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return for_terminal(text);
    }
    Cow::Owned(for_terminal(&text.replace('\n', "\\n")).into_owned())
}

/// Text of a report on stderr, which may have several lines: those after the first begin with a bar.
pub fn for_report(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return for_terminal(text);
    }
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(for_terminal).collect();
    Cow::Owned(lines.join("\n  | "))
}

/// A line of JSON: what JSON lets pass and a terminal should not see becomes a JSON escape, so the value stays the same.
pub fn json_for_terminal(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_harmful) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        // White space between tokens is the only control character that JSON allows as it is.
        if c == '\n' || c == '\t' || !is_harmful(c) { out.push(c) } else { escape_into(&mut out, c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidi_are_shown_not_obeyed() {
        for (text, shown) in [
            ("plain é 日本 😀\ttab", "plain é 日本 😀\ttab"),
            ("\u{1b}[2J\u{7}\r", "\\u001b[2J\\u0007\\r"),
            ("\u{9b}x\u{7f}", "\\u009bx\\u007f"),
            ("a\u{202e}b\u{2066}", "a\\u202eb\\u2066"),
            ("one\ntwo", "one\n  two"),
            ("tag\u{E0041}", "tag\\udb40\\udc41"),
        ] {
            assert_eq!(for_terminal(text), shown);
        }
    }

    #[test]
    fn no_name_begins_a_line_of_stderr() {
        assert_eq!(for_line("a\n::error::b\r\u{1b}[2J\u{202e}"), "a\\n::error::b\\r\\u001b[2J\\u202e");
        assert_eq!(for_report("a\n::error::b\u{7}\nc"), "a\n  | ::error::b\\u0007\n  | c");
        assert_eq!((for_line("é\t"), for_report("é")), ("é\t".into(), "é".into()));
    }

    #[test]
    fn json_stays_the_same_value() {
        let line = "{\"a\":\"\u{202e}\u{9b}\u{7f}😀\"}";
        let shown = json_for_terminal(line);
        assert!(!shown.chars().any(is_harmful));
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(line));
    }
}
