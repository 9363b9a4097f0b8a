//! What is printed, and how.

use super::args::{ReportArgs, StderrArgs};
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::environment::Environment;
use crate::options::expressions::args::{ConditionArgs, FilterArgs, ReplyConditionArgs};
use crate::options::expressions::settings::ExpressionSettings;
use crate::options::values::{ColorChoice, OnlyName, OutputFormat, ReportFormat};

/// What is printed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// What stdout carries.
    pub format: OutputFormat,
    /// Print only these records (`ndjson` and `raw`).
    pub only: Option<OnlyName>,
    /// Print the time before each message (`text`).
    pub timestamps: bool,
    /// Group streams are printed when they have ended, a message each.
    pub whole_streams: bool,
    /// What is printed of records, and when they end the run.
    pub expressions: ExpressionSettings,
    /// The environment's word is in it: ask [`ColorChoice::enabled`].
    pub color: ColorChoice,
    /// stderr has errors only.
    pub quiet: bool,
    /// 0 to 3: nothing more, lifecycle, frames, handshake.
    pub verbosity: u8,
    /// `WPS_LOG`, a tracing filter.
    pub log_filter: Option<String>,
}

impl OutputSettings {
    /// A report as `format` says, with nothing left out.
    pub fn report(
        format: ReportFormat,
        StderrSettings { color, quiet, verbosity, log_filter }: StderrSettings,
    ) -> Self {
        Self {
            format: format.into(),
            only: None,
            timestamps: false,
            whole_streams: false,
            expressions: ExpressionSettings::default(),
            color,
            quiet,
            verbosity,
            log_filter,
        }
    }

    /// The same as the flags say.
    pub fn of_report(args: ReportArgs, environment: &Environment) -> Result<Self, Failure> {
        Self::report(args.output, talk(&args.talk, environment)).filtered(args.filter)
    }

    /// With `--jq` and its kin. Another format than records contradicts it.
    pub fn filtered(mut self, args: FilterArgs) -> Result<Self, Failure> {
        if args.jq.is_some() && self.format != OutputFormat::Ndjson {
            let failure = Failure::message(Kind::Usage, "`--jq` prints results over the records of `-o ndjson` only")
                .blame("--jq");
            return Err(failure.hint("leave `-o` out; `--jq .data --only messages -r` prints bare payloads"));
        }
        self.expressions.jq = args.jq;
        self.expressions.raw = args.raw_output;
        Ok(self)
    }

    /// With `--until` and `--fail-on`.
    pub fn with_conditions(mut self, args: ConditionArgs) -> Self {
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

/// What is printed by a command that makes or explains something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSettings {
    /// What stdout carries.
    pub format: ReportFormat,
    /// The environment's word is in it: ask [`ColorChoice::enabled`].
    pub color: ColorChoice,
    /// stderr has errors only.
    pub quiet: bool,
    /// 0 to 3: nothing more, lifecycle, frames, handshake.
    pub verbosity: u8,
    /// `WPS_LOG`, a tracing filter.
    pub log_filter: Option<String>,
}

/// What stdout of a connecting command carries.
pub fn output(connecting: &ConnectingArgs, environment: &Environment) -> Result<OutputSettings, Failure> {
    let args = &connecting.output;
    if args.only.is_some() && !matches!(args.output, OutputFormat::Ndjson | OutputFormat::Raw) {
        let failure = Failure::message(Kind::Usage, "`--only` filters `-o ndjson` and `-o raw`").blame("--only");
        return Err(failure.hint("with `-o text` and `-o data`, stdout carries messages only, as it is"));
    }
    if args.timestamps && args.output != OutputFormat::Text {
        let failure = Failure::message(Kind::Usage, "`--timestamps` goes with `-o text`").blame("--timestamps");
        return Err(failure.hint("`-o ndjson` has the time in every record"));
    }
    let talk = talk(&args.talk, environment);
    Ok(OutputSettings {
        format: args.output,
        only: args.only,
        timestamps: args.timestamps,
        whole_streams: false,
        expressions: ExpressionSettings::default(),
        color: talk.color,
        quiet: talk.quiet,
        verbosity: talk.verbosity,
        log_filter: talk.log_filter,
    })
}

/// What is said on stderr.
pub struct StderrSettings {
    pub color: ColorChoice,
    pub quiet: bool,
    pub verbosity: u8,
    pub log_filter: Option<String>,
}

/// What is said on stderr, by flags and environment.
pub fn talk(args: &StderrArgs, environment: &Environment) -> StderrSettings {
    let azure = environment.get("AZURE_LOG_LEVEL").is_some_and(|level| level.eq_ignore_ascii_case("verbose"));
    let verbosity = match args.verbose.min(3) {
        0 if azure && !args.quiet => 2,
        given => given,
    };
    StderrSettings {
        color: args.color.resolve(environment),
        quiet: args.quiet,
        verbosity,
        log_filter: environment.get("WPS_LOG").map(str::to_owned),
    }
}

/// The same of a command that makes or explains something.
pub fn tool(format: ReportFormat, args: &StderrArgs, environment: &Environment) -> ReportSettings {
    let talk = talk(args, environment);
    ReportSettings {
        format,
        color: talk.color,
        quiet: talk.quiet,
        verbosity: talk.verbosity,
        log_filter: talk.log_filter,
    }
}
