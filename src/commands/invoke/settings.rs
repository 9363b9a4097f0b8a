//! What `wps invoke` will do.

use webpubsub_proto::session::Invocation;
use webpubsub_proto::{Metadata, OwnedData};

use super::args::{InvokeArgs, ManyArgs};
use crate::commands::bulk::settings::BulkFeed;
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::{ConnectionSettings, connection, keep, stdin_takers};
use crate::options::data::payload::PayloadSource;
use crate::options::data::settings::{codec, metadata, payload, payload_type};
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::operation::settings::on_unknown;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::session_file::settings::SessionFileSettings;
use crate::options::stdin;

/// How many wait for their answers at once, unless given.
const IN_FLIGHT: u16 = 256;

/// `wps invoke` of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct InvokeSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Name of the event.
    pub event: String,
    /// What to send; `None`: no data.
    pub payload: Option<PayloadSource>,
    /// What goes with it.
    pub metadata: Option<Metadata>,
    /// Its id, not empty; `None`: any.
    pub invocation_id: Option<String>,
}

/// `wps invoke` of many events.
#[derive(Clone, Debug, PartialEq)]
pub struct InvokeManySettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Name of the events; `None`: each record has its own.
    pub event: Option<String>,
    /// Where they come from: lines or records.
    pub feed: BulkFeed,
    /// What goes with each, unless a record has its own.
    pub metadata: Option<Metadata>,
    /// How many wait for their answers at once: 1 to 1000.
    pub in_flight: usize,
    /// A line that fails does not end it.
    pub keep_going: bool,
}

/// Whether there are to be many.
pub fn is_wanted(args: &ManyArgs) -> bool {
    args.lines || args.ndjson
}

fn policy(args: &InvokeArgs) -> ReconnectPolicy {
    ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown: on_unknown(args.unknown.on_unknown) }
}

/// Settles `wps invoke` of one event.
pub fn settle(args: InvokeArgs, environment: &Environment, input: &mut dyn Input) -> Result<InvokeSettings, Failure> {
    let given = [("--in-flight", args.many.in_flight.is_some()), ("--keep-going", args.many.keep_going)];
    if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
        let failure = Failure::message(Kind::Usage, format!("`{flag}` is about many invocations, and there is one"));
        return Err(failure.blame(flag).hint("`--lines` and `--ndjson` make many"));
    }
    if args.invocation_id.as_deref() == Some("") {
        return Err(Failure::message(Kind::Usage, "`--invocation-id` is empty").blame("--invocation-id"));
    }
    if args.invocation_id.is_some() && args.session.session.is_some() {
        let failure = Failure::message(Kind::Usage, "`--invocation-id` and `--session` do not go together")
            .blame("--invocation-id")
            .blame("--session");
        return Err(
            failure.hint("an answer to an earlier run's call of that id would be taken for the answer to this one")
        );
    }
    let policy = policy(&args);
    // Absent only with --ndjson.
    let event = args.name.unwrap_or_default();
    names::event("NAME", &event)?;
    let metadata = metadata(args.metadata)?;
    let codec = codec(&args.connecting);
    let payload = if args.data.is_some() || args.input.file.is_some() {
        let empty = OwnedData::text("");
        let invocation =
            Invocation { metadata: metadata.clone(), ..Invocation::new(event.clone(), Some(empty.clone())) };
        let chosen = if args.session.session.is_some() { LONGEST_DISTINCT_ID } else { LONGEST_ID };
        let id = args.invocation_id.as_deref().unwrap_or(chosen);
        let envelope = invocation.encode(codec, id).len().saturating_sub(codec.data_len(empty.as_data()));
        Some(payload(args.data, args.input, envelope, &args.connecting)?)
    } else {
        // Its flags are wrong where they would be, too.
        payload_type(codec, &args.input)?;
        None
    };
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let connection = connection(args.connecting, policy, environment, input)?;
    let connection = keep(connection, SessionFileSettings::invoking(args.session))?;
    Ok(InvokeSettings { connection, output, event, payload, metadata, invocation_id: args.invocation_id })
}

/// As long as one that is chosen can be.
pub const LONGEST_ID: &str = "18446744073709551615";
/// The same of one that no other run on the connection chooses.
const LONGEST_DISTINCT_ID: &str = "ffffffffffffffff-18446744073709551615";

/// Settles `wps invoke` of many events.
pub fn settle_many(
    args: InvokeArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<InvokeManySettings, Failure> {
    let policy = policy(&args);
    if let Some(event) = &args.name {
        names::event("NAME", event)?;
    }
    let own = if args.many.lines { "`--lines`" } else { "`--ndjson`" };
    if args.session.session.is_some() {
        let what = format!("`--session` and {own} do not go together");
        let failure = Failure::message(Kind::Usage, what).blame("--session");
        return Err(failure.hint(
            "which of many calls an earlier run has made, nobody can know: the service would carry them out again",
        ));
    }
    stdin::refuse_beside(&stdin_takers(&args.connecting), own, None)?;
    let feed = if args.many.lines {
        BulkFeed::Lines(payload_type(codec(&args.connecting), &args.input)?)
    } else {
        BulkFeed::Records
    };
    let metadata = metadata(args.metadata)?;
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let connection = connection(args.connecting, policy, environment, input)?;
    let in_flight = usize::from(args.many.in_flight.unwrap_or(IN_FLIGHT));
    let keep_going = args.many.keep_going;
    Ok(InvokeManySettings { connection, output, event: args.name, feed, metadata, in_flight, keep_going })
}
