//! The argument of `wps schema`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::records::TYPES;

/// `wps schema`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct SchemaArgs {
    /// Type of the records, as in `group-message`; without it, all of them
    #[arg(value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES), hide_possible_values = true)]
    pub kind: Option<String>,
}
