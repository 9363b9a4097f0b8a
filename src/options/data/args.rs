//! Flags that say what is sent.

use std::path::PathBuf;

use clap::Args;

use crate::options::values::{DataType, Encoding};

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Send what this file holds, byte for byte
    #[arg(long, value_name = "F", conflicts_with = "data")]
    pub file: Option<PathBuf>,

    /// What the data is
    ///
    /// `json` is checked before connecting (exit 11).
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE", default_value = "text")]
    pub data_type: DataType,

    /// How binary data is written; decoded before it is sent; spaces and line breaks in it are ignored
    ///
    /// Only with --type binary or protobuf. Without it the bytes are taken as they are.
    #[arg(long, value_enum, value_name = "ENC")]
    pub encoding: Option<Encoding>,
}
