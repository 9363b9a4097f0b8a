//! Lays examples and sections out as `--help` shows them, in plain text of 80 columns with headings in bold.

use std::fmt::Write as _;

use super::{Body, Help};

/// Widest line of the parts laid out here.
const WIDTH: usize = 80;

/// A heading in the style that clap gives its own.
fn heading(title: &str) -> String {
    format!("\u{1b}[1m\u{1b}[4m{title}:\u{1b}[0m\n")
}

/// The examples, as `--help` begins with them.
pub(in crate::cli) fn examples_text(help: &Help) -> String {
    let mut out = heading("Examples");
    for (line, meaning) in &help.examples {
        let _ = writeln!(out, "  {line}\n      {meaning}");
    }
    out
}

/// What follows the flags in `--help`.
pub(in crate::cli) fn sections_text(help: &Help) -> String {
    let mut out = String::new();
    for (index, section) in help.sections.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&heading(&section.title));
        match &section.body {
            Body::Prose(paragraphs) => {
                for paragraph in paragraphs {
                    let bullet = if paragraphs.len() > 1 { "  - " } else { "  " };
                    out.push_str(bullet);
                    wrap_after(&mut out, paragraph, bullet.len());
                }
            }
            Body::Table(rows) => table(&mut out, rows.iter().map(|(term, meaning)| (term.as_str(), meaning.as_str()))),
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
