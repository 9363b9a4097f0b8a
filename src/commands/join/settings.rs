//! What `wps join` will do.

use webpubsub_proto::session::OnUnknown;

use super::args::JoinArgs;
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::{ConnectionSettings, connection, keep};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_commas;
use crate::options::operation::settings::groups;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::session_file::settings::SessionFileSettings;

/// `wps join`.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Groups to join, at least one, without repetition.
    pub groups: Vec<String>,
    /// Hold the membership until stopped.
    pub stay: bool,
    /// ackId of the first join; the others count up from it, which is checked to fit.
    pub ack_id: Option<u64>,
}

/// Settles `wps join`.
pub fn settle(args: JoinArgs, environment: &Environment, input: &mut dyn Input) -> Result<JoinSettings, Failure> {
    let groups = groups(args.groups, "GROUP")?;
    hint_at_commas(&groups, "", input);
    let further = groups.len().saturating_sub(1) as u64;
    if args.ack.ack_id.is_some_and(|first| first.checked_add(further).is_none()) {
        let failure = Failure::message(Kind::Usage, format!("`--ack-id` leaves no ids for {further} further groups"))
            .blame("--ack-id");
        return Err(failure.hint("ackIds end at 18446744073709551615"));
    }
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let policy = ReconnectPolicy { keeps_on: args.stay, rejoin: !args.rejoin.no_rejoin, on_unknown: OnUnknown::Fail };
    let connection = connection(args.connecting, policy, environment, input)?;
    let connection = keep(connection, SessionFileSettings::joining(args.session, args.stay))?;
    Ok(JoinSettings { connection, output, groups, stay: args.stay, ack_id: args.ack.ack_id })
}
