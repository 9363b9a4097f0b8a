//! Lays examples and sections out as `--help` shows them, in plain text of 80 columns with headings in bold.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::{CommandHelp, SectionBody, Topic};

/// Widest line of the parts laid out here.
const WIDTH: usize = 80;

/// A heading in the style that clap gives its own.
fn heading(title: &str) -> String {
    format!("\u{1b}[1m\u{1b}[4m{title}:\u{1b}[0m\n")
}

/// The examples, as `--help` begins with them.
pub(in crate::cli) fn examples_text(help: &CommandHelp) -> String {
    let mut out = heading("Examples");
    for (line, meaning) in &help.examples {
        let _ = writeln!(out, "  {line}\n      {meaning}");
    }
    out
}

/// What follows the flags in `--help`.
pub(in crate::cli) fn sections_text(help: &CommandHelp) -> String {
    let mut out = String::new();
    for (index, section) in help.sections.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        match section.nested {
            true => out.push_str(&format!("\u{1b}[1m{}:\u{1b}[0m\n", section.title)),
            false => out.push_str(&heading(&section.title)),
        }
        match &section.body {
            SectionBody::Prose(paragraphs) => {
                for paragraph in paragraphs {
                    let bullet = if paragraphs.len() > 1 { "  - " } else { "  " };
                    out.push_str(bullet);
                    wrap_after(&mut out, paragraph, bullet.len());
                }
            }
            SectionBody::Table(rows) => {
                table(&mut out, rows.iter().map(|(term, meaning)| (term.as_str(), meaning.as_str())))
            }
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Terms and their meanings, in two columns.
fn table<'t>(out: &mut String, rows: impl Iterator<Item = (&'t str, &'t str)> + Clone) {
    let column = rows.clone().map(|(term, _)| term.len()).max().unwrap_or_default();
    for (term, meaning) in rows {
        let _ = write!(out, "  {term:column$}  ");
        wrap_after(out, meaning, column + 4);
    }
}

/// Appends `text` to a line that is `indent` characters long already; further lines are indented likewise.
fn wrap_after(out: &mut String, text: &str, indent: usize) {
    let mut column = indent;
    for word in text.split_whitespace() {
        if column > indent {
            if column + 1 + word.chars().count() > WIDTH {
                let _ = write!(out, "\n{:indent$}", "");
                column = indent;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += word.chars().count();
    }
    out.push('\n');
}

/// The flags of a command that many have, below their headings, which name the topics that explain them.
fn shared(command: &Command) -> Vec<(String, Vec<&Arg>)> {
    let mut shared: Vec<(&str, Vec<&str>, Vec<&Arg>)> = Vec::new();
    for arg in command.get_arguments() {
        let (Some(topic), Some(heading)) = (Topic::of(arg), arg.get_help_heading()) else { continue };
        match shared.iter_mut().find(|(known, ..)| *known == heading) {
            Some((_, topics, args)) => {
                if !topics.contains(&topic.name) {
                    topics.push(topic.name);
                }
                args.push(arg);
            }
            None => shared.push((heading, vec![topic.name], vec![arg])),
        }
    }
    let titled = shared.into_iter().map(|(heading, topics, args)| {
        let topics: Vec<String> = topics.iter().map(|name| format!("`wps help {name}`")).collect();
        (format!("{heading} ({})", topics.join(", ")), args)
    });
    titled.collect()
}

/// The flags that many commands have, in one line each.
pub(in crate::cli) fn shared_flags(command: &Command) -> String {
    let mut out = String::new();
    for (title, args) in shared(command) {
        out.push_str(&heading(&title));
        let column = args.iter().map(|arg| term(arg).chars().count()).max().unwrap_or_default();
        for arg in args {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let takes = arg.get_action().takes_values();
            let default = arg.get_default_values().first().filter(|_| takes).map(|it| it.to_string_lossy());
            let default = default.map(|it| format!(" [default: {it}]")).unwrap_or_default();
            let _ = writeln!(out, "  {:column$}  {help}{default}", term(arg));
        }
        out.push('\n');
    }
    out
}

/// The same by their names only.
pub(in crate::cli) fn shared_names(command: &Command) -> String {
    let mut out = String::new();
    for (title, args) in shared(command) {
        out.push_str(&heading(&title));
        let names: Vec<String> = args.iter().filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
        out.push_str("  ");
        wrap_after(&mut out, &names.join(", "), 2);
        out.push('\n');
    }
    out
}

/// Longest list of values that stands in place of the value's name.
const LONGEST_VALUES: usize = 22;

/// A flag with its value, as `-o, --output <text|ndjson>`.
fn term(arg: &Arg) -> String {
    let short = arg.get_short().map_or("    ".to_owned(), |short| format!("-{short}, "));
    let long = arg.get_long().unwrap_or_default();
    if !arg.get_action().takes_values() {
        return format!("{short}--{long}");
    }
    let possible = arg.get_possible_values();
    let possible = possible.iter().map(|value| value.get_name()).collect::<Vec<_>>().join("|");
    let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let value = if possible.is_empty() || possible.len() > LONGEST_VALUES { name } else { possible };
    if arg.is_require_equals_set() {
        format!("{short}--{long}[=<{value}>]")
    } else {
        format!("{short}--{long} <{value}>")
    }
}

/// Flags without blank lines between them and within their texts, as clap has them in its long help.
pub(in crate::cli) fn closed_up(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_flag = |line: &str| {
        let bare = line.replace("\u{1b}[1m", "");
        bare.starts_with("  ") && bare.trim_start().starts_with('-') && !bare.starts_with("  - ")
    };
    let kept = lines.iter().enumerate().filter(|(at, line)| {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        !line.trim().is_empty() || !(is_flag(next) || line.starts_with("     "))
    });
    kept.flat_map(|(_, line)| [*line, "\n"]).collect()
}
