//! The configuration file: from TOML to the flags of each profile, with everything that is wrong about them.

use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{SOURCES, TOKEN};
use crate::cli::{FlagValue, ProfileFlag, check_flag, profile_flags};
use crate::failure::{Failure, Kind};
use crate::options::environment::Input;
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::secret::{holds_secret, is_secret_header};

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    pub(super) profiles: Vec<Profile>,
    /// Faults that are no profile's.
    pub(super) faults: Vec<ProfileFault>,
}

/// A profile.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    /// What it holds, as far as it is right.
    pub(super) flags: Vec<FlagValue>,
    /// What is wrong.
    pub(super) faults: Vec<ProfileFault>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProfileFault {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

impl ProfileFault {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl ConfigFile {
    /// Reads the file; `None` when there is none.
    pub(super) fn read(path: &Path, input: &mut dyn Input) -> Result<Option<Self>, Failure> {
        let text = match input.file(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = format!("could not read `{}`", path.display());
                let failure = Failure::new(Kind::Config, error).context(what);
                return Err(failure.hint("it has to be a text file that you may read"));
            }
        };
        let text = text.trim_start_matches('\u{feff}');
        let table = text.parse::<Table>().map_err(|error| not_toml(path, text, &error))?;
        Ok(Some(Self::of(table, path.parent().unwrap_or(Path::new("")))))
    }

    fn of(table: Table, directory: &Path) -> Self {
        let mut file = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("profiles", Value::Table(profiles)) => {
                    for (name, value) in profiles {
                        match value {
                            Value::Table(table) => file.profiles.push(profile(name, table, directory)),
                            _ => file.faults.push(ProfileFault::new(format!("`profiles.{name}` is not a table"))),
                        }
                    }
                }
                _ => file.faults.push(
                    ProfileFault::new(format!("`{key}` is not known here"))
                        .hint("the file has tables `[profiles.NAME]` and nothing else"),
                ),
            }
        }
        file
    }
}

/// The place and the reason; the crate's own report would show the line, which may hold a secret.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let place = error.span().map(|span| {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!(" at line {line}, column {column}")
    });
    let what = format!("`{}` is not valid TOML{}", path.display(), place.unwrap_or_default());
    let reason = error.message().replace('\n', " ");
    Failure::new(Kind::Config, anyhow::anyhow!("{reason}").context(what))
        .hint("a profile begins with the line `[profiles.NAME]`, and has lines such as `hub = \"chat\"`")
}

fn profile(name: String, table: Table, directory: &Path) -> Profile {
    let known = profile_flags();
    let (mut flags, mut faults) = (Vec::new(), Vec::new());
    for (key, value) in table {
        let Some(flag) = known.get(&key) else {
            let fault = ProfileFault::new(format!("`{key}` is not a flag that a profile can hold"));
            faults.push(match suggestion(&key, known.keys()) {
                Some(name) => fault.hint(format!("did you mean `{name}`?")),
                None => fault,
            });
            continue;
        };
        match flag_values(&key, flag, value, directory) {
            Ok(values) => flags.extend(values),
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(contradictions(&flags));
    Profile { name, flags, faults }
}

/// A key of a profile as flags, a flag a value.
fn flag_values(key: &str, flag: &ProfileFlag, value: Value, directory: &Path) -> Result<Vec<FlagValue>, ProfileFault> {
    let values = match value {
        Value::Array(values) if flag.repeatable => values,
        Value::Array(_) => return Err(ProfileFault::new(format!("`{key}` takes one value, not a list"))),
        value => vec![value],
    };
    let mut flags = Vec::new();
    for value in values {
        let text = match value {
            Value::Boolean(true) if flag.stands_alone => {
                flags.push((key.to_owned(), None));
                continue;
            }
            Value::Boolean(false) if flag.stands_alone => continue,
            Value::Boolean(_) => return Err(ProfileFault::new(format!("`{key}` needs a value, not true or false"))),
            _ if !flag.takes_value => return Err(ProfileFault::new(format!("`{key}` is true or false"))),
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                return Err(ProfileFault::new(format!(
                    "the value of `{key}` is not a text, a number, or true or false"
                )));
            }
        };
        let text = referred(key, flag, text, directory)?;
        let flag = (key.to_owned(), Some(text));
        check_flag(&flag).map_err(ProfileFault::new)?;
        flags.push(flag);
    }
    Ok(flags)
}

/// A value that may stand in a file, its files with their whole paths.
fn referred(key: &str, flag: &ProfileFlag, text: String, directory: &Path) -> Result<String, ProfileFault> {
    if text == "-" && (SOURCES.contains(&key) || matches!(key, "proxy" | "header")) {
        return Err(
            ProfileFault::new(format!("`{key}` cannot be read from stdin in a profile")).hint(by_reference(key))
        );
    }
    let (mark, file) = match text.strip_prefix('@') {
        Some(file) => ("@", file),
        None if flag.is_file => ("", text.as_str()),
        None if key == "header" && is_secret_header(&text) => {
            return Err(ProfileFault::new(format!("`{key}` holds a secret in plain text")).hint(by_reference(key)));
        }
        None if holds_secret(&text) && !text.contains(DEVELOPMENT_KEY) => {
            return Err(ProfileFault::new(format!("`{key}` holds a secret in plain text")).hint(by_reference(key)));
        }
        None => return Ok(text),
    };
    let path = match file.strip_prefix("~/").zip(home()) {
        Some((rest, home)) => home.join(rest),
        None => directory.join(file),
    };
    Ok(format!("{mark}{}", path.display()))
}

fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

fn by_reference(key: &str) -> String {
    match key {
        "url" => "`url = \"@FILE\"` or `url-command = \"…\"` keeps it out of the configuration file".into(),
        "url-command" => {
            "the command itself can read it from a file, which keeps it out of the configuration file".into()
        }
        _ => format!("`{key} = \"@FILE\"` keeps it out of the configuration file"),
    }
}

/// What does not go together.
fn contradictions(flags: &[FlagValue]) -> Vec<ProfileFault> {
    let has = |name: &str| flags.iter().any(|(flag, _)| flag == name);
    let sources: Vec<&str> = SOURCES.into_iter().filter(|name| has(name)).collect();
    let mut faults = Vec::new();
    if let [first, second, ..] = sources.as_slice() {
        faults.push(ProfileFault::new(format!("it has two sources: `{first}` and `{second}`")));
    }
    if let [source @ ("url" | "url-command")] = sources.as_slice()
        && let Some(token) = TOKEN.into_iter().find(|name| has(name))
    {
        let fault = ProfileFault::new(format!("`{token}` does not go with `{source}`"));
        faults.push(fault.hint("a client access URL brings hub and token along"));
    }
    if has("no-reconnect") && has("reconnect-retries") {
        faults.push(ProfileFault::new("`no-reconnect` and `reconnect-retries` exclude each other"));
    }
    faults
}

/// The known name that is closest to what was written.
fn suggestion<'n>(written: &str, names: impl Iterator<Item = &'n String>) -> Option<&'n str> {
    let written = written.to_lowercase().replace('_', "-");
    let near = names.map(|name| (strsim::levenshtein(&written, name), name.as_str())).min()?;
    (near.0 <= 1 + written.len() / 4).then_some(near.1)
}
