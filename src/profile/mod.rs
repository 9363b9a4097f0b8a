//! Profiles: named sets of flags in the configuration file, and how one comes into a command line.
//!
//! A profile's keys are the long names of flags; which there are is the command line's business. Precedence is that of
//! the CLI contract, *Where to connect*: what is typed, `--profile`, the environment's sources, `WPS_PROFILE`. A fault
//! is a configuration error that names file, profile and key; secrets may not stand in the file at all.

mod file;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::{Command, FlagValue, Parsed, TypedFlags, parse_with};
use crate::failure::{Failure, Kind};
use crate::options::environment::{Environment, Input};
use crate::options::overlay::ProfileOverlay;
use file::{ConfigFile, Profile};

pub use report::CheckReport;
pub use report::{check, list, show};

/// What to do when a file has no profile at all; what it has instead may be a misspelt one.
const NO_PROFILES: &str =
    "it has none: a profile begins with the line `[profiles.NAME]`; `wps config check` tells what is wrong in the file";

/// Flags that name a source, of which there is one.
const SOURCES: [&str; 5] = ["url", "url-command", "connection-string", "endpoint", "local"];
/// Flags that shape a token signed here; a URL brings its own.
const TOKEN: [&str; 5] = ["hub", "user", "role", "initial-group", "ttl"];
/// Sources in the environment, the first one a URL.
const VARIABLES: [&str; 3] = ["WPS_URL", "WPS_CONNECTION_STRING", "WebPubSubConnectionString"];

/// Where the configuration file is, or would be.
pub fn config_file(input: &mut dyn Input) -> Result<PathBuf, Failure> {
    input.config_file().ok_or_else(|| {
        Failure::message(Kind::Config, "there is no home directory to look for a configuration file in")
            .hint("`XDG_CONFIG_HOME` or `HOME` names one")
    })
}

/// The names of the profiles that there are, as far as the file can be read.
pub fn names(input: &mut dyn Input) -> Vec<String> {
    let file = input.config_file().and_then(|path| ConfigFile::read(&path, input).ok().flatten());
    file.map(|file| file.profiles.into_iter().map(|profile| profile.name).collect()).unwrap_or_default()
}

/// The command of a command line with the profile in it that `--profile` or `WPS_PROFILE` names, and its overlay;
/// `None` where neither counts.
pub fn with_profile(
    args: Vec<OsString>,
    typed: TypedFlags,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Option<(Command, ProfileOverlay)>, Failure> {
    if !typed.known.contains("profile") || typed.shows_profile {
        return Ok(None);
    }
    let Some(name) = typed.profile.as_deref().or_else(|| environment.get("WPS_PROFILE")) else { return Ok(None) };
    let (by, file) = (by(typed.profile.is_some()), config_file(input)?);
    let profile = load(name, typed.profile.is_some(), input)?;
    let effective = effective(&profile, &typed, environment);
    // A typed flag overrides the profile, so it is not of the overlay.
    let flags = effective.iter().map(|(name, _)| name.clone()).filter(|name| !typed.given.contains(name)).collect();
    let typed = typed.given;
    let overlay = ProfileOverlay { profile: profile.name.clone(), by, file, flags, typed };
    match parse_with(args, &effective).map_err(|failure| overlay.explain(failure))? {
        Parsed::Run(command) => Ok(Some((command, overlay))),
        Parsed::Print(_) | Parsed::Nothing(_) => Ok(None),
    }
}

/// What names a profile.
fn by(flag: bool) -> &'static str {
    if flag { "--profile" } else { "WPS_PROFILE" }
}

/// A profile without faults.
fn load(name: &str, flag: bool, input: &mut dyn Input) -> Result<Profile, Failure> {
    let path = config_file(input)?;
    let by = by(flag);
    let Some(file) = ConfigFile::read(&path, input)? else {
        let what = format!("`{by}` names the profile `{name}`, but there is no `{}`", path.display());
        return Err(Failure::message(Kind::Config, what).hint("`wps config --help` says what stands in it"));
    };
    let Some(profile) = file.profiles.iter().find(|profile| profile.name == name) else {
        let what = format!("there is no profile `{name}` (`{by}`) in `{}`", path.display());
        let names: Vec<String> = file.profiles.iter().map(|profile| format!("`{}`", profile.name)).collect();
        let known = if names.is_empty() { NO_PROFILES.to_owned() } else { format!("it has {}", names.join(", ")) };
        return Err(Failure::message(Kind::Config, what).hint(known));
    };
    match profile.faults.first() {
        None => Ok(profile.clone()),
        Some(fault) => {
            let what = format!("the profile `{name}` in `{}` is not right", path.display());
            let mut failure = Failure::new(Kind::Config, anyhow::anyhow!("{}", fault.text).context(what));
            failure.hints.extend(fault.hint.clone());
            Err(failure.hint("`wps config check` lists everything that is wrong"))
        }
    }
}

/// What of the profile counts beside what is typed and what the environment says.
fn effective(profile: &Profile, typed: &TypedFlags, environment: &Environment) -> Vec<FlagValue> {
    let is_source = |name: &str| SOURCES.contains(&name);
    let typed_source = typed.given.iter().any(|name| is_source(name)) && !typed.subject;
    // A profile that is asked for overrides the environment, which overrides one that is there anyway.
    let variable = VARIABLES.iter().copied().find(|name| {
        let counts = *name != "WPS_URL" || typed.known.contains("url");
        counts && environment.get(name).is_some()
    });
    let by_environment = typed.profile.is_none() && variable.is_some();
    let keeps_source = !typed_source && !by_environment;
    let has_source = keeps_source && profile.flags.iter().any(|(name, _)| is_source(name));
    let url = if typed_source {
        typed.given.contains("url") || typed.given.contains("url-command")
    } else {
        // Without a source of its own, the profile leaves that to the environment.
        !has_source && variable == Some("WPS_URL")
    };
    let counts = |name: &str| match name {
        // What is inspected is given; a key of the profile checks it.
        "url" | "url-command" if typed.subject => false,
        name if is_source(name) => keeps_source,
        name if TOKEN.contains(&name) => !url && !typed.subject,
        _ => true,
    };
    profile.flags.iter().filter(|(name, _)| counts(name)).cloned().collect()
}
