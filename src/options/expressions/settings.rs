//! The expressions of a run, as they were typed. They are compiled before anything is tried.

use super::args::{ConditionArgs, FilterArgs, ReplyConditionArgs};
use crate::failure::{Failure, Kind};
use crate::options::output::settings::Output;
use crate::options::values::Format;

/// The jq expressions of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expressions {
    /// `--jq`: what is printed of each record.
    pub jq: Option<String>,
    /// `--raw-output`: strings bare.
    pub raw: bool,
    /// `--until`: the run ends well at the first record for which it is true.
    pub until: Option<String>,
    /// `--fail-on`: the run fails at the first record for which it is true.
    pub fail_on: Option<String>,
}

impl Output {
    /// With `--jq` and its kin. Another format than records contradicts it.
    pub fn filtered(mut self, args: FilterArgs) -> Result<Self, Failure> {
        if args.jq.is_some() && self.format != Format::Ndjson {
            let failure = Failure::message(Kind::Usage, "`--jq` prints results over the records of `-o ndjson` only")
                .blame("--jq");
            return Err(failure.hint("leave `-o` out; `--jq .data --only messages -r` prints bare payloads"));
        }
        self.expressions.jq = args.jq;
        self.expressions.raw = args.raw_output;
        Ok(self)
    }

    /// With `--until` and `--fail-on`.
    pub fn judged(mut self, args: ConditionArgs) -> Self {
        self.expressions.until = args.until;
        self.expressions.fail_on = args.fail_on;
        self
    }

    /// With `--until` of `event`.
    pub fn answered(mut self, args: ReplyConditionArgs) -> Self {
        self.expressions.until = args.until;
        self
    }
}
