//! What `wps listen` will do.

use std::time::Duration;

use webpubsub_proto::session::OnUnknown;

use super::args::{ListenArgs, OnReadyArgs, Streams};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::{ConnectionSettings, connection, keep};
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_commas;
use crate::options::operation::settings::groups;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::session_file::settings::SessionFileSettings;
use crate::options::values::OutputFormat;

/// `wps listen`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenSettings {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    /// Groups to join, without repetition.
    pub groups: Vec<String>,
    /// What their members say of themselves is printed, too.
    pub states: bool,
    /// No flag puts it into a group.
    pub sees_no_group: bool,
    /// What is started when all groups are joined.
    pub on_ready: Option<OnReady>,
    /// End after so many messages, at least 1.
    pub count: Option<u64>,
    /// `--for`: end after this time.
    pub duration: Option<Duration>,
    /// End when no message came for this time.
    pub idle_timeout: Option<Duration>,
}

/// Settles `wps listen`.
pub fn settle(args: ListenArgs, environment: &Environment, input: &mut dyn Input) -> Result<ListenSettings, Failure> {
    let groups = groups(args.groups, "--group")?;
    hint_at_commas(&groups, "-g ", input);
    let has_initial = !args.connecting.token.initial_groups.is_empty();
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.with_conditions(args.conditions);
    let whole_streams = args.streams.streams == Streams::Whole;
    if whole_streams && output.format == OutputFormat::Raw {
        let failure =
            Failure::message(Kind::Usage, "`--streams whole` makes messages of frames, and `-o raw` shows frames");
        return Err(failure.blame("--streams"));
    }
    if whole_streams && args.session.session.is_some() {
        let failure = Failure::message(Kind::Usage, "`--streams whole` cannot go on with a stream of an earlier run");
        return Err(failure.blame("--streams").hint("with `--session` streams are shown as they come"));
    }
    let output = OutputSettings { whole_streams, ..output };
    let policy = ReconnectPolicy { keeps_on: true, rejoin: !args.rejoin.no_rejoin, on_unknown: OnUnknown::Fail };
    let session_file = SessionFileSettings::listening(args.session, &groups);
    let usual_roles = args.connecting.token.roles.is_empty();
    let mut connection = keep(connection(args.connecting, policy, environment, input)?, session_file)?;
    connection.session.stream_idle_timeout = args.streams.stream_idle_timeout;
    if args.states && usual_roles {
        connection.source.allow_states();
    }
    let on_ready = on_ready(args.on_ready, &connection.source, environment)?;
    let sees_no_group = groups.is_empty() && !has_initial && connection.session_file.is_none();
    Ok(ListenSettings {
        connection,
        output,
        sees_no_group,
        states: args.states,
        groups,
        on_ready,
        count: args.end.count,
        duration: args.end.duration,
        idle_timeout: args.end.idle_timeout,
    })
}

/// Variables with hosts that are reached without a proxy; the first that is set counts.
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A command for the shell, and what its environment says beside the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnReady {
    /// For the shell.
    pub command: String,
    /// Variables to set.
    pub variables: Vec<(&'static str, String)>,
}

/// What is started, if anything is.
fn on_ready(
    args: OnReadyArgs,
    source: &ConnectionSource,
    environment: &Environment,
) -> Result<Option<OnReady>, Failure> {
    let Some(command) = args.on_ready else { return Ok(None) };
    if command.trim().is_empty() {
        return Err(Failure::message(Kind::Usage, "`--on-ready` is empty")
            .blame("--on-ready")
            .hint("give a command for the shell"));
    }
    let variables = match source {
        // As `--local` itself: never through a proxy.
        ConnectionSource::Local { .. } => {
            let given = NO_PROXY.iter().find_map(|name| environment.get(name));
            let list = given.map_or("localhost".to_owned(), |list| format!("{list},localhost"));
            NO_PROXY.map(|name| (name, list.clone())).to_vec()
        }
        ConnectionSource::Url(_)
        | ConnectionSource::Signed(_)
        | ConnectionSource::Command(_)
        | ConnectionSource::Keyless(_) => Vec::new(),
    };
    Ok(Some(OnReady { command, variables }))
}
