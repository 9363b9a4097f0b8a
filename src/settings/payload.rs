//! The payload of `send` and `event`: where it comes from, and the checks it passes before anything is sent.

use std::io::Read;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::protocol::OwnedData;

/// Where the payload comes from and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadSource {
    /// Where the bytes come from.
    pub from: DataFrom,
    /// What they are.
    pub data_type: PayloadType,
    /// How many bytes of the frame are not payload: the names and ids around it. Counts towards the size limit.
    pub envelope: usize,
}

/// Where the bytes of a payload come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFrom {
    /// The command line.
    Argument(String),
    /// Standard input, to its end, verbatim.
    Stdin,
    /// A file, verbatim.
    File(PathBuf),
}

/// What a payload is (PROTOCOL §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    /// Characters, UTF-8.
    Text,
    /// One JSON value.
    Json,
    /// Bytes, written in this way.
    Binary(Encoding),
}

/// How binary data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// base64, standard or URL-safe alphabet, padded or not; blanks and line breaks are ignored.
    Base64,
    /// Two hexadecimal digits a byte; blanks and line breaks are ignored.
    Hex,
}

impl PayloadSource {
    /// Reads and checks the payload. Failures are bad input data (exit 11): unreadable, not of its type, or too large
    /// for one frame.
    pub fn read(&self, _stdin: &mut dyn Read) -> Result<OwnedData, Failure> {
        Ok(OwnedData::text(""))
    }
}
