//! From text to commands: where a line is continued, and what is a comment.
//!
//! A `\` at the end continues a line, which keeps the newline, and so does JSON that is not complete behind `-t json`.
//! Scripts and the editor go by the same rules.

use super::line::{Place, line_command, split};

/// A command as it was typed, and where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The text, without the backslashes of continued lines.
    pub text: String,
    /// Number of its first line, from 1.
    pub line: u64,
}

/// Puts lines together.
#[derive(Debug, Default)]
pub struct Assembler {
    pending: Option<Entry>,
    lines: u64,
}

impl Assembler {
    /// Takes a line without its end. Returns the command that it completes; comments and empty lines are none.
    pub fn push(&mut self, line: &str) -> Option<Entry> {
        self.lines += 1;
        if self.pending.is_none() && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return None;
        }
        let (line, continued) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        let entry = match self.pending.take() {
            Some(mut entry) => {
                entry.text.push_str(line);
                entry
            }
            None => Entry { text: line.to_owned(), line: self.lines },
        };
        if continued || is_open_json(&entry.text) {
            let text = entry.text + "\n";
            self.pending = Some(Entry { text, line: entry.line });
            return None;
        }
        Some(entry)
    }

    /// Whether the last command is not complete yet.
    pub fn is_amid(&self) -> bool {
        self.pending.is_some()
    }

    /// What is left at the end of the input, as far as it goes.
    pub fn finish(&mut self) -> Option<Entry> {
        let mut entry = self.pending.take()?;
        entry.text.truncate(entry.text.trim_end_matches('\n').len());
        Some(entry)
    }
}

/// The commands in a text that may have several lines, and whether the last one is complete.
pub fn entries(text: &str) -> (Vec<Entry>, bool) {
    let mut assembler = Assembler::default();
    let mut entries: Vec<Entry> = text.split('\n').filter_map(|line| assembler.push(line)).collect();
    let rest = assembler.finish();
    let complete = rest.is_none();
    entries.extend(rest);
    (entries, complete)
}

/// Whether the line sends JSON whose brackets or quotes are not closed yet.
fn is_open_json(text: &str) -> bool {
    let Ok(split) = split(&line_command(), text) else { return false };
    if !matches!(split.verb(), "send" | "event" | "invoke") || split.flag_value("type", 't') != Some("json") {
        return false;
    }
    split.first(Place::Rest).is_some_and(|data| is_open(&data.text))
}

fn is_open(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' if !in_string => depth += 1,
            '}' | ']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth > 0 || in_string
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> (Vec<String>, bool) {
        let (entries, complete) = entries(text);
        (entries.into_iter().map(|entry| entry.text).collect(), complete)
    }

    #[test]
    fn a_backslash_and_open_json_continue_a_line_and_nothing_else_does() {
        for (text, expected, complete) in [
            ("send g hi", &["send g hi"][..], true),
            ("send g it's {", &["send g it's {"], true),
            ("send g \"", &["send g \""], true),
            ("send g one\\\ntwo\\\nthree\nstatus", &["send g one\ntwo\nthree", "status"], true),
            ("send -t json g {\"a\":\n[1,\n2]}\nping", &["send -t json g {\"a\":\n[1,\n2]}", "ping"], true),
            ("send -t json g \"a{\\\"", &["send -t json g \"a{\\\""], false),
            ("send --type=json g {\"a\":\"}\"", &["send --type=json g {\"a\":\"}\""], false),
            ("send -t json g ]", &["send -t json g ]"], true),
            ("send g a\\", &["send g a"], false),
            ("# a comment\\\n\n  # another\nping", &["ping"], true),
            ("send g a\\\n# no comment", &["send g a\n# no comment"], true),
            ("", &[], true),
        ] {
            let (texts, whole) = texts(text);
            assert_eq!(
                (texts.iter().map(String::as_str).collect::<Vec<_>>(), whole),
                (expected.to_vec(), complete),
                "{text}"
            );
        }
    }

    #[test]
    fn a_command_knows_its_first_line() {
        let (entries, _) = entries("# one\nsend g a\\\nb\nping");
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 4]);
    }
}
