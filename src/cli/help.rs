//! The parts of help texts that are not about single flags: examples, promises, exit codes, environment.
//!
//! They are Markdown, a file for each command in its room and one for each piece that several have, which stands in theirs
//! by its name, `{{name}}`. `--help` and the man pages are made from the same words. clap carries the text of a command's
//! file as it is; it is read and laid out when somebody asks for it.
//!
//! Of Markdown there is: `## Title` begins a section and `### Title` a part of one; each is paragraphs, or a list with `-`, or terms in backticks
//! with their meaning in the next line, behind `: `.

mod layout;
mod pieces;
mod topics;

pub(super) use layout::{closed_up, examples_text, sections_text, shared_flags, shared_names};
pub use topics::{TOPICS, Topic};

/// What is said of a command beside its flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandHelp {
    /// Commands to paste, each with what it does.
    pub examples: Vec<(String, String)>,
    /// The rest, in its order.
    pub sections: Vec<Section>,
}

/// A titled part of a help text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// It is a part of the one before.
    pub nested: bool,
    /// What stands in it.
    pub body: SectionBody,
}

/// What stands in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionBody {
    /// Paragraphs of prose.
    Prose(Vec<String>),
    /// A term and what it means, a row each.
    Table(Vec<(String, String)>),
}

/// The help of a command whose file has not been laid out yet.
pub fn of(command: &clap::Command) -> CommandHelp {
    command.get_after_long_help().map(|text| read(&text.to_string())).unwrap_or_default()
}

/// Reads a file of help.
pub(super) fn read(markdown: &str) -> CommandHelp {
    let mut help = CommandHelp::default();
    let markdown = expanded(markdown);
    let sections = markdown.split("\n## ").flat_map(|text| {
        text.trim_start_matches("## ").split("\n### ").enumerate().filter_map(|(at, text)| section(text, at > 0))
    });
    for section in sections {
        match section.body {
            SectionBody::Table(rows) if section.title == "Examples" => help.examples = rows,
            _ => help.sections.push(section),
        }
    }
    help
}

/// With each piece in the place of its name.
fn expanded(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    for line in markdown.lines() {
        let name = line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        match name.and_then(pieces::piece) {
            Some(piece) => out.push_str(&expanded(&piece)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// A section without its `## `, or a part of one, unless it is empty.
fn section(text: &str, nested: bool) -> Option<Section> {
    let (title, text) = text.split_once('\n')?;
    let paragraphs = text.split("\n\n").flat_map(|part| part.split("\n- ")).map(str::trim);
    let paragraphs: Vec<&str> = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect();
    let row = |paragraph: &&str| {
        let (term, meaning) = paragraph.split_once("\n: ")?;
        Some((term.strip_prefix('`')?.strip_suffix('`')?.to_owned(), joined(meaning)))
    };
    let rows: Option<Vec<(String, String)>> = paragraphs.iter().map(row).collect();
    let body = match rows {
        Some(rows) => SectionBody::Table(rows),
        None => {
            SectionBody::Prose(paragraphs.iter().map(|text| joined(text.strip_prefix("- ").unwrap_or(text))).collect())
        }
    };
    Some(Section { title: title.trim().to_owned(), nested, body })
}

/// The lines of a paragraph as one.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sections_of_paragraphs_lists_or_terms() {
        let help = read(
            "## Examples\n\n`wps a`\n: does\n  it\n\n## One\n\nA paragraph\nof two lines.\n\n### Part\n\n`t`\n: m\n\n## Two\n\n- a\n  b\n- c\n\n{{code-output}}\n",
        );
        assert_eq!(help.examples, [("wps a".to_owned(), "does it".to_owned())]);
        let prose = |title: &str, paragraphs: &[&str]| Section {
            title: title.to_owned(),
            nested: false,
            body: SectionBody::Prose(paragraphs.iter().map(|text| (*text).to_owned()).collect()),
        };
        assert_eq!(help.sections[0], prose("One", &["A paragraph of two lines."]));
        let part = SectionBody::Table(vec![("t".to_owned(), "m".to_owned())]);
        assert_eq!(help.sections[1], Section { title: "Part".to_owned(), nested: true, body: part });
        let SectionBody::Prose(two) = &help.sections[2].body else { panic!("{help:?}") };
        assert_eq!(two[..2], ["a b", "c"]);
    }
}
