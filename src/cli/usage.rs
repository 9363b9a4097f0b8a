//! Usage errors in the form all errors of `wps` have: clap finds them, this module words them.
//!
//! What was typed is repeated only where it is short. Something long in the wrong place may well be a key or a token.

use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Failure, Kind};

/// Words a usage error; `command` is the command it is about, if it got that far. Exit code 2.
pub fn failure(error: &clap::Error, definition: &clap::Command, command: Option<&str>) -> Failure {
    let arg = text(error, ContextKind::InvalidArg).map(|arg| name(&arg));
    let arg = arg.as_deref().unwrap_or("an argument");
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let shown_value =
        if value.chars().count() <= LONGEST_SHOWN { format!("`{value}`") } else { "what was given".into() };
    let message = match error.kind() {
        ErrorKind::UnknownArgument => format!("unexpected argument{}", shown(arg)),
        ErrorKind::InvalidSubcommand => {
            format!("there is no command{}", unknown_command(error))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` needs a value"),
        ErrorKind::InvalidValue => format!("{shown_value} is not a value of `{arg}`"),
        ErrorKind::ValueValidation => {
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {}", reason(cause))).unwrap_or_default();
            format!("{shown_value} is not a value of `{arg}`{cause}")
        }
        ErrorKind::NoEquals => format!("the value of `{arg}` is written with `=`"),
        ErrorKind::TooManyValues => format!("`{arg}` takes no value"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("wrong number of values for `{arg}`")
        }
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg).map(|arg| name(&arg)) {
            Some(prior) if prior == arg => format!("`{arg}` was given more than once"),
            Some(prior) => format!("`{arg}` and `{prior}` exclude each other"),
            None => format!("`{arg}` does not go with the other arguments"),
        },
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<String> =
                texts(error, ContextKind::InvalidArg).iter().map(|arg| format!("`{}`", name(arg))).collect();
            format!("missing: {}", missing.join(", "))
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => first_line(error),
    };
    let blamed = [ContextKind::InvalidArg, ContextKind::PriorArg].into_iter().flat_map(|kind| texts(error, kind));
    let failure = Failure::message(Kind::Usage, message);
    let mut failure = blamed.fold(failure, |failure, arg| failure.blame(&name(&arg)));
    if let Some(suggestion) = nearest(error) {
        failure = failure.hint(format!("did you mean `{suggestion}`?"));
    }
    let possible = texts(error, ContextKind::ValidValue);
    if !possible.is_empty() {
        let possible: Vec<String> = possible.iter().map(|value| format!("`{value}`")).collect();
        failure = failure.hint(format!("possible: {}", possible.join(", ")));
    }
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(hint) = unexpected(error, definition, command, arg)
    {
        failure = failure.hint(hint);
    }
    failure.hint(match command {
        Some(command) => format!("`wps {command} --help` shows what can be given"),
        None => "`wps --help` lists the commands".to_owned(),
    })
}

/// Why a value is none, in words for whoever typed it: of numbers the parsers have words for programmers alone.
fn reason(cause: &(dyn std::error::Error + 'static)) -> String {
    if let Some(number) = cause.downcast_ref::<ParseIntError>() {
        return match number.kind() {
            IntErrorKind::PosOverflow => "it is too large".to_owned(),
            IntErrorKind::NegOverflow => "it is too small".to_owned(),
            IntErrorKind::Empty => "it is empty".to_owned(),
            _ => "it is not a whole number".to_owned(),
        };
    }
    if cause.is::<ParseFloatError>() {
        return "it is not a number".to_owned();
    }
    let text = cause.to_string();
    // `99999 is not in 1..=65535`, which has no type of its own; without an end, the largest number stands there.
    let range = text.rsplit_once(" is not in ").and_then(|(_, range)| range.split_once(".."));
    match range.map(|(from, to)| (from, to.trim_start_matches('='))) {
        Some((from, to)) if to == u64::MAX.to_string() || to == i64::MAX.to_string() => {
            format!("it has to be {from} at least")
        }
        Some((from, to)) => format!("it has to be from {from} to {to}"),
        None => text,
    }
}

/// What was probably meant. Clap has several suggestions, in an order of its own.
fn nearest(error: &clap::Error) -> Option<String> {
    let pairs = [
        (ContextKind::SuggestedArg, ContextKind::InvalidArg),
        (ContextKind::SuggestedSubcommand, ContextKind::InvalidSubcommand),
        (ContextKind::SuggestedValue, ContextKind::InvalidValue),
    ];
    pairs.into_iter().find_map(|(suggested, given)| {
        let given = text(error, given).map(|given| name(&given)).unwrap_or_default();
        let suggested = texts(error, suggested).into_iter().map(|suggestion| name(&suggestion));
        let distance = |suggestion: &String| strsim::damerau_levenshtein(suggestion, &given);
        suggested.min_by_key(distance).filter(|suggestion| is_near(suggestion, &given, distance(suggestion)))
    })
}

/// Whether it may have been meant: Clap also suggests what has half of its letters.
fn is_near(suggestion: &str, given: &str, distance: usize) -> bool {
    let bare = given.trim_start_matches('-').chars().count();
    suggestion.starts_with(given) || given.starts_with(suggestion) || 2 * distance <= bare
}

/// The command that there is not, quoted if it is short.
pub fn unknown_command(error: &clap::Error) -> String {
    shown(&text(error, ContextKind::InvalidSubcommand).unwrap_or_default())
}

/// Longest piece of the command line that is repeated, in characters; access keys are longer.
const LONGEST_SHOWN: usize = 32;

/// A piece of the command line, quoted, or nothing if it is long.
fn shown(text: &str) -> String {
    if text.chars().count() <= LONGEST_SHOWN { format!(" `{text}`") } else { " (long, so it is not shown)".into() }
}

/// So many commands to which a flag belongs are named.
const MOST_NAMED: usize = 4;

/// What to do about an argument that was not expected.
fn unexpected(error: &clap::Error, definition: &clap::Command, command: Option<&str>, arg: &str) -> Option<String> {
    let takers = takers(definition, arg);
    let short = arg.chars().count() <= LONGEST_SHOWN;
    if !takers.is_empty() {
        let (named, more) = takers.split_at(takers.len().min(MOST_NAMED));
        let more = match more.len() {
            0 => String::new(),
            1 => " and 1 more command".to_owned(),
            more => format!(" and {more} more commands"),
        };
        Some(format!("`{arg}` belongs to {}{more}", named.join(", ")))
    } else if arg.starts_with('-') {
        let data = error.get(ContextKind::Suggested).is_some() && short;
        data.then(|| format!("data that begins with `-` stands behind `--`: `-- {arg}`"))
    } else if arg.parse::<u16>().is_ok() && command != Some("emulator") {
        Some(format!("the port of `--local` is written with `=`, as in `--local={arg}`"))
    } else if command == Some("listen") && short {
        Some(format!("a group is given with `-g`: `-g {arg}`"))
    } else {
        None
    }
}

/// The commands that have this flag.
fn takers(definition: &clap::Command, flag: &str) -> Vec<String> {
    let has = |command: &clap::Command| {
        command.get_arguments().any(|arg| {
            let long = flag.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long));
            long || arg.get_short().is_some_and(|short| flag.strip_prefix('-') == Some(short.to_string().as_str()))
        })
    };
    super::all_commands(definition)
        .into_iter()
        .filter(|(_, command)| has(command))
        .map(|(name, _)| format!("`{name}`"))
        .collect()
}

/// The name in what clap calls an argument: `--url` of `--url <URL>`, `GROUP` of `<GROUP>...`.
fn name(arg: &str) -> String {
    if !arg.starts_with('-') {
        return arg.trim_matches(['<', '>', '[', ']', '.']).to_owned();
    }
    let end = arg.find(|c: char| c.is_whitespace() || "=[.".contains(c)).unwrap_or(arg.len());
    arg[..end].to_owned()
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    texts(error, kind).into_iter().next()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// What clap itself says, without its label.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
