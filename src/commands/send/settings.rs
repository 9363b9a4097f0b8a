//! What `wps send` of one message will do.

use webpubsub_proto::{Metadata, OwnedData, Upstream};

use super::args::SendArgs;
use crate::commands::bulk::settings::refuse_without;
use crate::failure::Failure;
use crate::options::connecting::settings::{ConnectionSettings, connection, keep, publishing};
use crate::options::data::payload::PayloadSource;
use crate::options::data::settings::{codec, envelope, metadata, payload};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::operation::settings::{AckRequest, ack};
use crate::options::output::settings::{OutputSettings, output};
use crate::options::session_file::settings::SessionFileSettings;

/// `wps send`.
#[derive(Clone, Debug, PartialEq)]
pub struct SendSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Group to publish to.
    pub group: String,
    /// What to publish.
    pub payload: PayloadSource,
    /// Do not deliver to the own connection.
    pub no_echo: bool,
    /// For how long it is worth delivering, in seconds; 0 and `None`: for ever.
    pub ttl_seconds: Option<u16>,
    /// What goes with it.
    pub metadata: Option<Metadata>,
    /// Whether and under which id an ack is asked for.
    pub ack: AckRequest,
}

/// Settles `wps send` of one message.
pub fn settle(args: SendArgs, environment: &Environment, input: &mut dyn Input) -> Result<SendSettings, Failure> {
    refuse_without(&args.bulk)?;
    // Absent only with --ndjson.
    let group = args.group.unwrap_or_default();
    names::group("GROUP", &group)?;
    hint_at_comma(&group, input);
    let ack = ack(&args.ack.id);
    let (ttl_seconds, metadata) = (args.ttl.message_ttl, metadata(args.metadata)?);
    let empty = OwnedData::text("");
    let envelope = envelope(
        codec(&args.connecting),
        &Upstream::SendToGroup {
            group: group.as_str().into(),
            ack_id: ack.expected_id(),
            no_echo: args.no_echo,
            ttl_seconds,
            data: empty.as_data(),
            metadata: metadata.as_ref().map(Metadata::as_json),
        },
    );
    let payload = payload(args.data, args.input, envelope, &args.connecting)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let session_file = SessionFileSettings::sending(args.session, "wps send", ack)?;
    let connection = keep(connection(args.connecting, publishing(&args.ack), environment, input)?, session_file)?;
    Ok(SendSettings { connection, output, group, payload, no_echo: args.no_echo, ttl_seconds, metadata, ack })
}
