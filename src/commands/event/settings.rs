//! What `wps event` of one message will do.

use webpubsub_proto::{Metadata, OwnedData, Upstream};

use super::args::EventArgs;
use crate::commands::bulk::settings::refuse_without;
use crate::failure::Failure;
use crate::options::connecting::settings::{ConnectionSettings, connection, keep, publishing};
use crate::options::data::payload::PayloadSource;
use crate::options::data::settings::{codec, envelope, metadata, payload};
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::operation::settings::{AckRequest, ack};
use crate::options::output::settings::{OutputSettings, output};
use crate::options::session_file::settings::SessionFileSettings;

/// `wps event`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Name of the event.
    pub event: String,
    /// What to send.
    pub payload: PayloadSource,
    /// What goes with it.
    pub metadata: Option<Metadata>,
    /// Whether and under which id an ack is asked for.
    pub ack: AckRequest,
    /// Print so many server messages, at least 1, and then end.
    pub wait_reply: Option<u64>,
}

/// Settles `wps event` of one event.
pub fn settle(args: EventArgs, environment: &Environment, input: &mut dyn Input) -> Result<EventSettings, Failure> {
    refuse_without(&args.bulk)?;
    // Absent only with --ndjson.
    let event = args.name.unwrap_or_default();
    names::event("NAME", &event)?;
    let ack = ack(&args.ack.id);
    let metadata = metadata(args.metadata)?;
    let empty = OwnedData::text("");
    let envelope = envelope(
        codec(&args.connecting),
        &Upstream::Event {
            event: event.as_str().into(),
            ack_id: ack.expected_id(),
            data: empty.as_data(),
            metadata: metadata.as_ref().map(Metadata::as_json),
        },
    );
    let payload = payload(args.data, args.input, envelope, &args.connecting)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.answered(args.condition);
    let session_file = SessionFileSettings::sending(args.session, "wps event", ack)?;
    let connection = keep(connection(args.connecting, publishing(&args.ack), environment, input)?, session_file)?;
    Ok(EventSettings { connection, output, event, payload, metadata, ack, wait_reply: args.wait_reply })
}
