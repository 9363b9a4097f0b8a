//! What `wps state` will do.

use std::time::Duration;

use webpubsub_proto::GroupState;
use webpubsub_proto::session::OnUnknown;

use super::args::{StateListArgs, StateSetArgs, StateWatchArgs};
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::{ConnectionSettings, connection, keep};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::output::settings::{OutputSettings, output};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::session_file::settings::SessionFileSettings;

/// What all of them have.
#[derive(Clone, Debug, PartialEq)]
pub struct StateCommon {
    /// Where to connect.
    pub connection: ConnectionSettings,
    /// What is printed.
    pub output: OutputSettings,
    pub group: String,
}

/// `wps state set`.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSet {
    /// Where, and to whom.
    pub common: StateCommon,
    /// What is said; `None`: nothing any more.
    pub state: Option<GroupState>,
    /// For so long.
    pub duration: Option<Duration>,
}

/// `wps state list`.
#[derive(Clone, Debug, PartialEq)]
pub struct StateList(pub StateCommon);

/// `wps state watch`.
#[derive(Clone, Debug, PartialEq)]
pub struct StateWatch {
    /// Where, and whom.
    pub common: StateCommon,
    /// For so long.
    pub duration: Option<Duration>,
}

fn policy(keeps_on: bool, rejoin: bool) -> ReconnectPolicy {
    ReconnectPolicy { keeps_on, rejoin, on_unknown: OnUnknown::Fail }
}

/// The group, checked, and a connection whose token allows what is asked for, where it is signed here.
fn common(
    group: String,
    connecting: ConnectingArgs,
    output: OutputSettings,
    policy: ReconnectPolicy,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<StateCommon, Failure> {
    names::group("GROUP", &group)?;
    hint_at_comma(&group, input);
    let usual_roles = connecting.token.roles.is_empty();
    let mut connection = connection(connecting, policy, environment, input)?;
    if usual_roles {
        connection.source.allow_states();
    }
    Ok(StateCommon { connection, output, group })
}

/// Settles `wps state set`.
pub fn set(args: StateSetArgs, environment: &Environment, input: &mut dyn Input) -> Result<StateSet, Failure> {
    let state = if args.clear { None } else { Some(state(&args.entries)?) };
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    let policy = policy(true, !args.rejoin.no_rejoin);
    let mut common = common(args.group, args.connecting, output, policy, environment, input)?;
    let session_file = SessionFileSettings::joining(args.session, !args.clear);
    let session_file = session_file.map(|file| SessionFileSettings { command: "wps state set", ..file });
    common.connection = keep(common.connection, session_file)?;
    Ok(StateSet { common, state, duration: args.duration })
}

/// Settles `wps state list`.
pub fn list(args: StateListArgs, environment: &Environment, input: &mut dyn Input) -> Result<StateList, Failure> {
    let output = output(&args.connecting, environment)?.filtered(args.filter)?;
    common(args.group, args.connecting, output, policy(false, true), environment, input).map(StateList)
}

/// Settles `wps state watch`.
pub fn watch(args: StateWatchArgs, environment: &Environment, input: &mut dyn Input) -> Result<StateWatch, Failure> {
    let output = output(&args.connecting, environment)?.filtered(args.filter)?.with_conditions(args.conditions);
    let policy = policy(true, !args.rejoin.no_rejoin);
    let common = common(args.group, args.connecting, output, policy, environment, input)?;
    Ok(StateWatch { common, duration: args.duration })
}

/// A state of `K=V` each. Fails with a usage error.
pub fn state(entries: &[String]) -> Result<GroupState, Failure> {
    let mut state = GroupState::default();
    for entry in entries {
        let Some((name, value)) = entry.split_once('=') else {
            let failure = Failure::message(Kind::Usage, format!("`{entry}` is not of the form `K=V`")).blame("K=V");
            return Err(failure.hint("a name, `=`, and what it is, as in `status=typing`; both may be empty"));
        };
        if state.entries.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::message(Kind::Usage, format!("`{name}` is given twice")).blame("K=V"));
        }
    }
    state.check().map_err(|error| {
        Failure::new(Kind::Usage, error).blame("K=V").hint("it counts in UTF-8, and the service takes no more")
    })?;
    Ok(state)
}
