//! The expressions of a run, as they were typed. They are compiled before anything is tried.

/// The jq expressions of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpressionSettings {
    /// `--jq`: what is printed of each record.
    pub jq: Option<String>,
    /// `--raw-output`: strings bare.
    pub raw: bool,
    /// `--until`: the run ends well at the first record for which it is true.
    pub until: Option<String>,
    /// `--fail-on`: the run fails at the first record for which it is true.
    pub fail_on: Option<String>,
}
