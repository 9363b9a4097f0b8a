//! Settings of `wps replay`.

use std::path::PathBuf;

use super::args::{ReplayArgs, Speed};
use crate::failure::Failure;
use crate::options::connecting::settings::{ConnectionSettings, connection, stdin_takers};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::operation::settings::on_unknown;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::stdin;

/// `wps replay`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplaySettings {
    /// Where to connect; `None`: the frames are printed, not sent.
    pub connection: Option<ConnectionSettings>,
    /// What is printed.
    pub output: OutputSettings,
    /// The recording; `None`: standard input.
    pub file: Option<PathBuf>,
    /// How fast.
    pub speed: Speed,
    /// Where all messages of groups go.
    pub group: Option<String>,
    /// What was received, instead of what was sent.
    pub received: bool,
}

/// Settles `wps replay`.
pub fn settle(args: ReplayArgs, environment: &Environment, input: &mut dyn Input) -> Result<ReplaySettings, Failure> {
    if let Some(group) = &args.group {
        names::group("--group", group)?;
        hint_at_comma(group, input);
    }
    let file = Some(args.file).filter(|file| file.as_os_str() != "-");
    if file.is_none() {
        stdin::refuse_beside(&stdin_takers(&args.connecting), "FILE `-`", None)?;
    }
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let on_unknown = on_unknown(args.unknown.on_unknown);
    let policy = ReconnectPolicy { keeps_on: false, rejoin: true, on_unknown };
    let connection = if args.dry_run { None } else { Some(connection(args.connecting, policy, environment, input)?) };
    Ok(ReplaySettings { connection, output, file, speed: args.speed, group: args.group, received: args.received })
}
