//! Colours of the line being typed: the command, its flags, JSON, and the bracket that belongs to the one at the cursor.

use clap::Command;

use super::line::{LinePieceKind, line_command, split};

const PLAIN: &str = "";
const VERB: &str = "1";
const UNKNOWN: &str = "31";
const FLAG: &str = "36";
const NAME: &str = "32";
const STRING: &str = "33";
const NUMBER: &str = "35";
const WORD: &str = "34";
const BRACKET: &str = "1;4";

/// The line in colours. Without them it reads the same.
pub fn highlight(line: &str, cursor: Option<usize>) -> String {
    let styles = styles(line, cursor);
    let mut out = String::with_capacity(line.len() + 64);
    let mut current = PLAIN;
    for (at, c) in line.char_indices() {
        let style = styles.get(at).copied().unwrap_or(PLAIN);
        if style != current {
            if current != PLAIN {
                out.push_str("\x1b[0m");
            }
            if style != PLAIN {
                out.push_str("\x1b[");
                out.push_str(style);
                out.push('m');
            }
            current = style;
        }
        out.push(c);
    }
    if current != PLAIN {
        out.push_str("\x1b[0m");
    }
    out
}

/// A style for each byte.
fn styles(line: &str, cursor: Option<usize>) -> Vec<&'static str> {
    let mut styles = vec![PLAIN; line.len()];
    let definition = line_command();
    let Ok(split) = split(&definition, line) else { return styles };
    let json = split.flag_value("type", 't') == Some("json");
    // Whose commands may stand there.
    let mut of = Some(&definition);
    for piece in &split.pieces {
        let style = match piece.place {
            LinePieceKind::Verb | LinePieceKind::Word => match of.filter(|of| of.has_subcommands()) {
                Some(commands) => {
                    of = commands.find_subcommand(&piece.text);
                    verb(commands, &piece.text)
                }
                None if piece.place == LinePieceKind::Verb => UNKNOWN,
                None => NAME,
            },
            LinePieceKind::Flag | LinePieceKind::FlagValue => FLAG,
            LinePieceKind::Rest => {
                if json || piece.text.trim_start().starts_with(['{', '[']) {
                    paint_json(&line[piece.span.clone()], &mut styles[piece.span.clone()]);
                }
                continue;
            }
        };
        styles[piece.span.clone()].fill(style);
    }
    if let Some((one, other)) = cursor.and_then(|cursor| brackets(line, cursor)) {
        styles[one] = BRACKET;
        styles[other] = BRACKET;
    }
    styles
}

/// The style of a word where one of these commands is to stand.
fn verb(commands: &Command, word: &str) -> &'static str {
    if commands.find_subcommand(word).is_some() {
        return VERB;
    }
    let mut names = commands.get_subcommands().flat_map(Command::get_name_and_visible_aliases);
    // It may still become one.
    if names.any(|name| name.starts_with(word)) { PLAIN } else { UNKNOWN }
}

fn paint_json(json: &str, styles: &mut [&'static str]) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (length, style) = match rest[0] {
            b'"' => (string_length(rest), STRING),
            b'0'..=b'9' | b'-' => (run(rest, |b| b.is_ascii_digit() || b"+-.eE".contains(&b)), NUMBER),
            b'a'..=b'z' => (run(rest, |b| b.is_ascii_lowercase()), WORD),
            _ => (1, PLAIN),
        };
        styles[at..at + length].fill(style);
        at += length;
    }
}

fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

fn run(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is(*byte)).unwrap_or(bytes.len()).max(1)
}

/// The bracket at the cursor, or before it, and the one that belongs to it. Those in strings are text.
fn brackets(line: &str, cursor: usize) -> Option<(usize, usize)> {
    let bytes = line.as_bytes();
    let is_bracket = |at: &usize| bytes.get(*at).is_some_and(|byte| b"()[]{}".contains(byte));
    let at = Some(cursor).filter(is_bracket).or_else(|| cursor.checked_sub(1).filter(is_bracket))?;
    let mut open: Vec<(u8, usize)> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'(' | b'[' | b'{' if !in_string => open.push((*byte, index)),
            b')' | b']' | b'}' if !in_string => {
                let (opening, start) = open.pop()?;
                if !matches!((opening, byte), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
                    return None;
                }
                if start == at || index == at {
                    return Some((start, index));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_leave_the_text_as_it_is() {
        for line in ["send -t json g {\"a\":[1,true,\"é]\\\"\"]}", "bogus", "send 'open", "join a 日本", "", "  "] {
            let shown = highlight(line, Some(line.len()));
            let mut plain = String::new();
            let mut rest = shown.as_str();
            while let Some(start) = rest.find('\x1b') {
                plain.push_str(&rest[..start]);
                rest = &rest[start..];
                rest = &rest[rest.find('m').unwrap() + 1..];
            }
            plain.push_str(rest);
            assert_eq!(plain, line);
        }
        assert_eq!(highlight("ping", None), "\x1b[1mping\x1b[0m");
        assert_eq!(highlight("bogus", None), "\x1b[31mbogus\x1b[0m");
    }

    #[test]
    fn commands_of_two_words_are_painted_as_commands() {
        let (verb, unknown, name) = ("\x1b[1m", "\x1b[31m", "\x1b[32m");
        for (line, first, second, third) in [
            ("service send", verb, verb, ""),
            ("service connections", verb, verb, ""),
            ("service permission grant", verb, verb, name),
            ("service nonsense", verb, unknown, ""),
            // It exists, but not there.
            ("service join", verb, unknown, ""),
            ("service conn", verb, "", ""),
            ("state watch g", verb, verb, name),
            ("state nonsense g", verb, unknown, name),
            ("set full on", verb, verb, name),
            ("set out", verb, "", ""),
            ("set join", verb, unknown, ""),
            ("exit", verb, "", ""),
            ("exi", "", "", ""),
            ("join state", verb, name, ""),
        ] {
            let words: Vec<String> = line
                .split(' ')
                .zip([first, second, third])
                .map(|(word, style)| if style.is_empty() { word.to_owned() } else { format!("{style}{word}\x1b[0m") })
                .collect();
            assert_eq!(highlight(line, None), words.join(" "), "{line}");
        }
    }

    #[test]
    fn brackets_are_matched_outside_of_strings() {
        let line = "send -t json g {\"a\":[1,\"]\"]}";
        let open = line.find('[').unwrap();
        let close = line.rfind(']').unwrap();
        assert_eq!(brackets(line, open), Some((open, close)));
        assert_eq!(brackets(line, close + 1), Some((close + 1, line.len() - 1)).map(|_| (15, line.len() - 1)));
        assert_eq!(brackets(line, line.len()), Some((15, line.len() - 1)));
        assert_eq!(brackets("send g (]", 7), None);
        assert_eq!(brackets("send g x", 8), None);
    }
}
