//! From text to commands: where a line is continued, and what is a comment.
//!
//! A `\` at the end continues a line, which keeps the newline, and so does JSON that is not complete behind `-t json`.
//! Scripts and the editor go by the same rules.
//!
//! Behind `stream GROUP` lines are no commands but fragments, as they are, until one that is `\.` alone.

use super::line::{LinePieceKind, line_command, split};

/// What was typed, and where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplEntry {
    /// What it is.
    pub what: ReplInput,
    /// Number of its first line, from 1.
    pub line: u64,
}

/// What lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplInput {
    /// A command, without the backslashes of continued lines.
    Command(String),
    /// A fragment of the stream that is open, without the line's end.
    Fragment(String),
    /// The end of that stream.
    EndOfStream,
}

impl ReplInput {
    /// Its first word.
    pub fn verb(&self) -> &str {
        match self {
            Self::Command(text) => text.split_whitespace().next().unwrap_or_default(),
            Self::Fragment(_) | Self::EndOfStream => "stream",
        }
    }
}

/// The line that ends a stream.
pub const END_OF_STREAM: &str = "\\.";

/// Puts lines together.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The command so far, and its first line.
    pending: Option<(String, u64)>,
    lines: u64,
    /// Lines are fragments.
    in_stream: bool,
}

impl Assembler {
    /// Begins amid a stream, or not.
    pub fn new(in_stream: bool) -> Self {
        Self { in_stream, ..Self::default() }
    }

    /// Whether lines are fragments now.
    pub fn is_in_stream(&self) -> bool {
        self.in_stream
    }

    /// Takes a line without its end. Returns the command that it completes; comments and empty lines are none.
    pub fn push(&mut self, line: &str) -> Option<ReplEntry> {
        self.lines += 1;
        if self.in_stream {
            self.in_stream = line != END_OF_STREAM;
            let what = if self.in_stream { ReplInput::Fragment(line.to_owned()) } else { ReplInput::EndOfStream };
            return Some(ReplEntry { what, line: self.lines });
        }
        if self.pending.is_none() && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return None;
        }
        let (line, continued) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        let (text, first) = match self.pending.take() {
            Some((text, first)) => (text + line, first),
            None => (line.to_owned(), self.lines),
        };
        if continued || is_open_json(&text) {
            self.pending = Some((text + "\n", first));
            return None;
        }
        Some(self.command(text, first))
    }

    fn command(&mut self, text: String, line: u64) -> ReplEntry {
        self.in_stream = begins_stream(&text);
        ReplEntry { what: ReplInput::Command(text), line }
    }

    /// Whether the last command is not complete yet.
    pub fn is_amid(&self) -> bool {
        self.pending.is_some()
    }

    /// What is left at the end of the input, as far as it goes.
    pub fn finish(&mut self) -> Option<ReplEntry> {
        let (mut text, first) = self.pending.take()?;
        text.truncate(text.trim_end_matches('\n').len());
        Some(self.command(text, first))
    }

    /// The end of the stream, where the end of the input is that.
    pub fn end_stream(&mut self) -> Option<ReplEntry> {
        let ends = std::mem::take(&mut self.in_stream);
        ends.then_some(ReplEntry { what: ReplInput::EndOfStream, line: self.lines })
    }
}

/// What there is in a text of several lines perhaps.
#[derive(Debug)]
pub struct ReplEntries {
    /// In order.
    pub entries: Vec<ReplEntry>,
    /// Whether the last one is complete.
    pub complete: bool,
    /// Whether what follows are fragments.
    pub in_stream: bool,
}

/// What there is in a text that begins amid a stream, or not.
pub fn entries(text: &str, in_stream: bool) -> ReplEntries {
    let mut assembler = Assembler::new(in_stream);
    let mut entries: Vec<ReplEntry> = text.split('\n').filter_map(|line| assembler.push(line)).collect();
    let rest = assembler.finish();
    let complete = rest.is_none();
    entries.extend(rest);
    ReplEntries { entries, complete, in_stream: assembler.is_in_stream() }
}

/// Whether the lines behind this command are fragments.
pub fn begins_stream(text: &str) -> bool {
    let Ok(split) = split(&line_command(), text) else { return false };
    split.verb() == "stream"
        && split.first(LinePieceKind::Word).is_some()
        && !split
            .pieces
            .iter()
            .any(|piece| piece.place == LinePieceKind::Flag && matches!(piece.text.as_str(), "-h" | "--help"))
}

/// Whether the line sends JSON whose brackets or quotes are not closed yet.
fn is_open_json(text: &str) -> bool {
    let Ok(split) = split(&line_command(), text) else { return false };
    if !matches!(split.verb().as_str(), "send" | "event" | "invoke" | "service send")
        || split.flag_value("type", 't') != Some("json")
    {
        return false;
    }
    split.first(LinePieceKind::Rest).is_some_and(|data| is_open(&data.text))
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
        let ReplEntries { entries, complete, .. } = entries(text, false);
        let text = |entry: ReplEntry| match entry.what {
            ReplInput::Command(text) => text,
            ReplInput::Fragment(text) => format!("fragment {text}"),
            ReplInput::EndOfStream => "end".to_owned(),
        };
        (entries.into_iter().map(text).collect(), complete)
    }

    #[test]
    fn behind_stream_lines_are_fragments_as_they_are_until_the_one_that_ends_it() {
        let (texts, complete) = texts("stream --no-echo g\n# no comment\n\na\\\nquit\n\\.\nping");
        let expected = [
            "stream --no-echo g",
            "fragment # no comment",
            "fragment ",
            "fragment a\\",
            "fragment quit",
            "end",
            "ping",
        ];
        assert_eq!((texts, complete), (expected.map(str::to_owned).to_vec(), true));
        for (text, in_stream) in
            [("stream g", true), ("stream g\n\\.", false), ("stream", false), ("stream --help g", false)]
        {
            assert_eq!(entries(text, false).in_stream, in_stream, "{text}");
        }
        assert_eq!(entries("status", true).entries[0].what, ReplInput::Fragment("status".into()));
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
        let all = entries("# one\nsend g a\\\nb\nping", false).entries;
        assert_eq!(all.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 4]);
    }
}
