//! Flags that take jq expressions.

use clap::Args;

/// What is printed, by an expression.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct FilterArgs {
    /// Print the results of this jq expression; implies -o ndjson
    ///
    /// It is applied to each record; each result is one line of JSON. The records are those of -o ndjson; `--only
    /// messages` restricts them to messages. A record without a result prints nothing; if the expression fails for a
    /// record, a warning is printed, and nothing more for that record. Numbers keep their digits unless calculated
    /// with; integers are exact up to 128 bits. Half of a surrogate pair is U+FFFD.
    ///
    /// The functions are those of jq 1.7 except `input`, `inputs`, `input_filename`, `input_line_number`, `$__loc__`,
    /// `builtins`, `get_search_list` and `lgamma_r`; there are no modules and no `?//`. `halt` fails, `debug` writes to
    /// the log. Regular expressions are Rust's, without look-around and back-references.
    ///
    /// An evaluation fails if it takes longer than 10 s or more than 128 MiB, or recurses too deeply. When the run is
    /// over, for example by --count, slow evaluations of the records received before that have 10 s in total.
    #[arg(long, value_name = "EXPR")]
    pub jq: Option<String>,

    /// Print strings without quotes and escapes
    ///
    /// Applies to results of --jq that are strings.
    #[arg(short, long, requires = "jq")]
    pub raw_output: bool,
}

/// When `listen` ends, by expressions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct ConditionArgs {
    /// End at the first record that matches this jq expression, exit 0; it is the last one printed
    ///
    /// A record matches if one of the results is neither `false` nor `null`; if the expression fails, a warning is
    /// printed and the record does not match. It sees every record that -o ndjson would print except `stopped`,
    /// including lifecycle records and those that -o and --only leave out. With --count and the like, whichever comes
    /// first ends the run.
    #[arg(long, value_name = "JQ")]
    pub until: Option<String>,

    /// End at the first record that matches this jq expression, exit 12; overrides --until
    ///
    /// It is evaluated like --until. If both match the same record, --fail-on counts.
    #[arg(long, value_name = "JQ")]
    pub fail_on: Option<String>,
}

/// When `event` has its answer, by an expression.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ending")]
pub struct ReplyConditionArgs {
    /// Wait for a record that matches this jq expression, instead of a number of answers; else exit 12
    ///
    /// It sees the records that -o ndjson would print except `stopped`; the one that matches is the last one printed.
    /// If the expression fails, a warning is printed and the record does not match. Waits as long as --wait-reply does.
    #[arg(long, value_name = "JQ")]
    pub until: Option<String>,
}
