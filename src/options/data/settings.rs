//! What is sent: where it comes from, and of which type it is.

use webpubsub_proto::{Upstream, encode_upstream};

use super::args::DataArgs;
use super::payload::{DataFrom, Encoding, PayloadSource, PayloadType};
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::stdin_takers;
use crate::options::stdin;
use crate::options::values::{self, DataType};

/// How long the frame of an empty text is without its data and its type.
pub fn envelope(frame: &Upstream<'_>) -> usize {
    let mut encoded = String::new();
    encode_upstream(frame, &mut encoded);
    encoded.len() - "text\"\"".len()
}

/// The payload of one message.
pub fn payload(
    data: Option<String>,
    args: DataArgs,
    envelope: usize,
    connecting: &ConnectingArgs,
) -> Result<PayloadSource, Failure> {
    let data_type = payload_type(&args)?;
    let from = match (data, args.file) {
        (Some(dash), None) if dash == "-" => DataFrom::Stdin,
        (Some(text), None) => DataFrom::Argument(text),
        (None, Some(file)) => DataFrom::File(file),
        // Clap refuses both.
        (None, None) | (Some(_), Some(_)) => {
            return Err(Failure::message(Kind::Usage, "no data given")
                .hint("give DATA, `-` or `--lines` to take it from standard input, or `--file F`"));
        }
    };
    if from == DataFrom::Stdin {
        stdin::refuse_beside(&stdin_takers(connecting), "DATA `-`", Some("--file F"))?;
    }
    Ok(PayloadSource { from, data_type, envelope })
}

/// What the payload is, by its flags.
pub fn payload_type(args: &DataArgs) -> Result<PayloadType, Failure> {
    Ok(match (args.data_type, args.encoding) {
        (DataType::Text, None) => PayloadType::Text,
        (DataType::Json, None) => PayloadType::Json,
        (DataType::Binary, None) => PayloadType::Binary(Encoding::Raw),
        (DataType::Binary, Some(values::Encoding::Base64)) => PayloadType::Binary(Encoding::Base64),
        (DataType::Binary, Some(values::Encoding::Hex)) => PayloadType::Binary(Encoding::Hex),
        (DataType::Text | DataType::Json, Some(_)) => {
            let failure = Failure::message(Kind::Usage, "`--encoding` goes with `--type binary` only")
                .blame("--encoding")
                .blame("--type");
            return Err(failure.hint("`--type binary` sends the bytes that the encoded text stands for"));
        }
    })
}
