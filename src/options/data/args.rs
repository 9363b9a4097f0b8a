//! Flags that say what is sent.

use std::path::PathBuf;

use clap::Args;

use crate::options::values::{DataType, EncodingName, key_value, time_to_live};

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Send the contents of this file, byte for byte
    #[arg(long, value_name = "F", conflicts_with = "data")]
    pub file: Option<PathBuf>,

    /// Type of the data
    ///
    /// `json` is checked before connecting (exit 11).
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE", default_value = "text")]
    pub data_type: DataType,

    /// Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored
    ///
    /// Only with --type binary or protobuf. Without it the bytes are sent as they are.
    #[arg(long, value_enum, value_name = "ENC")]
    pub encoding: Option<EncodingName>,
}

/// What goes with the data.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct MetadataArgs {
    /// Metadata to send with the data, as in `--metadata trace=42`; repeatable
    ///
    /// Receivers see it as `metadata`, event handlers as headers `X-WebPubSub-Metadata-K`. Keys follow the rules of
    /// HTTP headers, at most 256 characters; values are ASCII, at most 1024; all together at most 8 KiB.
    #[arg(long, value_name = "K=V", value_parser = key_value)]
    pub metadata: Vec<(String, String)>,
}

/// For how long it is worth delivering.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct TtlArgs {
    /// Discard the message if it is not delivered within this time, from 1s to 5m [default: no limit]
    ///
    /// Matters for receivers that are being recovered at that time. 0 is no limit.
    #[arg(long, value_name = "D", value_parser = time_to_live)]
    pub message_ttl: Option<u16>,
}
