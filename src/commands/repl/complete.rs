//! What TAB offers: commands, flags and their values, groups, events, and file names behind `--file`.

use clap::Command;

use super::line::{LinePieceKind, line_command, split};
use super::observer::CompletionNames;

/// What is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionTarget {
    /// A command.
    Verb,
    /// A flag of that command.
    Flag(String),
    /// A value of that flag of that command.
    FlagValue(String, String),
    /// A file's name.
    File,
    /// A group, of those joined first.
    Group,
    /// An event's name.
    Event,
    /// A word of that command, `set` or `help`, with the word before it.
    Word(String, Option<String>),
    /// The word of that command which stands behind so many others.
    Value(String, usize),
    /// Nothing that could be known.
    Nothing,
}

/// What is being typed at the end of `text`, and where that begins.
pub fn wanted(text: &str) -> (CompletionTarget, usize) {
    let definition = line_command();
    let end = text.len();
    if let Some(wanted) = flag_begins(&definition, text) {
        return wanted;
    }
    let Ok(split) = split(&definition, text) else { return (CompletionTarget::Nothing, end) };
    let after_blank = text.chars().next_back().is_none_or(char::is_whitespace);
    let verb = split.verb();
    let Some(last) = split.pieces.last() else { return (CompletionTarget::Verb, end) };
    let (current, before) = if after_blank && last.place != LinePieceKind::Rest {
        (None, Some(last))
    } else {
        (Some(last), split.pieces.iter().rev().nth(1))
    };
    let start = current.map_or(end, |piece| piece.span.start);
    // The value of a flag, behind it or in it.
    let flag_before =
        before.filter(|piece| piece.place == LinePieceKind::Flag && takes_value(&definition, &verb, &piece.text));
    if let Some(flag) = flag_before.filter(|_| current.is_none_or(|piece| piece.place == LinePieceKind::FlagValue)) {
        let wanted = match flag.text.as_str() {
            "--file" => CompletionTarget::File,
            "--group" | "-g" => CompletionTarget::Group,
            _ => CompletionTarget::FlagValue(verb, flag.text.clone()),
        };
        return (wanted, start);
    }
    match current.map(|piece| (piece.place, piece.text.as_str())) {
        Some((LinePieceKind::Verb, _)) if before.is_some_and(|piece| piece.place == LinePieceKind::Verb) => {
            (CompletionTarget::Word("service".to_owned(), None), start)
        }
        Some((LinePieceKind::Verb, _)) => (CompletionTarget::Verb, start),
        Some((LinePieceKind::Flag, flag)) => match flag.split_once('=') {
            Some(("--file", _)) => (CompletionTarget::File, start + "--file=".len()),
            Some(("--group", _)) => (CompletionTarget::Group, start + "--group=".len()),
            Some((name, _)) => (CompletionTarget::FlagValue(verb, name.to_owned()), start + name.len() + 1),
            None => (CompletionTarget::Flag(verb), start),
        },
        Some((LinePieceKind::Rest, _)) => (CompletionTarget::Nothing, end),
        _ => {
            let words = split.pieces.iter().filter(|piece| piece.place == LinePieceKind::Word).count();
            let first = words == 0 || (words == 1 && current.is_some());
            match verb.as_str() {
                "join" | "leave" => (CompletionTarget::Group, start),
                "send" | "stream" if first => (CompletionTarget::Group, start),
                "event" | "invoke" if first => (CompletionTarget::Event, start),
                "service" if first => (CompletionTarget::Word(verb, None), start),
                "service group" if (words == 1 && current.is_none()) || (words == 2 && current.is_some()) => {
                    (CompletionTarget::Group, start)
                }
                "service group" | "service permission" => {
                    (CompletionTarget::Value(verb, words - usize::from(current.is_some())), start)
                }
                "state" if first => (CompletionTarget::Word(verb, None), start),
                "state" if words == 1 || (words == 2 && current.is_some()) => (CompletionTarget::Group, start),
                "help" if first => (CompletionTarget::Word(verb, None), start),
                "help" if words == 1 || (words == 2 && current.is_some()) => {
                    let first = split.first(LinePieceKind::Word).map(|piece| piece.text.clone());
                    (CompletionTarget::Word(verb, first), start)
                }
                "set" => {
                    let before =
                        before.filter(|piece| piece.place == LinePieceKind::Word).map(|piece| piece.text.clone());
                    (CompletionTarget::Word(verb, before), start)
                }
                _ => (CompletionTarget::Nothing, end),
            }
        }
    }
}

/// Where nothing but `-` or `--` stands of a flag, which on their own would be a name and the end of all flags.
fn flag_begins(definition: &Command, text: &str) -> Option<(CompletionTarget, usize)> {
    let start = text
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + text[blank..].chars().next().map_or(0, char::len_utf8));
    if !matches!(&text[start..], "-" | "--") {
        return None;
    }
    let split = split(definition, &format!("{}--flag", &text[..start])).ok()?;
    let last = split.pieces.last().filter(|last| last.place == LinePieceKind::Flag && last.span.start == start);
    last.map(|_| (CompletionTarget::Flag(split.verb()), start))
}

/// The command of that name, or of those two.
fn command<'d>(definition: &'d Command, verb: &str) -> Option<&'d Command> {
    verb.split(' ').try_fold(definition, |command, name| command.find_subcommand(name))
}

fn takes_value(definition: &Command, verb: &str, flag: &str) -> bool {
    find(definition, verb, flag).is_some_and(|arg| arg.get_action().takes_values()) && !flag.contains('=')
}

fn find<'d>(definition: &'d Command, verb: &str, flag: &str) -> Option<&'d clap::Arg> {
    let sub = command(definition, verb)?;
    sub.get_arguments().find(|arg| {
        arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| flag.strip_prefix('-') == Some(short.to_string().as_str()))
    })
}

/// What begins with `typed`.
pub fn candidates(wanted: &CompletionTarget, typed: &str, names: &CompletionNames) -> Vec<String> {
    let definition = line_command();
    let all: Vec<String> = match wanted {
        CompletionTarget::Verb => verbs(&definition),
        CompletionTarget::Flag(verb) => flags(&definition, verb),
        CompletionTarget::FlagValue(verb, flag) => find(&definition, verb, flag).map(values).unwrap_or_default(),
        CompletionTarget::Group => {
            let others = names.groups.difference(&names.joined);
            names.joined.iter().chain(others).map(|name| quoted(name)).collect()
        }
        CompletionTarget::Event => names.events.iter().map(|name| quoted(name)).collect(),
        CompletionTarget::Word(verb, None) if verb == "help" => verbs(&definition),
        CompletionTarget::Word(verb, Some(before)) if verb == "help" => {
            definition.find_subcommand(before).map(verbs).unwrap_or_default()
        }
        CompletionTarget::Value(verb, index) => {
            let positional = command(&definition, verb).and_then(|command| command.get_positionals().nth(*index));
            positional.map(values).unwrap_or_default()
        }
        CompletionTarget::Word(verb, before) => words(&definition, verb, before.as_deref()),
        CompletionTarget::File | CompletionTarget::Nothing => Vec::new(),
    };
    all.into_iter().filter(|word| word.starts_with(typed)).collect()
}

fn verbs(definition: &Command) -> Vec<String> {
    let names = |sub: &Command| {
        let aliases = sub.get_visible_aliases().map(str::to_owned).collect::<Vec<_>>();
        [vec![sub.get_name().to_owned()], aliases].concat()
    };
    definition.get_subcommands().flat_map(names).collect()
}

fn flags(definition: &Command, verb: &str) -> Vec<String> {
    let Some(sub) = command(definition, verb) else { return Vec::new() };
    sub.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect()
}

fn values(arg: &clap::Arg) -> Vec<String> {
    arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}

/// What may follow in `set`.
fn words(definition: &Command, verb: &str, before: Option<&str>) -> Vec<String> {
    let Some(sub) = definition.find_subcommand(verb) else { return Vec::new() };
    match before {
        None => sub.get_subcommands().map(|sub| sub.get_name().to_owned()).collect(),
        Some(before) => match sub.find_subcommand(before) {
            Some(sub) => sub.get_positionals().flat_map(values).collect(),
            None => Vec::new(),
        },
    }
}

/// A name as it has to be written.
fn quoted(name: &str) -> String {
    let plain = !name.contains(char::is_whitespace) && !name.starts_with(['"', '\'', '-']);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_offers_what_can_stand_there() {
        let mut names = CompletionNames::default();
        names.joined.extend(["chat".to_owned(), "my group".to_owned()]);
        names.groups.extend(["chat".to_owned(), "news".to_owned()]);
        names.events.insert("vote".to_owned());
        for (text, expected) in [
            ("jo", &["join"][..]),
            ("ex", &["expect", "exit"]),
            ("send --no", &["--no-echo", "--no-ack"]),
            ("send -t ", &["text", "json", "binary", "protobuf"]),
            ("send --type j", &["json"]),
            ("send --type=j", &["json"]),
            ("service ", &["send", "connections", "exists", "close", "group", "permission", "health"]),
            ("service s", &["send"]),
            ("service connections --group n", &["news"]),
            ("service connections --group=n", &["news"]),
            ("service connections -g n", &["news"]),
            ("service group r", &["remove", "remove-all"]),
            ("service group add n", &["news"]),
            ("service group add ", &["chat", "\"my group\"", "news"]),
            ("service permission --connection c1 ", &["grant", "revoke", "check"]),
            ("service permission grant s", &["sendToGroup"]),
            ("service send --ex", &["--exclude"]),
            ("service send -t j", &["json"]),
            ("send ", &["chat", "\"my group\"", "news"]),
            ("send n", &["news"]),
            ("send -t json c", &["chat"]),
            ("send chat ", &[]),
            ("send chat n", &[]),
            ("join news c", &["chat"]),
            ("leave ", &["chat", "\"my group\"", "news"]),
            ("event v", &["vote"]),
            ("invoke v", &["vote"]),
            ("set ", &["output", "timestamps", "full"]),
            ("stream --no", &["--no-echo"]),
            ("stream n", &["news"]),
            ("set o", &["output"]),
            ("set output n", &["ndjson"]),
            ("set full ", &["on", "off"]),
            ("help st", &["stream", "state", "status"]),
            ("state un", &["unwatch"]),
            ("state set n", &["news"]),
            ("state set news a", &[]),
            ("status ", &[]),
            (
                "send -",
                &["--no-echo", "--file", "--type", "--encoding", "--metadata", "--message-ttl", "--ack-id", "--no-ack"],
            ),
            (
                "send --",
                &["--no-echo", "--file", "--type", "--encoding", "--metadata", "--message-ttl", "--ack-id", "--no-ack"],
            ),
            ("send -t json --no-a", &["--no-ack"]),
            // It is a group's name there, and data.
            ("send g -", &[]),
            ("send g --", &[]),
            ("send -- -", &[]),
            ("service exists --group g --", &["--connection", "--group", "--user", "--member"]),
            ("service --", &[]),
            ("-", &[]),
            ("--", &[]),
            ("help service ", &["send", "connections", "exists", "close", "group", "permission", "health"]),
            ("help service c", &["connections", "close"]),
            ("help state u", &["unwatch"]),
            ("help set ", &["output", "timestamps", "full"]),
            ("help join ", &[]),
            ("help service send ", &[]),
        ] {
            let (wanted, start) = wanted(text);
            assert_eq!(candidates(&wanted, &text[start..], &names), expected, "{text}: {wanted:?}");
        }
        assert_eq!(wanted("send --file /et"), (CompletionTarget::File, 12));
        assert_eq!(wanted("send --file=/et"), (CompletionTarget::File, 12));
        assert_eq!(wanted("send --file "), (CompletionTarget::File, 12));
    }
}
