//! What can stand at a place of a command line, for the completion of shells.
//!
//! The shells' scripts ask the program itself (`wps completions --at INDEX -- WORD…`), which knows its profiles, roles and
//! faults. Flags may stand before the command here as they may when it is run.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command};

use super::candidate::Candidate;
use super::values::{self, KnownNames};
use crate::cli::leading::{find, takes_next};
use crate::cli::{TOPICS, all_commands};

/// Where the words before the cursor lead.
struct CursorContext<'c> {
    /// The command that they name.
    command: &'c Command,
    /// The flag whose value comes next.
    flag: Option<&'c Arg>,
    /// No flags come any more.
    escaped: bool,
    /// How many of the command's own words have come.
    positionals: usize,
    /// Long names of the flags that were given.
    given: BTreeSet<String>,
}

/// What can stand at `index` of the words, of which the first names the program.
pub fn candidates(
    definition: &mut Command,
    words: &[String],
    index: usize,
    known: &mut dyn KnownNames,
) -> Vec<Candidate> {
    definition.build();
    let typed = words.get(index).map_or("", String::as_str);
    let before = words.get(1..index.min(words.len())).unwrap_or_default();
    let place = place(definition, before);
    let begins = |candidate: &Candidate| candidate.word.starts_with(typed);
    let mut found = match place.flag {
        Some(flag) => values::of(flag, typed, known),
        None if !place.escaped && typed.starts_with('-') => flags(&place, typed, known),
        None => words_of(&place, typed, known),
    };
    found.retain(begins);
    found
}

fn place<'c>(root: &'c Command, words: &[String]) -> CursorContext<'c> {
    let mut place = CursorContext { command: root, flag: None, escaped: false, positionals: 0, given: BTreeSet::new() };
    for word in words {
        if place.flag.take().is_some() {
            continue;
        }
        if place.escaped || word == "-" || !word.starts_with('-') {
            match place.command.find_subcommand(word).filter(|_| !place.escaped && place.positionals == 0) {
                Some(command) => place.command = command,
                None => place.positionals += 1,
            }
        } else if word == "--" {
            place.escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            place.given.insert(name.to_owned());
            let flag = by_long(place.command, name);
            place.flag = flag.filter(|flag| value.is_none() && takes_next(flag));
        } else {
            let (flag, value) = short(place.command, &word[1..]);
            place.given.extend(flag.and_then(Arg::get_long).map(str::to_owned));
            place.flag = flag.filter(|flag| value.is_empty() && takes_next(flag));
        }
    }
    place
}

/// The commands whose flags may stand there: this one, or, before a command is named, all below it.
fn takers(command: &Command) -> Vec<&Command> {
    let below = all_commands(command).into_iter().map(|(_, command)| command);
    std::iter::once(command).chain(below).collect()
}

fn by_long<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    find(takers(command).into_iter(), |arg| arg.get_long() == Some(name))
}

/// The flag of a cluster that takes a value, else the last one, and what stands behind it.
fn short<'c, 't>(command: &'c Command, cluster: &'t str) -> (Option<&'c Arg>, &'t str) {
    let mut last = None;
    for (at, short) in cluster.char_indices() {
        let flag = find(takers(command).into_iter(), |arg| arg.get_short() == Some(short));
        let rest = &cluster[at + short.len_utf8()..];
        last = flag;
        if flag.is_some_and(takes_next) {
            return (flag, rest);
        }
    }
    (last, "")
}

/// Flags, or the value in one.
fn flags(place: &CursorContext<'_>, typed: &str, known: &mut dyn KnownNames) -> Vec<Candidate> {
    let prefixed = |prefix: &str, found: Vec<Candidate>| {
        found
            .into_iter()
            .map(|candidate| Candidate { word: format!("{prefix}{}", candidate.word), ..candidate })
            .collect()
    };
    if let Some((name, value)) = typed.strip_prefix("--").and_then(|long| long.split_once('=')) {
        let Some(flag) = by_long(place.command, name) else { return Vec::new() };
        return prefixed(&format!("--{name}="), values::of(flag, value, known));
    }
    if !typed.starts_with("--") && typed.len() > 1 {
        let (Some(flag), value) = short(place.command, &typed[1..]) else { return Vec::new() };
        if !takes_next(flag) {
            return Vec::new();
        }
        return prefixed(&typed[..typed.len() - value.len()], values::of(flag, value, known));
    }
    let mut found: Vec<Candidate> = Vec::new();
    for arg in takers(place.command).into_iter().flat_map(Command::get_arguments).filter(|arg| !arg.is_hide_set()) {
        let Some(long) = arg.get_long() else { continue };
        let repeats = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        let word = format!("--{long}");
        if (repeats || !place.given.contains(long)) && !found.iter().any(|known| known.word == word) {
            found.push(Candidate::new(word, about(arg)));
        }
    }
    found
}

/// Commands, or words of the command's own; where there are none that are known, its flags.
fn words_of(place: &CursorContext<'_>, typed: &str, known: &mut dyn KnownNames) -> Vec<Candidate> {
    if place.positionals == 0 && !place.escaped && place.command.has_subcommands() {
        let commands = place.command.get_subcommands().filter(|command| !command.is_hide_set());
        let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
        let commands = commands.map(|command| Candidate::new(command.get_name(), about(command)));
        let topics = if place.command.get_name() == "help" { TOPICS } else { &[] };
        return commands.chain(topics.iter().map(|topic| Candidate::new(topic.name, topic.about))).collect();
    }
    let words: Vec<&Arg> = place.command.get_positionals().filter(|arg| !arg.is_hide_set()).collect();
    let repeats = |arg: &Arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    let word = words.get(place.positionals).or_else(|| words.last().filter(|last| repeats(last)));
    let found = word.map(|word| values::of(word, typed, known)).unwrap_or_default();
    // Behind a word that names no command nothing is known.
    if found.is_empty() && typed.is_empty() && !place.escaped && !place.command.has_subcommands() {
        return flags(place, "--", known);
    }
    found
}

fn about(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}
