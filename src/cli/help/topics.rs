//! What `wps help` explains beside the commands: what many of them share, and the flags of it in full.

use clap::{Arg, Command};

/// Something that many commands share.
#[derive(Debug)]
pub struct Topic {
    /// As in `wps help NAME`.
    pub name: &'static str,
    /// Its man page, in section 7.
    pub page: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Beginnings of the headings that its flags stand under.
    headings: &'static [&'static str],
    /// What is said beside the flags, as a file of help.
    text: &'static str,
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "connection",
        page: "wps-connection",
        about: "where to connect, with which token, and profiles",
        headings: &["Connection", "Token"],
        text: include_str!("topics/connection.md"),
    },
    Topic {
        name: "network",
        page: "wps-network",
        about: "proxies, addresses, certificates, headers",
        headings: &["Network"],
        text: include_str!("topics/network.md"),
    },
    Topic {
        name: "reconnecting",
        page: "wps-reconnecting",
        about: "staying connected, and trying operations again",
        headings: &["Staying connected", "Operations"],
        text: include_str!("topics/reconnecting.md"),
    },
    Topic {
        name: "sessions",
        page: "wps-sessions",
        about: "connections that outlive the process: --session",
        headings: &[],
        text: include_str!("topics/sessions.md"),
    },
    Topic {
        name: "ndjson",
        page: "wps-records",
        about: "what is printed, and the records of -o ndjson",
        headings: &["Output"],
        text: include_str!("topics/ndjson.md"),
    },
    Topic {
        name: "exit-codes",
        page: "wps-exit-codes",
        about: "what the exit code says",
        headings: &[],
        text: include_str!("topics/exit-codes.md"),
    },
    Topic {
        name: "security",
        page: "wps-security",
        about: "where secrets go, and where they do not",
        headings: &[],
        text: include_str!("topics/security.md"),
    },
];

/// Flags under the headings of topics that belong to their command all the same.
const OWN: [&str; 7] = ["ack-id", "no-ack", "on-unknown", "group", "not-before", "claim", "token-only"];

impl Topic {
    /// The topic of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    /// The topic that explains a flag which many commands have.
    pub fn of(arg: &Arg) -> Option<&'static Self> {
        let heading = arg.get_help_heading()?;
        let long = arg.get_long()?;
        if long == "session" {
            return Self::named("sessions");
        }
        let explains = |topic: &&Self| topic.headings.iter().any(|begin| heading.starts_with(begin));
        TOPICS.iter().filter(|_| !OWN.contains(&long)).find(explains)
    }

    /// As a command that has the topic's flags and its text, so that help and man pages are made as those of commands are.
    pub fn command(&'static self, definition: &Command) -> Command {
        let mut command = Command::new(self.page)
            .about(self.about)
            .disable_help_flag(true)
            .max_term_width(100)
            .after_long_help(self.text);
        for (_, sub) in crate::cli::all_commands(definition) {
            let flags = sub.get_arguments().filter(|arg| Self::of(arg).is_some_and(|topic| topic.name == self.name));
            for flag in flags {
                if command.get_arguments().all(|known| known.get_long() != flag.get_long()) {
                    command = command.arg(flag.clone());
                }
            }
        }
        // What follows brings an empty line of its own.
        let has_flags = command.get_arguments().next().is_some();
        let template = if has_flags { "{about-with-newline}\n{all-args}{after-help}" } else { "{about}{after-help}" };
        command.help_template(template)
    }
}
