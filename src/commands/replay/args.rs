//! The flags of `wps replay`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::options::connecting::args::ConnectingArgs;
use crate::options::expressions::args::FilterArgs;
use crate::options::operation::args::OnUnknownArgs;

/// `wps replay`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct ReplayArgs {
    /// Recording made by --record; `-` reads it from stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Speed: `2x`, or `0.5` for half the original speed, or `max`, as fast as acks come in
    #[arg(long, value_name = "S", default_value = "1x", value_parser = speed)]
    pub speed: Speed,

    /// Publish to this group instead of the original ones
    #[arg(short, long, value_name = "G")]
    pub group: Option<String>,

    /// Publish what was received, instead of what was sent
    ///
    /// Group messages go to their groups, or to --group; messages from the application server belong to no group, and
    /// are skipped unless --group is given. A group stream is published as one message.
    #[arg(long)]
    pub received: bool,

    /// Print the frames, one per line, and send nothing; needs no connection
    #[arg(long)]
    pub dry_run: bool,

    /// What is printed, by an expression.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What every connecting command takes.
    #[command(flatten)]
    pub connecting: ConnectingArgs,
    /// Acks that did not come.
    #[command(flatten)]
    pub unknown: OnUnknownArgs,
}

/// How fast a recording is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was; more than 0.
    Times(f64),
    /// As fast as it goes.
    Max,
}

/// `2x`, `0.5`, `max`.
fn speed(text: &str) -> Result<Speed, String> {
    if text.eq_ignore_ascii_case("max") {
        return Ok(Speed::Max);
    }
    let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
    match number.parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
        _ => Err("not a speed such as `2x`, `0.5` or `max`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_or_max() {
        for (text, expected) in
            [("2x", Speed::Times(2.0)), ("0.5", Speed::Times(0.5)), ("1X", Speed::Times(1.0)), ("max", Speed::Max)]
        {
            assert_eq!(speed(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "-1", "x", "2y", "inf", "nan", "2 x"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
