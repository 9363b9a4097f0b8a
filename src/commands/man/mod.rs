//! `wps man --dir D`: a man page for `wps` and one for each command, made from the definition of the command line.

pub mod args;

use std::io::{self, Write as _};
use std::path::Path;

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use self::args::ManArgs;
use super::{CommandArgs, Task};
use crate::cli::{CommandHelp, SectionBody, TOPICS, Topic, all_commands, definition, help_of};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::environment::{Environment, Input};

impl CommandArgs for ManArgs {
    fn settle(self: Box<Self>, _: &Environment, _: &mut dyn Input) -> Result<Task, Failure> {
        Ok(Box::new(move |_| run(&self.dir).map(|()| 0)))
    }
}

/// The pages: file name and content.
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = definition();
    command.build();
    // What many commands have is explained in full on the page of its topic.
    let brief = |command: &clap::Command| {
        command.clone().mut_args(|arg| match Topic::of(&arg) {
            Some(_) => arg.long_help(None::<&str>).hide_possible_values(true),
            None => arg,
        })
    };
    let mut pages = vec![("wps.1".to_owned(), page(&command, "wps")?)];
    for (name, sub) in all_commands(&command) {
        let content = page(&brief(sub), &name)?;
        pages.push((format!("wps-{}.1", name.replace(' ', "-")), content));
    }
    for topic in TOPICS {
        pages.push((format!("{}.7", topic.page), topic_page(&topic.command(&definition()))?));
    }
    Ok(pages)
}

/// The page of a topic.
fn topic_page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let man = manual(command).section("7");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    unbroken().to_writer(&mut page)?;
    man.render_name_section(&mut page)?;
    explanations(&help_of(command)).to_writer(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    see_also(&[bold("wps"), roman("(1)")]).to_writer(&mut page)?;
    Ok(page)
}

/// A page of `wps` as such.
fn manual(command: &clap::Command) -> Man {
    Man::new(command.clone()).source(concat!("wps ", env!("CARGO_PKG_VERSION"))).manual("wps manual")
}

/// Words are not hyphenated and lines not stretched: much of it is code.
fn unbroken() -> Roff {
    let mut roff = Roff::new();
    roff.control("nh", []);
    roff.control("ad", ["l"]);
    roff
}

fn see_also(pages: &[Inline]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text(pages.to_vec());
    roff
}

/// Writes the pages to `dir`, which is made when missing; pages that are there already are replaced. Fails with exit 13.
pub fn run(dir: &Path) -> Result<(), Failure> {
    let pages = pages().or_internal()?;
    std::fs::create_dir_all(dir).or_fail(Kind::Output, format!("could not make the directory `{}`", dir.display()))?;
    for (name, content) in pages {
        let path = dir.join(name);
        std::fs::write(&path, content).or_fail(Kind::Output, format!("could not write `{}`", path.display()))?;
    }
    Ok(())
}

/// One page; `name` is the command's.
fn page(command: &clap::Command, name: &str) -> io::Result<Vec<u8>> {
    let subcommands: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
    let man = manual(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    unbroken().to_writer(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    let help = help_of(command);
    examples(&help).to_writer(&mut page)?;
    man.render_options_section(&mut page)?;
    commands(name, &subcommands).to_writer(&mut page)?;
    explanations(&help).to_writer(&mut page)?;
    let topics = TOPICS.iter().filter(|topic| {
        let has_flags = command.get_arguments().any(|arg| Topic::of(arg).is_some_and(|own| own.name == topic.name));
        name == "wps" || has_flags || topic.name == "exit-codes"
    });
    let topics = topics.flat_map(|topic| [roman(", "), bold(topic.page), roman("(7)")]);
    let first = match subcommands.is_empty() {
        true => vec![bold("wps"), roman("(1)")],
        false => vec![roman("The page of each command, as named above")],
    };
    see_also(&first.into_iter().chain(topics).collect::<Vec<_>>()).to_writer(&mut page)?;
    page.flush()?;
    Ok(page)
}

/// The usage line; the mangen crate's own names every flag there.
fn synopsis(command: &clap::Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(usage)]);
    roff
}

/// The commands and their pages.
fn commands(name: &str, subcommands: &[&clap::Command]) -> Roff {
    let group = if name == "wps" { String::new() } else { format!("{name}-") };
    let mut roff = Roff::new();
    if !subcommands.is_empty() {
        roff.control("SH", ["COMMANDS"]);
    }
    for sub in subcommands {
        roff.control("TP", []);
        roff.text([bold(format!("wps-{group}{}", sub.get_name())), roman("(1)")]);
        roff.text([roman(sub.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
    roff
}

fn examples(help: &CommandHelp) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for (line, meaning) in &help.examples {
        roff.control("TP", []);
        roff.text([bold(line)]);
        roff.text([roman(meaning)]);
    }
    roff
}

/// What follows the flags: promises, exit codes, environment.
fn explanations(help: &CommandHelp) -> Roff {
    let mut roff = Roff::new();
    for section in &help.sections {
        let title = match section.title.as_str() {
            // Where readers of man pages look for it.
            "Exit codes" => "EXIT STATUS".to_owned(),
            title => title.to_uppercase(),
        };
        match section.nested {
            true => roff.control("SS", [section.title.as_str()]),
            false => roff.control("SH", [title.as_str()]),
        };
        match &section.body {
            SectionBody::Prose(paragraphs) => {
                for (index, paragraph) in paragraphs.iter().enumerate() {
                    if index > 0 {
                        roff.control("PP", []);
                    }
                    roff.text([roman(paragraph)]);
                }
            }
            SectionBody::Table(rows) => {
                for (term, meaning) in rows {
                    roff.control("TP", []);
                    roff.text([bold(term)]);
                    roff.text([roman(meaning)]);
                }
            }
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_written_to_a_directory_that_is_made() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        run(&dir).unwrap();
        for name in ["wps.1", "wps-listen.1", "wps-man.1"] {
            assert!(dir.join(name).is_file(), "{name}");
        }
        assert!(!dir.join("wps-help.1").exists());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_output_failure() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        let failure = run(&file.join("dir")).unwrap_err();
        assert_eq!(failure.kind, Kind::Output);
        assert!(failure.summary().contains("could not make the directory"), "{}", failure.summary());
    }
}
