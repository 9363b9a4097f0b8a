//! `wps config show` and `wps config check`: what holds, and what is wrong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::file::{ConfigFile, Profile, ProfileFault};
use super::{SOURCES, VARIABLES, config_file, effective, load};
use crate::cli::{Command, FlagValue, Parsed, TypedFlags, parse_with, profile_flags};
use crate::commands::listen::settings as listen;
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input, Note};
use crate::options::network::settings as network;
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::connection_string::ConnectionString;
use webpubsub_net::secret::redact;

/// What `wps config check` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// A line for each profile and each fault.
    pub report: String,
    /// How many faults there are.
    pub faults: usize,
}

/// The settings of a connecting command without flags, as TOML with remarks.
pub fn show(flag: Option<&str>, environment: &Environment, input: &mut dyn Input) -> Result<String, Failure> {
    let path = config_file(input)?;
    let name = flag.or_else(|| environment.get("WPS_PROFILE"));
    let profile = name.map(|name| load(name, flag.is_some(), input)).transpose()?;
    let mut out = String::new();
    let there = if input.file(&path).is_ok() { "" } else { " (there is none)" };
    let _ = writeln!(out, "# file: {}{there}", path.display());
    match (&profile, flag) {
        (Some(profile), Some(_)) => drop(writeln!(out, "# profile: {} (--profile)", profile.name)),
        (Some(profile), None) => drop(writeln!(out, "# profile: {} (WPS_PROFILE)", profile.name)),
        (None, _) => {
            let names: Vec<String> = ConfigFile::read(&path, input)?
                .map(|file| file.profiles.into_iter().map(|profile| profile.name).collect())
                .unwrap_or_default();
            let names = if names.is_empty() { String::new() } else { format!("; there are: {}", names.join(", ")) };
            let _ = writeln!(out, "# profile: none{names}");
        }
    }
    let known = profile_flags();
    let typed = TypedFlags {
        known: known.keys().cloned().collect(),
        profile: flag.map(str::to_owned),
        ..TypedFlags::default()
    };
    let held = profile.as_ref().map(|profile| effective(profile, &typed, environment)).unwrap_or_default();
    source(&mut out, &held, environment);
    out.push_str(&network::of_environment(environment));
    for (name, flag) in &known {
        let values: Vec<&FlagValue> = held.iter().filter(|(held, _)| held == name).collect();
        match (values.as_slice(), &flag.default) {
            ([], None) => {}
            ([], Some(default)) => drop(writeln!(out, "{name} = {}  # default", quoted(default))),
            // What stands in a command, nobody but its author knows.
            ([(_, Some(command))], _) if name == "url-command" => {
                let program = command.split_whitespace().next().unwrap_or_default();
                let _ = writeln!(out, "{name} = {}  # its arguments are not shown", quoted(program));
            }
            ([(_, value)], _) if name == "proxy" => {
                let _ = writeln!(out, "proxy = {}  # where the environment names none", written(value.as_deref()));
            }
            ([(_, value)], _) if !flag.repeatable => drop(writeln!(out, "{name} = {}", written(value.as_deref()))),
            (values, _) => {
                let values: Vec<String> = values.iter().map(|(_, value)| written(value.as_deref())).collect();
                let _ = writeln!(out, "{name} = [{}]", values.join(", "));
            }
        }
    }
    Ok(out)
}

/// Where the source comes from.
fn source(out: &mut String, held: &[FlagValue], environment: &Environment) {
    let of_profile = held.iter().find(|(name, _)| SOURCES.contains(&name.as_str()));
    let of_environment = VARIABLES.iter().find_map(|name| Some((*name, environment.get(name)?)));
    let _ = match (of_profile, of_environment) {
        (Some((name, _)), _) => writeln!(out, "# source: {name}, below"),
        (None, Some((name @ "WPS_URL", url))) => match AccessUrl::parse(url.trim()) {
            Ok(url) => writeln!(out, "# source: {name}, {url}"),
            Err(error) => writeln!(out, "# source: {name}, which is malformed: {error}"),
        },
        (None, Some((name, string))) => match ConnectionString::parse(string) {
            Ok(string) => writeln!(out, "# source: {name}, {}", string.endpoint),
            Err(error) => writeln!(out, "# source: {name}, which is malformed: {error}"),
        },
        (None, None) => writeln!(out, "# source: none"),
    };
}

fn written(value: Option<&str>) -> String {
    value.map_or_else(|| "true".to_owned(), quoted)
}

fn quoted(value: &str) -> String {
    // A basic string of TOML is written like one of JSON.
    serde_json::Value::from(redact(value)).to_string()
}

/// The profiles, a line each: its name, what it connects to, and its hub, tab-separated; nothing where there are none.
pub fn list(input: &mut dyn Input) -> Result<String, Failure> {
    let path = config_file(input)?;
    let profiles = ConfigFile::read(&path, input)?.map(|file| file.profiles).unwrap_or_default();
    if profiles.is_empty() {
        input.note(Note::Hint(format!(
            "there are no profiles in `{}`; `wps config --help` says how to write one",
            path.display()
        )));
    }
    let mut out = String::new();
    for profile in profiles {
        let of = |wanted: &[&str]| profile.flags.iter().find(|(name, _)| wanted.contains(&name.as_str()));
        let source = of(&SOURCES).map_or("-", |(name, _)| name);
        let hub = of(&["hub"]).and_then(|(_, hub)| hub.as_deref()).unwrap_or("-");
        let _ = writeln!(out, "{}\t{source}\t{hub}", profile.name);
    }
    Ok(out)
}

/// Checks every profile.
pub fn check(input: &mut dyn Input) -> Result<CheckReport, Failure> {
    let path = config_file(input)?;
    let Some(file) = ConfigFile::read(&path, input)? else {
        let failure = Failure::message(Kind::Config, format!("there is no `{}`", path.display()));
        return Err(failure.hint("`wps config --help` says what stands in it"));
    };
    let mut report = String::new();
    let mut count = file.faults.len();
    file.faults.iter().for_each(|fault| line(&mut report, None, fault));
    for profile in &file.profiles {
        let mut faults = profile.faults.clone();
        faults.extend(references(profile, input));
        if faults.is_empty() {
            faults.extend(unusable(profile, input));
        }
        if faults.is_empty() {
            let _ = writeln!(report, "{}: ok", profile.name);
        }
        count += faults.len();
        faults.iter().for_each(|fault| line(&mut report, Some(&profile.name), fault));
    }
    if file.profiles.is_empty() && count == 0 {
        let _ = writeln!(report, "no profiles");
    }
    Ok(CheckReport { path, report, faults: count })
}

fn line(out: &mut String, profile: Option<&str>, fault: &ProfileFault) {
    let profile = profile.map(|name| format!("{name}: ")).unwrap_or_default();
    let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let _ = writeln!(out, "{profile}{}{hint}", redact(&fault.text));
}

/// What a profile refers to and cannot be read.
fn references(profile: &Profile, input: &mut dyn Input) -> Vec<ProfileFault> {
    let known = profile_flags();
    let mut faults = Vec::new();
    for (name, value) in profile.flags.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
        let secret = value.strip_prefix('@');
        let is_file = known.get(name).is_some_and(|flag| flag.is_file);
        let Some(file) = secret.or(is_file.then_some(value)) else { continue };
        if let Err(error) = input.file(Path::new(file)) {
            faults.push(ProfileFault { text: format!("`{name}`: could not read `{file}`: {error}"), hint: None });
        }
    }
    faults
}

/// What a command that uses the profile would say, when all that it refers to can be read.
fn unusable(profile: &Profile, input: &mut dyn Input) -> Option<ProfileFault> {
    let has = |name: &str| profile.flags.iter().any(|(flag, _)| flag == name);
    let mut flags = profile.flags.clone();
    // What a profile leaves to the command line.
    if !SOURCES.iter().any(|source| has(source)) {
        flags.push(("local".to_owned(), None));
    }
    if has("connection-string") && !has("hub") {
        flags.push(("hub".to_owned(), Some("hub1".to_owned())));
    }
    let failure = match parse_with(vec!["wps".into(), "listen".into()], &flags) {
        Ok(Parsed::Run(Command::Listen(args))) => listen::settle(*args, &Environment::default(), input).err()?,
        Ok(Parsed::Run(_) | Parsed::Print(_) | Parsed::Nothing(_)) => return None,
        Err(failure) => failure,
    };
    Some(ProfileFault { text: failure.summary(), hint: None })
}
