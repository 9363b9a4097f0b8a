//! The flags that a profile adds to a command line. An error about one of them says that it stands in the profile.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::failure::{Failure, Kind};

/// The flags that stand in a profile and count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileOverlay {
    /// Name of the profile.
    pub profile: String,
    /// What names it: `--profile` or `WPS_PROFILE`.
    pub by: &'static str,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The long names of the flags, without dashes.
    pub flags: BTreeSet<String>,
    /// Those of the flags that are typed.
    pub typed: BTreeSet<String>,
}

impl ProfileOverlay {
    /// Whether a flag, without dashes, comes from the profile.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    /// What a flag is called when it comes from the profile.
    pub fn name(&self, flag: &str) -> String {
        format!("`{flag}` of the profile `{}`", self.profile)
    }

    /// Adds where the flags stand that a failure blames. Where none of them is typed, it is the configuration that is
    /// wrong, and not the command line.
    pub fn explain(&self, mut failure: Failure) -> Failure {
        let blamed: Vec<String> = failure.blames.intersection(&self.flags).map(|flag| format!("`--{flag}`")).collect();
        if blamed.is_empty() {
            return failure;
        }
        if failure.kind == Kind::Usage && failure.blames.is_disjoint(&self.typed) {
            failure.kind = Kind::Config;
        }
        let verb = if blamed.len() == 1 { "comes" } else { "come" };
        let (flags, profile, by, file) = (blamed.join(" and "), &self.profile, self.by, self.file.display());
        failure.hints.insert(0, format!("{flags} {verb} from the profile `{profile}` (`{by}`) in `{file}`"));
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(kind: Kind, blames: &[&str]) -> (Kind, Vec<String>) {
        let overlay = ProfileOverlay {
            profile: "work".to_owned(),
            by: "--profile",
            file: "config.toml".into(),
            flags: ["ping-timeout", "connection-string"].map(str::to_owned).into(),
            typed: ["hub", "ping-interval"].map(str::to_owned).into(),
        };
        let failure = Failure::message(kind, "it went wrong").hint("do something");
        let failure = overlay.explain(blames.iter().fold(failure, |failure, flag| failure.blame(flag)));
        (failure.kind, failure.hints)
    }

    #[test]
    fn what_is_blamed_and_stands_in_the_profile_is_said_to_stand_there() {
        let (kind, hints) = explained(Kind::Usage, &["--ping-timeout", "--ping-interval"]);
        let there = "from the profile `work` (`--profile`) in `config.toml`";
        assert_eq!(
            (kind, &hints),
            (Kind::Usage, &vec![format!("`--ping-timeout` comes {there}"), "do something".into()])
        );
        assert_eq!(explained(Kind::Usage, &["--ping-timeout", "--connection-string"]).0, Kind::Config);
        assert_eq!(explained(Kind::Usage, &["--connection-string", "--ttl"]).0, Kind::Config);
        for blames in [&["--hub"][..], &["GROUP"], &["WPS_URL"], &[]] {
            assert_eq!(explained(Kind::Usage, blames), (Kind::Usage, vec!["do something".into()]), "{blames:?}");
        }
    }
}
