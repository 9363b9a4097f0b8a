//! Profiles as the command line sees them: which flags one may hold, and how these come into a command.
//!
//! Everything here follows from the definition of the flags, so a new flag that says where or how to connect can stand
//! in a profile without further ado. Which profile it is, and what is in it, is the settings' business.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::{Parsed, all_commands, definition, leading, parse, usage};
use crate::failure::Failure;

/// Headings of flags that say where and how to connect.
const HEADINGS: [&str; 5] = ["Connection", "Network", "Token", "Staying connected", "Operations"];

/// Flags under these headings that are about one run only.
const NOT_IN_PROFILES: [&str; 4] = ["profile", "ack-id", "no-ack", "session"];

/// A flag that a profile may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFlag {
    /// It can, or must, have a value.
    pub takes_value: bool,
    /// It can stand alone.
    pub stands_alone: bool,
    /// It can be given several times.
    pub repeatable: bool,
    /// Its value is a file.
    pub is_file: bool,
    /// Its value unless it is given.
    pub default: Option<String>,
}

/// A flag from a profile: its long name without dashes, and its value.
pub type FlagValue = (String, Option<String>);

/// The flags that a profile may hold, by their long names.
pub fn profile_flags() -> BTreeMap<String, ProfileFlag> {
    let command = definition();
    let args = all_commands(&command).into_iter().flat_map(|(_, command)| command.get_arguments());
    args.filter(|arg| is_held(arg))
        .filter_map(|arg| Some((arg.get_long()?.to_owned(), profile_flag(arg))))
        .filter(|(name, _)| !NOT_IN_PROFILES.contains(&name.as_str()))
        .filter(|(name, _)| !["group", "not-before", "claim", "audience"].contains(&name.as_str()))
        .collect()
}

/// Whether it is a flag that says where and how to connect: others may have its name in some command.
fn is_held(arg: &Arg) -> bool {
    arg.get_help_heading().is_some_and(|it| HEADINGS.iter().any(|own| it.starts_with(own)))
}

fn profile_flag(arg: &Arg) -> ProfileFlag {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let optional = arg.get_num_args().is_some_and(|number| number.min_values() == 0);
    ProfileFlag {
        takes_value,
        stands_alone: !takes_value || optional,
        repeatable: matches!(arg.get_action(), ArgAction::Append),
        is_file: arg.get_value_parser().type_id() == clap::value_parser!(PathBuf).type_id(),
        default: takes_value
            .then(|| arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned()))
            .flatten(),
    }
}

/// Whether a flag takes this value; the reason if not.
pub fn check_flag((name, value): &FlagValue) -> Result<(), String> {
    let definition = definition();
    let takers = all_commands(&definition);
    let taker = takers.iter().find(|(_, command)| command.get_arguments().any(|arg| arg.get_long() == Some(name)));
    let Some((taker, _)) = taker else { return Err("is no flag".to_owned()) };
    let args =
        std::iter::once("wps").chain(taker.split(' ')).map(OsString::from).chain([written(name, value.as_deref())]);
    match definition.clone().try_get_matches_from(args) {
        Ok(_) => Ok(()),
        // Values are looked at before what is missing is.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => Ok(()),
        Err(error) => Err(usage::failure(&error, &definition, Some(taker)).summary()),
    }
}

fn written(name: &str, value: Option<&str>) -> OsString {
    match value {
        Some(value) => format!("--{name}={value}").into(),
        None => format!("--{name}").into(),
    }
}

/// What a command line gives, as far as profiles are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedFlags {
    /// The long names of the flags that are given.
    pub given: BTreeSet<String>,
    /// The long names of the flags that the command has.
    pub known: BTreeSet<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// Whether the URL is given as an argument of its own.
    pub subject: bool,
    /// Whether the command is about profiles, and uses none.
    pub shows_profile: bool,
}

/// Looks through a command line that parses.
pub(super) fn typed_of(definition: &clap::Command, matches: &ArgMatches) -> TypedFlags {
    let (mut leaf, mut matches) = (definition, matches);
    while let Some((name, deeper)) = matches.subcommand() {
        let Some(sub) = leaf.find_subcommand(name) else { return TypedFlags::default() };
        (leaf, matches) = (sub, deeper);
    }
    let longs = |all: bool| {
        let wanted = |arg: &&Arg| all || is_given(matches, arg);
        leaf.get_arguments().filter(wanted).filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
    };
    TypedFlags {
        given: longs(false),
        known: longs(true),
        profile: matches.try_get_one::<String>("profile").ok().flatten().cloned(),
        subject: matches.try_contains_id("subject").unwrap_or_default(),
        shows_profile: leaf.get_name() == "show",
    }
}

fn is_given(matches: &ArgMatches, arg: &Arg) -> bool {
    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// The command that is meant, and what it is given.
fn taken_apart<'d>(definition: &'d clap::Command, args: &[OsString]) -> Option<(&'d clap::Command, ArgMatches)> {
    let (program, args) = args.split_first()?;
    let args = leading::move_behind_command(definition, args.to_vec()).ok()?;
    let mut matches = definition.clone().try_get_matches_from(std::iter::once(program.clone()).chain(args)).ok()?;
    let mut leaf = definition;
    while let Some((name, deeper)) = matches.remove_subcommand() {
        leaf = leaf.find_subcommand(name)?;
        matches = deeper;
    }
    Some((leaf, matches))
}

/// Parses the arguments with the flags of a profile behind them: what is given counts, and where that excludes a
/// profile's flag, or the command has no such flag, the profile's is passed over.
pub fn parse_with(args: Vec<OsString>, profile: &[FlagValue]) -> Result<Parsed, Failure> {
    let definition = definition();
    let Some((leaf, matches)) = taken_apart(&definition, &args) else { return parse(args) };
    let of = |long: &str| leaf.get_arguments().find(|arg| arg.get_long() == Some(long) && is_held(arg));
    let excluded = |arg: &Arg| {
        leaf.get_arguments().filter(|other| is_given(&matches, other)).any(|given| {
            let excludes =
                |one: &Arg, two: &Arg| leaf.get_arg_conflicts_with(one).iter().any(|it| it.get_id() == two.get_id());
            given.get_id() == arg.get_id() || excludes(given, arg) || excludes(arg, given)
        })
    };
    let fitting = profile.iter().filter(|(long, _)| of(long).is_some_and(|arg| !excluded(arg)));
    let fitting: Vec<OsString> = fitting.map(|(long, value)| written(long, value.as_deref())).collect();
    // Behind the command's name, before everything that is given to it.
    let mut args = args;
    let program = if args.is_empty() { OsString::from("wps") } else { args.remove(0) };
    let mut args = leading::move_behind_command(&definition, args)?;
    let names = super::named(&definition, &args).map_or(0, |name| name.split(' ').count());
    args.splice(names..names, fitting);
    parse(std::iter::once(program).chain(args))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command;

    fn args(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_flags_that_say_where_and_how_to_connect_can_stand_in_a_profile_and_no_others() {
        let flags = profile_flags();
        for name in [
            "url",
            "url-command",
            "connection-string",
            "local",
            "hub",
            "user",
            "role",
            "initial-group",
            "ttl",
            "protocol",
            "ca-cert",
            "insecure",
            "connect-timeout",
            "reconnect-retries",
            "no-rejoin",
            "ping-interval",
            "retries",
            "ack-timeout",
        ] {
            assert!(flags.contains_key(name), "{name}");
        }
        for name in ["profile", "group", "output", "count", "ack-id", "file", "port", "access-key", "quiet", "claim"] {
            assert!(!flags.contains_key(name), "{name}");
        }
        assert!(flags["ca-cert"].is_file && !flags["hub"].is_file);
        assert!(flags["role"].repeatable && !flags["hub"].repeatable);
        assert!(flags["local"].takes_value && flags["local"].stands_alone && !flags["insecure"].takes_value);
        assert_eq!(flags["connect-timeout"].default.as_deref(), Some("30s"));
    }

    #[test]
    fn help_names_all_of_them() {
        let text = include_str!("help/shared/profiles.md").replace('\n', " ");
        let named = text.split_once("All of them:").unwrap().1.split_once('.').unwrap().0;
        let named: Vec<&str> = named.split(',').map(|name| name.trim().trim_matches('`')).collect();
        assert_eq!(named, profile_flags().keys().collect::<Vec<_>>());
    }

    #[test]
    fn values_are_checked_as_on_the_command_line() {
        for (name, value) in
            [("ttl", Some("5m")), ("local", None), ("local", Some("9000")), ("on-unknown", Some("resend"))]
        {
            assert_eq!(check_flag(&(name.to_owned(), value.map(str::to_owned))), Ok(()), "{name}");
        }
        let fault = check_flag(&("ttl".to_owned(), Some("x".to_owned()))).unwrap_err();
        assert!(fault.contains("not a duration"), "{fault}");
    }

    #[test]
    fn what_is_given_goes_before_the_profile() {
        let profile: Vec<FlagValue> = [
            ("hub", Some("profile")),
            ("no-reconnect", None),
            ("insecure", None),
            ("on-unknown", Some("resend")),
            ("role", Some("a")),
            ("role", Some("b")),
            ("connect-timeout", Some("3s")),
        ]
        .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
        .to_vec();
        let Ok(Parsed::Run(Command::Listen(listen))) =
            parse_with(args("wps --local --hub given listen -g g --reconnect-retries 5"), &profile)
        else {
            panic!()
        };
        let connecting = &listen.connecting;
        assert_eq!((connecting.token.hub.as_deref(), connecting.token.roles.len()), (Some("given"), 2));
        assert!(!connecting.reconnect.attempts.no_reconnect && connecting.network.insecure);
        assert_eq!(connecting.connection.connect_timeout.as_secs(), 3);
        assert!(matches!(parse_with(args("wps send --local g -- -x"), &profile), Ok(Parsed::Run(Command::Send(_)))));
        assert!(matches!(parse_with(args("wps url create --local"), &profile), Ok(Parsed::Run(Command::Url(_)))));
        let (_, typed) = crate::cli::read(args("wps --local send g d --no-ack --profile p")).unwrap();
        assert_eq!(typed.given.into_iter().collect::<Vec<_>>(), ["local", "no-ack", "profile"]);
        assert!(typed.known.contains("retries") && !typed.known.contains("count"));
        assert_eq!((typed.profile.as_deref(), typed.subject), (Some("p"), false));
    }
}
