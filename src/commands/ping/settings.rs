//! What `wps ping` will do.

use std::time::Duration;

use webpubsub_proto::session::OnUnknown;

use super::args::PingArgs;
use crate::failure::Failure;
use crate::options::connecting::settings::{ConnectionSettings, connection};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;

/// `wps ping`.
#[derive(Clone, Debug, PartialEq)]
pub struct PingSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// End after so many pings, at least 1; `None`: go on until stopped.
    pub count: Option<u64>,
    /// From one ping to the next.
    pub interval: Duration,
    /// Ping through this group.
    pub group: Option<String>,
}

impl PingSettings {
    /// Whether it needs nobody to end it.
    pub fn ends_by_itself(&self) -> bool {
        self.count.is_some()
    }
}

/// Pings where nobody is there to end them.
const PINGS: u64 = 5;

/// Settles `wps ping`; `terminal`: stdout is one.
pub fn settle(
    mut args: PingArgs,
    terminal: bool,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<PingSettings, Failure> {
    if let Some(group) = &args.group {
        names::group("--group", group)?;
        hint_at_comma(group, input);
    }
    // Whether it goes with the other flags is looked at as it was typed.
    output(&args.connecting, environment)?;
    args.connecting.output.output = args.format(terminal);
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.with_conditions(args.conditions);
    // A message may come twice, and counts once.
    let policy = ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown: OnUnknown::Resend };
    let connection = connection(args.connecting, policy, environment, input)?;
    let count = args.count.or((!terminal).then_some(PINGS));
    Ok(PingSettings { connection, output, count, interval: args.interval, group: args.group })
}
