//! Where the flags of a line end, which word is the name, and what is data.
//!
//! Flags stand before the name. Words may be quoted, as in a shell; data is never looked into, so quotes, apostrophes,
//! `#` and `$` in it are themselves. Completion and colours go by the same pieces as the parser.

use std::ops::Range;

use clap::Command;

use crate::cli::leading::{find, short_takes_next, takes_next};
use crate::failure::{Failure, Kind};

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePieceKind {
    /// The command.
    Verb,
    /// A flag, its value perhaps with it.
    Flag,
    /// The value of the flag before it.
    FlagValue,
    /// A group, an event's name, or another word.
    Word,
    /// The rest of the line, as it is.
    Rest,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePiece {
    /// What it is.
    pub place: LinePieceKind,
    /// Without its quotes.
    pub text: String,
    /// Where it stands in the line, quotes included.
    pub span: Range<usize>,
}

/// A line in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// In the order of the line.
    pub pieces: Vec<LinePiece>,
}

impl Split {
    /// As clap takes them: flags first, and nothing behind them can be mistaken for one.
    pub(super) fn arguments(self) -> Vec<String> {
        let is_word = |piece: &LinePiece| matches!(piece.place, LinePieceKind::Word | LinePieceKind::Rest);
        // Commands of `set` and `state` are no values.
        if self.pieces.first().is_some_and(|verb| verb.text == "set" || verb.text == "state") {
            return self.pieces.into_iter().map(|piece| piece.text).collect();
        }
        let (words, flags): (Vec<LinePiece>, Vec<LinePiece>) = self.pieces.into_iter().partition(is_word);
        let separator = (!words.is_empty()).then(|| "--".to_owned());
        let texts = |pieces: Vec<LinePiece>| pieces.into_iter().map(|piece| piece.text);
        texts(flags).chain(separator).chain(texts(words)).collect()
    }

    /// The word of that kind, first.
    pub fn first(&self, place: LinePieceKind) -> Option<&LinePiece> {
        self.pieces.iter().find(|piece| piece.place == place)
    }

    /// The command, with its own where it has one: `service send`.
    pub fn verb(&self) -> String {
        let verbs = self.pieces.iter().filter(|piece| piece.place == LinePieceKind::Verb);
        verbs.map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The value of that flag.
    pub fn flag_value(&self, long: &str, short: char) -> Option<&str> {
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            if piece.place != LinePieceKind::Flag {
                continue;
            }
            let text = piece.text.as_str();
            let next =
                pieces.peek().filter(|next| next.place == LinePieceKind::FlagValue).map(|next| next.text.as_str());
            let value = match (text.strip_prefix("--"), text.strip_prefix('-')) {
                (Some(flag), _) if flag == long => next,
                (Some(flag), _) => flag.split_once('=').filter(|(name, _)| *name == long).map(|(_, value)| value),
                (None, Some(cluster)) => match cluster.strip_prefix(short) {
                    Some("") => next,
                    Some(value) => Some(value.strip_prefix('=').unwrap_or(value)),
                    None => None,
                },
                (None, None) => None,
            };
            if value.is_some() {
                return value;
            }
        }
        None
    }
}

/// How a command's words go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A name, then data.
    NameAndRest,
    /// Data.
    Rest,
    /// Words.
    Words,
}

/// Takes a line apart. Fails where a quote is not closed.
pub fn split(definition: &Command, line: &str) -> Result<Split, Failure> {
    let mut pieces = Vec::new();
    let mut at = skip_blanks(line, 0);
    let end = line[at..].find(char::is_whitespace).map_or(line.len(), |end| at + end);
    if at == end {
        return Ok(Split::default());
    }
    let verb = &line[at..end];
    pieces.push(LinePiece { place: LinePieceKind::Verb, text: verb.to_owned(), span: at..end });
    at = end;
    let mut shape = match verb {
        "send" | "event" | "invoke" => Shape::NameAndRest,
        "expect" => Shape::Rest,
        _ => Shape::Words,
    };
    let Some(mut definition) = definition.find_subcommand(verb) else {
        return Ok(Split { pieces });
    };
    if verb == "service" {
        // Its own verb stands behind it.
        let start = skip_blanks(line, at);
        let end = word_end(line, start);
        if start == end || line[start..].starts_with('-') {
            at = start;
        } else {
            let part = &line[start..end];
            pieces.push(LinePiece { place: LinePieceKind::Verb, text: part.to_owned(), span: start..end });
            at = end;
            if part == "send" {
                shape = Shape::Rest;
            }
            let Some(part) = definition.find_subcommand(part) else { return Ok(Split { pieces }) };
            definition = part;
        }
    }
    let mut flags = true;
    loop {
        let start = skip_blanks(line, at);
        if start == line.len() {
            return Ok(Split { pieces });
        }
        let is_flag = flags && line[start..].starts_with('-') && word_end(line, start) > start + 1;
        if !is_flag && shape == Shape::Rest {
            pieces.push(rest(line, start));
            return Ok(Split { pieces });
        }
        let word = word(line, start, if is_flag { LinePieceKind::Flag } else { LinePieceKind::Word })?;
        at = word.span.end;
        if is_flag && word.text == "--" {
            flags = false;
            continue;
        }
        let takes_value = is_flag && flag_takes_next(definition, &word.text);
        pieces.push(word);
        if takes_value {
            let start = skip_blanks(line, at);
            if start < line.len() {
                let value = self::word(line, start, LinePieceKind::FlagValue)?;
                at = value.span.end;
                pieces.push(value);
            }
        } else if !is_flag && shape == Shape::NameAndRest {
            // One blank separates; whatever follows is data.
            let start = at + line[at..].chars().next().map_or(0, char::len_utf8);
            if start < line.len() {
                pieces.push(rest(line, start));
            }
            return Ok(Split { pieces });
        }
    }
}

fn rest(line: &str, start: usize) -> LinePiece {
    LinePiece { place: LinePieceKind::Rest, text: line[start..].to_owned(), span: start..line.len() }
}

fn skip_blanks(line: &str, at: usize) -> usize {
    line[at..].find(|c: char| !c.is_whitespace()).map_or(line.len(), |blanks| at + blanks)
}

fn word_end(line: &str, at: usize) -> usize {
    line[at..].find(char::is_whitespace).map_or(line.len(), |end| at + end)
}

/// The word there. A quote at its start, or behind the `=` of a flag, runs to the next of its kind.
fn word(line: &str, start: usize, place: LinePieceKind) -> Result<LinePiece, Failure> {
    let end = word_end(line, start);
    let bare = &line[start..end];
    let prefix = match (place, bare.find('=')) {
        (LinePieceKind::Flag, Some(equals)) if bare.starts_with("--") => &bare[..=equals],
        _ => "",
    };
    let inner = start + prefix.len();
    let Some(quote) = line[inner..].chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Ok(LinePiece { place, text: bare.to_owned(), span: start..end });
    };
    let mut text = prefix.to_owned();
    let mut escaped = false;
    for (offset, c) in line[inner + 1..].char_indices() {
        if escaped {
            if c != quote && c != '\\' {
                text.push('\\');
            }
            text.push(c);
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            let end = inner + 1 + offset + 1;
            if line[end..].chars().next().is_some_and(|next| !next.is_whitespace()) {
                return Err(Failure::message(Kind::Usage, format!("a blank is missing behind the closing {quote}"))
                    .hint("data needs no quotes: it is taken as it is"));
            }
            return Ok(LinePiece { place, text, span: start..end });
        } else {
            text.push(c);
        }
    }
    Err(Failure::message(Kind::Usage, format!("the quote {quote} is not closed"))
        .hint("only flags and names are quoted; data is taken as it is"))
}

fn flag_takes_next(definition: &Command, flag: &str) -> bool {
    match flag.strip_prefix("--") {
        Some(long) if long.contains('=') => false,
        Some(long) => find(std::iter::once(definition), |arg| arg.get_long() == Some(long)).is_some_and(takes_next),
        None => {
            let flags = |short| find(std::iter::once(definition), |arg| arg.get_short() == Some(short));
            short_takes_next(flags, &flag[1..]).unwrap_or(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::repl::line::line_command;

    fn arguments(line: &str) -> Vec<String> {
        split(&line_command(), line).unwrap().arguments()
    }

    #[test]
    fn data_is_the_rest_of_the_line_as_it_is() {
        for (line, expected) in [
            ("send g hi", &["send", "--", "g", "hi"][..]),
            ("send g it's \"so\" # $HOME :( é 日本 😀", &["send", "--", "g", "it's \"so\" # $HOME :( é 日本 😀"]),
            ("send g  two  blanks ", &["send", "--", "g", " two  blanks "]),
            ("  send   g -5 -t json", &["send", "--", "g", "-5 -t json"]),
            ("service group add g --user u", &["service", "group", "--user", "u", "--", "add", "g"]),
            ("service send g --all", &["service", "send", "--", "g --all"]),
            ("join g --ack-id 3 h", &["join", "--ack-id", "3", "--", "g", "h"]),
            ("send g --no-echo", &["send", "--", "g", "--no-echo"]),
            ("send -t json g {\"a\":1}", &["send", "-t", "json", "--", "g", "{\"a\":1}"]),
            ("send -tjson --no-echo g [1]", &["send", "-tjson", "--no-echo", "--", "g", "[1]"]),
            ("send --type=json --ack-id 7 g 1", &["send", "--type=json", "--ack-id", "7", "--", "g", "1"]),
            ("send \"my group\" hi", &["send", "--", "my group", "hi"]),
            ("send 'it''s' hi", &["send", "--", "it", "hi"]),
            ("send \"a \\\"b\\\\ \\n\" x", &["send", "--", "a \"b\\ \\n", "x"]),
            ("send it's ok", &["send", "--", "it's", "ok"]),
            ("send -- -g data", &["send", "--", "-g", "data"]),
            ("send - data", &["send", "--", "-", "data"]),
            ("send --file 'my file' g", &["send", "--file", "my file", "--", "g"]),
            ("send --file=\"my file\" g", &["send", "--file=my file", "--", "g"]),
            ("send g a\nb\n c", &["send", "--", "g", "a\nb\n c"]),
            ("send\tg\thi", &["send", "--", "g", "hi"]),
            ("send g", &["send", "--", "g"]),
            ("send g ", &["send", "--", "g"]),
            ("send", &["send"]),
            ("send -t", &["send", "-t"]),
            ("event vote yes, please", &["event", "--", "vote", "yes, please"]),
            ("invoke ask it's \"so\"", &["invoke", "--", "ask", "it's \"so\""]),
            ("expect .type == \"ack\" and .a > 1", &["expect", "--", ".type == \"ack\" and .a > 1"]),
            ("expect --timeout 5s  .a # b", &["expect", "--timeout", "5s", "--", ".a # b"]),
            ("expect -1 == -1", &["expect", "-1", "--", "== -1"]),
            ("expect -- -1 == -1", &["expect", "--", "-1 == -1"]),
            ("join a 'b c' \"d\"", &["join", "--", "a", "b c", "d"]),
            ("join --ack-id 5 a b", &["join", "--ack-id", "5", "--", "a", "b"]),
            ("set output ndjson", &["set", "output", "ndjson"]),
            ("state set 'my group' \"a=b c\" d=e", &["state", "set", "my group", "a=b c", "d=e"]),
            ("sleep 5s", &["sleep", "--", "5s"]),
            ("nonsense a b", &["nonsense"]),
            ("   ", &[]),
        ] {
            if line == "send 'it''s' hi" {
                assert!(split(&line_command(), line).is_err());
                continue;
            }
            assert_eq!(arguments(line), expected, "{line}");
        }
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for line in ["send \"g hi", "join 'a", "send --file=\"x g hi", "send 'a'b c"] {
            assert_eq!(split(&line_command(), line).unwrap_err().kind, Kind::Usage, "{line}");
        }
    }

    #[test]
    fn the_value_of_a_flag_is_found_however_it_is_written() {
        for line in ["send -t json g", "send -tjson g", "send -t=json g", "send --type json g", "send --type=json g 1"]
        {
            let split = split(&line_command(), line).unwrap();
            assert_eq!(split.flag_value("type", 't'), Some("json"), "{line}");
        }
        let split = split(&line_command(), "send g -t json").unwrap();
        assert_eq!(split.flag_value("type", 't'), None);
    }
}
