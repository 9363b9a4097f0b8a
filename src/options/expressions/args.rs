//! Flags that take jq expressions.

use clap::Args;

/// What is printed, by an expression.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct FilterArgs {
    /// Print the results of this jq expression; means -o ndjson
    ///
    /// Over each record, one line of JSON each. The records are those of -o ndjson, `--only messages` leaves those of
    /// messages. A record without a result prints nothing; one for which the expression fails is warned about and
    /// prints nothing more. Numbers that are not calculated with keep their digits; integers are exact up to 128 bits.
    /// Half of a surrogate pair is U+FFFD.
    ///
    /// The functions are those of jq 1.7 but for `input`, `inputs`, `input_filename`, `input_line_number`, `$__loc__`,
    /// `builtins`, `get_search_list` and `lgamma_r`, and there are neither modules nor `?//`. `halt` fails, `debug`
    /// goes to the log. Regular expressions are Rust's, without look-around and back-references.
    ///
    /// An evaluation that takes longer than 10 s, more than 128 MiB, or recurses too deep fails. When the run is over,
    /// by --count or --for say, those of what came before have 10 s together, as far as they are slow.
    #[arg(long, value_name = "EXPR")]
    pub jq: Option<String>,

    /// Print strings among them bare
    ///
    /// Without quotes and escapes.
    #[arg(short, long, requires = "jq")]
    pub raw_output: bool,
}

/// When `listen` ends, by expressions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct ConditionArgs {
    /// End at the first record for which this jq expression is true, exit 0; it is the last that is printed
    ///
    /// It is true when one of its results is neither `false` nor `null`; where it fails, it is warned about and counts
    /// as false. It sees every record that -o ndjson would print but `stopped`, lifecycle included, also those that -o
    /// and --only leave out. With --count and the like, whichever comes first ends the run.
    #[arg(long, value_name = "JQ")]
    pub until: Option<String>,

    /// End at the first record for which this jq expression is true, exit 12; goes before --until
    ///
    /// It is evaluated as --until is. Where both are true for the same record, it is --fail-on that counts.
    #[arg(long, value_name = "JQ")]
    pub fail_on: Option<String>,
}

/// When `event` has its answer, by an expression.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct ReplyConditionArgs {
    /// Wait for a record for which this jq expression is true, instead of a number of answers; else exit 12
    ///
    /// It sees the records that -o ndjson would print but `stopped`; the one for which it is true is the last that is
    /// printed. Where it fails, it is warned about and counts as false. Waits as --wait-reply does.
    #[arg(long, value_name = "JQ")]
    pub until: Option<String>,
}
