//! Flags before the command: `wps --local listen` means `wps listen --local`.
//!
//! Which flags there are depends on the command, and so do their help and their errors. So a flag belongs to commands
//! only, and flags that stand before the command are moved behind it before clap sees them.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

use super::all_commands;
use crate::failure::{Failure, Kind};

/// `args` (without the program's name) with the flags before the command moved directly behind it. Left as they are
/// when a flag is unknown to every command or asks for help or the version, which clap then deals with. Fails when there
/// are flags but no command.
pub fn move_behind_command(command: &Command, args: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let mut end = 0;
    while let Some(arg) = args.get(end).and_then(|arg| arg.to_str()) {
        if !arg.starts_with('-') || arg == "-" || arg == "--" {
            break;
        }
        let takes_next = match arg.strip_prefix("--") {
            Some(long) => {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                find_any(command, |arg| arg.get_long() == Some(name)).map(|arg| value.is_none() && takes_next(arg))
            }
            None => short_takes_next(|short| find_any(command, |arg| arg.get_short() == Some(short)), &arg[1..]),
        };
        match takes_next {
            Some(takes_next) => end += 1 + usize::from(takes_next),
            None => return Ok(args),
        }
    }
    match args.get(end).map(OsString::as_os_str) {
        _ if end == 0 => return behind_own(command, args),
        None => {
            let failure = Failure::message(Kind::Usage, "no command given, only flags");
            return Err(failure.hint("`wps --help` lists the commands"));
        }
        Some(separator) if separator == OsStr::new("--") => return Ok(args),
        Some(_) => {}
    }
    let mut args = args;
    args[..=end].rotate_right(1);
    behind_own(command, args)
}

/// `args` with the flags behind a command that has commands of its own moved behind one of those.
fn behind_own(command: &Command, mut args: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let own = args.first().and_then(|name| name.to_str()).and_then(|name| command.find_subcommand(name));
    if let Some(own) = own.filter(|own| own.has_subcommands()) {
        let rest = args.split_off(1);
        args.extend(move_behind_command(own, rest)?);
    }
    Ok(args)
}

/// Whether a cluster of short flags (`vo` of `-vo ndjson`) takes the next argument; `None` if it has an unknown one.
pub fn short_takes_next<'c>(flag: impl Fn(char) -> Option<&'c Arg>, cluster: &str) -> Option<bool> {
    for (at, short) in cluster.char_indices() {
        let arg = flag(short)?;
        if takes_next(arg) {
            return Some(at + short.len_utf8() == cluster.len());
        }
    }
    Some(false)
}

/// The first flag of any of the commands for which `is` holds.
pub fn find<'c>(mut commands: impl Iterator<Item = &'c Command>, is: impl Fn(&Arg) -> bool) -> Option<&'c Arg> {
    commands.by_ref().flat_map(Command::get_arguments).find(|arg| is(arg))
}

/// The first flag of any command for which `is` holds.
fn find_any(command: &Command, is: impl Fn(&Arg) -> bool) -> Option<&Arg> {
    find(all_commands(command).into_iter().map(|(_, command)| command), is)
}

/// Whether a flag's value may be the next argument.
pub fn takes_next(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::cli::definition;

    #[test]
    fn flags_before_the_command_move_behind_it() {
        for (typed, expected) in [
            ("", ""),
            ("listen --local", "listen --local"),
            ("--local listen", "listen --local"),
            ("--local=9 --url u -vo ndjson send g d", "send --local=9 --url u -vo ndjson g d"),
            ("-ondjson -g a listen", "listen -ondjson -g a"),
            ("--url=u --count 5 listen -g a", "listen --url=u --count 5 -g a"),
            ("--retries 1 join -- g", "join --retries 1 -- g"),
            // The value of a flag may look like a command.
            ("--hub listen send g d", "send --hub listen g d"),
            ("--local url --user u create --ttl 1m", "url create --local --user u --ttl 1m"),
            ("-q config show", "config show -q"),
            ("url create --local", "url create --local"),
            // Clap answers these.
            ("url --help", "url --help"),
            ("--help", "--help"),
            ("-V", "-V"),
            ("--help listen", "--help listen"),
            ("--local --help", "--local --help"),
            ("--unknown listen", "--unknown listen"),
            ("-x listen", "-x listen"),
            ("--local -- listen", "--local -- listen"),
            ("- listen", "- listen"),
        ] {
            let args = typed.split_whitespace().map(OsString::from).collect();
            let moved = move_behind_command(&definition(), args).unwrap();
            assert_eq!(moved.join(OsStr::new(" ")), OsStr::new(expected), "{typed}");
        }
    }

    #[test]
    fn flags_without_a_command_are_an_error() {
        for typed in ["--local", "--local url", "url --local", "--url", "--url listen", "-vo"] {
            let args = typed.split_whitespace().map(OsString::from).collect();
            assert_eq!(move_behind_command(&definition(), args).unwrap_err().kind, Kind::Usage, "{typed}");
        }
    }

    #[test]
    fn a_flag_takes_a_value_in_all_commands_or_in_none() {
        let mut seen: HashMap<String, bool> = HashMap::new();
        let command = definition();
        for (_, sub) in all_commands(&command) {
            for arg in sub.get_arguments() {
                let names = arg.get_long().map(|l| format!("--{l}")).into_iter();
                for name in names.chain(arg.get_short().map(|s| format!("-{s}"))) {
                    assert_eq!(*seen.entry(name.clone()).or_insert(takes_next(arg)), takes_next(arg), "{name}");
                }
            }
        }
        assert!(seen.len() > 40);
    }
}
