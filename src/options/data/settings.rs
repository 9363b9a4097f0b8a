//! What is sent: where it comes from, and of which type it is.

use webpubsub_proto::{Codec, Metadata, OwnedData, Upstream};

use super::args::{DataArgs, MetadataArgs};
use super::payload::{DataFrom, Encoding, Framing, PayloadSource, PayloadType};
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::stdin_takers;
use crate::options::stdin;
use crate::options::values::{self, DataType};

/// How long the frame of an empty text is without what the text adds to it.
pub fn envelope(codec: Codec, frame: &Upstream<'_>) -> usize {
    codec.encode_upstream(frame).len().saturating_sub(codec.data_len(OwnedData::text("").as_data()))
}

/// How the frames of a connection are encoded.
pub fn codec(connecting: &ConnectingArgs) -> Codec {
    connecting.connection.protocol.subprotocol().codec()
}

/// The payload of one message.
pub fn payload(
    data: Option<String>,
    args: DataArgs,
    envelope: usize,
    connecting: &ConnectingArgs,
) -> Result<PayloadSource, Failure> {
    let codec = codec(connecting);
    let data_type = payload_type(codec, &args)?;
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
    Ok(PayloadSource { from, data_type, framing: Some(Framing { codec, envelope }) })
}

/// What the payload is, by its flags.
pub fn payload_type(codec: Codec, args: &DataArgs) -> Result<PayloadType, Failure> {
    if args.data_type == DataType::Protobuf && codec == Codec::Json {
        let failure = Failure::message(Kind::Usage, "`--type protobuf` needs a protobuf subprotocol")
            .blame("--type")
            .blame("--protocol");
        return Err(failure.hint("`--protocol protobuf-reliable` is one"));
    }
    Ok(match (args.data_type, args.encoding) {
        (DataType::Text, None) => PayloadType::Text,
        (DataType::Json, None) => PayloadType::Json,
        (DataType::Binary, None) => PayloadType::Binary(Encoding::Raw),
        (DataType::Binary, Some(values::EncodingName::Base64)) => PayloadType::Binary(Encoding::Base64),
        (DataType::Binary, Some(values::EncodingName::Hex)) => PayloadType::Binary(Encoding::Hex),
        (DataType::Protobuf, None) => PayloadType::Protobuf(Encoding::Raw),
        (DataType::Protobuf, Some(values::EncodingName::Base64)) => PayloadType::Protobuf(Encoding::Base64),
        (DataType::Protobuf, Some(values::EncodingName::Hex)) => PayloadType::Protobuf(Encoding::Hex),
        (DataType::Text | DataType::Json, Some(_)) => {
            let failure =
                Failure::message(Kind::Usage, "`--encoding` goes with `--type binary` and `--type protobuf` only")
                    .blame("--encoding")
                    .blame("--type");
            return Err(failure.hint("`--type binary` sends the bytes that the encoded text stands for"));
        }
    })
}

/// What goes with the data; `None`: nothing.
pub fn metadata(args: MetadataArgs) -> Result<Option<Metadata>, Failure> {
    if args.metadata.is_empty() {
        return Ok(None);
    }
    let pairs = args.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Metadata::new(pairs)
        .map(Some)
        .map_err(|error| Failure::message(Kind::Usage, format!("`--metadata`: {error}")).blame("--metadata"))
}
