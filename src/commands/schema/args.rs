//! The argument of `wps schema`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::records::TYPES;

/// `wps schema`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("help.md"))]
pub struct SchemaArgs {
    /// Record type, such as `group-message`; without it, all types
    #[arg(value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES), hide_possible_values = true)]
    pub kind: Option<String>,
}
