//! The values that a flag or a word can have.

use clap::Arg;
use clap::builder::ValueHint;

use super::candidate::Candidate;
use webpubsub_proto::fault::{ACTIONS, KEYS};

/// What is known beside the definition of the command line.
pub trait KnownNames {
    /// The names of the profiles.
    fn profiles(&mut self) -> Vec<String>;
    /// What is in a folder: names, each with whether it is a folder itself.
    fn folder(&mut self, path: &str) -> Vec<(String, bool)>;
}

/// Flags whose value may be read from a file, `@FILE`; so may the URL that `url inspect` explains.
const BY_REFERENCE: [&str; 5] = ["url", "connection-string", "access-key", "proxy", "header"];

/// The roles that a token can have, for all groups; behind a point there is the name of one.
const ROLES: [(&str, &str); 2] =
    [("webpubsub.joinLeaveGroup", "join and leave all groups"), ("webpubsub.sendToGroup", "publish to all groups")];

/// What the value can be, of which `typed` is there already.
pub fn of(arg: &Arg, typed: &str, known: &mut dyn KnownNames) -> Vec<Candidate> {
    let id = arg.get_id().as_str();
    let hint = arg.get_value_hint();
    match arg.get_long() {
        Some("profile") => return known.profiles().into_iter().map(|name| Candidate::new(name, "")).collect(),
        Some("role") => return roles(typed),
        Some("fault") => return faults(typed),
        _ => {}
    }
    if arg.get_long().is_some_and(|long| BY_REFERENCE.contains(&long)) || id == "subject" {
        return match typed.strip_prefix('@') {
            Some(file) => with_prefix("@", files(file, false, known)),
            None => vec![Candidate::new("@", "from a file"), Candidate::new("-", "from stdin")],
        };
    }
    if matches!(hint, ValueHint::FilePath | ValueHint::AnyPath | ValueHint::DirPath) {
        return files(typed, hint == ValueHint::DirPath, known);
    }
    let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    let about = |value: &clap::builder::PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    values.map(|value| Candidate::new(value.get_name(), about(&value))).collect()
}

fn with_prefix(prefix: &str, found: Vec<Candidate>) -> Vec<Candidate> {
    found.into_iter().map(|found| Candidate { word: format!("{prefix}{}", found.word), ..found }).collect()
}

fn roles(typed: &str) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = ROLES.iter().map(|(role, about)| Candidate::new(*role, *about)).collect();
    // Of one group only, once that is what is being typed.
    let one = |(role, _): &(&str, &str)| Candidate::new(format!("{role}."), "of one group: its name follows");
    found.extend(ROLES.iter().filter(|(role, _)| typed.starts_with(role)).map(one));
    found
}

/// The piece of a fault behind its last comma, with the pieces before it.
fn faults(typed: &str) -> Vec<Candidate> {
    let Some((before, piece)) = typed.rsplit_once(',') else {
        let actions = ACTIONS.iter().flat_map(|action| {
            let bare = action.value.is_empty() || action.value.starts_with('[');
            let takes = !action.value.is_empty();
            let word = |takes: bool| format!("{}{}", action.name, if takes { "=" } else { "" });
            let words = [bare.then(|| word(false)), takes.then(|| word(true))];
            words.into_iter().flatten().map(|word| Candidate::new(word, action.meaning))
        });
        return actions.chain([Candidate::new("help", "list them all")]).collect();
    };
    let name = before.split([',', '=']).next().unwrap_or_default();
    let action = ACTIONS.iter().find(|action| action.name == name);
    if let Some(operations) = piece.strip_prefix("op=") {
        let first = operations.rsplit_once('|').map_or("", |(first, _)| &operations[..first.len() + 1]);
        let words = action.map(|action| action.operations).unwrap_or_default();
        return words.iter().map(|(word, _)| Candidate::new(format!("{before},op={first}{word}"), "")).collect();
    }
    let own = action.map(|action| action.params).unwrap_or_default().iter().map(|key| (*key, ""));
    let keys = own.chain(KEYS.iter().filter_map(|(key, about)| Some((key.split('=').next()?, *about))));
    keys.map(|(key, about)| Candidate::new(format!("{before},{key}="), about)).collect()
}

/// What begins with that path.
fn files(typed: &str, folders_only: bool, known: &mut dyn KnownNames) -> Vec<Candidate> {
    let (folder, name) = typed.rfind('/').map_or(("", typed), |at| typed.split_at(at + 1));
    let mut found: Vec<Candidate> = known
        .folder(folder)
        .into_iter()
        .filter(|(entry, is_folder)| {
            let shown = !entry.starts_with('.') || name.starts_with('.');
            shown && entry.starts_with(name) && (*is_folder || !folders_only)
        })
        .map(|(entry, is_folder)| Candidate::new(format!("{folder}{entry}{}", if is_folder { "/" } else { "" }), ""))
        .collect();
    found.sort_by(|one, other| one.word.cmp(&other.word));
    found
}
